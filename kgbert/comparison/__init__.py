"""Compare models with and without knowledge, and judge whether the knowledge helped."""
