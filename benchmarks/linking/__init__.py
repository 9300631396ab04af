"""Quality and speed of entity linking."""
