"""Cache the mentions of texts."""

from collections.abc import Iterable

from kgbert.linking.mention import Linker, Mention, as_texts


class CachingLinker:
    """Caches the mentions of each text.

    Use it for comparisons, in which many arms and seeds link the same texts.
    """

    def __init__(self, linker: Linker) -> None:
        self.linker = linker
        self._mentions: dict[str, list[Mention]] = {}

    def __call__(self, texts: Iterable[str]) -> list[list[Mention]]:
        """Return the mentions of each text."""
        texts = as_texts(texts)
        new = [text for text in dict.fromkeys(texts) if text not in self._mentions]
        self._mentions.update(zip(new, self.linker(new), strict=True))
        return [self._mentions[text] for text in texts]
