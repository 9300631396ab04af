"""A linker that finds preferred names where they are capitalized."""

from collections.abc import Sequence

from kgbert import Candidate, KnowledgeGraph, Mention


class CapitalizedLinker:
    """Links each capitalized word that is the name of an entity."""

    def __init__(self, graph: KnowledgeGraph) -> None:
        self.entities = {graph.name(i).lower(): id for i, id in enumerate(graph.entity_ids)}

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions of each text."""
        return [self._mentions(text) for text in texts]

    def _mentions(self, text: str) -> list[Mention]:
        mentions, start = [], 0
        for word in text.split(" "):
            entity = self.entities.get(word.lower())
            if entity and word[0].isupper():
                mentions.append(Mention(start, start + len(word), (Candidate(entity, 1.0),)))
            start += len(word) + 1
        return mentions
