"""Read graphs that are written as JSON."""
