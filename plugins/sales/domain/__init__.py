"""Rules of sales: pure functions over Decimals, dates and frozen dataclasses."""
