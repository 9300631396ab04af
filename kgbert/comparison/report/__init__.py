"""The report of a comparison: tables, plots and the HTML page."""
