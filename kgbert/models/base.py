"""What all fused models share: a Hugging Face model whose blocks read a knowledge graph."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import AutoModel, PreTrainedModel

from kgbert.encoding.entity_vectors import EntityVectors
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.backbones import READ_LAST
from kgbert.features.entity_features import weights_hash
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.models.config import KGBertConfig, check_options
from kgbert.models.fusions import FUSIONS
from kgbert.models.inputs import BatchKnowledge, pop_knowledge_inputs
from kgbert.models.layers.graph_encoder import GraphEncoder
from kgbert.models.layers.initialization import init_module_weights
from kgbert.models.layers.injection import (
    TOKENS_FIRST,
    BlockHook,
    BoundInjection,
    ContextStack,
    Injection,
    KnowledgeContext,
    MeanPoolHook,
    StateUpdate,
    hooked_module,
    last_of,
)
from kgbert.models.layers.knowledge_attention import (
    FoldedKeysValues,
    KnowledgeAttention,
    ZeroLinear,
)
from kgbert.models.linking_loss import add_linking_loss
from kgbert.models.precompute import (
    Progress,
    StalenessCheck,
    all_vectors,
    foldable_injections,
    unpack_columns,
)
from kgbert.utils.registry import lookup

logger = logging.getLogger(__name__)


def new_modules(backbone: PreTrainedModel, rest: nn.Module) -> list[str]:
    """Return the names of the new modules of a model, containers opened.

    Args:
        backbone: The model's, with its task head.
        rest: The model itself.
    """
    head = () if backbone.base_model is backbone else backbone.named_children()
    names = [f"backbone.{name}" for name, child in head if child is not backbone.base_model]
    for name, child in rest.named_children():
        if isinstance(child, nn.ModuleDict):
            names += [f"{name}.{each}" for each in child]
        elif child is not backbone:
            names.append(name)
    return [name for name in names if any(True for _ in rest.get_submodule(name).parameters())]


def warn_frozen_gates(injections: nn.Module) -> None:
    """Warn if nothing will ever come through the injections, which start as the identity."""
    opening: list[Tensor] = []
    for module in injections.modules():
        if isinstance(module, KnowledgeAttention):
            opening.append(module.gate)
        elif isinstance(module, ZeroLinear):
            opening.append(module.weight)
    if any(parameter.requires_grad or parameter.any() for parameter in opening) or not opening:
        return
    logger.warning(
        "the gates of the injections are zero and frozen, so that this training lets no knowledge "
        "in; train what is new as well: with peft, LoraConfig(..., "
        "modules_to_save=model.new_modules)."
    )


#: One of the fused models; typing.Self is unknown to the checks of shapes that tests run under.
Fused = TypeVar("Fused", bound="KGBertPreTrainedModel")


class KGBertPreTrainedModel(PreTrainedModel):
    """What the fused models share: building, injecting, initialising.

    The backbone keeps its own code and parameter names; knowledge enters through forward hooks
    whose parameters belong to this model. The graph is not in the model: each batch brings the
    sampled neighbourhood of the entities that it mentions.
    """

    config_class = KGBertConfig
    base_model_prefix = "backbone"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    #: The losses of the backbones' heads are means, which Trainer divides by its accumulation steps
    #: only where it does not take the model to do so because of ``**inputs``.
    accepts_loss_kwargs = False
    auto_class: ClassVar[Any] = AutoModel
    #: Whether the task head reads one position, where the mean may be put instead.
    reads_one_position: ClassVar[bool] = False
    #: Whether a head of this class compares the text with the vectors of entities.
    scores_entities: ClassVar[bool] = False

    def __init__(self, config: KGBertConfig) -> None:
        super().__init__(config)
        self.backbone = self.auto_class.from_config(config.backbone)
        self.supports_gradient_checkpointing = self.backbone.supports_gradient_checkpointing
        self.context_stack = ContextStack()
        self.staleness_check = StalenessCheck()
        self.has_trained = False
        pools = self.reads_one_position and config.pooling == "mean"
        fusion = lookup(FUSIONS, config.fusion, "fusion")
        if fusion.needs_pooling and not self.reads_one_position:
            raise ValueError(
                f"fusion={config.fusion!r} adds entities to the one position that a task head "
                f"reads, and the head of {type(self).__name__} reads all; choose another fusion."
            )
        injections = (
            fusion.injections(config, self.read_position, pools) if config.injected_layers else []
        )
        self.injections = nn.ModuleDict({each.name: each.module for each in injections})
        self.foldable = foldable_injections(injections)
        if (injections or self.scores_entities) and fusion.reads_graph:
            self.graph_encoder = GraphEncoder(
                config.graph_encoder,
                config.graph_layers,
                features=config.feature_size,
                size=config.knowledge_size,
                relations=len(config.relations),
                dropout=config.knowledge_dropout,
            )
        # Hooks must be there before the first forward pass, or hidden states are recorded
        # before the injection.
        self._hook([each for each in injections if each.place != "pooled"])
        if pools:
            self._hook_at(last_of(self.backbone), MeanPoolHook(self.read_position))
        self._hook([each for each in injections if each.place == "pooled"])
        self.add_head(config)
        self.post_init()

    def add_head(self, config: KGBertConfig) -> None:
        """Add what a task reads beside the backbone and its own head, which is mostly nothing."""

    @property
    def new_modules(self) -> list[str]:
        """Names of the task head and of what reads the graph: no checkpoint has trained them.

        peft takes them: ``LoraConfig(..., modules_to_save=model.new_modules)``.
        """
        return new_modules(self.backbone, self)

    @property
    def read_position(self) -> int:
        """The position that heads of the backbone's family read: the first or the last."""
        return -1 if self.config.backbone.model_type in READ_LAST else 0

    def _hook(self, injections: Sequence[Injection]) -> None:
        for each in injections:
            self._hook_at(hooked_module(each, self.backbone), BoundInjection(each, self.injections))

    def _hook_at(self, hooked: nn.Module, change: StateUpdate) -> None:
        tokens_first = self.config.backbone.model_type in TOKENS_FIRST
        hooked.register_forward_hook(
            BlockHook(self.context_stack, change, tokens_first=tokens_first)
        )

    @classmethod
    def from_backbone(
        cls: type[Fused],
        name_or_path: str,
        graph: KnowledgeGraph,
        *,
        labels: Sequence[str] = (),
        head: Mapping[str, Any] = MappingProxyType({}),
        **options: Any,
    ) -> Fused:
        """Return a model that computes what the plain checkpoint computes, ready to be trained.

        Args:
            name_or_path: A checkpoint on the hub or in a folder.
            graph: Only its relations and its hash are taken.
            labels: The task's labels in the order of the logits.
            head: Fields of the backbone's own configuration that its head depends on.
            **options: Fields of :class:`KGBertConfig`; any other is a ValueError.
        """
        check_options(options)
        naming = (
            {"id2label": dict(enumerate(labels)), "label2id": {x: i for i, x in enumerate(labels)}}
            if labels
            else {}
        )
        naming |= head
        # In single precision whatever it was saved in, as what is new and has to be trained.
        plain = cls.auto_class.from_pretrained(
            name_or_path,
            dtype=torch.float32,
            # A head for other labels gives way to a new one, of which transformers warns.
            ignore_mismatched_sizes=bool(naming),
            **naming,
        )
        if cls.reads_one_position and getattr(plain.config, "classifier_pooling", "") == "mean":
            # ModernBERT's head would take the mean itself, and thin out what a text's entities add
            # to the one position; so the mean is put there, and the head reads that.
            plain.config.classifier_pooling = "cls"
            options.setdefault("pooling", "mean")
        config = KGBertConfig(
            backbone=plain.config,
            relations=list(graph.relation_ids),
            graph_hash=graph.hash,
            **{"feature_size": plain.config.hidden_size, **naming, **options},
        )
        model = cls(config)
        model.backbone.load_state_dict(plain.state_dict())
        return model

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> Any:
        """Return the backbone's own output, computed with knowledge where the batch has links.

        Args:
            input_ids: Shape (batch, tokens).
            attention_mask: Shape (batch, tokens), 1 where there is a token.
            labels: What the task head takes: shape (batch) or (batch, tokens).
            **inputs: The fields of :class:`kgbert.models.inputs.BatchKnowledge`, which
                :class:`kgbert.KGBertProcessor` makes, and what else the backbone takes.

        Raises:
            ValueError: The batch brings no knowledge, or tensors that do not fit together.
        """
        if labels is not None:
            inputs["labels"] = labels
        knowledge = pop_knowledge_inputs(inputs)
        current = self.build_context(knowledge, attention_mask)
        with self.context_stack.activate(current):
            output = self.backbone(input_ids=input_ids, attention_mask=attention_mask, **inputs)
        return add_linking_loss(output, current, knowledge, self.config.linking_loss)

    def build_context(
        self, knowledge: BatchKnowledge | None, attention_mask: Tensor | None
    ) -> KnowledgeContext:
        """Return what the hooks of a forward pass read.

        Raises:
            ValueError: The model reads knowledge, and the batch brings none.
        """
        entities = links = layout = None
        folded: dict[str, FoldedKeysValues] = {}
        if (self.injections or self.scores_entities) and not self.context_stack.switched_off:
            if knowledge is None:
                raise ValueError(
                    "this model reads a knowledge graph, but the batch brings none of it. Make "
                    "batches with KGBertProcessor or ask kgbert.pipeline(folder); "
                    "transformers.pipeline() cannot. To compute without knowledge, write "
                    "`with model.without_knowledge(): ...`."
                )
            if knowledge.entity_vectors is None:
                entities = self._entities(knowledge)
            else:
                entities, folded = self._precomputed_vectors(knowledge)
            links = knowledge.links(self._apply_link_dropout(knowledge.link_scores))
            layout = knowledge.layout()
        weights = self.context_stack.weights
        if weights is None and knowledge is not None and knowledge.link_gold is not None:
            weights = {}
        return KnowledgeContext(attention_mask, entities, links, layout, weights, folded)

    def _entities(self, knowledge: BatchKnowledge) -> Tensor:
        """Return a vector for each node that may be linked."""
        assert knowledge.node_features is not None
        if not FUSIONS[self.config.fusion].reads_graph:
            return knowledge.node_features.to(next(self.injections.parameters()).dtype)
        if torch.is_grad_enabled():
            self.staleness_check.forget()
        vectors: Tensor = self.graph_encoder(
            knowledge.node_features,
            knowledge.edge_index,
            knowledge.edge_types,
            knowledge.hop_sizes,
        )
        return vectors

    def _precomputed_vectors(
        self, knowledge: BatchKnowledge
    ) -> tuple[Tensor, dict[str, FoldedKeysValues]]:
        """Return vectors computed beforehand, and by injection what takes their place there."""
        if self.training:
            raise ValueError(
                "precomputed entity vectors teach the graph encoder nothing; type "
                "processor.use_vectors(None) before training, which then samples the graph."
            )
        assert knowledge.entity_vectors is not None
        # Whoever compiles a model has stopped changing it.
        if not torch.compiler.is_compiling():
            self.staleness_check.check(self._maker_of_vectors(), knowledge.vectors_hash)
        rows = knowledge.entity_vectors.to(self.graph_encoder.norm.weight.dtype)
        config = self.config
        return unpack_columns(
            rows, config.knowledge_size, config.backbone.hidden_size, self.foldable
        )

    def train(self: Fused, mode: bool = True) -> Fused:
        """Set the mode as ever, and warn once if what was frozen keeps knowledge out."""
        if mode and not self.has_trained:
            self.has_trained = True
            warn_frozen_gates(self.injections)
        super().train(mode)
        return self

    def precompute(
        self, processor: KGBertProcessor, progress: Progress | None = None
    ) -> EntityVectors:
        """Return the vector of every entity of the processor's graph, computed once for all.

        ``processor.use_vectors(vectors)`` then looks vectors up instead of sampling neighbours,
        which changes answers by no more than half precision rounds. Where ``knowledge_heads`` is 1
        and vectors are as long as token states, each comes with the keys and values that it has in
        the injected blocks: little is left to compute, for ``1 + 2 * blocks`` times the room.

        Args:
            processor: Brings the graph and its features.
            progress: Called with how much of the work is done, and how much there is.

        Raises:
            ValueError: The weights give no vectors, or none that half precision holds.
        """
        weights = weights_hash(self._maker_of_vectors())
        vectors = all_vectors(
            self.graph_encoder,
            processor.sampler,
            processor.features,
            self._foldable_attentions(),
            progress,
        )
        return EntityVectors(vectors, processor.vectors_origin(weights))

    def check_vectors(self, vectors: EntityVectors) -> None:
        """Raise ValueError where entity vectors are not those of this model's weights."""
        self.staleness_check.check(self._maker_of_vectors(), vectors.origin.weights_hash)

    def _maker_of_vectors(self) -> nn.Module:
        """Return all whose weights are in vectors computed beforehand."""
        if not hasattr(self, "graph_encoder"):
            raise ValueError(
                "this model computes no entity vectors, so that there are none to precompute or "
                "to look up; type processor.use_vectors(None)."
            )
        if not self.foldable:
            return self.graph_encoder
        maps = chain.from_iterable(each.folded_projections for each in self._foldable_attentions())
        return nn.ModuleList([self.graph_encoder, *maps])

    def _foldable_attentions(self) -> list[Any]:
        return [self.injections[name] for name in self.foldable]

    def without_knowledge(self) -> AbstractContextManager[None]:
        """Return a context in which the model computes with its injections switched off."""
        return self.context_stack.disabled()

    def record_attention(self) -> AbstractContextManager[dict[str, Tensor]]:
        """Return a context that gives each link's attention, by injection, shape (links, heads).

        The dictionary is filled by the forward passes inside the context, the last one counting.
        """
        return self.context_stack.record_attention()

    def _apply_link_dropout(self, scores: Tensor) -> Tensor:
        """Hide a share of the links while training, so that the text alone must do as well."""
        if not self.training or not self.config.link_dropout:
            return scores
        hidden = torch.rand_like(scores) < self.config.link_dropout
        return scores.masked_fill(hidden, -torch.inf)

    def _init_weights(self, module: nn.Module) -> None:
        init_module_weights(module)

    def _set_gradient_checkpointing(
        self,
        enable: bool = True,
        gradient_checkpointing_func: Callable[..., Any] = checkpoint,
        *options: Any,
        **named_options: Any,
    ) -> None:
        if getattr(gradient_checkpointing_func, "keywords", {}).get("use_reentrant"):
            raise ValueError(
                "gradient checkpointing with use_reentrant=True cannot give a recomputed block the "
                "knowledge of its own pass; use gradient_checkpointing_kwargs="
                '{"use_reentrant": False}.'
            )
        restoring = partial(
            gradient_checkpointing_func, context_fn=self.context_stack.checkpoint_contexts
        )
        super()._set_gradient_checkpointing(enable, restoring, *options, **named_options)
