"""Fine-tune a knowledge-injected model and evaluate it."""
