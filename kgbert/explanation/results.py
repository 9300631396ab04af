"""The typed result of an explanation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgbert.reporting.formatting import counted
from kgbert.tasks.base import ReadLabel, ReadPath, in_brackets
from kgbert.utils.json_records import from_json, to_json

#: Smaller contributions are shown as zero: they are rounding errors of the computation.
NEGLIGIBLE = 1e-5

#: Contributions of texts of labels that a terminal shows, and the number of these and of words.
SMALLEST_SHOWN = 0.05
MOST_SHOWN = 10

#: The version of the JSON format.
SCHEMA = 1


@dataclass(frozen=True)
class WordContribution:
    """A word, and how much it contributes to the score of an answer."""

    start: int
    end: int
    text: str
    value: float


@dataclass(frozen=True)
class EdgeContribution:
    """An edge of a linked entity, and how much it contributes to the score of an answer."""

    head: str
    head_name: str
    relation: str
    relation_name: str
    tail: str
    tail_name: str
    value: float
    standard_error: float | None = None

    @property
    def description(self) -> str:
        """The edge with the names of its entities."""
        return f"{self.head_name} → {self.relation_name} → {self.tail_name}"


@dataclass(frozen=True)
class EntityContribution:
    """A candidate of a mention, and how much it contributes to the score of an answer."""

    entity: str
    name: str
    linker_score: float
    value: float | None = None
    """None if entities were not explained."""
    standard_error: float | None = None
    edges: tuple[EdgeContribution, ...] = ()
    """The explained edges of the entity, the largest contributions first."""
    branches: tuple[str, ...] = ()
    """Names of the main branches of the graph that contain it; found for several texts only."""


@dataclass(frozen=True)
class MentionContribution:
    """A mention, and how much it contributes to the score of an answer."""

    start: int
    end: int
    text: str
    entities: tuple[EntityContribution, ...]
    value: float | None = None
    """None if mentions were not explained."""
    standard_error: float | None = None


@dataclass(frozen=True)
class PathContribution:
    """All paths of a type to one target, and how much they contribute to the score of an answer."""

    answer: str
    """The label that the paths lead to; an empty string for a choice."""
    steps: tuple[str, ...]
    """One of the paths: names of the first entity, of a relation, of the next entity, and so on."""
    kind: str
    """The type of the paths."""
    value: float
    standard_error: float | None = None

    @property
    def note(self) -> str:
        """The type in brackets, if it counts several kinds of path; otherwise empty."""
        return in_brackets(self.kind)


@dataclass(frozen=True)
class LabelContribution:
    """A text that the graph has for a label, and its contribution to the score of an answer."""

    label: str
    entity: str
    kind: str
    """What the text is of the entity: its name, a synonym, its definition or a descendant."""
    text: str
    similarity: float
    """Similarity of the text to the explained text, or to the most similar of its tokens."""
    value: float


@dataclass(frozen=True)
class Change:
    """A link or an edge that is removed."""

    kind: str
    """``link`` or ``edge``."""
    description: str


@dataclass(frozen=True)
class Counterfactual:
    """Links and edges without which an answer changes: it is no longer given, or given now."""

    changes: tuple[Change, ...]
    """Empty if no set that was tried changes the answer."""
    prediction: tuple[str, ...]
    """The prediction without them, in lines."""
    score: float
    """The score of the answer without them."""
    is_smallest: bool
    """Whether every smaller set was tried."""
    tried: int
    """Number of sets that were tried."""

    def line(self) -> str:
        """Return the counterfactual as a line for a terminal."""
        if not self.changes:
            return f"no change of links and edges turns it ({self.tried:,} tried)"
        size = "" if self.is_smallest else f", {self.tried:,} sets tried"
        removed = "; ".join(change.description for change in self.changes)
        return f"without {removed}: {', '.join(self.prediction)}{size}"


@dataclass(frozen=True)
class Swap:
    """The prediction if a mention were linked to another entity."""

    mention: str
    former: str
    """The id of the entity that the mention is linked to best."""
    entity: str
    name: str
    """Of the other entity."""
    prediction: tuple[str, ...]
    """In lines."""
    scores: tuple[float, ...]
    """The score of each explained answer."""

    def line(self) -> str:
        """Return the swap as a line for a terminal."""
        prediction = ", ".join(self.prediction)
        return f"if {self.mention} were {self.name} ({self.entity}): {prediction}"


@dataclass(frozen=True)
class NearestExample:
    """A text that the model reads like the explained one."""

    text: str
    answer: str
    """Its gold answer in a few words; empty without one."""
    similarity: float
    """Cosine of the states that the head reads."""
    overlap: float
    """Share of the linked entities of both texts that both have (Jaccard index)."""
    shared_entities: tuple[str, ...]
    """Names of some of them."""
    influence: float | None = None
    """From -1 to 1: whether a training step on the text raises or lowers the score of the answers;
    None without a gold answer."""

    def line(self) -> str:
        """Return the text as a line for a terminal."""
        answer = f"{self.answer}: " if self.answer else ""
        if self.influence is not None:
            answer = f"influence {self.influence:+.2f}  {answer}"
        shared = f"  ({', '.join(self.shared_entities)})" if self.shared_entities else ""
        return f"{self.similarity:.2f}  {answer}{self.text}{shared}"


@dataclass(frozen=True)
class AnswerExplanation:
    """What contributes to the score of one answer."""

    answer: str
    contrast: str
    """The answer it is compared with; an empty string for all others together."""
    unit: str
    """The unit of the score and of all contributions, log-odds for example."""
    score: float
    score_without_graph: float
    words: tuple[WordContribution, ...]
    """In reading order."""
    mentions: tuple[MentionContribution, ...]
    """In reading order."""
    paths: tuple[PathContribution, ...] = ()
    """The largest contributions first; empty if the model scores no paths."""
    labels: tuple[LabelContribution, ...] = ()
    """The largest contributions first; empty if labels are not grounded."""
    counterfactual: Counterfactual | None = None
    """None unless it was asked for."""

    @property
    def graph_contribution(self) -> float:
        """How much the graph as a whole contributes."""
        return self.score - self.score_without_graph

    def line(self, most: int = 3) -> str:
        """Return the contribution of the graph in one line, with those of the largest mentions."""
        against = f" and not {self.contrast}" if self.contrast else ""
        # Smaller ones would be written as zero.
        mentions = [x for x in self.ranked_mentions if abs(x.value or 0.0) >= 0.005][:most]
        parts = ", ".join(f"{x.text} {_number(x.value, x.standard_error)}" for x in mentions)
        graph = f"the graph contributes {self.graph_contribution:+.2f} {self.unit}"
        return f"{self.answer}{against}: {graph}" + (f" ({parts})" if parts else "")

    @property
    def ranked_mentions(self) -> list[MentionContribution]:
        """The mentions, the largest contributions first."""
        return sorted(self.mentions, key=lambda x: -abs(x.value or 0.0))

    @property
    def ranked_words(self) -> list[WordContribution]:
        """The words, the largest contributions first."""
        return sorted(self.words, key=lambda x: -abs(x.value))


@dataclass(frozen=True)
class Explanation:
    """The explained answers to one text."""

    text: str
    prediction: tuple[str, ...]
    """The prediction in lines, as ``kgbert predict`` shows it."""
    prediction_without_graph: tuple[str, ...]
    """The prediction of the same weights if no knowledge is injected."""
    answers: tuple[AnswerExplanation, ...]
    """One for each explained answer; empty if the model gives none, for example no span."""
    method: str
    seconds: float
    """The time of all explained answers together."""
    nearest_labels: tuple[ReadLabel, ...] = ()
    """The labels whose entities are most similar to the text, if labels are grounded."""
    paths: tuple[ReadPath, ...] = ()
    """The paths in the graph that contributed most, if paths are scored."""
    swaps: tuple[Swap, ...] = ()
    """The predictions with other entities, if they were asked for."""
    examples: tuple[NearestExample, ...] = ()
    """The most similar and influential texts of those that were given to compare with."""
    gold: str = ""
    """The right answer in a few words; empty if it is unknown, or the task quotes none."""
    is_right: bool | None = None
    """Whether the whole prediction is right; None if the right answer is unknown."""
    is_right_without_graph: bool | None = None
    graph_changes_answer: bool = False
    """Whether the prediction without the graph is another one."""
    explains_prediction: bool = True
    """Whether the explained answers are the predicted ones, and not one that was named."""
    variants: int = 0
    """Number of variants of the text whose scores were computed."""
    peak_memory_mb: int | None = None
    """Peak memory of the GPU, else of the whole process, in MiB; None if it is not measured."""
    schema: int = SCHEMA

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        values: dict[str, Any] = to_json(self)
        return values

    @classmethod
    def from_json(cls, values: Any) -> "Explanation":
        """Return the explanation that :meth:`to_json` wrote."""
        return from_json(cls, values, source="explanation")

    def lines(self) -> list[str]:
        """Return the explanation as lines for a terminal."""
        lines = [self.text, *(f"  {line}" for line in self.prediction)]
        lines += [f"  without the graph: {line}" for line in self.prediction_without_graph]
        for label in self.nearest_labels:
            lines.append(f"  similar {label.line()}")
        lines += [f"  path {path.line()}" for path in self.paths]
        lines += [f"  {swap.line()}" for swap in self.swaps]
        lines += [f"  read like {example.line()}" for example in self.examples]
        for answer in self.answers:
            lines += _answer_lines(answer)
        return [*lines, f"  computed in {self.cost}"]

    @property
    def cost(self) -> str:
        """Time, number of variants and memory in words."""
        memory = f", memory {self.peak_memory_mb:,} MiB" if self.peak_memory_mb else ""
        return f"{self.seconds:.2f} s, {counted(self.variants, 'variant')}{memory}"

    def write_html(self, path: str | Path) -> Path:
        """Write the explanation as a self-contained HTML page, and return its path."""
        # The page is only loaded on demand.
        from kgbert.explanation.html import write_explanations

        return write_explanations([self], path)


def _answer_lines(answer: AnswerExplanation) -> list[str]:
    against = f" and not {answer.contrast}" if answer.contrast else ""
    lines = [
        f"  why {answer.answer}{against}: {answer.unit} {answer.score:+.2f}, "
        f"of which the graph {answer.graph_contribution:+.2f}"
    ]
    if answer.counterfactual is not None:
        lines.append(f"    {answer.counterfactual.line()}")
    for mention in answer.ranked_mentions:
        lines.append(f"    {_number(mention.value, mention.standard_error)}  {mention.text}")
        for entity in mention.entities:
            number = _number(entity.value, entity.standard_error)
            lines.append(f"      {number}  {entity.name} ({entity.entity})")
            lines += [
                f"        {_number(edge.value, edge.standard_error)}  {edge.description}"
                for edge in entity.edges
            ]
    for path in answer.paths:
        number = _number(path.value, path.standard_error)
        target = f"{path.answer}: " if path.answer else ""
        lines.append(f"    {number}  path {target}{' → '.join(path.steps)}{path.note}")
    shown = [x for x in answer.labels if abs(x.value) >= SMALLEST_SHOWN][:MOST_SHOWN]
    lines += [f"    {_number(x.value, None)}  {x.label}: {x.kind} {x.text!r}" for x in shown]
    if smaller := len(answer.labels) - len(shown):
        lines.append(f"    {counted(smaller, 'more text')} of labels contribute less")
    if answer.words:
        words = "  ".join(f"{x.text} {x.value:+.2f}" for x in answer.ranked_words[:MOST_SHOWN])
        lines.append(f"    words: {words}")
    return lines


def _number(value: float | None, error: float | None) -> str:
    if value is None:
        return "     "
    return f"{value:+.2f}" if error is None else f"{value:+.2f} ± {error:.2f}"
