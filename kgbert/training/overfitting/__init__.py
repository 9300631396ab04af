"""Measures against overfitting: what they change in model, loss and texts."""
