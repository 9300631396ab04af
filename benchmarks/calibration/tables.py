"""The tables of calibration.py: how often the verdict errs, and what it saw in real training."""

from typing import Any

from benchmarks.rendering.markdown import table
from kgbert.reporting.formatting import points, score

Results = dict[str, Any]


def calibration(results: Results) -> str:
    """Return how often each verdict was given, simulated and with real training runs."""
    return "\n\n".join(
        [
            "By simulation, the share of comparisons that were called so:",
            _simulated(results["simulated"]),
            "With real training runs of a tiny encoder, six seeds each; the class of a share of "
            "the texts is a property that stands some edges away from the entity they mention:",
            _real(results["real"]),
            f"Measured on {results['machine']}, torch {results['torch']}, Python "
            f"{results['python']}.",
        ]
    )


def _simulated(cells: list[Results]) -> str:
    rows = [
        (
            cell["situation"],
            cell["noise"],
            str(cell["seeds"]),
            f"{cell['studies']:,}",
            f"{cell['helps']:.1%}",
            f"{cell['hurts']:.1%}",
        )
        for cell in cells
    ]
    return table(("situation", "scores scatter", "seeds", "comparisons", "helps", "hurts"), rows)


def _real(studies: list[Results]) -> str:
    rows = [
        (
            str(study["edges away"] or "nowhere: three arms that are all plain"),
            f"{study['share of texts that the graph decides']:.0%}",
            str(study["training texts"]),
            *(score(study["arms"][arm]) for arm in ("plain", "knowledge", "shuffled")),
            points(study["gain"]),
            points(study["detectable"]).lstrip("+"),
            study["verdict"],
        )
        for study in studies
    ]
    header = (
        "edges to the answer",
        "texts that the graph decides",
        "training texts",
        "plain",
        "knowledge",
        "shuffled",
        "gain",
        "detectable",
        "verdict",
    )
    return table(header, rows)
