"""Check that model, processor and training arguments are compatible."""

from transformers import PreTrainedConfig, TrainingArguments

from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.backbones import family_of, longest_text
from kgbert.features.pretrained import check_tokenizer
from kgbert.utils.errors import KGBertError, Remedy


def check_fit(
    config: PreTrainedConfig, processor: KGBertProcessor, *, scores_entities: bool = False
) -> None:
    """Raise KGBertError where a processor's batches do not fit a model.

    Args:
        config: The model's configuration.
        processor: Must have the same graph, sample as many hops as the model has graph layers, and
            truncate texts at the backbone's maximum length.
        scores_entities: Whether the model's answers are entities, so that it reads their vectors
            even without injections.
    """
    reads_entities = bool(config.injected_layers or scores_entities)
    _check_graph(config, processor, reads_entities)
    if hasattr(config.backbone, "vocab_size"):  # an encoder-decoder of two models has two
        check_tokenizer(processor.tokenizer, config.backbone)
    if config.path_types != (list(processor.paths.types) if processor.paths else []):
        raise KGBertError(
            f"the model has weights for {len(config.path_types):,} types of path, which are not "
            "those that the processor counts. Use the processor of the same saved model.",
            code="other-path-types",
        )
    reads_edges = reads_entities and config.graph_encoder != "none"
    hops = config.graph_layers if reads_edges else 0
    if processor.sampler.hops < hops:
        raise KGBertError(
            f"the processor samples {processor.sampler.hops} hops around an entity, but the model "
            f"has {hops} graph layers, so that an entity's vector would depend on its batch.",
            code="hops-mismatch",
            remedies=[Remedy("hops", hops, owner="KGBertProcessor")],
        )
    reads_last = not family_of(config.backbone).reads_first_token
    if reads_entities and processor.reads_last_token != reads_last:
        position = "last" if reads_last else "first"
        raise KGBertError(
            f"the head of {config.backbone.model_type} reads the {position} token of a text, but "
            "the processor links the text's entities to another one.",
            code="read-position-mismatch",
            remedies=[Remedy("reads_last_token", reads_last, owner="KGBertProcessor")],
        )
    longest = longest_text(config.backbone)
    if longest is not None and processor.max_length > longest:
        raise KGBertError(
            f"the processor keeps texts of up to {processor.max_length:,} tokens, but this "
            f"{config.backbone.model_type} takes {longest:,}.",
            code="max-length-mismatch",
            remedies=[Remedy("max_length", longest, owner="KGBertProcessor")],
        )


def _check_graph(
    config: PreTrainedConfig, processor: KGBertProcessor, reads_entities: bool
) -> None:
    graph = processor.graph
    if config.graph_hash != graph.hash:
        raise KGBertError(
            f"the model was made for the graph {config.graph_hash[:12]}, but the processor's is "
            f"{graph.hash[:12]} ({graph.source}): its relations need not mean the same. Restore "
            "the folder's graph.safetensors, or train anew with this graph.",
            code="graph-mismatch",
        )
    features = processor.features
    size, own, given = features.vectors.shape[1], config.feature_encoder_hash, features.encoder_hash
    if reads_entities and own and given and own != given:
        raise KGBertError(
            f"the model reads feature vectors of the encoder {own[:12]}, but those of the "
            f"processor come from {features.encoder or 'another one'} ({given[:12]}), so that "
            "their dimensions mean something else. Use the features of the same model.",
            code="feature-encoder-mismatch",
        )
    if reads_entities and config.feature_size != size:
        raise KGBertError(
            f"the model reads feature vectors of length {config.feature_size}, but the "
            f"processor's have {size}.",
            code="feature-size-mismatch",
            remedies=[Remedy("feature_size", size, owner="from_backbone")],
        )


def check_by_epoch(arguments: TrainingArguments) -> None:
    """Raise KGBertError where the best epoch's weights could not be identified and kept."""
    kept = {"load_best_model_at_end": arguments.load_best_model_at_end}
    for name in ("eval_strategy", "save_strategy", "logging_strategy"):
        kept[name] = getattr(arguments, name) == "epoch"
    if wrong := [f"{name}={getattr(arguments, name)!s}" for name, good in kept.items() if not good]:
        raise KGBertError(
            f"with {', '.join(wrong)} the best epoch's weights could not be kept; start from "
            "default_arguments(folder, ...), which evaluates, logs and saves after each epoch.",
            code="best-epoch-not-kept",
        )
