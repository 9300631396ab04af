"""Export, shrink and serve trained models."""
