"""Measure, explain and show what a linker finds."""
