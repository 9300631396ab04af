"""Open files safely: size limits, archives, imports, and the format a file is in."""
