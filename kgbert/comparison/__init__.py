"""Say whether the knowledge helped."""
