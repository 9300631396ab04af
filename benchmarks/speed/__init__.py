"""Cost of knowledge: time, memory, scaling."""
