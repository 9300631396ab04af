"""Link all texts of an example."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, islice

from kgbert.data import Example
from kgbert.data.example import SEPARATOR
from kgbert.linking.mention import Linker, Mention
from kgbert.utils.errors import KGBertError


def link_examples(linker: Linker, examples: Sequence[Example]) -> list[list[Mention]]:
    """Return the mentions of each example, in characters of its joined text.

    Every text of an example is linked by itself, so that no mention crosses two of them.

    Raises:
        KGBertError: The linker returns another number of results than it was given texts.

    >>> def link(texts):
    ...     return [[Mention(0, len(text), ())] for text in texts]
    >>> link_examples(link, [Example("a fever", others=("a cough",))])
    [[Mention(start=0, end=7, candidates=()), Mention(start=8, end=15, candidates=())]]
    """
    texts = [text for example in examples for text in example.texts]
    found = linker(texts)
    if len(found) != len(texts):
        raise KGBertError(
            f"the linker returned {len(found):,} lists of mentions for {len(texts):,} "
            "texts. It has to return one for each text, an empty one where nothing is linked.",
            code="linker-result-count",
        )
    following = iter(found)
    return [list(_joined(example, following)) for example in examples]


def _joined(example: Example, found: Iterator[list[Mention]]) -> Iterator[Mention]:
    starts = accumulate((len(text) + len(SEPARATOR) for text in example.texts), initial=0)
    for start, mentions in zip(starts, islice(found, len(example.texts)), strict=False):
        for mention in mentions:
            yield mention._replace(start=mention.start + start, end=mention.end + start)
