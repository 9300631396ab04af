"""Expand abbreviations that a text itself defines."""

import re
from collections.abc import Iterable, Mapping

from kgbert.linking.dictionary.abbreviations import find_definitions


def long_forms(text: str, spans: Iterable[tuple[int, int]] = ()) -> dict[str, str]:
    """Return the abbreviations that a text defines; of several definitions the first counts.

    Args:
        text: The text as the user gave it.
        spans: Start and end of known mentions.

    >>> long_forms("polycystic kidney disease (PKD)")
    {'PKD': 'polycystic kidney disease'}
    """
    return {short: text[start:end] for short, start, end in reversed(find_definitions(text, spans))}


def expand_abbreviations(surface: str, defined: Mapping[str, str]) -> str:
    """Return a surface form with its abbreviations expanded as the text defines them.

    >>> expand_abbreviations("familial PKD", {"PKD": "polycystic kidney disease"})
    'familial polycystic kidney disease'
    """
    if not defined:
        return surface
    shorts = "|".join(map(re.escape, sorted(defined, key=len, reverse=True)))
    pattern = rf"(?<!\w)({shorts})s?(?!\w)"
    return re.sub(pattern, lambda match: defined[match.group(1)], surface)


def definition_spans(text: str, taken: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans of abbreviations and their long forms that overlap no other span.

    >>> definition_spans("odd kidney disease (OKD); OKDs", [])
    [(0, 18), (20, 23), (26, 30)]
    """
    taken = list(taken)
    spans = []
    for short, start, end in find_definitions(text, taken):
        spans.append((start, end))
        pattern = rf"(?<!\w){re.escape(short)}s?(?!\w)"
        spans += [match.span() for match in re.finditer(pattern, text)]
    free = sorted(set(spans))
    for start, end in taken:
        free = [span for span in free if span[1] <= start or end <= span[0]]
    return free
