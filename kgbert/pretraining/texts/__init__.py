"""The texts of a corpus, as rows of tokens with masks and links."""
