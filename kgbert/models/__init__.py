"""Encode entities and inject them into a backbone."""
