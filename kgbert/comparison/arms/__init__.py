"""The arms of a comparison: baseline, knowledge, controls, rivals and an upper bound."""
