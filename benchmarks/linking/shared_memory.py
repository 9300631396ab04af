"""Memory of several processes that open one linker from its cache."""

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

#: Concurrent processes, and the sentences that each of them links.
_WORKERS, _SENTENCES = 4, 2_000


def shared_memory(graph: KnowledgeGraph, sentences: Sequence[str]) -> dict[str, float]:
    """Return the private and shared memory of one of four processes."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        save_graph(graph, f"{folder}/graph")
        save_linker(DictionaryLinker(graph), f"{folder}/linker")
        barrier, results = context.Barrier(_WORKERS), context.SimpleQueue()
        arguments = (folder, sentences[:_SENTENCES], barrier, results)
        workers = [
            context.Process(target=_link_and_measure, args=arguments) for _ in range(_WORKERS)
        ]
        for worker in workers:
            worker.start()
        usages = [results.get() for _ in workers]
        for worker in workers:
            worker.join()
    return {key: max(one[key] for one in usages) for key in usages[0]} | {"workers": _WORKERS}


def _link_and_measure(
    folder: str, sentences: Sequence[str], barrier: Barrier, results: "SimpleQueue[Any]"
) -> None:
    before = _memory_usage()
    linker = load_linker(load_graph(f"{folder}/graph"), f"{folder}/linker")
    linker(sentences)
    # Pages count as shared only while the other processes map them too.
    barrier.wait()
    after = _memory_usage()
    results.put({key: after[key] - before[key] for key in after})
    barrier.wait()


def _memory_usage() -> dict[str, float]:
    lines = (line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines())
    sizes = {line[0]: int(line[1]) / 1024 for line in lines if line[-1] == "kB"}
    return {
        "own_mb": sizes["Private_Clean:"] + sizes["Private_Dirty:"],
        "shared_mb": sizes["Shared_Clean:"] + sizes["Shared_Dirty:"],
    }
