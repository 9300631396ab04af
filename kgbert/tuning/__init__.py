"""Search for training settings until a requirement is met."""
