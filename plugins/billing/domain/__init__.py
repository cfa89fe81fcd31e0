"""The billing calendar as pure functions over dates and Decimals."""
