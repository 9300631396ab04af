"""Inputs about spans: markers in the text, and tokens that a head pools."""
