"""Cost and correctness of reading graphs."""
