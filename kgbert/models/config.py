"""The configuration of a fused model."""

from collections.abc import Iterable
from inspect import signature
from typing import Any

from transformers import AutoConfig, PreTrainedConfig

from kgbert.data.class_names import labels_of
from kgbert.features.backbones import encoder_config_of
from kgbert.utils.errors import KGBertError, Remedy
from kgbert.utils.registry import lookup

POOLINGS = ("head", "mean")


class KGBertConfig(PreTrainedConfig):
    """The configuration of a fused model, including that of its backbone.

    Args:
        backbone: Configuration of the backbone, or its dictionary.
        relations: Relation ids of the graph. The edge types of a batch are indices of this list,
            plus ``len(relations)`` for inverse edges.
        graph_hash: Content hash of the graph of the model.
        feature_size: Length of an entity's feature vector.
        feature_encoder_hash: Hash of the encoder or the files of the feature vectors; empty if
            unknown. Vectors of others mean something else, even if they are as long.
        injected_layers: Blocks after which knowledge is injected; 1 is the first and -1 the
            last. None means the upper half; an empty list gives the plain model.
        graph_encoder: A name in :data:`kgbert.models.layers.graph_encoder.ENCODERS`.
        graph_layers: Number of layers of the graph encoder, that is hops of the graph.
        knowledge_size: Size of an entity vector; None means that of the feature vectors.
        knowledge_heads: Number of heads of each knowledge attention. With one head,
            ``model.precompute`` can also precompute keys and values.
        knowledge_dropout: Dropout in the graph encoder and on the injected updates.
        link_dropout: Share of links that are hidden in each training step.
        fusion: A name in :data:`kgbert.models.fusions.FUSIONS`; all but ``attention`` are
            baselines.
        pooling: The state that a sequence head reads: ``head``, the default of the backbone;
            ``mean``, the mean of all token states, to which the entities of the text are added.
        linking_loss: Weight of the auxiliary loss that supervises the knowledge attention with
            gold links, if the training texts have spans with entities; 0 disables it.
        label_vectors: Whether the head also compares states with the entities of the labels.
        compares_texts: Whether the head of a pair of texts also reads how alike the encoder finds
            them.
        untrained_labels: The labels without training texts, which the loss ignores.
        path_steps: Largest number of steps of the paths in the graph from the entities of a text to
            those of labels, choices, arguments or a second text, or from each mention to its
            classes, whose types get a weight; 0 for no paths.
        path_ends: Where the paths lead, as for
            :func:`kgbert.encoding.paths.kinds.path_features`; empty for what the head answers.
        path_types: The types of path that have a weight, chosen on the training texts if empty.
        nil_threshold: In entity linking, the probability against "no entity" from which the
            highest scoring candidate is chosen; fine-tuning calibrates it on validation texts.
        task: Name of the task of the model.
        task_settings: Settings of the task that prediction needs.
        generation: The generation settings of an encoder-decoder, such as ``num_beams``.
        attention_heads: Number of attention heads of each block of a narrowed student; None for
            those of the backbone's configuration.
        feed_forward_size: Number of feed-forward neurons of each block of a narrowed student; None
            for those of the backbone's configuration.
    """

    model_type = "kgbert"
    sub_configs = {"backbone": AutoConfig}  # noqa: RUF012 - the attribute transformers reads

    def __init__(
        self,
        backbone: PreTrainedConfig | dict[str, Any] | None = None,
        relations: list[str] | None = None,
        graph_hash: str = "",
        feature_size: int = 384,
        feature_encoder_hash: str = "",
        injected_layers: list[int] | None = None,
        graph_encoder: str = "compgcn",
        graph_layers: int = 2,
        knowledge_size: int | None = None,
        knowledge_heads: int = 4,
        knowledge_dropout: float = 0.1,
        link_dropout: float = 0.1,
        pooling: str = "head",
        fusion: str = "attention",
        linking_loss: float = 0.0,
        label_vectors: bool = False,
        compares_texts: bool = False,
        untrained_labels: list[str] | None = None,
        path_steps: int = 0,
        path_ends: str = "",
        path_types: list[str] | None = None,
        nil_threshold: float = 0.5,
        task: str = "",
        task_settings: dict[str, Any] | None = None,
        generation: dict[str, Any] | None = None,
        attention_heads: int | None = None,
        feed_forward_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(backbone, dict):
            backbone = AutoConfig.for_model(**backbone)
        self.backbone = backbone if backbone is not None else AutoConfig.for_model("bert")
        blocks = self.encoder_config.num_hidden_layers
        if injected_layers is None:
            injected_layers = list(range(blocks // 2 + 1, blocks + 1))
        injected_layers = [x if x >= 0 else blocks + 1 + x for x in injected_layers]
        _check_layers(injected_layers, self.encoder_config)
        if knowledge_size is None:
            knowledge_size = feature_size
        if knowledge_size % knowledge_heads:
            raise KGBertError(
                f"knowledge_size={knowledge_size} is not a multiple of "
                f"knowledge_heads={knowledge_heads}.",
                code="indivisible-heads",
            )
        lookup(dict.fromkeys(POOLINGS), pooling, "pooling")
        if linking_loss < 0:
            raise KGBertError(
                f"linking_loss={linking_loss} is negative; `linking_loss` must be >= 0.",
                code="negative-linking-loss",
                remedies=[Remedy("linking_loss", 0.1), Remedy("linking_loss", 0, "for none")],
            )
        if linking_loss and fusion != "attention":
            raise KGBertError(
                f"linking_loss={linking_loss} trains the knowledge attention, but "
                f"fusion={fusion!r} has none.",
                code="linking-loss-without-attention",
                remedies=[Remedy("linking_loss", 0), Remedy("fusion", "attention")],
            )
        self.relations = relations or []
        self.graph_hash = graph_hash
        self.feature_size = feature_size
        self.feature_encoder_hash = feature_encoder_hash
        self.injected_layers = injected_layers
        self.graph_encoder = graph_encoder
        self.graph_layers = graph_layers
        self.knowledge_size = knowledge_size
        self.knowledge_heads = knowledge_heads
        self.knowledge_dropout = knowledge_dropout
        self.link_dropout = link_dropout
        self.pooling = pooling
        self.fusion = fusion
        self.linking_loss = linking_loss
        self.label_vectors = label_vectors
        self.compares_texts = compares_texts
        self.untrained_labels = untrained_labels or []
        self.path_steps = path_steps
        self.path_ends = path_ends
        self.path_types = path_types or []
        self.nil_threshold = nil_threshold
        self.task = task
        self.task_settings = task_settings or {}
        self.generation = generation or {}
        self.attention_heads = attention_heads
        self.feed_forward_size = feed_forward_size
        super().__init__(**kwargs)

    @property
    def encoder_config(self) -> PreTrainedConfig:
        """The configuration of the encoder: the backbone, or the first half of two joined ones."""
        return encoder_config_of(self.backbone)

    @property
    def reads_edges(self) -> bool:
        """Whether the graph encoder reads edges."""
        return self.graph_encoder != "none" and self.graph_layers > 0

    @property
    def labels(self) -> list[str]:
        """The labels in the order of the logits."""
        return labels_of(self)

    @property
    def keys_to_ignore_at_inference(self) -> list[str]:
        """Outputs that Trainer leaves out of predictions, as for the backbone (XLNet's memory)."""
        return list(getattr(self.backbone, "keys_to_ignore_at_inference", []))


def check_options(names: Iterable[str]) -> None:
    """Raise KGBertError if an option is not a field of :class:`KGBertConfig`.

    The configuration itself accepts unknown fields, so that it can read files of newer versions.
    Without this check, a misspelt option would silently have no effect.
    """
    known = {**signature(PreTrainedConfig).parameters, **signature(KGBertConfig).parameters}
    for name in names:
        lookup(known, name, "option of the model")


def _check_layers(injected_layers: list[int], backbone: PreTrainedConfig) -> None:
    blocks = backbone.num_hidden_layers
    if any(not 1 <= layer <= blocks for layer in injected_layers):
        raise KGBertError(
            f"injected_layers={injected_layers} names a block that the backbone lacks: "
            f"{backbone.model_type} has blocks 1 to {blocks}.",
            code="unknown-layer",
        )
    if len(set(injected_layers)) < len(injected_layers):
        raise KGBertError(
            f"injected_layers={injected_layers} names a block twice; name it once.",
            code="repeated-layer",
        )
