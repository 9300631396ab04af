"""Convert records of annotation tools and data sets to the standard form.

A standard record has a text with a label or spans, or tokens with tags. Other forms are the exports
of doccano, Prodigy, Argilla, spaCy and Label Studio, and the columns of Hugging Face data sets.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kgbert.data.columns import (
    LABEL,
    QUESTION,
    SPANS,
    TAGS,
    TEXT,
    TOKENS,
    TRIGGERS,
    Record,
    located,
)
from kgbert.data.fields import json_cell
from kgbert.data.tags import decode_tags, detect_scheme, warn_of_inconsistent_tags
from kgbert.utils.errors import DataError
from kgbert.utils.missing_values import MISSING_WORDS

logger = logging.getLogger(__name__)

#: Columns with token tags.
_TAG_COLUMNS = (TAGS, "ner_tags", "labels", "ner")

#: Columns with spans, as objects or as lists of start, end and label.
_SPAN_COLUMNS = (SPANS, "entities", "labels", LABEL, "annotations", "annotation", "ents", "ner")

_START, _END = ("start", "start_offset", "begin"), ("end", "end_offset", "stop")
_FRAGMENTS = ("fragments", "offsets")
_SPAN_LABEL = (LABEL, "labels", "type", "tag")

#: Columns with an annotator's decision about a record in Prodigy and in Argilla: the name, all
#: words, and those that reject the record.
_DECISIONS = (
    ("answer", ("accept", "reject", "ignore"), ("reject", "ignore")),
    ("status", ("Default", "Edited", "Validated", "Discarded"), ("Discarded",)),
)


def standardize(records: Iterable[Record]) -> list[Record]:
    """Return records in their standard form, without those that an annotator rejected.

    >>> doccano = {"text": "High fever", "label": [[5, 10, "Sign"]]}
    >>> standardize([Record("line 1", doccano)])[0].values["spans"]
    [{'start': 5, 'end': 10, 'label': 'Sign'}]
    """
    cleaned = [Record(place, _cleaned(values)) for place, values in records]
    accepted = _accepted(cleaned)
    has_spans = any(_spans_of(values) for _, values in accepted)
    standard = []
    for place, values in accepted:
        with located(place):
            standard.append(Record(place, _standard(dict(values), has_spans=has_spans)))
    return _with_standard_tags(standard)


def _cleaned(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values without missing ones, and arrays as lists."""
    cleaned = {str(name): _plain(value) for name, value in values.items()}
    cleaned |= {name: json_cell(cleaned[name]) for name in (SPANS, TRIGGERS) if name in cleaned}
    # Not the ambiguous words: "none" and "-" are classes of many data sets.
    if LABEL in cleaned and str(cleaned[LABEL]).strip().lower() in {"", *MISSING_WORDS}:
        cleaned[LABEL] = None
    return cleaned


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # an array or a number of numpy
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    is_missing = type(value).__name__ in ("NAType", "NaTType") or value != value
    return None if is_missing else value


def _accepted(records: list[Record]) -> list[Record]:
    """Return the records that no annotator rejected, ignored or discarded."""
    accepted = records
    for column, words, rejecting in _DECISIONS:
        # A column with other words in it is not that of an annotation tool.
        if all(values.get(column) in words for _, values in records):
            accepted = [x for x in accepted if x.values[column] not in rejecting]
    if len(accepted) < len(records):
        logger.warning(
            "%d of %d records were left out: an annotator rejected, ignored or discarded them",
            len(records) - len(accepted),
            len(records),
        )
    return accepted


def _standard(values: dict[str, Any], *, has_spans: bool) -> dict[str, Any]:
    if TOKENS in values and _contains_strings(values[TOKENS]):
        values = _with_tags(values)
    if QUESTION in values and "context" in values and TEXT not in values:
        values[TEXT] = values.pop("context")
    if column := _span_column(values, has_spans=has_spans):
        values[SPANS] = [_standard_span(entry) for entry in values.pop(column)]
    if _are_spans(values.get(TRIGGERS)):
        values[TRIGGERS] = [_standard_span(entry) for entry in values[TRIGGERS]]
    choice = values.get(LABEL) or values.get("accept")
    if isinstance(choice, list) and len(choice) == 1 and isinstance(choice[0], str):
        values[LABEL] = choice[0]
    elif values.get(LABEL) == []:
        values[LABEL] = None
    _check_characters(values)
    return values


def _span_column(values: Mapping[str, Any], *, has_spans: bool) -> str | None:
    """Return the column of the spans; in a file with spans it can be an empty list."""
    for column in _SPAN_COLUMNS:
        entries = values.get(column)
        if _are_spans(entries) or (has_spans and entries == []):
            return column
    return None


def _spans_of(values: Mapping[str, Any]) -> bool:
    return _span_column(values, has_spans=False) is not None


def _are_spans(entries: Any) -> bool:
    return bool(isinstance(entries, list) and entries) and all(map(_is_span, entries))


def _is_span(entry: Any) -> bool:
    if isinstance(entry, list):
        return len(entry) == 3 and all(isinstance(offset, int) for offset in entry[:2])
    return isinstance(entry, dict) and (
        _first(entry, _START) is not None or bool(_fragments(entry))
    )


def _standard_span(entry: Any) -> dict[str, Any]:
    if isinstance(entry, list):
        start, end, label = entry
        return {"start": start, "end": end, LABEL: label}
    if fragments := _fragments(entry):
        entry = {**entry, "start": fragments[0][0], "end": fragments[-1][1]}
    label = _first(entry, _SPAN_LABEL)
    label = label[0] if isinstance(label, list) and len(label) == 1 else label
    standard = {"start": _first(entry, _START), "end": _first(entry, _END), LABEL: label}
    kept = {name: value for name, value in standard.items() if value is not None}
    kept |= {name: entry[name] for name in ("entity", "id") if entry.get(name) not in (None, "")}
    return kept | ({"fragments": fragments} if len(fragments) > 1 else {})


def _fragments(entry: Mapping[str, Any]) -> list[list[int]]:
    """Return start and end of each part of a span that may be discontinuous, in reading order."""
    parts = _first(entry, _FRAGMENTS)
    if not isinstance(parts, list) or not all(map(_is_fragment, parts)):
        return []
    return sorted(parts)


def _is_fragment(part: Any) -> bool:
    return (
        isinstance(part, list)
        and len(part) == 2
        and all(isinstance(offset, int) for offset in part)
        and part[0] < part[1]
    )


def _first(entry: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((entry[name] for name in names if entry.get(name) is not None), None)


def _with_tags(values: dict[str, Any]) -> dict[str, Any]:
    """Return values with tags in the standard column, or with spans if there is a text."""
    column = next((name for name in _TAG_COLUMNS if isinstance(values.get(name), list)), None)
    if column is None:
        return values if TEXT in values else values | {TEXT: " ".join(values.pop(TOKENS))}
    tags = values.pop(column)
    if any(isinstance(tag, int) for tag in tags):
        raise DataError(
            f"{column!r} are numbers, and this source has no names for them; write each tag as a "
            "string, or give the Hugging Face Dataset, whose features name them",
            code="unnamed-tags",
        )
    return values | {TAGS: tags}


def _with_standard_tags(records: list[Record]) -> list[Record]:
    """Return records with tags in the standard scheme, or with spans if there is a text."""
    tagged = [values for _, values in records if _is_tagged(values)]
    scheme = detect_scheme(tag for values in tagged for tag in values[TAGS] if isinstance(tag, str))
    standard, sentences = [], []
    for place, values in records:
        if _is_tagged(values) and _contains_strings(values[TAGS]):
            with located(place):
                tags = [scheme.standard_form(tag) for tag in values[TAGS]]
                values = _in_text(dict(values) | {TAGS: tags})
            sentences.append([(place, tag) for tag in tags])
        standard.append(Record(place, values))
    # The CoNLL reader warns itself, with the line numbers of the tags.
    warn_of_inconsistent_tags(sentences)
    return standard


def _is_tagged(values: Mapping[str, Any]) -> bool:
    return TOKENS in values and TAGS in values


def _in_text(values: dict[str, Any]) -> dict[str, Any]:
    """Return values with spans instead of tags, if they contain the text of the tokens."""
    if not isinstance(values.get(TEXT), str):
        return values
    tokens, tags = values.pop(TOKENS), values.pop(TAGS)
    if values.get(LABEL) or SPANS in values or len(tokens) != len(tags):
        return values
    starts, end = [], 0
    for token in tokens:
        start = values[TEXT].find(token, end)
        if start < 0:
            raise DataError(
                f"the token {token!r} does not stand in the text behind the one before it",
                code="token-outside-text",
            )
        starts.append(start)
        end = start + len(token)
    return values | {
        SPANS: [
            {"start": starts[first], "end": starts[last - 1] + len(tokens[last - 1]), LABEL: label}
            for first, last, label in decode_tags(tags)
        ]
    }


def _contains_strings(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _check_characters(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        for text in _texts_in(value):
            _check_text(name, text)


def _texts_in(value: Any) -> Iterator[str]:
    """Yield the texts in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(item)


def _check_text(name: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{name!r} has half of a character ({text[error.start]!r} at {error.start}); "
            r"write both halves of the \u pair, or the character itself",
            code="lone-surrogate",
        ) from error
