"""Continue the pretraining of a language model on the texts of a domain."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, set_seed

from kgbert.data import Source
from kgbert.features.backbones import longest_text
from kgbert.features.entity_features import EntityFeatures, encode_entities
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.factory import linker_settings, make_linker
from kgbert.linking.mention import Linker
from kgbert.pretraining.callbacks import ProgressReport
from kgbert.pretraining.checkpoint import Checkpoint, load_language_model
from kgbert.pretraining.config import MaskingConfig, PretrainingConfig
from kgbert.pretraining.output import (
    PretrainedEncoder,
    check_output_folder,
    make_record,
    once,
    save_encoder,
    unfinished_folder,
)
from kgbert.pretraining.record import CorpusRecord, graph_record
from kgbert.pretraining.texts.corpus import Corpus, CorpusStatistics, measure, open_corpus
from kgbert.pretraining.texts.draws import HeldOutDraws, TrainingDraws
from kgbert.pretraining.texts.graph_reading import FusedLanguageModel, fuse
from kgbert.pretraining.texts.language_modelling import LanguageModelling
from kgbert.pretraining.texts.masking import CausalLMCollator, Collator, MaskedLMCollator
from kgbert.pretraining.texts.span_corruption import SpanCorruptionCollator
from kgbert.pretraining.texts.token_blocks import (
    RowLayout,
    TextTokenizer,
    TokenBlocks,
    write_blocks,
)
from kgbert.pretraining.trainer import (
    TrainingData,
    evaluation_interval,
    fit,
    items_per_step,
    steps_of,
)
from kgbert.utils.errors import KGBertError, Remedy
from kgbert.utils.logging import silenced_transformers
from kgbert.utils.progress import LOG_REPORTER, Reporter

#: Fewest and most held-out rows in an evaluation; between the two, an evaluation reads as many rows
#: as the training since the last one, and so takes about a third of its time.
_FEWEST_ROWS, _MOST_ROWS = 64, 512


@silenced_transformers()
def pretrain(
    corpus: Source,
    *,
    backbone: str,
    output: str | Path,
    graph: KnowledgeGraph | None = None,
    features: EntityFeatures | None = None,
    columns: Mapping[str, str] | None = None,
    exclude: Source | None = None,
    linker: str | Linker = "dictionary",
    masking: MaskingConfig | None = None,
    config: PretrainingConfig | None = None,
    callbacks: Sequence[TrainerCallback] = (),
    reporter: Reporter = LOG_REPORTER,
) -> PretrainedEncoder:
    """Continue the pretraining of a language model on texts, and save the encoder.

    Encoders learn by masked language modelling, decoders by causal language modelling, and T5 by
    span corruption. A checkpoint without a language-modelling head gets a new one with tied
    embeddings, which is trained alone first. An interrupted call continues from its last evaluation
    when it is repeated, with the result of an uninterrupted one.

    Args:
        corpus: A file or folder, a sequence of paths, a list of texts, or rows as for
            :func:`kgbert.read_texts`. Text files and JSON Lines may be larger than memory.
        backbone: Hub name or folder of the encoder to start from.
        output: Folder of the encoder, which must not exist yet.
        graph: Read by the encoder through knowledge attention at the mentions of its entities,
            unless ``config.options`` has ``injected_layers=[]``. Mentions are masked as a whole,
            recovered from their entities and from those of other mentions, and measured separately.
        features: One vector an entity; encoded by the backbone if None.
        columns: Names of the columns by role: ``{"text": "sentence"}``.
        exclude: Texts that are left out, such as the test texts of a task.
        linker: A linker of the graph, or its name as for :func:`kgbert.make_linker`.
        masking: Which tokens are masked; the defaults if None.
        config: How it is trained; the defaults if None.
        callbacks: Trainer callbacks.
        reporter: Shows the progress; the default logs it at level INFO.

    Raises:
        KGBertError: The corpus is empty, too short or not text, the output exists, or the backbone
            has no language-modelling head.
    """
    config, masking = config or PretrainingConfig(), masking or MaskingConfig()
    folder = Path(output)
    check_output_folder(folder)
    texts = open_corpus(corpus, columns, exclude)
    statistics = measure(texts, config.held_out)
    # The weights of a new head are drawn when the model is loaded.
    set_seed(config.seed)
    checkpoint = load_language_model(backbone)
    finder = _linker_of(graph, linker)
    fused = _fused(checkpoint, graph, features, masking, config)
    if fused:  # its backbone is a copy
        checkpoint = replace(checkpoint, model=fused.model.backbone)
    settings = {"masking": asdict(masking), "config": asdict(config)}
    inputs = {
        "corpus": statistics.hash,
        "graph": graph.hash if graph else "",
        "features": fused.reader.features.hash if fused else "",
        "linker": _describe_linker(finder),
        "backbone": checkpoint.hash,
        **settings,
    }
    place = unfinished_folder(folder, inputs)
    blocks = place / "tokens"
    with once(place, "tokens") as is_needed:
        if is_needed:
            steps = reporter.steps("tokenizing, text")
            tokenize = TextTokenizer(checkpoint.tokenizer, finder, graph, masking.whole_mentions)
            layout = _layout(checkpoint, masking, config)
            write_blocks(texts, statistics, tokenize, layout, blocks, progress=steps)
    fitted = fit(
        fused.model if fused else checkpoint.model,
        LanguageModelling(config.link_prediction if fused else 0.0),
        _training_data(blocks, _collator(checkpoint, masking, fused), config),
        config=config,
        folder=place / "checkpoints",
        head_is_new=not checkpoint.has_own_head,
        callbacks=[ProgressReport(reporter), *callbacks],
    )
    record = replace(
        make_record(checkpoint, _objective(checkpoint, fused), settings, fitted),
        head="of the backbone" if checkpoint.has_own_head else "new, tied to the embeddings",
        corpus=_corpus_record(texts, statistics, blocks, with_graph=graph is not None),
        graph=graph_record(graph) if graph else None,
    )
    save_encoder(
        folder,
        checkpoint,
        record,
        digests=statistics.digests,
        save_further=fused.save if fused else None,
    )
    return PretrainedEncoder(str(folder), record)


def _fused(
    checkpoint: Checkpoint,
    graph: KnowledgeGraph | None,
    features: EntityFeatures | None,
    masking: MaskingConfig,
    config: PretrainingConfig,
) -> FusedLanguageModel | None:
    """Return the model that reads the graph; None if no graph is read."""
    if graph is None or not config.options.get("injected_layers", True):
        if config.link_prediction:
            raise KGBertError(
                f"link_prediction={config.link_prediction:g} predicts edges of the graph that an "
                "encoder reads, and this one reads none.",
                code="edges-without-graph",
                remedies=[Remedy("graph"), Remedy("link_prediction", 0)],
            )
        return None
    features = encode_entities(graph, checkpoint.name) if features is None else features
    # Encoding uses random numbers only if the features are not cached.
    set_seed(config.seed)
    return fuse(checkpoint, graph, features, masking=masking, config=config)


def _collator(
    checkpoint: Checkpoint, masking: MaskingConfig, fused: FusedLanguageModel | None
) -> Collator:
    tokenizer = checkpoint.tokenizer
    if checkpoint.objective == "span corruption":
        return SpanCorruptionCollator(tokenizer, masking.probability)
    if checkpoint.objective == "causal language modelling":
        return CausalLMCollator(tokenizer)
    return MaskedLMCollator(tokenizer, masking, fused.reader if fused else None)


def _objective(checkpoint: Checkpoint, fused: FusedLanguageModel | None) -> str:
    if fused is None:
        return checkpoint.objective
    further = " and link prediction" if fused.reader.hides_edges else ""
    return f"{checkpoint.objective} with the graph read{further}"


def _linker_of(graph: KnowledgeGraph | None, linker: str | Linker) -> Linker | None:
    if graph is None:
        return None
    return make_linker(graph, linker) if isinstance(linker, str) else linker


def _describe_linker(linker: Linker | None) -> Any:
    """Return the settings of a linker, or the type of a linker without settings."""
    if linker is None:
        return ""
    try:
        return linker_settings(linker)
    except ValueError:
        return type(linker).__qualname__


def _layout(checkpoint: Checkpoint, masking: MaskingConfig, config: PretrainingConfig) -> RowLayout:
    longest = longest_text(checkpoint.model.config) or config.max_length
    length = min(config.max_length, longest)
    return RowLayout.of(checkpoint.tokenizer, length, packed=masking.packing == "blocks")


def _training_data(blocks: Path, collate: Collator, config: PretrainingConfig) -> TrainingData:
    training = TokenBlocks(blocks / "training")
    per_step = items_per_step(config.batch_size, config)
    steps = steps_of(len(training), per_step, config)
    rows = evaluation_interval(steps, config) * per_step
    rows = min(max(rows, _FEWEST_ROWS), _MOST_ROWS)
    return TrainingData(
        training=TrainingDraws(training, steps * per_step, per_step, seed=config.seed),
        held_out=HeldOutDraws(TokenBlocks(blocks / "held_out"), rows),
        collate=collate,
        batch_size=config.batch_size,
        steps=steps,
    )


def _corpus_record(
    corpus: Corpus, statistics: CorpusStatistics, blocks: Path, *, with_graph: bool
) -> CorpusRecord:
    training = TokenBlocks(blocks / "training")
    return CorpusRecord(
        name=corpus.name,
        hash=statistics.hash,
        texts=statistics.texts,
        held_out_texts=len(statistics.held_out),
        characters=statistics.characters,
        tokens=training.tokens,
        excluded_texts=corpus.count_excluded(),
        share_in_mentions=round(training.share_in_mentions(), 4) if with_graph else None,
    )
