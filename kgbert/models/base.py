"""The base class of fused models: a Hugging Face model with knowledge injection."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import deepcopy
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import AutoModel, PreTrainedConfig, PreTrainedModel

from kgbert.data.texts_read import TextsRead
from kgbert.encoding.paths.features import ENDS_OF_ANSWERS
from kgbert.encoding.paths.finder import SAME
from kgbert.encoding.precomputed_vectors import EntityVectors
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.backbones import (
    Block,
    blocks_of,
    encoder_config_of,
    family_of,
    head_input_of,
)
from kgbert.features.frozen_encoder import weights_hash
from kgbert.features.label_sets import LabelSets
from kgbert.features.pretrained import load_pretrained
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.models.config import KGBertConfig, check_options
from kgbert.models.fusions import Fusion, find_fusion, fusion_name
from kgbert.models.heads.label_vectors import (
    LabelVectorScorer,
    label_loss,
    pop_lexical,
    share_head_scores,
)
from kgbert.models.heads.paths import BatchPaths, PathScorer, pop_paths
from kgbert.models.heads.text_comparison import TextComparer
from kgbert.models.inputs import BatchKnowledge, pop_knowledge_inputs
from kgbert.models.layers.graph_encoder import GraphEncoder, graph_encoder_name
from kgbert.models.layers.initialization import init_module_weights
from kgbert.models.layers.injection import (
    BlockHook,
    BoundInjection,
    ContextStack,
    Injection,
    KnowledgeContext,
    MeanPoolHook,
    RecordStatesHook,
    SharedCallCounter,
    StateUpdate,
    hooked_block,
    masked_mean,
)
from kgbert.models.layers.knowledge_attention import (
    FoldedKeysValues,
    KnowledgeAttention,
    ZeroLinear,
)
from kgbert.models.layers.narrowing import narrow_blocks
from kgbert.models.linking_loss import add_linking_loss
from kgbert.models.precompute import (
    StalenessCheck,
    all_vectors,
    foldable_injections,
    unpack_columns,
)
from kgbert.models.pretrained_knowledge import load_knowledge
from kgbert.utils.errors import KGBertError, Remedy
from kgbert.utils.progress import StepCallback

logger = logging.getLogger(__name__)


def list_new_modules(backbone: PreTrainedModel, model: nn.Module) -> list[str]:
    """Return the names of the new modules of a model, and of the children of containers.

    Args:
        backbone: The backbone of the model, with its task head.
        model: The model itself.
    """
    head = () if backbone.base_model is backbone else backbone.named_children()
    names = [f"backbone.{name}" for name, child in head if child is not backbone.base_model]
    for name, child in model.named_children():
        if isinstance(child, nn.ModuleDict):
            names += [f"{name}.{each}" for each in child]
        elif child is not backbone:
            names.append(name)
    return [name for name in names if any(True for _ in model.get_submodule(name).parameters())]


def warn_frozen_gates(injections: nn.Module) -> None:
    """Warn if the gates are frozen at zero, so that knowledge never has an effect."""
    gates: list[Tensor] = []
    for module in injections.modules():
        if isinstance(module, KnowledgeAttention):
            gates.append(module.gate)
        elif isinstance(module, ZeroLinear):
            gates.append(module.weight)
    if any(parameter.requires_grad or parameter.any() for parameter in gates) or not gates:
        return
    logger.warning(
        "the injection gates are frozen at zero, so knowledge has no effect; train the new modules "
        "as well: with peft, LoraConfig(..., modules_to_save=model.new_modules)."
    )


#: A fused model; the shape checks in the tests do not support typing.Self.
Fused = TypeVar("Fused", bound="KGBertPreTrainedModel")


class KGBertPreTrainedModel(PreTrainedModel):
    """Base class of the fused models: construction, injection, initialisation and loading.

    The backbone keeps its code and parameter names. Forward hooks inject knowledge with modules of
    this model. The model does not contain the graph: each batch has the sampled subgraph of its
    entities.
    """

    config_class = KGBertConfig
    base_model_prefix = "backbone"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    #: The losses of the task heads are means. Trainer must divide them by the accumulation steps;
    #: because of ``**inputs`` it would otherwise assume that the model does so.
    accepts_loss_kwargs = False
    auto_class: ClassVar[Any] = AutoModel
    #: Whether the task head reads one position, whose state mean pooling can replace.
    reads_one_position: ClassVar[bool] = False
    #: The states that can be compared with the entities of labels: ``text``, ``tokens`` or none.
    label_queries: ClassVar[str] = ""
    #: The answers that paths in the graph are evidence for, as for
    #: :func:`kgbert.encoding.paths.kinds.path_features`; the configuration may name another one.
    path_ends: ClassVar[str] = ""
    #: Whether the head of this class may answer about the two texts of a pair.
    answers_about_texts: ClassVar[bool] = False
    #: Whether the head of this class scores entity vectors.
    scores_entities: ClassVar[bool] = False
    #: Whether the head of this class reads the tokens that open two arguments.
    reads_arguments: ClassVar[bool] = False
    #: Whether the head of this class scores pairs of spans, a row of outputs for each text.
    reads_span_pairs: ClassVar[bool] = False
    #: Whether :func:`kgbert.export_onnx` takes models of this class.
    is_exportable: ClassVar[bool] = True

    def __init__(self, config: KGBertConfig) -> None:
        super().__init__(config)
        self.backbone = self.auto_class.from_config(config.backbone)
        narrow_blocks(self.backbone, config.attention_heads, config.feed_forward_size)
        self.family = family_of(config.backbone)
        self.supports_gradient_checkpointing = self.backbone.supports_gradient_checkpointing
        self.context_stack = ContextStack()
        self.staleness_check = StalenessCheck()
        self.has_trained = False
        #: Set by :func:`kgbert.inject_knowledge`, otherwise None.
        self.processor: KGBertProcessor | None = None
        #: What the weights have learnt from, as far as kgbert trained them.
        self.texts_read = TextsRead()
        pools = self.reads_one_position and config.pooling == "mean"
        fusion = find_fusion(config.fusion)
        self._check_fusion(fusion)
        injections = fusion.injections(config, pools) if config.injected_layers else []
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
        self._register_hooks(injections, pools)
        if config.label_vectors:
            self._add_label_scorer()
        if config.compares_texts:
            self._add_text_comparer()
        self.path_scorer: PathScorer | None = None
        if config.path_steps and config.path_types:
            self.add_path_scorer(config.path_types)
        self.add_head(config)
        self.post_init()

    def add_head(self, config: KGBertConfig) -> None:
        """Add modules of a task that the backbone with its head does not have."""

    @property
    def new_modules(self) -> list[str]:
        """Names of the task head and of the knowledge modules, which are not pretrained.

        Pass them to peft: ``LoraConfig(..., modules_to_save=model.new_modules)``.
        """
        return list_new_modules(self.backbone, self)

    @property
    def read_position(self) -> int:
        """The position that sequence heads read: 0, or -1 for the last token of a text."""
        return 0 if self.family.reads_first_token else -1

    def _check_fusion(self, fusion: Fusion) -> None:
        name = self.config.fusion
        if fusion.needs_pooling and not self.reads_one_position:
            raise KGBertError(
                f"fusion={name!r} adds entities to the one position that a task head reads, but "
                f"the head of {type(self).__name__} reads all positions.",
                code="fusion-needs-pooling",
                remedies=[Remedy("fusion", "attention")],
            )
        if fusion.needs_bidirectional and self.family.causal:
            raise KGBertError(
                f"fusion={name!r} needs a bidirectional encoder, but the tokens of "
                f"{self.config.backbone.model_type} see only the tokens before them.",
                code="fusion-needs-bidirectional",
                remedies=[Remedy("fusion", "attention")],
            )

    def _register_hooks(self, injections: Sequence[Injection], pools: bool) -> None:
        self.blocks_before_knowledge = _blocks_before(injections, self.config.encoder_config)
        self.injects_inside_blocks = any(each.place == "feed forward" for each in injections)
        # Hooks must be registered before the first forward pass. Otherwise, transformers records
        # hidden states before the injection.
        records = self.config.label_vectors or self.config.compares_texts
        if (injections or pools or records) and self.family.shared_blocks:
            for module in dict.fromkeys(block.module for block in blocks_of(self.backbone)):
                module.register_forward_pre_hook(SharedCallCounter(self.context_stack))
        pooled = [each for each in injections if each.place == "pooled"]
        self._hook_injections([each for each in injections if each not in pooled])
        if records:
            # Before mean pooling replaces a state.
            self._hook(head_input_of(self.backbone), RecordStatesHook())
        if pools:
            self._hook(head_input_of(self.backbone), MeanPoolHook())
        self._hook_injections(pooled)

    def _add_label_scorer(self) -> None:
        if not self.label_queries:
            raise KGBertError(
                f"{type(self).__name__} has no labels that can be entities of the graph.",
                code="labels-not-groundable",
                remedies=[Remedy("label_vectors", False)],
            )
        self.label_scorer = LabelVectorScorer(self.config.backbone.hidden_size)

    def _add_text_comparer(self) -> None:
        if not self.answers_about_texts:
            raise KGBertError(
                f"{type(self).__name__} gives no answers about pairs of texts.",
                code="no-pairs-of-texts",
                remedies=[Remedy("compares_texts", False)],
            )
        self.text_comparer = TextComparer(len(self.config.labels))

    def add_path_scorer(self, types: Sequence[str]) -> None:
        """Add a weight, which is zero, for each type of path.

        Raises:
            KGBertError: No path leads to the answers of this model.
        """
        ends = self.paths_lead_to
        if not ends:
            raise KGBertError(
                f"no path of the graph leads to the answers of {type(self).__name__}.",
                code="answers-without-paths",
                remedies=[Remedy("path_steps", 0)],
            )
        self.config.path_types = list(types)
        labels = len(self.config.labels)
        self.path_scorer = PathScorer(
            len(types),
            labels if ends in ENDS_OF_ANSWERS else 1,
            labels=labels if ends == "labels" and self.answers_several_labels else 0,
            same=list(types).index(SAME) if SAME in types else -1,
        )
        if ends == "words":
            # An encoder that fits the training texts leaves nothing for them to explain.
            self.path_scorer.requires_grad_(False)

    @property
    def paths_lead_to(self) -> str:
        """Where the paths in the graph lead, or nothing if no path leads to the answers."""
        return self.config.path_ends or self.path_ends

    def use_label_sets(self, sets: LabelSets) -> None:
        """Set the vectors of the labels' entities, in the order of the logits.

        Raises:
            KGBertError: The sets belong to other labels.
        """
        names = self.config.labels
        if list(sets.labels) != names:
            raise KGBertError(
                f"the label vectors belong to the {len(sets.labels):,} labels "
                f"{', '.join(sets.labels[:3])}, ..., and the model has the {len(names):,} labels "
                f"{', '.join(names[:3])}, ..., which differ.",
                code="other-labels",
            )
        self.label_scorer.use(sets)

    def set_output_bias(self, bias: NDArray[np.float64]) -> None:
        """Set the bias of a new task head; one that has learnt, or has none, stays as it is."""
        own: Any = self.get_submodule(self.output_layer).bias
        if own is not None and not own.any():
            with torch.no_grad():
                own.copy_(torch.from_numpy(bias))

    def _hook_injections(self, injections: Sequence[Injection]) -> None:
        for each in injections:
            self._hook(hooked_block(each, self.backbone), BoundInjection(each, self.injections))

    def _hook(self, block: Block, update: StateUpdate) -> None:
        block.module.register_forward_hook(
            BlockHook(
                self.context_stack,
                update,
                shared_call=block.call,
                tokens_first=self.family.tokens_first,
            )
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
        """Return an untrained fused model with the same output as the plain checkpoint.

        If the checkpoint was pretrained with the graph read (:func:`kgbert.pretrain`), the weights
        of its injections are taken as well, and knowledge has an effect from the start.

        Args:
            name_or_path: A checkpoint on the hub or in a folder.
            graph: Only its relations and its hash are used.
            labels: The labels of the task in the order of the logits.
            head: Fields of the backbone configuration that its head needs.
            **options: Fields of :class:`KGBertConfig`; any other is an error.
        """
        check_options(options)
        naming = (
            {"id2label": dict(enumerate(labels)), "label2id": {x: i for i, x in enumerate(labels)}}
            if labels
            else {}
        )
        naming |= head
        plain = load_pretrained(
            cls.auto_class,
            name_or_path,
            # Always in single precision, like the new weights.
            dtype=torch.float32,
            # A head for other labels is replaced by a new one; transformers warns about it.
            ignore_mismatched_sizes=bool(naming),
            **naming,
        )
        fused = cls.from_model(plain, graph, **naming, **options)
        load_knowledge(fused, name_or_path)
        fused.texts_read = TextsRead.load(name_or_path)
        return fused

    @classmethod
    def from_model(
        cls: type[Fused], model: PreTrainedModel, graph: KnowledgeGraph, **options: Any
    ) -> Fused:
        """Return a fused model with a copy of the weights and the head of a loaded model.

        Before training, its output is bit for bit that of the loaded model, which is not changed.

        Args:
            model: A Hugging Face model with the head of this class.
            graph: Only its relations and its hash are used.
            **options: Fields of :class:`KGBertConfig`.
        """
        backbone = deepcopy(model.config)
        if cls.reads_one_position and getattr(backbone, "classifier_pooling", "") == "mean":
            # The head of ModernBERT would average over all tokens, which weakens the knowledge at
            # the one position. So the mean is computed before, and the head reads one position.
            backbone.classifier_pooling = "cls"
            options.setdefault("pooling", "mean")
        _complete(backbone)
        options["graph_encoder"] = graph_encoder_name(options.get("graph_encoder", "compgcn"))
        options["fusion"] = fusion_name(options.get("fusion", "attention"))
        naming = {"id2label": backbone.id2label, "label2id": backbone.label2id}
        config = KGBertConfig(
            backbone=backbone,
            relations=list(graph.relation_ids),
            graph_hash=graph.hash,
            **{"feature_size": encoder_config_of(backbone).hidden_size, **naming, **options},
        )
        fused = cls(config)
        fused.backbone.load_state_dict(model.state_dict())
        cast(Any, fused).to(device=model.device, dtype=model.dtype)
        return fused.train(model.training)

    @classmethod
    def from_pretrained(  # type: ignore[override]  # the signature of transformers is wider
        cls: type[Fused],
        name_or_path: str | Path,
        *arguments: Any,
        strict: bool = True,
        output_loading_info: bool = False,
        **options: Any,
    ) -> Any:
        """Load a saved fused model like transformers, and reject incomplete weights.

        Args:
            name_or_path: The folder or the repository on the hub.
            *arguments: Passed to transformers.
            strict: Whether to reject missing, unexpected, mis-shaped and non-finite weights. If
                not, missing weights are initialised.
            output_loading_info: Whether to return the loading report as well.
            **options: Passed to transformers.

        Raises:
            KGBertError: The weights do not fit the configuration, or are damaged.
        """
        try:
            loaded: Any = super().from_pretrained(
                name_or_path,
                *arguments,
                output_loading_info=True,
                # Mis-shaped weights are reported by name below.
                **{"ignore_mismatched_sizes": strict, **options},
            )
            model, report = loaded
        except (SafetensorError, RuntimeError) as error:
            raise KGBertError(
                f"the weights in {name_or_path} cannot be loaded: "
                f"{' '.join(str(error).split())[:200]}. The file model.safetensors is damaged or "
                "belongs to another configuration; restore the folder from its source.",
                code="damaged-weights",
            ) from error
        if strict:
            check_complete(name_or_path, model, report)
        return (model, report) if output_loading_info else model

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> Any:
        """Return the output of the backbone, with knowledge injected at the links of the batch.

        Args:
            input_ids: Shape (batch, tokens).
            attention_mask: Shape (batch, tokens), 1 where there is a token.
            labels: The labels for the task head, shape (batch) or (batch, tokens).
            **inputs: The fields of :class:`kgbert.models.inputs.BatchKnowledge` from a
                :class:`kgbert.KGBertProcessor`, and other inputs of the backbone.

        Raises:
            KGBertError: The batch has no knowledge, or tensors that do not fit together.
        """
        lexical, paths = pop_lexical(inputs), pop_paths(inputs)
        config = self.config
        adds_scores = config.label_vectors or config.compares_texts or self.path_scorer is not None
        if labels is not None and not adds_scores:
            inputs["labels"] = labels
        output, context = self.run_backbone(input_ids, attention_mask, inputs)
        if self.answers_several_labels and self.untrained_labels:
            output.logits = share_head_scores(output.logits, self.untrained_labels)
        if config.compares_texts:
            output.logits = self.add_text_scores(output.logits, context)
        if config.label_vectors:
            self._add_label_scores(output, context, lexical)
        if self.path_scorer is not None:
            output.logits = self.add_path_scores(output.logits, paths)
        if labels is not None and adds_scores:
            output.loss = label_loss(
                output.logits, labels, self.config.backbone, self.untrained_labels
            )
        return add_linking_loss(output, context, self.config.linking_loss)

    def run_backbone(
        self,
        input_ids: Tensor | None,
        attention_mask: Tensor | None,
        inputs: dict[str, Any],
    ) -> tuple[Any, KnowledgeContext]:
        """Return the output of the backbone with knowledge injected, and the context that it read.

        Args:
            input_ids: Shape (batch, tokens).
            attention_mask: Shape (batch, tokens), 1 where there is a token.
            inputs: The fields of :class:`kgbert.models.inputs.BatchKnowledge`, which are removed,
                and other inputs of the backbone.

        Raises:
            KGBertError: As :meth:`build_context`.
        """
        context = self.build_context(
            pop_knowledge_inputs(inputs), input_ids, attention_mask, inputs
        )
        with self.context_stack.activate(context):
            output = self.backbone(input_ids=input_ids, attention_mask=attention_mask, **inputs)
        return output, context

    def text_logits(self, **inputs: Any) -> Tensor:
        """Return the logits of each text of a batch, in the order of its rows."""
        logits: Tensor = self(**inputs).logits
        return logits

    def add_text_scores(self, logits: Tensor, context: KnowledgeContext) -> Tensor:
        """Return logits with the similarity of two texts added, if the model compares them.

        Raises:
            KGBertError: The model compares two texts, and the batch has single texts.
        """
        if not self.config.compares_texts:
            return logits
        if context.text_numbers is None:
            raise KGBertError(
                "this model was trained on pairs of texts, and the batch has single texts. Make "
                "batches of pairs with the processor of the model (kgbert.load_model), or call "
                "kgbert.pipeline(folder).",
                code="batch-without-pairs",
            )
        (states,) = context.last_states
        similarity = self.text_comparer.similarity(states, context.text_numbers)
        scored: Tensor = logits + self.text_comparer(similarity)
        return scored

    def _add_label_scores(
        self,
        output: Any,
        context: KnowledgeContext,
        lexical: Tensor | None,
    ) -> None:
        """Add the scores of the label entities to the logits of the head, unless disabled."""
        if self.context_stack.is_disabled:
            return
        for states in context.last_states:  # none without knowledge
            if self.label_queries == "text":
                states = masked_mean(states, context.pooling_mask)
            similarities = self.label_scorer.similarities(states)
            if self.label_queries == "text" and self.context_stack.label_similarities is not None:
                self.context_stack.label_similarities.append(similarities)
            spelling = lexical if self.label_queries == "text" else None
            output.logits = output.logits + self.label_scorer(similarities, spelling)

    def add_path_scores(self, logits: Tensor, paths: BatchPaths | None) -> Tensor:
        """Return logits with the scores of the paths that lead to each answer.

        Raises:
            KGBertError: The model scores paths, and the batch has none.
        """
        if self.path_scorer is None or self.context_stack.is_disabled:
            return logits
        if paths is None:
            raise KGBertError(
                "this model scores the paths of a graph, but they were not counted in the batch. "
                "Make batches with the processor of the model (kgbert.load_model), or call "
                "kgbert.pipeline(folder).",
                code="batch-without-paths",
            )
        scored: Tensor = self.path_scorer(paths, logits)
        return scored

    @cached_property
    def untrained_labels(self) -> list[int]:
        """The positions of the labels without training texts, see :func:`label_loss`."""
        places = {label: place for place, label in enumerate(self.config.labels)}
        return [places[label] for label in self.config.untrained_labels]

    @property
    def answers_several_labels(self) -> bool:
        """Whether a text may have several labels, each with a probability of its own."""
        return bool(self.config.backbone.problem_type == "multi_label_classification")

    @property
    def output_layer(self) -> str:
        """Name of the last linear layer of the head, which has one row a label."""
        inside = {id(module) for module in self.backbone.base_model.modules()}
        names = [
            f"backbone.{name}"
            for name, module in self.backbone.named_modules()
            if isinstance(module, nn.Linear)
            and id(module) not in inside
            and module.out_features == len(self.config.labels)
        ]
        return names[-1]

    def build_context(
        self,
        knowledge: BatchKnowledge | None,
        input_ids: Tensor | None,
        attention_mask: Tensor | None,
        inputs: dict[str, Any],
    ) -> KnowledgeContext:
        """Return the context of a forward pass, which its hooks read.

        Args:
            knowledge: The knowledge inputs of the batch.
            input_ids: Shape (batch, tokens).
            attention_mask: Shape (batch, tokens), 1 where there is a token.
            inputs: All other arguments; ``pooling_mask`` and ``text_numbers`` are removed.

        Raises:
            KGBertError: The model needs knowledge, and the batch has none.
        """
        entities = links = layout = None
        folded: dict[str, FoldedKeysValues] = {}
        if (self.injections or self.scores_entities) and not self.context_stack.is_disabled:
            if knowledge is None:
                raise KGBertError(
                    "this model reads a knowledge graph, but the batch brings none of it. Make "
                    "batches with KGBertProcessor or call kgbert.pipeline(folder); "
                    "transformers.pipeline() cannot. To compute without knowledge, write "
                    "`with model.without_knowledge(): ...`.",
                    code="batch-without-knowledge",
                )
            if knowledge.entity_vectors is None:
                entities = self._entities(knowledge)
            else:
                entities, folded = self._precomputed_vectors(knowledge)
            links = knowledge.links(self._apply_link_dropout(knowledge.link_scores))
            layout = knowledge.layout()
        link_gold = None if knowledge is None else knowledge.link_gold
        weights = self.context_stack.weights
        if weights is None and link_gold is not None:
            weights = {}
        pooling_mask, text_numbers = (
            inputs.pop(name, None) for name in ("pooling_mask", "text_numbers")
        )
        return KnowledgeContext(
            self._read_index(input_ids, inputs),
            attention_mask if pooling_mask is None else pooling_mask,
            text_numbers,
            entities,
            links,
            layout,
            weights,
            link_gold,
            folded,
        )

    def _read_index(self, input_ids: Tensor | None, inputs: Mapping[str, Any]) -> Tensor:
        """Return the token that a sequence head reads, by the rules of transformers."""
        tokens = inputs.get("inputs_embeds") if input_ids is None else input_ids
        if tokens is None:
            raise KGBertError(
                "the batch has neither input_ids nor inputs_embeds; make batches with "
                "KGBertProcessor.",
                code="batch-without-tokens",
            )
        index = torch.zeros(tokens.shape[0], dtype=torch.int64, device=tokens.device)
        if self.family.reads_first_token:
            return index
        padding = self.config.backbone.pad_token_id
        if self.family.read_position == "last" or input_ids is None or padding is None:
            return index + tokens.shape[1] - 1
        places = torch.arange(tokens.shape[1], device=tokens.device)
        last: Tensor = (places * (input_ids != padding)).argmax(-1)
        return last

    def _entities(self, knowledge: BatchKnowledge) -> Tensor:
        """Return a vector for each linked node."""
        if self.context_stack.entities is not None:
            return self.context_stack.entities
        return self.entity_vectors(
            knowledge.node_features,
            knowledge.edge_index,
            knowledge.edge_types,
            knowledge.hop_sizes,
        )

    def entity_vectors(
        self,
        node_features: Tensor | None,
        edge_index: Tensor | None,
        edge_types: Tensor | None,
        hop_sizes: list[tuple[int, int]] | None,
    ) -> Tensor:
        """Return the vectors that the injections read, shape (linked nodes, size).

        Args:
            node_features: As in :class:`kgbert.models.inputs.BatchKnowledge`.
            edge_index: Shape (2, edges).
            edge_types: Shape (edges).
            hop_sizes: (nodes, edges) of each hop; None to compute a vector for every node.
        """
        assert node_features is not None
        if not hasattr(self, "graph_encoder"):
            return node_features.to(self.dtype)
        if torch.is_grad_enabled():
            self.staleness_check.forget()
        vectors: Tensor = self.graph_encoder(node_features, edge_index, edge_types, hop_sizes)
        return vectors

    def _precomputed_vectors(
        self, knowledge: BatchKnowledge
    ) -> tuple[Tensor, dict[str, FoldedKeysValues]]:
        """Return precomputed vectors, and folded keys and values by injection."""
        if self.training:
            raise KGBertError(
                "precomputed entity vectors give the graph encoder no gradient. Call "
                "processor.use_vectors(None) before training, which then samples the graph.",
                code="training-on-precomputed-vectors",
            )
        assert knowledge.entity_vectors is not None
        # The weights of a model do not change during compilation.
        if not torch.compiler.is_compiling():
            self.staleness_check.check(self._vector_modules(), knowledge.vectors_hash)
        rows = knowledge.entity_vectors.to(self.graph_encoder.norm.weight.dtype)
        size, hidden = self.config.knowledge_size, self.config.encoder_config.hidden_size
        return unpack_columns(rows, size, hidden, self.foldable)

    def train(self: Fused, mode: bool = True) -> Fused:
        """Set the training mode, and warn once if frozen gates disable knowledge."""
        if mode and not self.has_trained:
            self.has_trained = True
            warn_frozen_gates(self.injections)
        super().train(mode)
        return self

    def precompute(
        self, processor: KGBertProcessor, progress: StepCallback | None = None
    ) -> EntityVectors:
        """Return precomputed vectors of all entities of the graph of a processor.

        ``processor.use_vectors(vectors)`` then looks up vectors instead of sampling neighbours.
        Outputs change only by rounding to half precision. If ``knowledge_heads`` is 1 and vectors
        are as long as token states, the keys and values of the injected blocks are precomputed as
        well, which is faster and takes ``1 + 2 * blocks`` times the space.

        Args:
            processor: The processor with the graph and its features.
            progress: Called with the number of finished entities, counted once per layer, and the
                total.

        Raises:
            KGBertError: The model has no entity vectors, or half precision cannot represent them.
        """
        weights = weights_hash(self._vector_modules())
        vectors = all_vectors(
            self.graph_encoder,
            processor.sampler,
            processor.features,
            self._foldable_attentions(),
            progress,
        )
        return EntityVectors(vectors, processor.vectors_origin(weights))

    def check_vectors(self, vectors: EntityVectors) -> None:
        """Raise KGBertError if entity vectors were computed with other weights."""
        self.staleness_check.check(self._vector_modules(), vectors.origin.weights_hash)

    def _vector_modules(self) -> nn.Module:
        """Return all modules whose weights precomputed vectors depend on."""
        if not hasattr(self, "graph_encoder"):
            raise KGBertError(
                "this model computes no entity vectors, so that there are none to precompute or "
                "to look up. Call processor.use_vectors(None).",
                code="no-entity-vectors",
            )
        if not self.foldable:
            return self.graph_encoder
        projections = chain.from_iterable(x.folded_projections for x in self._foldable_attentions())
        return nn.ModuleList([self.graph_encoder, *projections])

    @property
    def vector_size(self) -> int:
        """Length of a precomputed entity vector with the folded keys and values."""
        hidden = self.config.backbone.hidden_size
        return int(self.config.knowledge_size + len(self.foldable) * (2 * hidden + 1))

    def _foldable_attentions(self) -> list[Any]:
        return [self.injections[name] for name in self.foldable]

    def without_knowledge(self) -> AbstractContextManager[None]:
        """Return a context manager that disables injections, label vectors and paths."""
        return self.context_stack.disabled()

    def with_entities(self, vectors: Tensor) -> AbstractContextManager[None]:
        """Return a context manager in which the nodes of batches have these vectors.

        Args:
            vectors: The vectors of all nodes, as :meth:`entity_vectors` returns them.
        """
        return self.context_stack.with_entities(vectors)

    def record_attention(self) -> AbstractContextManager[dict[str, Tensor]]:
        """Return a context manager that records attention weights of shape (links, heads).

        Each forward pass inside the context overwrites the weights in its dictionary, by injection.
        """
        return self.context_stack.record_attention()

    def record_label_similarities(self) -> AbstractContextManager[list[Tensor]]:
        """Return a context manager that records similarities of shape (batch, label vectors).

        Each forward pass inside the context adds one tensor to its list, if the model compares
        texts with the entities of labels.
        """
        return self.context_stack.record_label_similarities()

    def _apply_link_dropout(self, scores: Tensor) -> Tensor:
        """Hide a share of the links in training, so that the model does not rely on them alone."""
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
            raise KGBertError(
                "gradient checkpointing with use_reentrant=True cannot give a recomputed block the "
                "knowledge of its own pass.",
                code="reentrant-checkpointing",
                remedies=[Remedy("gradient_checkpointing_kwargs", {"use_reentrant": False})],
            )
        restoring = partial(
            gradient_checkpointing_func, context_fn=self.context_stack.checkpoint_contexts
        )
        super()._set_gradient_checkpointing(enable, restoring, *options, **named_options)


def _blocks_before(injections: Sequence[Injection], config: PreTrainedConfig) -> int:
    """Return the number of first blocks whose output does not depend on knowledge."""
    blocks: int = config.num_hidden_layers
    inside = [x.layer - (x.place == "feed forward") for x in injections if x.place != "pooled"]
    return min(inside, default=blocks)


def _complete(backbone: PreTrainedConfig) -> None:
    """Set the fields that classification needs and decoder-only checkpoints leave out."""
    if not family_of(backbone).causal:
        return
    # The key-value cache is only useful for generation, and every output would include it.
    backbone.use_cache = False
    if backbone.pad_token_id is None:
        end = backbone.eos_token_id
        backbone.pad_token_id = end[0] if isinstance(end, list) else end


def check_complete(source: str | Path, model: PreTrainedModel, report: Mapping[str, Any]) -> None:
    """Raise KGBertError if loaded weights are incomplete, unexpected or not finite.

    Args:
        source: The folder, for the message.
        model: The loaded model.
        report: The loading report of ``from_pretrained(output_loading_info=True)``.
    """
    for kind in ("missing", "unexpected", "mismatched"):
        keys = sorted(
            key if isinstance(key, str) else str(key[0]) for key in report.get(f"{kind}_keys") or ()
        )
        if keys:
            raise KGBertError(
                f"{len(keys)} weights of {source} are {kind} (the first: {keys[0]}), so that the "
                "model would compute something else than when it was saved. Restore the folder "
                "from its source, or train the model again.",
                code="incomplete-weights",
            )
    named = cast(Mapping[str, Tensor], model.state_dict())
    broken = [name for name, x in named.items() if not x.is_meta and not x.isfinite().all()]
    if broken:
        raise KGBertError(
            f"{len(broken)} weights in {source} hold values that are not finite (the first: "
            f"{broken[0]}), as after a training that diverged. Train the model again with a "
            "smaller learning rate, or restore the folder from its source.",
            code="non-finite-weights",
        )
