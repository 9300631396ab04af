"""Data whose answers only the relations of a graph tell: names and numbers of edges do not."""

from dataclasses import replace

import numpy as np

from kgbert.data import Example, Span
from kgbert.data.splits import Split
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.tasks.base import Task
from kgbert.tasks.registry import TASKS

#: Number of items. Each is in one text, so that nothing of another can be learnt by heart.
SIZE = 80

_GENERATOR = np.random.default_rng(5)
#: A meaningless name for each item, and for the two entities that it is related to.
NAMES, GOOD, BAD = (
    ["".join(_GENERATOR.choice(list("abcdefghiklmnoprstuvz"), 6)) for _ in range(SIZE)]
    for _ in range(3)
)
#: The answer of each item, drawn at random.
ANSWERS = _GENERATOR.integers(2, size=SIZE).tolist()

LABELS = ("L:0", "L:1")


def path_graph(*, part_relation: str = "has part") -> KnowledgeGraph:
    """Return the graph: two relations lead from each item, and two more to both labels."""
    builder = GraphBuilder()
    for label in LABELS:
        builder.add_name(label, f"label {label[-1]}")
    for number, (name, good, bad) in enumerate(zip(NAMES, GOOD, BAD, strict=True)):
        item = f"E:{number}"
        builder.add_name(item, name)
        builder.add_name(f"G:{number}", good)
        builder.add_name(f"B:{number}", bad)
        builder.add_edge(item, "healed by", f"G:{number}")
        builder.add_edge(item, "harmed by", f"B:{number}")
        builder.add_entity(f"P:{number}")
        builder.add_edge(item, part_relation, f"P:{number}")
        builder.add_edge(f"P:{number}", "found in", LABELS[ANSWERS[number]])
        builder.add_edge(f"P:{number}", "absent from", LABELS[1 - ANSWERS[number]])
    return builder.build(source="paths")


def _labelled(number: int) -> Example:
    return Example(f"the {NAMES[number]} again", LABELS[ANSWERS[number]])


def _question(number: int) -> Example:
    choices = (GOOD[number], BAD[number])
    answer = ANSWERS[number]
    return Example(f"heals {NAMES[number]}", answer, others=choices[:: -1 if answer else 1])


def _relation(number: int) -> Example:
    answer = ANSWERS[number]
    other = (BAD, GOOD)[answer][number]
    text = f"the {NAMES[number]} and {other}"
    arguments = (Span(4, 10, "head"), Span(15, 21, "tail"))
    return Example(text, ("harms", "heals")[answer], arguments=arguments)


def _pair(number: int) -> Example:
    answer = ANSWERS[number]
    other = (BAD, GOOD)[answer][number]
    return Example(f"the {NAMES[number]}", ("no", "yes")[answer], others=(f"a {other}",))


def _graded_pair(number: int) -> Example:
    return replace(_pair(number), target=4.0 * ANSWERS[number])


#: Examples by case and number of their item.
EXAMPLES = {
    "text-classification": _labelled,
    "multiple-choice": _question,
    "relation-classification": _relation,
    "pair classification": _pair,
    "pair regression": _graded_pair,
}

#: The name of the task, by case where it is another.
_TASK_NAMES = {"pair classification": "text-classification", "pair regression": "regression"}


def path_task(case: str) -> Task:
    """Return the task of a case."""
    return TASKS[_TASK_NAMES.get(case, case)]


def path_split(case: str) -> Split:
    """Return the texts of a case."""
    examples = [EXAMPLES[case](number) for number in range(SIZE)]
    return Split(examples[:48], examples[48:64], examples[64:])
