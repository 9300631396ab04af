"""Read the layout of SQuAD: articles with paragraphs with questions, in one JSON object."""

from collections.abc import Iterator
from typing import Any

from kgbert.data.columns import QUESTION, TEXT, Record, located
from kgbert.utils.errors import DataError


def is_squad(value: Any) -> bool:
    """Return whether a JSON value has the layout of SQuAD."""
    articles = value.get("data") if isinstance(value, dict) else None
    return isinstance(articles, list) and any(
        isinstance(article, dict) and "paragraphs" in article for article in articles
    )


def read_squad(value: Any) -> Iterator[Record]:
    """Yield one record per question; the title of its article is the id of the document.

    >>> qas = [{"id": "7", "question": "how high?", "answers": [{"text": "39", "answer_start": 9}]}]
    >>> value = {"data": [{"paragraphs": [{"context": "Fever of 39.", "qas": qas}]}]}
    >>> [record.place for record in read_squad(value)]
    ['article 1, paragraph 1, question 1']
    """
    for number, article in enumerate(value["data"], start=1):
        place = f"article {number:,}"
        for count, paragraph in enumerate(_objects(article, "paragraphs", place), start=1):
            inner = f"{place}, paragraph {count:,}"
            for position, entry in enumerate(_objects(paragraph, "qas", inner), start=1):
                values = {TEXT: paragraph.get("context"), QUESTION: entry.get("question")}
                if "answers" in entry or "is_impossible" in entry:
                    values["answers"] = entry.get("answers") or []
                identifier = {"id": article["title"]} if article.get("title") else {}
                yield Record(f"{inner}, question {position:,}", values | identifier)


def _objects(value: Any, name: str, place: str) -> list[dict[str, Any]]:
    entries = value.get(name) if isinstance(value, dict) else None
    if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries):
        return entries
    with located(place):
        raise DataError(
            f"there is no list of {name!r}; the layout of SQuAD is "
            '{"data": [{"paragraphs": [{"context": "...", "qas": [{"question": "...", '
            '"answers": [{"text": "...", "answer_start": 0}]}]}]}]}',
            code="malformed-squad",
        )
