"""Which defaults should a training have? Measured on development texts only."""
