"""Tables of the calibration benchmark: error rates of the verdict, simulated and measured."""

from typing import Any

from benchmarks.rendering.markdown import table
from kgbert.reporting.formatting import points, score

Results = dict[str, Any]


def calibration(results: Results) -> str:
    """Return the frequency of each verdict, simulated and with real training runs."""
    return "\n\n".join(
        [
            "By simulation, the share of comparisons with each verdict:",
            _simulated(results["simulated"]),
            "With real training runs of a tiny encoder, six seeds each. For a share of the texts "
            "the label is a property some edges away from the mentioned entity:",
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
    return table(
        ("situation", "distribution of scores", "seeds", "comparisons", "helps", "hurts"), rows
    )


def _real(studies: list[Results]) -> str:
    rows = [
        (
            str(study["edges away"] or "none: three plain arms"),
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
        "edges to the label",
        "texts that the graph determines",
        "training texts",
        "plain",
        "knowledge",
        "shuffled",
        "gain",
        "detectable",
        "verdict",
    )
    return table(header, rows)
