"""What all commands share: parsing, checks, progress."""
