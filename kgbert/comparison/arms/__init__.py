"""The arms of a comparison: plain, knowledge, controls, rivals and a ceiling, on one code path."""
