"""Self-contained HTML pages and SVG plots, without scripts or external resources."""
