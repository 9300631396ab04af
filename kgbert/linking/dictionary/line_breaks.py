"""Words that a hyphen breaks at the end of a line: "hyper-⏎tension"."""

import re
from collections.abc import Callable, Sequence

from kgbert.linking.mention import Mention

#: A hyphen at the end of a line inside a word, and the blanks before the rest of the word, which
#: may be a number.
_BREAK = re.compile(r"(?<=[^\W\d_])([-\u2010\u00ad])[ \t]*\r?\n[ \t]*(?=[^\W_])")


def has_broken_words(text: str) -> bool:
    r"""Return whether a line of a text ends inside a word.

    >>> has_broken_words("hyper-\ntension"), has_broken_words("a list:\n- fever")
    (True, False)
    """
    return "\n" in text and _BREAK.search(text) is not None


def link_broken_words(
    text: str,
    mentions: Sequence[Mention],
    link: Callable[[Sequence[str]], list[list[Mention]]],
) -> list[Mention]:
    """Return the mentions of a text, including those of words that line breaks interrupt.

    The text is linked again with each broken word joined, and with its hyphen kept. A mention that
    contains a line break and is found there replaces the mentions of the text that it overlaps.

    Args:
        text: The text as the user gave it.
        mentions: Its mentions without this rule, in reading order.
        link: Returns the mentions of texts.
    """
    found = list(mentions)
    for hyphen in ("", "-"):
        joined, offsets, breaks = _join(text, hyphen)
        [linked] = link([joined])
        for mention in linked:
            span = offsets[mention.start], offsets[mention.end - 1] + 1
            if not any(span[0] < position < span[1] for position in breaks):
                continue
            crossed = [other for other in found if other.start < span[1] and span[0] < other.end]
            if all(span[0] <= other.start and other.end <= span[1] for other in crossed):
                found = [other for other in found if other not in crossed or other[:2] == span]
                if not any(other[:2] == span for other in found):
                    found.append(Mention(*span, mention.candidates))
    return sorted(found)


def _join(text: str, hyphen: str) -> tuple[str, list[int], list[int]]:
    """Return a text with joined words, the offset of each character, and those of the breaks."""
    parts: list[str] = []
    offsets: list[int] = []
    breaks: list[int] = []
    end = 0
    for match in _BREAK.finditer(text):
        parts += [text[end : match.start()], hyphen]
        offsets += [*range(end, match.start()), *([match.start()] if hyphen else [])]
        breaks.append(match.start())
        end = match.end()
    return "".join([*parts, text[end:]]), [*offsets, *range(end, len(text))], breaks
