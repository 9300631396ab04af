"""The configuration of a fused model."""

from collections.abc import Iterable
from inspect import signature
from typing import Any

from transformers import AutoConfig, PreTrainedConfig

from kgbert.utils.registry import lookup

POOLINGS = ("head", "mean")


class KGBertConfig(PreTrainedConfig):
    """What is needed to rebuild a fused model, the backbone's own configuration included.

    Args:
        backbone: Configuration of the Hugging Face model that is held, or its dictionary.
        relations: Relation ids of the graph; a batch's edge types are positions in it, and
            ``len(relations)`` higher where an edge is read against its direction.
        graph_hash: Content hash of the graph that the model was made for.
        feature_size: Length of an entity's feature vector.
        injected_layers: Blocks after which knowledge is injected, 1 being the first and -1 the
            last. None means the upper half; an empty list makes the plain model.
        graph_encoder: A name in :data:`kgbert.models.layers.graph_encoder.ENCODERS`.
        graph_layers: How many hops of the graph an entity vector sees.
        knowledge_size: Length of an entity vector; None means that of the feature vectors.
        knowledge_heads: Heads of each knowledge attention; of one, ``model.precompute`` computes
            more beforehand.
        knowledge_dropout: Dropout inside the graph encoder and on what is injected.
        link_dropout: Share of links hidden from the model at each training step.
        fusion: How it enters, a name in :data:`kgbert.models.fusions.FUSIONS`; all but
            ``attention`` are those of rivals.
        pooling: What a head that reads one position finds there: ``head``, the backbone's own
            state; ``mean``, the mean of all token states, to which the text's entities are added.
        linking_loss: Weight of the loss that gold links give the knowledge attention beside the
            task's own, where the training texts have spans with entities; 0 for none.
        nil_threshold: In entity linking, how likely the best candidate must be, of the two, to be
            preferred to "none of these"; fine-tuning chooses it on the validation texts.
        task: Name of the task that the model was made for.
        task_settings: What the task has to know again when the model answers.
    """

    model_type = "kgbert"
    sub_configs = {"backbone": AutoConfig}  # noqa: RUF012 - the attribute transformers reads

    def __init__(
        self,
        backbone: PreTrainedConfig | dict[str, Any] | None = None,
        relations: list[str] | None = None,
        graph_hash: str = "",
        feature_size: int = 384,
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
        nil_threshold: float = 0.5,
        task: str = "",
        task_settings: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(backbone, dict):
            backbone = AutoConfig.for_model(**backbone)
        self.backbone = backbone if backbone is not None else AutoConfig.for_model("bert")
        blocks = self.backbone.num_hidden_layers
        if injected_layers is None:
            injected_layers = list(range(blocks // 2 + 1, blocks + 1))
        injected_layers = [x if x >= 0 else blocks + 1 + x for x in injected_layers]
        _check_layers(injected_layers, self.backbone)
        if knowledge_size is None:
            knowledge_size = feature_size
        if knowledge_size % knowledge_heads:
            raise ValueError(
                f"knowledge_size={knowledge_size} cannot be shared by "
                f"knowledge_heads={knowledge_heads}; choose a multiple."
            )
        if pooling not in POOLINGS:
            raise ValueError(f"pooling={pooling!r} is unknown; choose one of {POOLINGS}.")
        if linking_loss < 0:
            raise ValueError(
                f"linking_loss={linking_loss} teaches what is wrong; choose 0.1, or 0 for none."
            )
        if linking_loss and fusion != "attention":
            raise ValueError(
                f"linking_loss={linking_loss} teaches the knowledge attention, which "
                f"fusion={fusion!r} has none of; leave one of the two out."
            )
        self.relations = relations or []
        self.graph_hash = graph_hash
        self.feature_size = feature_size
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
        self.nil_threshold = nil_threshold
        self.task = task
        self.task_settings = task_settings or {}
        super().__init__(**kwargs)

    @property
    def keys_to_ignore_at_inference(self) -> list[str]:
        """What Trainer leaves out of predictions: the same as for the backbone, XLNet's memory."""
        return list(getattr(self.backbone, "keys_to_ignore_at_inference", []))


def check_options(names: Iterable[str]) -> None:
    """Raise ValueError where an option is none of :class:`KGBertConfig`'s.

    The configuration itself keeps what it does not know, as those of newer versions must be
    readable; of an option that was just typed, nothing would be seen but that it has no effect.
    """
    known = {**signature(PreTrainedConfig).parameters, **signature(KGBertConfig).parameters}
    for name in names:
        lookup(known, name, "option of the model")


def _check_layers(injected_layers: list[int], backbone: PreTrainedConfig) -> None:
    blocks = backbone.num_hidden_layers
    if any(not 1 <= layer <= blocks for layer in injected_layers):
        raise ValueError(
            f"injected_layers={injected_layers} names a block that the backbone lacks: "
            f"{backbone.model_type} has blocks 1 to {blocks}."
        )
    if len(set(injected_layers)) < len(injected_layers):
        raise ValueError(f"injected_layers={injected_layers} names a block twice; name it once.")
