"""The card of a pretrained encoder, generated from its record."""

from collections.abc import Iterator

from kgbert.pretraining.record import EvaluationRecord, PretrainingRecord
from kgbert.reporting.formatting import counted, duration


def encoder_card(record: PretrainingRecord) -> str:
    """Return the card as Markdown."""
    rows = "\n".join(f"| {name} | {value.replace('|', '/')} |" for name, value in _rows(record))
    chain = list(record.chain())
    earlier = "".join(f"1. {step.description} ({duration(step.seconds)})\n" for step in chain)
    steps = f"\nPretrainings in order:\n\n{earlier}" if len(chain) > 1 else ""
    return f"""---
library_name: transformers
tags: [kgbert, domain-pretraining]
---
# {record.backbone.rsplit("/", 1)[-1]}, pretrained further

An encoder for `AutoModel` and for `kgbert train --backbone THIS_FOLDER`, made with kgbert
{record.versions["kgbert"]}.

| | |
|---|---|
{rows}
{steps}
All settings, hashes and losses are in `kgbert_pretraining.json`.
"""


def _rows(record: PretrainingRecord) -> Iterator[tuple[str, str]]:
    yield "Objective", record.objective
    yield "Backbone", f"{record.backbone} (weights {record.backbone_hash[:16]})"
    if record.head:
        yield "Language-modelling head", record.head
    if corpus := record.corpus:
        yield (
            "Corpus",
            f"{corpus.name}: {counted(corpus.texts, 'text')}, {counted(corpus.tokens, 'token')}, "
            f"{corpus.held_out_texts:,} texts held out (hash {corpus.hash[:16]})",
        )
        if corpus.excluded_texts:
            yield "Texts left out", f"{corpus.excluded_texts:,}"
        if corpus.share_in_mentions is not None:
            yield "Tokens in mentions of the graph", f"{100 * corpus.share_in_mentions:.1f} %"
    if graph := record.graph:
        source = f"{graph.source or 'in memory'} {graph.version}".strip()
        yield "Graph", f"{source} (hash {graph.hash[:16]})"
        yield "Licence of the graph", graph.licence or "not stated in the file; ask its owner"
        if graph.pairs is not None:
            pairs = ", ".join(f"{count:,} {kind}" for kind, count in graph.pairs.items())
            yield "Pairs", f"{pairs}; {counted(graph.held_out_entities, 'entity')} held out"
    first, best = record.before_and_after
    yield "Steps", f"{record.steps:,}, of which {record.best_step:,} are kept"
    yield "Held-out data before", measures_text(first)
    yield "Held-out data after", measures_text(best)
    yield "Training time", duration(record.seconds)
    yield "Versions", ", ".join(f"{name} {number}" for name, number in record.versions.items())


def measures_text(evaluation: EvaluationRecord) -> str:
    """Return the measures of an evaluation in one line."""
    return ", ".join(f"{name} {_number(value)}" for name, value in evaluation.measures.items())


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3f}"
