"""Events: their annotation, their assembly from triggers and arguments, and their scores."""
