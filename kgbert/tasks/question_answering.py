"""Question answering: the span of a text that answers a question, or no answer."""

import json
import re
import string
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kgbert.data import Example
from kgbert.data.fields import text_field
from kgbert.tasks.base import (
    EncodedExample,
    ExplainedAnswer,
    LabelSpace,
    Metric,
    Prediction,
    Slice,
    Task,
    align_left,
)
from kgbert.tasks.checks import check_targets
from kgbert.tasks.metrics import metrics_of
from kgbert.utils.errors import DataError, KGBertError, Remedy

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig

    from kgbert.encoding.encoded import Batch, EncodedText
    from kgbert.encoding.processor import KGBertProcessor
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.models.base import KGBertPreTrainedModel

#: Number of tokens that consecutive windows of a long text share.
STRIDE = 128

#: Number of likeliest first and last tokens of a window that are combined to answers.
BEST_TOKENS = 20

#: Number of answers of a prediction.
BEST_ANSWERS = 5

#: Number of characters of the text that are shown on each side of an answer.
SHOWN = 40

#: The name of no answer where answers are explained.
NO_ANSWER = "no answer"

#: The settings of a model that kgbert did not fine-tune.
DEFAULT_SETTINGS: Mapping[str, Any] = MappingProxyType(
    {"max_answer_length": 300, "may_have_no_answer": False, "no_answer_threshold": 0.0}
)

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


class AnswerSpan(NamedTuple):
    """The characters of an answer in its text, end exclusive."""

    start: int
    end: int


class Answers(NamedTuple):
    """The accepted answers to a question, or the one predicted; empty if there is none."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class ScoredAnswer:
    """A span of the text as an answer, or no answer, and its probability among those shown."""

    text: str
    """Empty for no answer."""
    start: int | None
    end: int | None
    probability: float


@dataclass(frozen=True)
class AnswerPrediction(Prediction):
    """The answers to a question by decreasing probability; text and question are the text."""

    answers: tuple[ScoredAnswer, ...]

    @property
    def answer(self) -> Answers:
        """The likeliest answer."""
        return Answers((self.answers[0].text,) if self.answers[0].text else ())

    def lines(self) -> Iterator[str]:
        """Yield the answer within its text, and the next ones."""
        first, *others = self.answers
        yield f"answer {first.text or 'none in the text'}  ({first.probability:.0%})"
        if first.start is not None and first.end is not None:
            before = shorten(self.text[: first.start][::-1])[::-1]
            after = shorten(self.text[first.end :].split("\n")[0])
            yield f"  {first.start}-{first.end}  {before}[{first.text}]{after}"
        for other in others:
            yield f"    or {other.text or 'none in the text'}  ({other.probability:.0%})"


def shorten(text: str) -> str:
    """Return the beginning of a text, with dots where it goes on."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def normalize_answer(text: str) -> str:
    """Return an answer without case, punctuation, articles and extra blanks, as SQuAD does.

    >>> normalize_answer("The  red, blood-cell.")
    'red bloodcell'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(gold: str, predicted: str) -> float:
    """Return 1 for two answers that are equal after normalisation, else 0."""
    return float(normalize_answer(gold) == normalize_answer(predicted))


def token_f1(gold: str, predicted: str) -> float:
    """Return the F1 of the words of two answers, as the script of SQuAD 2 computes it.

    >>> token_f1("the red cell", "a red blood cell")
    0.8
    """
    right, given = (normalize_answer(text).split() for text in (gold, predicted))
    if not right or not given:
        return float(right == given)
    shared = (Counter(right) & Counter(given)).total()
    return 2 * shared / (len(right) + len(given))


def squad_scores(gold: Sequence[Answers], predicted: Sequence[Answers]) -> dict[str, float]:
    """Return F1 and exact match, each the best over the accepted answers, as SQuAD 2 does.

    >>> squad_scores([Answers(("six weeks", "weeks")), Answers(())], [Answers(("weeks",))] * 2)
    {'f1': 0.5, 'exact_match': 0.5}
    """
    pairs = [(_accepted(x), (y.texts or ("",))[0]) for x, y in zip(gold, predicted, strict=True)]
    return {
        name: fmean([max(score(text, given) for text in texts) for texts, given in pairs] or [0.0])
        for name, score in (("f1", token_f1), ("exact_match", exact_match))
    }


def _accepted(answers: Answers) -> list[str]:
    """Return the accepted answers that normalisation leaves, or an empty one."""
    return [text for text in answers.texts if normalize_answer(text)] or [""]


SQUAD_METRICS: Mapping[str, Metric] = MappingProxyType(
    metrics_of(squad_scores, ("f1", "exact_match"))
)


class QuestionAnswering(Task):
    """The second text of an example is the question about the first.

    The target is a tuple of answer spans, empty for a question without an answer in the text.
    """

    name = "question-answering"
    pipeline_tag = "question-answering"
    description = "columns text, question and answers: the span of the text that answers"
    metrics = SQUAD_METRICS
    is_augmentable = False
    sample = MappingProxyType({"text": "a text", "question": "a question"})
    # Answers are character offsets, which an arm must not shift.
    tags_words = True
    needs_calibration = True

    @property
    def model_class(self) -> "type[KGBertPreTrainedModel]":
        """A question answering model."""
        from kgbert.models.task_models import KGBertForQuestionAnswering

        return KGBertForQuestionAnswering

    def read(self, record: Mapping[str, Any]) -> Example:
        """Return text, question and answers of a row; the column ``document`` is its group."""
        text, question = text_field(record), text_field(record, "question")
        group = str(record.get("document") or record.get("id") or "").strip()
        return Example(text, answers_field(record, text), id=group, others=(question,))

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Return whether a row has a text, a question and answers."""
        return {"text", "question"} <= record.keys() and not record.keys().isdisjoint(
            ("answers", "answer")
        )

    def check(
        self,
        train: Sequence[Example],
        validation: Sequence[Example] = (),
        test: Sequence[Example] = (),
    ) -> None:
        """Raise DataError where answers are missing, or no training question has one."""
        parts = {"train": train, "validation": validation, "test": test}
        check_targets(
            parts,
            "no 'answers'; write an empty list if the text does not answer it.",
            code="missing-answers",
            remedies=[Remedy("columns", {"answers": ...}, "if they are elsewhere")],
            question=lambda example: example.others[0],
        )
        if not any(example.target for example in train):
            raise DataError(
                f"train: none of the {len(train):,} questions has an answer, so nothing can be "
                "learnt; add questions with answers.",
                code="no-answers",
            )

    def label_space(self, train: Sequence[Example]) -> LabelSpace:
        """Return the two outputs of a token, and what the answers of the training texts allow."""
        spans = [span for example in train for span in example.target or ()]
        return LabelSpace(
            ("start", "end"),
            settings={
                "max_answer_length": max((end - start for start, end in spans), default=0),
                "may_have_no_answer": any(not example.target for example in train),
                "no_answer_threshold": 0.0,
            },
        )

    def encode(
        self, examples: Sequence[Example], processor: "KGBertProcessor"
    ) -> list[EncodedExample]:
        """Return one unit for each window of a text."""
        encoded = processor.encode_windows(examples, stride=STRIDE)
        return [
            EncodedExample(example, tuple((window,) for window in windows))
            for example, windows in zip(examples, encoded, strict=True)
        ]

    def targets(
        self, encoded: EncodedExample, config: "PreTrainedConfig"
    ) -> list[tuple[int, int, int]]:
        """Return first and last token of the first answer in each window, and its length.

        Both are the token that a sequence head reads where a window lacks the answer.
        """
        example = encoded.example
        answer = (example.target or (None,))[0]
        return [
            (*_target(window, example, answer), len(window.offsets)) for (window,) in encoded.units
        ]

    def collate_targets(
        self, targets: Sequence[Any], batch: "Batch", processor: "KGBertProcessor"
    ) -> "dict[str, Tensor]":
        """Return the positions of the first and the last token of each answer."""
        import torch

        width = batch["input_ids"].shape[1]
        shifts = [width - length if processor.pads_left else 0 for _, _, length in targets]
        pairs = zip(targets, shifts, strict=True)
        return {"labels": torch.tensor([[x[0] + shift, x[1] + shift] for x, shift in pairs])}

    def compute_outputs(self, model: Any, batch: "Batch", processor: "KGBertProcessor") -> "Tensor":
        """Return the scores of each token as the first and as the last, aligned to the left."""
        return align_left(model.text_logits(**batch), batch, processor)

    def decode(
        self,
        outputs: Sequence[Any],
        encoded: EncodedExample,
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> AnswerPrediction:
        """Return the best spans of all windows, and no answer if training had such questions."""
        example, settings = encoded.example, _settings(config)
        spans = _best_spans(outputs, encoded, settings["max_answer_length"])
        scores: list[tuple[AnswerSpan | None, float]] = [*spans.items()]
        if settings["may_have_no_answer"] or not scores:
            null = _null_score(outputs, encoded) - settings["no_answer_threshold"]
            scores.append((None, null))
        best = sorted(scores, key=lambda each: -each[1])[:BEST_ANSWERS]
        shares = np.exp(np.array([score for _, score in best]) - best[0][1])
        shares /= shares.sum()
        answers = tuple(
            ScoredAnswer("", None, None, share)
            if span is None
            else ScoredAnswer(example.text[span.start : span.end], *span, share)
            for (span, _), share in zip(best, shares.tolist(), strict=True)
        )
        return AnswerPrediction(example.joined, answers)

    def calibrate(
        self,
        outputs: Sequence[Sequence[Any]],
        encoded: Sequence[EncodedExample],
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> None:
        """Choose the threshold of "no answer" with the best F1 on the validation questions.

        A question has no answer if the score of no answer exceeds that of the best span by more
        than the threshold, as in the script of SQuAD 2.
        """
        settings = _settings(config)
        if not settings["may_have_no_answer"]:
            return
        gaps, of_spans, of_none = [], [], []
        for rows, each in zip(outputs, encoded, strict=True):
            spans = _best_spans(rows, each, settings["max_answer_length"])
            if not spans:
                continue
            best = max(spans, key=spans.__getitem__)
            answer = Answers((each.example.text[best.start : best.end],))
            gold = self.gold(each, graph)
            gaps.append(_null_score(rows, each) - spans[best])
            of_spans.append(squad_scores([gold], [answer])["f1"])
            of_none.append(squad_scores([gold], [Answers(())])["f1"])
        if gaps:
            threshold = best_null_threshold(gaps, of_spans, of_none)
            config.task_settings = {**config.task_settings, "no_answer_threshold": threshold}

    def gold(self, encoded: EncodedExample, graph: "KnowledgeGraph") -> Answers:
        """Return the accepted answers."""
        example = encoded.example
        return Answers(tuple(example.text[start:end] for start, end in example.target))

    def score(self, gold: Sequence[Answers], predicted: Sequence[Answers]) -> dict[str, float]:
        """Return F1 and exact match."""
        return squad_scores(gold, predicted)

    def is_correct(self, gold: Answers, predicted: Answers) -> bool:
        """Return whether the answer equals an accepted one after normalisation."""
        return squad_scores([gold], [predicted])["exact_match"] == 1

    def answers(self, prediction: AnswerPrediction, config: "PreTrainedConfig") -> list[str]:
        """Return the likeliest answer with its characters, ``9-11 39`` for example."""
        first = prediction.answers[0]
        return [f"{first.start}-{first.end} {first.text}" if first.text else NO_ANSWER]

    def answer_scores(
        self,
        outputs: "Sequence[Tensor]",
        answer: ExplainedAnswer,
        encoded: EncodedExample,
        config: "PreTrainedConfig",
    ) -> "Tensor":
        """Return the log-odds of a span against all other spans of its window, or another one.

        Of the windows with the span, the highest counts; for no answer the lowest of all windows,
        because every window has to lack it.

        Raises:
            KGBertError: No window has both spans.
        """
        import torch

        own, other = (_span_of_answer(x) for x in (answer.name, answer.contrast or NO_ANSWER))
        scores = []
        for logits, (window,) in zip(outputs, encoded.units, strict=True):
            places = [_target(window, encoded.example, span) for span in (own, other)]
            nothing = window.read_token, window.read_token
            if any(x and y == nothing for x, y in zip((own, other), places, strict=True)):
                continue
            ends = logits[:, : len(window.offsets)]
            pairs = ends[:, :, None, 0] + ends[:, None, :, 1]
            first, last = places[0]
            taken = pairs[:, first, last]
            if answer.contrast:
                scores.append(taken - pairs[:, places[1][0], places[1][1]])
                continue
            is_own = torch.zeros_like(pairs[0], dtype=torch.bool)
            is_own[first, last] = True
            rest = pairs.masked_fill(is_own, -torch.inf).flatten(1).logsumexp(1)
            scores.append(taken - rest)
        if not scores:
            raise KGBertError(
                f"the text has no tokens for {answer.name!r}"
                + (f" and {answer.contrast!r} in one window" if answer.contrast else "")
                + "; offsets count characters from 0, the end is exclusive.",
                code="span-without-words",
            )
        stacked = torch.stack(scores)
        best: Tensor = stacked.amin(0) if own is None else stacked.amax(0)
        return best

    def slices(self, train: Sequence[Example], test: Sequence[EncodedExample]) -> Iterator[Slice]:
        """Yield slices of questions with and without an answer, if there are both."""
        answered = [i for i, encoded in enumerate(test) if encoded.example.target]
        others = [i for i, encoded in enumerate(test) if not encoded.example.target]
        if answered and others:
            yield Slice("answer in the text", answered, len(answered))
            yield Slice("no answer in the text", others, len(others))

    def quote(self, answer: Answers) -> str:
        """Return the first accepted answer."""
        return answer.texts[0] if answer.texts else NO_ANSWER

    def describe_outputs(self, config: "PreTrainedConfig") -> str:
        """Return a description of the answers."""
        settings = _settings(config)
        longest = settings["max_answer_length"]
        answer = "a span of the text" + ", or none" * settings["may_have_no_answer"]
        return f"{answer}, of at most {longest:,} characters"


def _span_of_answer(name: str) -> AnswerSpan | None:
    """Return the span of an answer that is written as ``START-END``; None for no answer."""
    if name == NO_ANSWER:
        return None
    match = re.match(r"(\d+)-(\d+)(?: |$)", name)
    if not match:
        raise KGBertError(
            f"{name!r} is no answer; write its start and its end, for example '9-11', or "
            f"{NO_ANSWER!r}.",
            code="answer-is-no-span",
        )
    return AnswerSpan(int(match[1]), int(match[2]))


def _settings(config: "PreTrainedConfig") -> dict[str, Any]:
    """Return the settings of a model, with defaults for one that was fine-tuned elsewhere."""
    return {**DEFAULT_SETTINGS, **config.task_settings}


def answers_field(record: Mapping[str, Any], text: str) -> tuple[AnswerSpan, ...] | None:
    """Return the answer spans of a record; None without the column.

    Raises:
        DataError: An answer is not in the text, or not at its offset.

    >>> answers_field({"answers": [{"text": "39", "answer_start": 9}]}, "Fever of 39.")
    (AnswerSpan(start=9, end=11),)
    >>> answers_field({"answer": "39"}, "Fever of 39."), answers_field({"answers": []}, "Fever.")
    ((AnswerSpan(start=9, end=11),), ())
    """
    if "answers" not in record:
        return None if "answer" not in record else _plain_answer(record["answer"], text)
    value = record["answers"]
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise _not_understood(value) from error
    if isinstance(value, Mapping):  # columns of Hugging Face's data sets
        starts = value.get("answer_start") or value.get("start") or []
        texts = value.get("text") or []
        value = [{"start": x, "text": y} for x, y in zip(starts, texts, strict=False)]
    if value is None or value == "":
        return None
    if not isinstance(value, list | tuple):
        raise _not_understood(value)
    return tuple(dict.fromkeys(_answer(entry, text) for entry in value))


def _plain_answer(value: Any, text: str) -> tuple[AnswerSpan, ...] | None:
    """Return the span of an answer without offset: its first occurrence."""
    if value is None:
        return None
    return (_answer({"text": str(value)}, text),) if str(value).strip() else ()


def _answer(entry: Any, text: str) -> AnswerSpan:
    if not isinstance(entry, Mapping):
        entry = {"text": entry}
    words, end = entry.get("text"), entry.get("end")
    start = entry.get("start", entry.get("answer_start"))
    if isinstance(words, str) and words and start is None:
        start = text.find(words)
    elif not _is_offset(start) or (words is None and not _is_offset(end)):
        raise _not_understood(entry)
    end = start + len(words) if end is None else end
    if not 0 <= start < end <= len(text) or (words is not None and text[start:end] != words):
        raise _misplaced(start, end, words, text)
    return AnswerSpan(start, end)


def _is_offset(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _not_understood(value: Any) -> DataError:
    return DataError(
        f"'answers' contains {str(value)[:60]!r}, which is not understood; write a list of "
        '{"start": 9, "end": 11, "text": "39"}, with offsets in characters of the text, or [] for '
        "no answer",
        code="answer-not-understood",
    )


def _misplaced(start: int, end: Any, words: str | None, text: str) -> DataError:
    at = text.find(words) if words else -1
    if words and at < 0:
        found = f"'answers' contains {words[:60]!r}, which is not in its text"
        remedy = "quote the text exactly, or write [] for no answer"
    elif words:
        there = text[max(0, start) : end][:60]
        found = f"'answers': from {start} to {end} the text reads {there!r}, not {words[:60]!r}"
        remedy = f"write {at}, where it begins"
    else:
        found = (
            f"'answers' has one from {start} to {end}, outside its text of {len(text):,} characters"
        )
        remedy = "offsets count characters (not bytes) from 0, and the end is exclusive"
    return DataError(f"{found}; {remedy}", code="answer-not-in-text")


def best_null_threshold(
    gaps: Sequence[float], of_spans: Sequence[float], of_none: Sequence[float]
) -> float:
    """Return the threshold with the best mean score; of equal ones the nearest to zero.

    Args:
        gaps: By how much the score of no answer exceeds that of the best span, by question.
        of_spans: The score of each question if it is answered by its best span.
        of_none: The score of each question if it has no answer.

    >>> best_null_threshold([-3.0, 1.0, 4.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0])
    2.5
    """
    levels = np.unique(gaps)
    middles = (levels[1:] + levels[:-1]) / 2
    thresholds = np.unique([0.0, levels[0] - 1, *middles, levels[-1] + 1])
    has_none = np.asarray(gaps) > thresholds[:, None]
    scores = np.where(has_none, of_none, of_spans).mean(-1)
    best = thresholds[scores == scores.max()]
    return float(best[np.abs(best).argmin()])


def _best_spans(
    outputs: Sequence[Any], encoded: EncodedExample, longest: int
) -> dict[AnswerSpan, float]:
    """Return the likely answers of all windows with their best scores."""
    scores: dict[AnswerSpan, float] = {}
    for rows, (window,) in zip(outputs, encoded.units, strict=True):
        logits = np.asarray(rows, np.float64)[: len(window.offsets)]
        for span, score in _spans(logits, window, encoded.example, longest):
            scores[span] = max(score, scores.get(span, -np.inf))
    return scores


def _null_score(outputs: Sequence[Any], encoded: EncodedExample) -> float:
    """Return the score of no answer; every window has to lack the answer."""
    return min(
        float(np.asarray(rows, np.float64)[window.read_token].sum())
        for rows, (window,) in zip(outputs, encoded.units, strict=True)
    )


def _context_tokens(window: "EncodedText", example: Example) -> list[int]:
    """Return the tokens of the text, without those of the question or of appended words."""
    own = len(example.text) if example.annotated_length is None else example.annotated_length
    return [i for i, (start, end) in enumerate(window.offsets) if start < end <= own]


def _target(window: "EncodedText", example: Example, answer: AnswerSpan | None) -> tuple[int, int]:
    nothing = window.read_token, window.read_token
    if answer is None:
        return nothing
    context = _context_tokens(window, example)
    if not context or window.offsets[context[0]][0] > answer.start:
        return nothing
    if window.offsets[context[-1]][1] < answer.end:
        return nothing
    inside = [
        token
        for token in context
        if window.offsets[token][1] > answer.start and window.offsets[token][0] < answer.end
    ]
    return (inside[0], inside[-1]) if inside else nothing


def _spans(
    logits: Any, window: "EncodedText", example: Example, longest: int
) -> Iterator[tuple[AnswerSpan, float]]:
    """Yield the likely answers of a window with their scores."""
    context = np.array(_context_tokens(window, example), np.int64)
    firsts, lasts = (
        context[np.argsort(-logits[context, column], kind="stable")[:BEST_TOKENS]].tolist()
        for column in (0, 1)
    )
    for first in firsts:
        for last in lasts:
            span = _trimmed(window.offsets[first][0], window.offsets[last][1], example.text)
            if first <= last and 0 < span.end - span.start <= longest:
                yield span, float(logits[first, 0] + logits[last, 1])


def _trimmed(start: int, end: int, text: str) -> AnswerSpan:
    """Return a span without blanks at its ends, which some tokenizers include in tokens."""
    words = text[start:end]
    start += len(words) - len(words.lstrip())
    return AnswerSpan(start, start + len(words.strip()))
