"""Linking of whole texts in which an encoder ranks the candidates of the dictionary."""

from pathlib import Path

from benchmarks.linking.scores import Arm
from benchmarks.linking.tasks import Task, examples_of
from kgbert.linking.embedding.linker import EmbeddingLinker
from kgbert.linking.embedding.thresholds import with_tuned_threshold


def encoder_arm(task: Task, folder: Path) -> Arm:
    """Return the linker of a folder with its threshold chosen on the validation texts."""
    linker = EmbeddingLinker.from_pretrained(task.graph, folder)
    linker = with_tuned_threshold(linker, examples_of(task.graph, task.validation))
    linker = linker.with_settings(max_candidates=20)
    # One batch is faster than encoding surfaces one by one.
    linker.rank([gold.surface for _, golds in task.test for gold in golds])
    return Arm(linker, {"threshold": linker.options.threshold})
