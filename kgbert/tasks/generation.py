"""Generation: write a text for a text, such as its translation or summary."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kgbert.data import Example
from kgbert.data.fields import plain_example, text_field
from kgbert.tasks.base import (
    IGNORED,
    EncodedExample,
    ExplainedAnswer,
    ExplainedExample,
    LabelSpace,
    Metric,
    Prediction,
    Task,
)
from kgbert.tasks.checks import check_targets
from kgbert.tasks.metrics import metrics_of
from kgbert.utils.errors import KGBertError, Remedy

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from kgbert.encoding.encoded import Batch, EncodedText
    from kgbert.encoding.processor import KGBertProcessor
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.models.base import KGBertPreTrainedModel

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class EncodedSource(EncodedExample):
    """An encoded source text, with the tokenizer that decodes what is generated for it."""

    tokenizer: "PreTrainedTokenizerBase"


@dataclass(frozen=True)
class Term:
    """A linked term of the source, and the name of its entity in the output."""

    text: str
    entity: str
    written: str


class Generated(NamedTuple):
    """A generated or gold text, and what it should call the terms of its source."""

    text: str
    terms: tuple[tuple[str, ...], ...] = ()
    """For each entity of the source its names in the gold text that the source lacks."""


@dataclass(frozen=True)
class GeneratedPrediction(Prediction):
    """A generated text, and the terms of the source that it names as the graph does."""

    generated: str
    terms: tuple[Term, ...]

    @property
    def answer(self) -> Generated:
        """The generated text."""
        return Generated(self.generated)

    def lines(self) -> Iterator[str]:
        """Yield the generated text, and the terms that it names as the graph does."""
        yield f"-> {self.generated}"
        for term in self.terms:
            yield f"   {term.text} = {term.written} ({term.entity})"


def generation_scores(
    gold: Sequence[Generated], predicted: Sequence[Generated]
) -> dict[str, float]:
    """Return chrF and BLEU of sacrebleu, ROUGE-L, term accuracy and exact match, all from 0 to 1.

    Term accuracy is the share of the terms with a name in the gold text for which the generated
    text has one of these names; 0 without such terms.
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    given, right = [x.text for x in predicted], [x.text for x in gold]
    named = [
        any(contains(text, name) for name in names)
        for answer, text in zip(gold, given, strict=True)
        for names in answer.terms
    ]
    pairs = list(zip(right, given, strict=True))
    return {
        "chrf": CHRF().corpus_score(given, [right]).score / 100,
        "bleu": BLEU().corpus_score(given, [right]).score / 100,
        "rouge_l": fmean([rouge_l(*pair) for pair in pairs] or [0.0]),
        "term_accuracy": fmean(map(float, named)) if named else 0.0,
        "exact_match": fmean([float(x.split() == y.split()) for x, y in pairs] or [0.0]),
    }


def rouge_l(gold: str, predicted: str) -> float:
    """Return the F1 of the longest common subsequence of words, without case.

    >>> rouge_l("the fever is high", "The fever, very high")
    0.75
    """
    right, given = (_WORD.findall(text.lower()) for text in (gold, predicted))
    if not right or not given:
        return float(right == given)
    lengths = [0] * (len(given) + 1)
    for word in right:
        above = lengths
        lengths = [0]
        for place, other in enumerate(given, start=1):
            longer = above[place - 1] + 1 if word == other else max(above[place], lengths[-1])
            lengths.append(longer)
    return 2 * lengths[-1] / (len(right) + len(given))


def contains(text: str, name: str) -> bool:
    """Return whether a text has a name as whole words, without case.

    >>> contains("La fièvre monte.", "Fièvre"), contains("fiévreux", "fièvre")
    (True, False)
    """
    pattern = rf"(?<!\w){re.escape(name.casefold())}(?!\w)"
    return bool(name) and re.search(pattern, text.casefold()) is not None


GENERATION_METRICS: Mapping[str, Metric] = MappingProxyType(
    metrics_of(generation_scores, ("chrf", "bleu", "rouge_l", "term_accuracy", "exact_match"))
)


class Generation(Task):
    """The target of an example is the text to write."""

    name = "generation"
    pipeline_tag = "text-generation"
    description = "columns text and target: a translation, summary or other text for each text"
    metrics = GENERATION_METRICS
    is_augmentable = False

    @property
    def model_class(self) -> "type[KGBertPreTrainedModel]":
        """An encoder-decoder."""
        from kgbert.models.task_models import KGBertForConditionalGeneration

        return KGBertForConditionalGeneration

    def read(self, record: Mapping[str, Any]) -> Example:
        """Return text and target of a row; the column ``document`` is its group."""
        example = plain_example({name: x for name, x in record.items() if name != "label"})
        group = str(record.get("document") or record.get("id") or "").strip()
        target = None
        if record.get("target") is not None:
            target = text_field(record, "target").strip() or None
        return Example(example.text, target, example.spans, group)

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Return whether a row has a text and a target that is a text."""
        return "text" in record and isinstance(record.get("target"), str)

    def check(
        self,
        train: Sequence[Example],
        validation: Sequence[Example] = (),
        test: Sequence[Example] = (),
    ) -> None:
        """Raise an error where a target is missing, or sacrebleu is not installed."""
        if find_spec("sacrebleu") is None:
            raise KGBertError(
                "generated texts are scored by sacrebleu, which is not installed; type "
                "pip install 'kgbert[generation]'",
                code="missing-package",
            )
        parts = {"train": train, "validation": validation, "test": test}
        check_targets(
            parts,
            "no 'target'; fill in the text to write, or leave the row out.",
            code="missing-target",
            remedies=[Remedy("columns", {"target": ...}, "if it is in another column")],
        )

    def label_space(self, train: Sequence[Example]) -> LabelSpace:
        """Return no labels, and the length of the longest target in characters."""
        longest = max((len(example.target or "") for example in train), default=0)
        return LabelSpace(settings={"max_target_length": longest})

    def encode(
        self, examples: Sequence[Example], processor: "KGBertProcessor"
    ) -> list[EncodedExample]:
        """Return the encoded source texts."""
        return [
            EncodedSource(each.example, each.units, processor.tokenizer)
            for each in super().encode(examples, processor)
        ]

    def targets(self, encoded: EncodedExample, config: "PreTrainedConfig") -> list[tuple[str, int]]:
        """Return the target, and the token that the decoder starts with."""
        return [(encoded.example.target, config.backbone.decoder_start_token_id)]

    def collate_targets(
        self, targets: Sequence[Any], batch: "Batch", processor: "KGBertProcessor"
    ) -> "dict[str, Tensor]":
        """Return the tokens of the targets; padding is ignored by the loss."""
        import torch

        texts = [text for text, _ in targets]
        tokenizer, longest = processor.tokenizer, processor.max_length
        found = tokenizer(text_target=texts, truncation=True, max_length=longest)["input_ids"]
        # The decoder is given its first token, which some tokenizers put before every text.
        rows = [ids[ids[0] == start :] for ids, (_, start) in zip(found, targets, strict=True)]
        width = max(map(len, rows))
        return {"labels": torch.tensor([row + [IGNORED] * (width - len(row)) for row in rows])}

    def compute_outputs(self, model: Any, batch: "Batch", processor: "KGBertProcessor") -> "Tensor":
        """Return the generated tokens of each text."""
        generator = getattr(model, "module", model)
        # A token has at least one character, so that no target of training was longer.
        longest = min(generator.config.task_settings["max_target_length"], processor.max_length)
        asked = generator.config.generation.get("max_new_tokens") or longest
        tokens: Tensor = generator.generate(**batch, max_new_tokens=max(1, min(longest, asked)))
        return tokens

    def decode(
        self,
        outputs: Sequence[Any],
        encoded: EncodedExample,
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> GeneratedPrediction:
        """Return the generated text."""
        assert isinstance(encoded, EncodedSource)
        tokens = np.asarray(outputs[0]).astype(np.int64)
        written = encoded.tokenizer.decode(tokens[tokens >= 0].tolist(), skip_special_tokens=True)
        text = " ".join(str(written).split())
        terms = tuple(
            Term(term, entity, names[0])
            for term, entity, names in _terms(encoded.text, graph, text)
        )
        return GeneratedPrediction(encoded.example.joined, text, terms)

    def answers(self, prediction: GeneratedPrediction, config: "PreTrainedConfig") -> list[str]:
        """Return each generated word after its number, ``2 fièvre`` for example."""
        words = prediction.generated.split()
        return [f"{number} {word}" for number, word in enumerate(words, start=1)]

    def explained_outputs(
        self, model: Any, batch: "Batch", processor: "KGBertProcessor", explained: ExplainedExample
    ) -> "Tensor":
        """Return the log-odds of each generated word after the words before it.

        A word of several tokens has the mean of their log-odds; shape (units, words).
        """
        import torch

        written = explained.prediction.generated
        ids, words = _tokens_of_words(written, processor, model.config)
        labels = torch.tensor([ids] * len(batch["input_ids"]), device=model.device)
        logits = model(**batch, labels=labels).logits.float()
        places = labels.unsqueeze(-1)
        own = logits.gather(-1, places).squeeze(-1)
        odds = own - logits.scatter(-1, places, -torch.inf).logsumexp(-1)
        # A word that was cut off, or that the tokenizer normalises away, has no tokens.
        columns = [odds[:, x].mean(-1) if x else odds.new_zeros(len(odds)) for x in words]
        return torch.stack(columns, -1) if columns else odds[:, :0]

    def answer_scores(
        self,
        outputs: "Sequence[Tensor]",
        answer: ExplainedAnswer,
        encoded: EncodedExample,
        config: "PreTrainedConfig",
    ) -> "Tensor":
        """Return the log-odds of a generated word.

        Raises:
            KGBertError: There is no such word, or it is compared with another answer.
        """
        number, _, _ = answer.name.partition(" ")
        count = outputs[0].shape[-1]
        if not number.isdecimal() or not 1 <= int(number) <= count:
            raise KGBertError(
                f"{answer.name!r} is no word of the generated text; write its number, from 1 to "
                f"{count:,}.",
                code="unknown-answer",
            )
        if answer.contrast:
            raise KGBertError(
                "a generated word is compared with all other words, so that there is no contrast; "
                "leave it out.",
                code="no-contrast",
            )
        return outputs[0][:, int(number) - 1]

    def gold(self, encoded: EncodedExample, graph: "KnowledgeGraph") -> Generated:
        """Return the target, and what it calls the linked entities of the source."""
        target = encoded.example.target
        return Generated(target, tuple(names for *_, names in _terms(encoded.text, graph, target)))

    def score(self, gold: Sequence[Generated], predicted: Sequence[Generated]) -> dict[str, float]:
        """Return the metrics, which share their counts."""
        return generation_scores(gold, predicted)

    def is_correct(self, gold: Generated, predicted: Generated) -> bool:
        """Return whether the words are those of the target."""
        return gold.text.split() == predicted.text.split()

    def quote(self, answer: Generated) -> str:
        """Return the text."""
        return answer.text

    def describe_outputs(self, config: "PreTrainedConfig") -> str:
        """Return a description of the texts."""
        longest = config.task_settings["max_target_length"]
        return f"a text; those of training had at most {longest:,} characters"


def _tokens_of_words(
    text: str, processor: "KGBertProcessor", config: "PreTrainedConfig"
) -> tuple[list[int], list[list[int]]]:
    """Return the tokens that a decoder writes for a text, and the places of those of each word."""
    found = processor.tokenizer(
        text_target=text,
        truncation=True,
        max_length=processor.max_length,
        return_offsets_mapping=True,
    )
    ids, offsets = found["input_ids"], found["offset_mapping"]
    # The decoder is given its first token, which some tokenizers put before every text.
    first = int(ids[0] == config.backbone.decoder_start_token_id)
    words = [
        [
            place
            for place, (start, end) in enumerate(offsets[first:])
            if max(start, word.start()) < min(end, word.end())
        ]
        for word in re.finditer(r"\S+", text)
    ]
    return ids[first:], words


def _terms(
    source: "EncodedText", graph: "KnowledgeGraph", text: str
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the linked terms of a source whose entity has another name in a text.

    Each entity comes once, with the words of the source, its id, and its names in the text that the
    source lacks.
    """
    seen = set()
    for mention in source.mentions:
        best = mention.candidates[0].entity if mention.candidates else ""
        if best not in graph or best in seen:
            continue
        seen.add(best)
        names = dict.fromkeys(name.text for name in graph.entity(best).names)
        found = [x for x in names if contains(text, x) and not contains(source.text, x)]
        if found:
            yield source.text[mention.start : mention.end], best, tuple(found)
