"""Pretraining on texts and ontologies, and its controls."""
