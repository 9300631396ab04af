"""Token classification: labelled spans of a text, as one BIO tag per word."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kgbert.data import Example, Span
from kgbert.data.class_names import labels_of
from kgbert.data.example import disjoint
from kgbert.data.fields import is_tagged, plain_example
from kgbert.data.tags import OUTSIDE, decode_tags
from kgbert.tasks.base import (
    IGNORED,
    EncodedExample,
    ExplainedAnswer,
    LabelSpace,
    Prediction,
    Slice,
    Task,
    align_left,
)
from kgbert.tasks.checks import check_continuous
from kgbert.tasks.metrics import SPAN_METRICS, span_scores
from kgbert.tasks.whole_texts.labels import MAX_CLASSES, label_set, log_odds
from kgbert.utils.errors import KGBertError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig

    from kgbert.encoding.encoded import Batch, EncodedText
    from kgbert.encoding.processor import KGBertProcessor
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.models.base import KGBertPreTrainedModel


class Word(NamedTuple):
    """A word of the tokenizer's pre-tokenization: its first token and character offsets."""

    token: int
    start: int
    end: int


@dataclass(frozen=True)
class SpansPrediction(Prediction):
    """The labelled spans of a text."""

    spans: tuple[Span, ...]
    tags: tuple[str, ...]
    """One tag per word of the encoded text."""

    @property
    def answer(self) -> list[str]:
        """The tags."""
        return list(self.tags)

    def lines(self) -> Iterator[str]:
        """Yield each span with its words and its label."""
        for span in self.spans:
            yield f"{span.start}-{span.end}  {self.text[span.start : span.end]}  {span.label}"

    def to_dict(self) -> dict[str, Any]:
        """Return text, spans and mentions; the tags are redundant."""
        plain = super().to_dict()
        del plain["tags"]
        return plain


class TokenClassification(Task):
    """The spans of an example are its target."""

    name = "token-classification"
    pipeline_tag = "token-classification"
    description = "columns text and spans, or tokens and tags, or CoNLL: labelled spans"
    metrics = SPAN_METRICS
    learns_classes = True
    tags_words = True

    @property
    def model_class(self) -> "type[KGBertPreTrainedModel]":
        """A token classifier."""
        from kgbert.models.task_models import KGBertForTokenClassification

        return KGBertForTokenClassification

    def read(self, record: Mapping[str, Any]) -> Example:
        """Return text and spans of a row, or its tokens with the spans of their tags."""
        return plain_example(record)

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Return whether a row has tokens with tags, or a list of spans and no label."""
        return is_tagged(record) or ("spans" in record and record.get("label") in (None, ""))

    def check(
        self,
        train: Sequence[Example],
        validation: Sequence[Example] = (),
        test: Sequence[Example] = (),
    ) -> None:
        """Raise DataError where spans overlap, have parts, or have a label that training lacks."""
        parts = {"train": train, "validation": validation, "test": test}
        check_continuous(parts)
        for examples in parts.values():
            for example in examples:
                disjoint(example.spans)
        label_set(parts, _span_labels, fewest=1)

    def classes(self, example: Example) -> frozenset[str]:
        """Return the labels of the spans."""
        return frozenset(_span_labels(example))

    def class_name(self, label: str) -> str | None:
        """Return the type of a tag; None for the tag outside all spans."""
        return None if label == OUTSIDE else label.partition("-")[2]

    def is_labelled(self, example: Example) -> bool:
        """Return True: a text without spans is one in which there is nothing to find."""
        return True

    def label_space(self, train: Sequence[Example]) -> LabelSpace:
        """Return the BIO tags: O, and B and I for each label."""
        labels = label_set({"train": train}, _span_labels, fewest=1)
        return LabelSpace((OUTSIDE, *(tag + name for name in labels for tag in ("B-", "I-"))))

    def targets(self, encoded: EncodedExample, config: "PreTrainedConfig") -> list[list[int]]:
        """Return a target per token: the word's tag at its first token, IGNORED at the others."""
        target = [IGNORED] * len(encoded.text.offsets)
        labels = labels_of(config)
        tags = word_tags(encoded.example, encoded.text)
        for word, tag in zip(words_of(encoded.example, encoded.text), tags, strict=True):
            target[word.token] = labels.index(tag)
        return [target]

    def collate_targets(
        self, targets: Sequence[Any], batch: "Batch", processor: "KGBertProcessor"
    ) -> dict[str, "Tensor"]:
        """Return the labels of the tokens, padded like the tokens."""
        import torch

        width = batch["input_ids"].shape[1]
        padding = [[IGNORED] * (width - len(target)) for target in targets]
        pairs = zip(padding, targets, strict=True)
        rows = [a + b if processor.pads_left else b + a for a, b in pairs]
        return {"labels": torch.tensor(rows, dtype=torch.int64)}

    def compute_outputs(self, model: Any, batch: "Batch", processor: "KGBertProcessor") -> "Tensor":
        """Return the logits of the tokens, aligned to the left."""
        return align_left(model(**batch).logits, batch, processor)

    def decode(
        self,
        outputs: Sequence[Any],
        encoded: EncodedExample,
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> SpansPrediction:
        """Return the spans of the most probable tags of the words."""
        labels, predicted = labels_of(config), np.asarray(outputs[0]).argmax(-1).tolist()
        tags = [labels[predicted[word.token]] for word in words_of(encoded.example, encoded.text)]
        spans = tuple(spans_of(tags, encoded.example, encoded.text))
        return SpansPrediction(encoded.example.text, spans, tuple(tags))

    def gold(self, encoded: EncodedExample, graph: "KnowledgeGraph") -> list[str]:
        """Return the tags of the words, followed by tags of spans that no word can represent.

        No prediction can match those spans, so they count as missed.
        """
        missed = (f"B-{span.label}" for span in untagged(encoded.example, encoded.text))
        return [*word_tags(encoded.example, encoded.text), *missed]

    def score(self, gold: Sequence[list[str]], predicted: Sequence[list[str]]) -> dict[str, float]:
        """Return precision, recall and F1 of spans; truncated spans count as missed."""
        padded = [
            [*tags, *[OUTSIDE] * (len(right) - len(tags))]
            for right, tags in zip(gold, predicted, strict=True)
        ]
        return span_scores(gold, padded)

    def answers(self, prediction: SpansPrediction, config: "PreTrainedConfig") -> list[str]:
        """Return each predicted span with its label, ``0-5 Disease`` for example."""
        return [f"{span.start}-{span.end} {span.label}" for span in prediction.spans]

    def answer_label(self, name: str) -> str:
        """Return the label of a span."""
        return _span_of_answer(name)[2]

    def answer_scores(
        self,
        outputs: "Sequence[Tensor]",
        answer: ExplainedAnswer,
        encoded: EncodedExample,
        config: "PreTrainedConfig",
    ) -> "Tensor":
        """Return the mean log-odds of the tags of a span, over its words.

        The contrast is another label of the same words; ``O`` stands for no label.
        """
        start, end, label = _span_of_answer(answer.name)
        words = [
            word
            for word in words_of(encoded.example, encoded.text)
            if word.start < end and start < word.end
        ]
        if not words:
            raise KGBertError(
                f"the text has no word from {start} to {end}, so that no span there can be "
                "explained; offsets count characters from 0, the end is exclusive.",
                code="span-without-words",
            )
        labels = labels_of(config)
        scores = [
            log_odds(
                outputs[0][:, word.token],
                ExplainedAnswer(
                    _tag(label, place), answer.contrast and _tag(answer.contrast, place)
                ),
                labels,
            )
            for place, word in enumerate(words)
        ]
        return sum(scores[1:], start=scores[0]) / len(scores)

    def slices(self, train: Sequence[Example], test: Sequence[EncodedExample]) -> Iterator[Slice]:
        """Yield slices of spans: with names seen or unseen in training, and by label."""
        if train:
            yield from _name_slices(train, test)
        counts = Counter(name for x in test for name in self.classes(x.example))
        for label, size in counts.most_common(MAX_CLASSES) if len(counts) > 1 else ():
            yield Slice(f"class: {label}", range(len(test)), size, _only_label(label))


def _span_of_answer(name: str) -> tuple[int, int, str]:
    """Return start, end and label of a span that is written as ``START-END LABEL``."""
    match = re.fullmatch(r"(\d+)-(\d+) (.+)", name)
    if not match:
        raise KGBertError(
            f"{name!r} is no labelled span; write its start, its end and its label, for example "
            "'0-5 Disease'.",
            code="answer-is-no-span",
        )
    return int(match[1]), int(match[2]), match[3]


def _tag(label: str, place: int) -> str:
    """Return the tag of a word at a place of a span."""
    return label if label == OUTSIDE else f"{'I' if place else 'B'}-{label}"


def words_of(example: Example, encoded: "EncodedText") -> list[Word]:
    """Return the words of the annotated text that the tokenizer did not truncate."""
    words: dict[int, Word] = {}
    annotated = len(example.text) if example.annotated_length is None else example.annotated_length
    for token, (word, (start, end)) in enumerate(
        zip(encoded.word_ids, encoded.offsets, strict=True)
    ):
        # Some tokenizers include the blank before a word in its first token.
        start += len(encoded.text[start:end]) - len(encoded.text[start:end].lstrip())
        if word is not None and start < min(end, annotated):
            first = words.get(word, Word(token, start, end))
            words[word] = Word(first.token, first.start, end)
    return list(words.values())


def word_tags(example: Example, encoded: "EncodedText") -> list[str]:
    """Return the tag of each word, from the first span that overlaps it."""
    tags: list[str] = []
    before: Span | None = None
    for span in _span_of_each_word(example, encoded):
        tags.append(OUTSIDE if span is None else ("I-" if span is before else "B-") + span.label)
        before = span
    return tags


def untagged(example: Example, encoded: "EncodedText") -> list[Span]:
    """Return the spans without a word of their own: truncated, or sharing all words."""
    tagged = _span_of_each_word(example, encoded)
    return [span for span in example.spans if span not in tagged]


def spans_of(tags: Sequence[str], example: Example, encoded: "EncodedText") -> list[Span]:
    """Return the character spans of the tags of a text's words."""
    words = words_of(example, encoded)
    return [
        Span(words[first].start, words[end - 1].end, label)
        for first, end, label in decode_tags(tags)
    ]


def _span_of_each_word(example: Example, encoded: "EncodedText") -> list[Span | None]:
    return [
        next((x for x in example.spans if x.start < word.end and x.end > word.start), None)
        for word in words_of(example, encoded)
    ]


def _span_labels(example: Example) -> list[str]:
    return [span.label for span in example.spans]


#: Returns whether a span (first word, end, label) of the text at an index belongs to a slice.
Counts = Callable[[int, tuple[int, int, str]], bool]


def _name_slices(train: Sequence[Example], test: Sequence[EncodedExample]) -> Iterator[Slice]:
    """Yield a slice of the spans whose words training has as a span, and one of the others."""
    known = {_folded(example.text, span) for example in train for span in example.spans}
    words = [words_of(encoded.example, encoded.text) for encoded in test]

    def is_known(position: int, span: tuple[int, int, str]) -> bool:
        # Spans without words of their own (truncated, or sharing all words) count as new.
        inside = words[position][span[0] : span[1]]
        text = test[position].text.text
        return bool(inside) and text[inside[0].start : inside[-1].end].casefold() in known

    def is_new(position: int, span: tuple[int, int, str]) -> bool:
        return not is_known(position, span)

    every = range(len(test))
    names = [{_folded(x.example.text, span) for span in x.example.spans} for x in test]
    seen = sum(bool(some & known) for some in names)
    unseen = sum(bool(some - known) for some in names)
    yield Slice("names seen in training", every, seen, _only(is_known))
    yield Slice("names unseen in training", every, unseen, _only(is_new))


def _only_label(label: str) -> Callable[[int, list[str]], list[str]]:
    return _only(lambda position, span: span[2] == label)


def _only(counts: Counts) -> Callable[[int, list[str]], list[str]]:
    """Return a view of the tags with only the spans of a slice."""

    def view(position: int, answer: list[str]) -> list[str]:
        left = [OUTSIDE] * len(answer)
        for first, end, label in decode_tags(answer):
            if counts(position, (first, end, label)):
                left[first:end] = [f"B-{label}", *[f"I-{label}"] * (end - first - 1)]
        return left

    return view


def _folded(text: str, span: Span) -> str:
    return text[span.start : span.end].casefold()
