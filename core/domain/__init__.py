"""Pure values and rules that every plugin shares."""
