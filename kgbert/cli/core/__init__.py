"""Parsing, checks and progress, shared by all commands."""
