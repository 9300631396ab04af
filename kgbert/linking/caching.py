"""Link each text once."""

from collections.abc import Sequence

from kgbert.linking.mention import Linker, Mention


class CachingLinker:
    """Gives the mentions of a text again without asking the linker again.

    For the runs of a comparison, in which many arms and seeds read the same texts.
    """

    def __init__(self, linker: Linker) -> None:
        self.linker = linker
        self._known: dict[str, list[Mention]] = {}

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions of each text."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self.linker(new), strict=True))
        return [self._known[text] for text in texts]
