"""Evidence for answers beside the head: the entities of labels, and how alike two texts are."""
