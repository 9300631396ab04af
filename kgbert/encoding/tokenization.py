"""Tokenise texts and pairs of texts, with offsets in the characters of the joined text."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from kgbert.data import Example
from kgbert.data.example import SEPARATOR
from kgbert.encoding.spans.entity_markers import MarkedText, mark
from kgbert.utils.errors import KGBertError

#: Outputs of a tokenizer that are no inputs of a model.
_PLACES = ("offset_mapping", "overflow_to_sample_mapping")


class TokenizedText(NamedTuple):
    """The tokens of a text, or of a pair of texts."""

    tokens: dict[str, list[int]]
    """The output of the tokenizer: input_ids, attention_mask ..."""
    offsets: list[tuple[int, int]]
    """Start and end of each token in :attr:`Example.joined`; (0, 0) for special tokens."""
    word_ids: list[int | None]
    marks: tuple[int, ...] = ()
    """The opening marker tokens of head and tail, if the text has relation arguments."""
    is_truncated: bool = False


def tokenize(tokenizer: Any, examples: Sequence[Example], max_length: int) -> list[TokenizedText]:
    """Return the tokens of each example; two texts are tokenised as a pair.

    Truncation shortens the longer text of a pair, so that both are kept.

    Raises:
        KGBertError: An example has more than two texts, or an argument of a relation is cut off.
    """
    rows: dict[int, TokenizedText] = {}
    for texts in (1, 2):
        places = [place for place, x in enumerate(examples) if len(x.texts) == texts]
        found = _tokenize(tokenizer, [examples[place] for place in places], max_length)
        rows.update(zip(places, found, strict=True))
    if len(rows) < len(examples):
        raise KGBertError(
            f"an example has {max(len(x.texts) for x in examples)} texts, but an encoder reads one "
            "text or a pair. Encode each pair of texts as one example.",
            code="too-many-texts",
        )
    return [rows[place] for place in range(len(examples))]


def _tokenize(tokenizer: Any, examples: Sequence[Example], max_length: int) -> list[TokenizedText]:
    if not examples:
        return []
    marked = [mark(x.text, x.arguments) if x.arguments else MarkedText(x.text) for x in examples]
    # Decoder-only tokenizers add nothing between two texts.
    glue = SEPARATOR if tokenizer.sep_token is None else ""
    others = [glue + text for x in examples for text in x.others]
    encoded = tokenizer(
        [x.text for x in marked],
        others or None,
        truncation=True,
        max_length=max_length,
        return_offsets_mapping=True,
    )
    rows = []
    for row, (example, text) in enumerate(zip(examples, marked, strict=True)):
        start = len(example.text) + len(SEPARATOR) - len(glue)
        firsts, seconds = _offsets(encoded, row)
        offsets = [
            (second[0] + start, second[1] + start) if second else first
            for first, second in zip(text.own(firsts), seconds, strict=True)
        ]
        rows.append(
            TokenizedText(
                {name: encoded[name][row] for name in encoded if name != "offset_mapping"},
                offsets,
                _word_ids(encoded, row),
                text.opening_tokens(firsts),
                bool(encoded.encodings and encoded.encodings[row].overflowing),
            )
        )
    return rows


def tokenize_windows(
    tokenizer: Any, examples: Sequence[Example], max_length: int, stride: int
) -> list[list[TokenizedText]]:
    """Return overlapping windows of each text; every window begins with the question, if any.

    Args:
        tokenizer: The tokenizer.
        examples: Texts; a second text is the question, which may take half of a window.
        max_length: Maximum number of tokens of a window.
        stride: Number of tokens that consecutive windows share, at most half of their text.
    """
    if not examples:
        return []
    has_question = [bool(example.others) for example in examples]
    windows: dict[int, list[TokenizedText]] = {}
    for split, asked in ((_text_windows, False), (_question_windows, True)):
        places = [place for place, each in enumerate(has_question) if each is asked]
        given = [examples[place] for place in places]
        found = split(tokenizer, given, max_length, stride) if given else []
        windows.update(zip(places, found, strict=True))
    return [windows[place] for place in range(len(examples))]


def _text_windows(
    tokenizer: Any, examples: Sequence[Example], max_length: int, stride: int
) -> list[list[TokenizedText]]:
    """Return overlapping windows of texts without a question."""
    room = max_length - tokenizer.num_special_tokens_to_add(pair=False)
    encoded = tokenizer(
        [x.text for x in examples],
        truncation=True,
        max_length=max_length,
        stride=max(0, min(stride, room // 2)),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    windows: list[list[TokenizedText]] = [[] for _ in examples]
    for row, source in enumerate(encoded["overflow_to_sample_mapping"]):
        tokens = {name: encoded[name][row] for name in encoded if name not in _PLACES}
        offsets = encoded["offset_mapping"][row]
        windows[source].append(TokenizedText(tokens, offsets, _word_ids(encoded, row)))
    return windows


def _question_windows(
    tokenizer: Any, examples: Sequence[Example], max_length: int, stride: int
) -> list[list[TokenizedText]]:
    """Return overlapping windows of texts, each with the question before it."""
    # Decoder-only tokenizers add nothing between two texts.
    glue = SEPARATOR if tokenizer.sep_token is None else ""
    questions, longest = _shortened(tokenizer, [x.others[0] for x in examples], max_length // 2)
    room = max_length - longest - tokenizer.num_special_tokens_to_add(pair=True) - len(glue)
    encoded = tokenizer(
        [question + glue for question in questions],
        [x.text for x in examples],
        truncation="only_second",
        max_length=max_length,
        stride=max(0, min(stride, room // 2)),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    sources = encoded["overflow_to_sample_mapping"]
    windows: list[list[TokenizedText]] = [[] for _ in examples]
    for row, source in enumerate(sources):
        windows[source].append(_window(encoded, row, examples[source]))
    return windows


def _shortened(tokenizer: Any, texts: Sequence[str], most: int) -> tuple[list[str], int]:
    """Return texts of at most ``most`` tokens, and the number of tokens of the longest."""
    encoded = tokenizer(
        list(texts),
        add_special_tokens=False,
        truncation=True,
        max_length=most,
        return_offsets_mapping=True,
    )
    lengths = list(map(len, encoded["input_ids"]))
    cut = [
        text[: offsets[-1][1]] if length == most else text
        for text, offsets, length in zip(texts, encoded["offset_mapping"], lengths, strict=True)
    ]
    return cut, max(lengths)


def _window(encoded: Any, row: int, example: Example) -> TokenizedText:
    """Return a window with the offsets of question and text in the joined text."""
    questions, texts = _offsets(encoded, row)
    start, length = len(example.text) + len(SEPARATOR), len(example.joined)
    in_question = [sequence == 0 for sequence in encoded.sequence_ids(row)]
    offsets = [
        text or ((question[0] + start, min(question[1] + start, length)) if inside else (0, 0))
        for question, text, inside in zip(questions, texts, in_question, strict=True)
    ]
    tokens = {name: encoded[name][row] for name in encoded if name not in _PLACES}
    return TokenizedText(tokens, offsets, _word_ids(encoded, row))


def _offsets(encoded: Any, row: int) -> tuple[list[tuple[int, int]], list[tuple[int, int] | None]]:
    """Return the offsets of each token in the first text, else (0, 0), and in the second text."""
    offsets: list[tuple[int, int]] = encoded["offset_mapping"][row]
    in_second = [sequence == 1 for sequence in encoded.sequence_ids(row)]
    pairs = list(zip(offsets, in_second, strict=True))
    return [(0, 0) if x else each for each, x in pairs], [each if x else None for each, x in pairs]


def _word_ids(encoded: Any, row: int) -> list[int | None]:
    """Return the word of each token; the words of a second text follow those of the first."""
    words, texts = encoded.word_ids(row), encoded.sequence_ids(row)
    both = list(zip(words, texts, strict=True))
    count = max((word + 1 for word, text in both if word is not None and not text), default=0)
    return [word if word is None or not text else word + count for word, text in both]
