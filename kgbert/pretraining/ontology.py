"""Continue the pretraining of an encoder on the texts of a knowledge graph."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from transformers import TrainerCallback, set_seed

from kgbert.features.unknown_tokens import check_graph_is_known
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.pretraining.callbacks import ProgressReport
from kgbert.pretraining.checkpoint import Checkpoint, load_encoder
from kgbert.pretraining.config import GRAPH_CONFIG, PretrainingConfig
from kgbert.pretraining.contrastive import ContrastiveLearning, PairCollator
from kgbert.pretraining.output import (
    PretrainedEncoder,
    check_output_folder,
    make_record,
    save_encoder,
    unfinished_folder,
)
from kgbert.pretraining.pairs import DEFAULT_PAIRS, PairBatches, PairTexts, split_entities
from kgbert.pretraining.record import graph_record
from kgbert.pretraining.trainer import TrainingData, fit, items_per_step, steps_of
from kgbert.utils.logging import silenced_transformers
from kgbert.utils.progress import LOG_REPORTER, Reporter


@silenced_transformers()
def pretrain_on_graph(
    graph: KnowledgeGraph,
    *,
    backbone: str,
    output: str | Path,
    pairs: Sequence[str] = DEFAULT_PAIRS,
    config: PretrainingConfig | None = None,
    callbacks: Sequence[TrainerCallback] = (),
    reporter: Reporter = LOG_REPORTER,
) -> PretrainedEncoder:
    """Train an encoder on what a graph states in words, and save it.

    The vector of a text is the mean of its token states. A name is drawn near to its synonyms, its
    definition, its parents and its other relations in words, and away from the other texts of its
    batch, among which are those of siblings and neighbours (SapBERT, BioLORD). An interrupted call
    continues when it is repeated.

    Args:
        graph: The graph.
        backbone: Hub name or folder of the encoder to start from.
        output: Folder of the encoder, which must not exist yet.
        pairs: What a name is paired with: ``synonym``, ``definition``, ``parent``, ``relation``; or
            ``identity``, a control that pairs each name with itself, so that only dropout differs.
        config: How it is trained; None for settings that suit graphs.
        callbacks: Trainer callbacks.
        reporter: Shows the progress; the default logs it at level INFO.

    Raises:
        KGBertError: The graph has no such pairs, most of its tokens are unknown to the tokenizer,
            or the output exists.
    """
    config, folder = config or GRAPH_CONFIG, Path(output)
    check_output_folder(folder)
    texts = PairTexts(graph, pairs)
    set_seed(config.seed)
    checkpoint = load_encoder(backbone)
    check_graph_is_known(checkpoint.tokenizer, texts.all_texts(), config.max_length)
    settings = {"pairs": list(pairs), "config": asdict(config)}
    inputs = {"graph": graph.hash, "backbone": checkpoint.hash, **settings}
    place = unfinished_folder(folder, inputs)
    training, held_out = split_entities(texts, config)
    fitted = fit(
        checkpoint.encoder,
        ContrastiveLearning(),
        _training_data(checkpoint, texts, training, held_out, config),
        config=config,
        folder=place / "checkpoints",
        callbacks=[ProgressReport(reporter), *callbacks],
    )
    objective = f"contrastive learning of {', '.join(pairs)} pairs"
    record = replace(
        make_record(checkpoint, objective, settings, fitted),
        graph=graph_record(graph, texts.count(set(training)), len(held_out)),
    )
    save_encoder(folder, checkpoint, record)
    return PretrainedEncoder(str(folder), record)


def _training_data(
    checkpoint: Checkpoint,
    texts: PairTexts,
    training: Sequence[int],
    held_out: Sequence[int],
    config: PretrainingConfig,
) -> TrainingData:
    # An item is a whole batch of pairs, because they are compared with each other.
    per_step = items_per_step(1, config)
    batches = PairBatches(texts, training, config)
    steps = steps_of(len(batches), per_step, config)
    batches.count = steps * per_step
    return TrainingData(
        training=batches,
        held_out=PairBatches(texts, held_out, config),
        collate=PairCollator(checkpoint.tokenizer, config.max_length),
        batch_size=1,
        steps=steps,
    )
