"""Inject knowledge behind the blocks of any BERT-like backbone, without touching its code."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from operator import call
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from kgbert.models.layers.fast_paths import (
    DenseLinkTable,
    TableLayout,
    dense_link_table,
    prefers_dense,
    readout_table,
)
from kgbert.models.layers.knowledge_attention import FoldedKeysValues, Links
from kgbert.models.layers.mention_spans import Spans, mention_spans

#: Families whose blocks work on (tokens, batch, hidden).
TOKENS_FIRST = ("xlnet",)


@dataclass(frozen=True)
class KnowledgeContext:
    """What the hooks of one forward pass read."""

    attention_mask: Tensor | None = None
    entities: Tensor | None = None
    links: Links | None = None
    layout: TableLayout | None = None
    weights: dict[str, Tensor] | None = None
    """Filled by the hooks where somebody asked: the attention of each link, by injection."""
    folded: dict[str, FoldedKeysValues] = field(default_factory=dict)
    """By injection, what takes the place of the entities' vectors there."""
    tables: list[DenseLinkTable] = field(default_factory=list)
    """The links as tables, once a hook has made them for itself and those that follow."""
    spans: list[Spans] = field(default_factory=list)
    """The mentions, once a hook has found them for itself and those that follow."""
    entity_states: dict[str, Tensor] = field(default_factory=dict)
    """What the hooks of one block leave to those of the next, where entities have states too."""

    def mentions(self, width: int, read_position: int) -> Spans:
        """Return the mentions that the links come from, found once a pass.

        Args:
            width: Tokens of a text.
            read_position: The one with text-level links, counted from the end where negative.
        """
        assert self.links is not None
        if not self.spans:
            self.spans.append(mention_spans(self.links, width, read_position))
        return self.spans[0]


class ContextStack(threading.local):
    """Holds the forward pass under way, of each thread its own, and nothing between passes.

    So threads may ask one model at the same time; what is switched off or recorded is that of the
    thread which asks for it, too.

    Knowledge left behind after a pass would give silently wrong gradients when two passes precede
    one backward pass under gradient checkpointing; :meth:`for_recomputation` gives each
    recomputation what its own pass held instead.
    """

    def __init__(self) -> None:
        self.current: KnowledgeContext | None = None
        self.switched_off = False
        self.weights: dict[str, Tensor] | None = None

    def __reduce__(self) -> tuple[type["ContextStack"], tuple[()]]:
        # A copy of a model remembers nothing of its original.
        return ContextStack, ()

    @contextmanager
    def disabled(self) -> Iterator[None]:
        """Let no pass read knowledge while the context lasts."""
        before, self.switched_off = self.switched_off, True
        try:
            yield
        finally:
            self.switched_off = before

    @contextmanager
    def activate(self, current: KnowledgeContext | None) -> Iterator[None]:
        """Hold this pass while the context lasts."""
        before, self.current = self.current, current
        try:
            yield
        finally:
            self.current = before

    @contextmanager
    def record_attention(self) -> Iterator[dict[str, Tensor]]:
        """Collect the attention of the passes inside the context."""
        before, self.weights = self.weights, {}
        try:
            yield self.weights
        finally:
            self.weights = before

    def checkpoint_contexts(
        self,
    ) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        """Return the contexts of a checkpointed pass and of its recomputation."""
        return nullcontext(), self.activate(self.current)


#: What a hook does to the hidden states (batch, tokens, hidden) that a block returns.
StateUpdate = Callable[[Tensor, KnowledgeContext], Tensor]

#: The same, done by a module; by what peft puts around one too, which is no instance of its class.
ModuleUpdate = Callable[[Any, Tensor, KnowledgeContext], Tensor]


class Injection(NamedTuple):
    """One place where knowledge enters, and through what."""

    name: str
    """Of its parameters and of its attention."""
    layer: int
    """The block, 1 being the first."""
    module: nn.Module
    change: ModuleUpdate = call
    """What is done by it; as a rule it is called with the hidden states."""
    place: str = "block"
    """What is changed: what a ``block`` returns; what its ``feed forward`` part makes of it before
    the activation; or, once a text is ``pooled``, what is handed to the task head."""


class BoundInjection:
    """The change that an injection makes, by the module that has its name when it is called.

    That may be another than at first: peft puts a copy to be trained in a module's place.
    """

    def __init__(self, injection: Injection, modules: nn.ModuleDict) -> None:
        self.name, self.change, self.modules = injection.name, injection.change, modules

    def __call__(self, hidden: Tensor, current: KnowledgeContext) -> Tensor:
        """Return the hidden states changed."""
        return self.change(self.modules[self.name], hidden, current)


class TokenFusionHook:
    """Add to every linked position what it reads from its entities."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, attention: Any, hidden: Tensor, current: KnowledgeContext) -> Tensor:
        """Return the hidden states with knowledge added."""
        vectors, links, layout = current.entities, current.links, current.layout
        if vectors is None or links is None or layout is None:
            return hidden
        entities = current.folded.get(self.name, vectors)
        texts, width = hidden.shape[:2]
        size = vectors.shape[1] // attention.heads
        if current.weights is None and prefers_dense(links, layout, texts, size):
            if not current.tables:
                current.tables.append(
                    dense_link_table(links, layout, nodes=len(vectors), texts=texts, width=width)
                )
            read: Tensor = attention.forward_dense(hidden, entities, *current.tables[0])
            return read
        hidden, weights = attention(hidden, entities, links)
        if current.weights is not None:
            current.weights[self.name] = weights
        return hidden


class ReadoutFusionHook:
    """Add to the one token that the task head reads what it reads from its text's entities."""

    def __init__(self, name: str, token: int) -> None:
        self.name, self.token = name, token

    def __call__(self, attention: Any, hidden: Tensor, current: KnowledgeContext) -> Tensor:
        """Return the hidden states with knowledge added to one of each text."""
        entities, links, layout = current.entities, current.links, current.layout
        if entities is None or links is None or layout is None:
            return hidden
        if current.weights is not None:
            # Whoever asks wants to know it of all links, read or not.
            _, current.weights[self.name] = attention(hidden, entities, links)
        texts, width = hidden.shape[:2]
        size = entities.shape[1] // attention.heads
        own_layout = layout._replace(size=(1, layout.size[1]))
        if attention.has_wrapped_projection or not prefers_dense(links, own_layout, texts, size):
            elsewhere = links.token_index[links.query_index] != self.token % width
            own = links._replace(scores=links.scores.masked_fill(elsewhere, -torch.inf))
            changed: Tensor = attention(hidden, entities, own)[0]
            return changed
        table = readout_table(links, layout, texts=texts, width=width, token=self.token)
        read: Tensor = attention.forward_readout(hidden, entities, *table)
        return read


class MeanPoolHook:
    """Put the mean of a text's token states where the task head will read."""

    def __init__(self, position: int) -> None:
        self.position = position

    def __call__(self, hidden: Tensor, current: KnowledgeContext) -> Tensor:
        """Return the hidden states with the position that the head reads replaced."""
        mask = current.attention_mask
        if mask is None:
            mask = hidden.new_ones(hidden.shape[:2])
        if mask.dim() == 4:
            # Where triples grow out of the text, the text itself is what its first token sees.
            mask = mask[:, 0, 0] == 0
        weight = mask.to(hidden.dtype).unsqueeze(-1)
        mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1)
        hidden = hidden.clone()
        hidden[:, self.position] = mean
        return hidden


class BlockHook:
    """A forward hook that applies a change to whatever shape a block returns its states in."""

    def __init__(
        self, context_stack: ContextStack, change: StateUpdate, *, tokens_first: bool
    ) -> None:
        self.context_stack, self.change, self.tokens_first = context_stack, change, tokens_first

    def __call__(self, block: nn.Module, arguments: Any, output: Any) -> Any:
        """Return the block's output with its hidden states changed."""
        if self.context_stack.current is None:
            return output
        hidden = output[0] if isinstance(output, tuple) else output
        if hidden.dim() != 3:
            raise ValueError(
                f"{type(block).__name__} returns packed states of shape {tuple(hidden.shape)}, in "
                "which links cannot be placed; load the backbone with attn_implementation='sdpa'."
            )
        changed = self.change(self._turned(hidden), self.context_stack.current)
        changed = self._turned(changed)
        return (changed, *output[1:]) if isinstance(output, tuple) else changed

    def _turned(self, hidden: Tensor) -> Tensor:
        return hidden.transpose(0, 1) if self.tokens_first else hidden


def hooked_module(injection: Injection, backbone: PreTrainedModel) -> nn.Module:
    """Return the part of a backbone whose output an injection changes."""
    if injection.place == "pooled":
        return last_of(backbone)
    block = blocks_of(backbone)[injection.layer - 1]
    return feed_forward_of(block) if injection.place == "feed forward" else block


def feed_forward_of(block: nn.Module) -> nn.Linear:
    """Return the layer that widens a block's states, before their activation."""
    layers = [module for module in block.modules() if isinstance(module, nn.Linear)]
    widening, narrowing = layers[-2:]
    if (widening.in_features, widening.out_features) != narrowing.weight.shape:
        raise ValueError(
            f"the feed-forward part of a {type(block).__name__} is gated, so that there is no one "
            "layer into which ERNIE could fuse entities; choose another backbone, for example "
            "bert, roberta or deberta-v2."
        )
    return widening


def last_of(backbone: PreTrainedModel) -> nn.Module:
    """Return what a task head reads from: the last block, or a normalisation that follows it."""
    norm: nn.Module | None = getattr(backbone.base_model, "final_norm", None)
    return blocks_of(backbone)[-1] if norm is None else norm


def blocks_of(backbone: PreTrainedModel) -> nn.ModuleList:
    """Return the list of a backbone's transformer blocks."""
    wanted = backbone.config.num_hidden_layers
    if backbone.config.model_type != "albert":
        for module in backbone.modules():
            if isinstance(module, nn.ModuleList) and len(module) == wanted:
                return module
    raise ValueError(
        f"{type(backbone).__name__} has no list of {wanted} blocks of its own (albert uses one "
        "block for all its layers), so knowledge cannot be injected after some of them; choose "
        "another backbone, for example bert, roberta, deberta-v2 or modernbert."
    )
