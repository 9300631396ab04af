"""Task heads that transformers lacks."""
