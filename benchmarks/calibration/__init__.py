"""Error rates of the verdict itself."""
