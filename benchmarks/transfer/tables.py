"""The tables of the transfer benchmark."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from benchmarks.rendering.markdown import table, versions_of
from benchmarks.rendering.paired_scores import difference, mean_score
from kgbert.comparison.arms.verdict_arms import BASELINE, MAIN
from kgbert.reporting.formatting import metric_name

#: The arms that start from the plain encoder, with those that start from the model of the source.
STARTS = {BASELINE: f"{BASELINE}-source", MAIN: f"{MAIN}-source"}

Row = Mapping[str, Any]


def transfer_tables(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the tables of all pairs of domains: asked without training, and learning curves."""
    parts = []
    for name, result in results.items():
        parts += [
            f"### {result['title']} (`{name}`)",
            _linked(result["graphs"]),
            "Without further training:",
            asked_table(result),
            "Trained further in the target:",
            curve_table(result),
            _forgetting(result),
            _circumstances(result),
        ]
    return "\n\n".join(filter(None, parts))


def asked_table(result: Mapping[str, Any]) -> str:
    """Return the scores of the models of the source with each graph, and the differences."""
    rows: list[tuple[str, ...]] = []
    for texts, graph in product(("source", "target"), ("source", "target", "none")):
        scores = _by_seed(result["asked"], texts=texts, graph=graph)
        if scores:
            own = _by_seed(result["asked"], texts=texts, graph="source")
            cells = [] if graph == "source" else difference(scores, own)
            rows.append((texts, graph, mean_score(scores), *(cells or [""] * 3)))
    header = (
        "texts of the",
        "graph",
        metric_name(result["source metric"]),
        "over own graph",
        "p",
        "seeds",
    )
    return table(header, rows)


def curve_table(result: Mapping[str, Any]) -> str:
    """Return the scores by number of training texts and arm, and what the start saves."""
    rows: list[tuple[str, ...]] = []
    for size in sorted({row["size"] for row in result["runs"]}):
        scores = {
            arm: _by_seed(result["runs"], size=size, arm=arm) for arm in (*STARTS, *STARTS.values())
        }
        for arm, start in STARTS.items():
            rows.append((f"{size}", arm, mean_score(scores[arm]), "", "", ""))
            gain = difference(scores[start], scores[arm])
            rows.append((f"{size}", start, mean_score(scores[start]), *gain))
    header = ("texts", "arm", metric_name(result["metric"]), "over the arm above", "p", "seeds")
    return table(header, rows)


def _forgetting(result: Mapping[str, Any]) -> str:
    """Return a sentence on the score in the source, before and after training in the target."""
    after = [row for row in result["runs"] if row["on the source"] is not None]
    if not after:
        return ""
    before = _by_seed(result["asked"], texts="source", graph="target")
    sentences = []
    for arm in STARTS.values():
        scores = {row["seed"]: row["on the source"] for row in after if row["arm"] == arm}
        change, p, _ = difference(scores, before)
        sentences.append(f"{arm} {mean_score(scores)} ({change}, {_stated_p(p)})")
    size = max(row["size"] for row in after)
    return (
        f"On the texts of the source, read with the graph of the target: {mean_score(before)} "
        f"before training in the target, and after {size} texts of it: {'; '.join(sentences)}."
    )


def _stated_p(p: str) -> str:
    """Return a p-value as written in a sentence."""
    return f"p {p}" if p.startswith("<") else f"p = {p}"


def _by_seed(rows: Sequence[Row], **chosen: object) -> dict[int, float]:
    return {
        row["seed"]: row["score"]
        for row in rows
        if all(row[name] == value for name, value in chosen.items())
    }


def _linked(graphs: Mapping[str, Mapping[str, Any]]) -> str:
    parts = []
    for name, graph in graphs.items():
        shares = ", ".join(
            f"{share:.0%} of the test texts of the {texts}"
            for texts, share in graph["texts with a mention"].items()
        )
        parts.append(
            f"The graph of the {name} has {graph['entities']:,} entities; {shares} mention one."
        )
    return " ".join(parts)


def _circumstances(result: Mapping[str, Any]) -> str:
    return (
        f"{result['source sizes'][0]} training texts in the source; "
        f"{result['source sizes'][2]} and {result['target sizes'][1]} test texts; encoder "
        f"{result['encoder']}; {result['hardware']['processor']}, 1 thread, {versions_of(result)}, "
        f"{result['finished'][:10]}."
    )
