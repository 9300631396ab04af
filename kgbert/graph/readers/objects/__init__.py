"""Readers of graphs that other libraries hold in memory."""
