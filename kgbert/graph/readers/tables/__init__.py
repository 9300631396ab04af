"""Read tables: files of separated values, and pandas DataFrames."""
