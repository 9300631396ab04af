"""Pages and pictures that stand alone: nothing is loaded from elsewhere, and no script runs."""
