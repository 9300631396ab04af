"""Published rival methods: K-BERT, ERNIE, KnowBert, on2vec."""
