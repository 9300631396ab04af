"""Continue the pretraining of an encoder on texts or on a knowledge graph."""
