"""Check a comparison for leakage and unfairness, and divide its test set into slices."""
