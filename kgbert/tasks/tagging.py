"""Between labelled spans of characters and one BIO tag a word."""

from typing import NamedTuple

from kgbert.data import Example, Span
from kgbert.data.tags import decode_tags
from kgbert.encoding.encoded import EncodedText


class Word(NamedTuple):
    """A word as the tokenizer splits texts: its first token, and its characters."""

    token: int
    start: int
    end: int


def words_of(encoded: EncodedText) -> list[Word]:
    """Return the words of a text itself, as far as the tokenizer did not cut it off."""
    words: dict[int, Word] = {}
    own_length = len(encoded.text) if encoded.own_length is None else encoded.own_length
    for token, (word, (start, end)) in enumerate(
        zip(encoded.word_ids, encoded.offsets, strict=True)
    ):
        # Some tokenizers count the blank before a word to its first token.
        start += len(encoded.text[start:end]) - len(encoded.text[start:end].lstrip())
        if word is not None and start < min(end, own_length):
            first = words.get(word, Word(token, start, end))
            words[word] = Word(first.token, first.start, end)
    return list(words.values())


def word_tags(example: Example, encoded: EncodedText) -> list[str]:
    """Return the tag of each word: that of the first span which overlaps it."""
    tags: list[str] = []
    before: Span | None = None
    for span in _span_of_each_word(example, encoded):
        tags.append("O" if span is None else ("I-" if span is before else "B-") + span.label)
        before = span
    return tags


def untagged(example: Example, encoded: EncodedText) -> list[Span]:
    """Return the spans that no word can tell: cut off, or sharing all words with another."""
    tagged = _span_of_each_word(example, encoded)
    return [span for span in example.spans if span not in tagged]


def _span_of_each_word(example: Example, encoded: EncodedText) -> list[Span | None]:
    return [
        next((x for x in example.spans if x.start < word.end and x.end > word.start), None)
        for word in words_of(encoded)
    ]


def spans_of(tags: list[str], encoded: EncodedText) -> list[Span]:
    """Return the spans of characters that the tags of a text's words stand for."""
    words = words_of(encoded)
    return [
        Span(words[first].start, words[end - 1].end, label)
        for first, end, label in decode_tags(tags)
    ]
