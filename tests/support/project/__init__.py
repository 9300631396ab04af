"""The files and the documentation of the project, for tests that check them."""
