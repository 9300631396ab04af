"""How much memory does each of several processes need that open one built linker from its cache?"""

import multiprocessing
import tempfile
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.serialization import load_graph, save_graph
from kgbert.linking.dictionary.files import load_linker, save_linker
from kgbert.linking.dictionary.linker import DictionaryLinker

#: Processes that link at the same time, and sentences that each of them links.
_WORKERS, _SENTENCES = 4, 2_000


def shared_memory(graph: KnowledgeGraph, sentences: Sequence[str]) -> dict[str, float]:
    """Return what one process of four holds for itself, and what it shares with the others."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        save_graph(graph, f"{folder}/graph")
        save_linker(DictionaryLinker(graph), f"{folder}/linker")
        together, answers = context.Barrier(_WORKERS), context.SimpleQueue()
        given = (folder, sentences[:_SENTENCES], together, answers)
        workers = [context.Process(target=_work, args=given) for _ in range(_WORKERS)]
        for worker in workers:
            worker.start()
        held = [answers.get() for _ in workers]
        for worker in workers:
            worker.join()
    return {key: max(one[key] for one in held) for key in held[0]} | {"workers": _WORKERS}


def _work(
    folder: str, sentences: Sequence[str], together: Barrier, answers: "SimpleQueue[Any]"
) -> None:
    before = _memory()
    linker = load_linker(load_graph(f"{folder}/graph"), f"{folder}/linker")
    linker(sentences)
    # What is shared shows only while the others hold it too.
    together.wait()
    after = _memory()
    answers.put({key: after[key] - before[key] for key in after})
    together.wait()


def _memory() -> dict[str, float]:
    lines = (line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines())
    sizes = {line[0]: int(line[1]) / 1024 for line in lines if line[-1] == "kB"}
    return {
        "own_mb": sizes["Private_Clean:"] + sizes["Private_Dirty:"],
        "shared_mb": sizes["Shared_Clean:"] + sizes["Shared_Dirty:"],
    }
