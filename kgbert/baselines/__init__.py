"""Published baselines: K-BERT, ERNIE, KnowBert, on2vec."""
