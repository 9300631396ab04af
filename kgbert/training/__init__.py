"""Fine-tune a fused model and measure it."""
