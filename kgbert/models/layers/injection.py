"""Inject knowledge after the blocks of a backbone with forward hooks."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from operator import call
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from kgbert.features.backbones import Block, blocks_of, feed_forward_of, head_input_of
from kgbert.models.layers.fast_paths import (
    DenseLinkTable,
    TableLayout,
    dense_link_table,
    prefers_dense,
    readout_table,
)
from kgbert.models.layers.knowledge_attention import FoldedKeysValues, Links
from kgbert.models.layers.mention_spans import Spans, mention_spans
from kgbert.utils.errors import KGBertError, Remedy


@dataclass(frozen=True)
class KnowledgeContext:
    """The inputs of the hooks in one forward pass."""

    read_index: Tensor
    """The token of each text that a sequence head reads, shape (batch)."""
    pooling_mask: Tensor | None = None
    """The tokens that mean pooling includes, shape (batch, tokens); None means all."""
    text_numbers: Tensor | None = None
    """The text of a pair that each token belongs to, shape (batch, tokens); None for one text."""
    entities: Tensor | None = None
    links: Links | None = None
    layout: TableLayout | None = None
    weights: dict[str, Tensor] | None = None
    """Injection -> attention weights of the links; filled by the hooks if it is not None."""
    link_gold: Tensor | None = None
    """Which links are right, shape (links); None where no gold entity is known."""
    folded: dict[str, FoldedKeysValues] = field(default_factory=dict)
    """Injection -> precomputed keys and values that replace the entity vectors there."""
    tables: list[DenseLinkTable] = field(default_factory=list)
    """The links as dense tables; the first hook that needs them builds them for all."""
    spans: list[Spans] = field(default_factory=list)
    """The mentions; the first hook that needs them derives them for all."""
    entity_states: dict[str, Tensor] = field(default_factory=dict)
    """Entity states that the hook of a block passes to the next, in fusions with such states."""
    last_states: list[Tensor] = field(default_factory=list)
    """The token states after the last block, if a head compares them."""
    shared_calls: list[int] = field(default_factory=lambda: [0])
    """Number of calls of shared blocks so far, which is the current layer."""

    def mentions(self, width: int) -> Spans:
        """Return the mentions of the links, derived once per forward pass.

        Args:
            width: Number of tokens of a text.
        """
        assert self.links is not None
        if not self.spans:
            self.spans.append(mention_spans(self.links, width, self.read_index))
        return self.spans[0]

    def snapshot(self) -> "KnowledgeContext":
        """Return a copy of the context at the current layer."""
        return replace(self, shared_calls=list(self.shared_calls))


class ContextStack(threading.local):
    """The context of the current forward pass of each thread; None between passes.

    Several threads can use one model at the same time. Disabling and recording also apply to the
    calling thread only.

    With gradient checkpointing and two forward passes before one backward pass, a recomputation
    must not read the context of the other pass, which would give wrong gradients silently.
    :meth:`checkpoint_contexts` activates the context of its own pass.
    """

    def __init__(self) -> None:
        self.current: KnowledgeContext | None = None
        self.is_disabled = False
        self.entities: Tensor | None = None
        self.weights: dict[str, Tensor] | None = None
        self.label_similarities: list[Tensor] | None = None

    def __reduce__(self) -> tuple[type["ContextStack"], tuple[()]]:
        # A copy of a model does not share the context of the original.
        return ContextStack, ()

    @contextmanager
    def disabled(self) -> Iterator[None]:
        """Disable knowledge in the forward passes inside the context."""
        before, self.is_disabled = self.is_disabled, True
        try:
            yield
        finally:
            self.is_disabled = before

    @contextmanager
    def activate(self, current: KnowledgeContext | None) -> Iterator[None]:
        """Make a context the current one."""
        before, self.current = self.current, current
        try:
            yield
        finally:
            self.current = before

    @contextmanager
    def with_entities(self, vectors: Tensor) -> Iterator[None]:
        """Give the nodes of the forward passes inside the context these vectors."""
        before, self.entities = self.entities, vectors
        try:
            yield
        finally:
            self.entities = before

    @contextmanager
    def record_attention(self) -> Iterator[dict[str, Tensor]]:
        """Record the attention weights of the forward passes inside the context."""
        before, self.weights = self.weights, {}
        try:
            yield self.weights
        finally:
            self.weights = before

    @contextmanager
    def record_label_similarities(self) -> Iterator[list[Tensor]]:
        """Record the similarity of each text to each label vector, one tensor a forward pass."""
        before, self.label_similarities = self.label_similarities, []
        try:
            yield self.label_similarities
        finally:
            self.label_similarities = before

    def checkpoint_contexts(
        self,
    ) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        """Return the context managers of a checkpointed block and of its recomputation."""
        current = None if self.current is None else self.current.snapshot()
        return nullcontext(), self.activate(current)


#: Maps the hidden states (batch, tokens, hidden) of a block to new ones.
StateUpdate = Callable[[Tensor, KnowledgeContext], Tensor]

#: The same with a module as the first argument. Its type is Any, because peft wraps modules.
ModuleUpdate = Callable[[Any, Tensor, KnowledgeContext], Tensor]


class Injection(NamedTuple):
    """A point of the backbone where knowledge is injected, and the module that injects it."""

    name: str
    """The name of its parameters and of its attention weights."""
    layer: int
    """The layer of the backbone, from 1."""
    module: nn.Module
    update: ModuleUpdate = call
    """Applies the module to the states; by default it calls the module."""
    place: str = "block"
    """The updated states: the output of a ``block``, its ``feed forward`` part before the
    activation, or the input of the task head after pooling (``pooled``)."""


class BoundInjection:
    """The update of an injection with the module that currently has its name.

    The module is looked up in each call, because peft replaces it by a trainable copy.
    """

    def __init__(self, injection: Injection, modules: nn.ModuleDict) -> None:
        self.name, self.update, self.modules = injection.name, injection.update, modules

    def __call__(self, hidden: Tensor, context: KnowledgeContext) -> Tensor:
        """Return the updated states."""
        return self.update(self.modules[self.name], hidden, context)


class TokenFusionHook:
    """Add the output of the knowledge attention to every linked token."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, attention: Any, hidden: Tensor, context: KnowledgeContext) -> Tensor:
        """Return the states with knowledge added to the linked tokens."""
        vectors, links, layout = context.entities, context.links, context.layout
        if vectors is None or links is None or layout is None:
            return hidden
        entities = context.folded.get(self.name, vectors)
        texts, width = hidden.shape[:2]
        size = vectors.shape[1] // attention.heads
        if context.weights is None and prefers_dense(links, layout, texts, size):
            if not context.tables:
                context.tables.append(
                    dense_link_table(links, layout, nodes=len(vectors), texts=texts, width=width)
                )
            fused: Tensor = attention.forward_dense(hidden, entities, *context.tables[0])
            return fused
        hidden, weights = attention(hidden, entities, links)
        if context.weights is not None:
            context.weights[self.name] = weights
        return hidden


class ReadoutFusionHook:
    """Add the attention to the entities of a text to the token that the task head reads."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, attention: Any, hidden: Tensor, context: KnowledgeContext) -> Tensor:
        """Return the states with knowledge added to one token of each text."""
        entities, links, layout = context.entities, context.links, context.layout
        if entities is None or links is None or layout is None:
            return hidden
        if context.weights is not None:
            # Attention is recorded for all links, including those of tokens that the head ignores.
            _, context.weights[self.name] = attention(hidden, entities, links)
        texts, width = hidden.shape[:2]
        size = entities.shape[1] // attention.heads
        own_layout = layout._replace(size=(1, layout.size[1]))
        if attention.has_wrapped_projection or not prefers_dense(links, own_layout, texts, size):
            elsewhere = ~links.start_at(context.read_index)
            own = links._replace(scores=links.scores.masked_fill(elsewhere, -torch.inf))
            sparse: Tensor = attention(hidden, entities, own)[0]
            return sparse
        table = readout_table(links, layout, context.read_index, width=width)
        fused: Tensor = attention.forward_readout(hidden, entities, *table)
        return fused


class MeanPoolHook:
    """Replace the state that the task head reads by the mean token state of the text."""

    def __call__(self, hidden: Tensor, context: KnowledgeContext) -> Tensor:
        """Return the states with one state of each text replaced."""
        mean = masked_mean(hidden, context.pooling_mask)
        rows = torch.arange(hidden.shape[0], device=hidden.device)
        return hidden.index_put((rows, context.read_index), mean.to(hidden.dtype))


class RecordStatesHook:
    """Keep the last token states for a head that compares them."""

    def __call__(self, hidden: Tensor, context: KnowledgeContext) -> Tensor:
        """Return the states unchanged."""
        context.last_states[:] = [hidden]
        return hidden


def masked_mean(hidden: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean token state of each text, shape (batch, hidden).

    Args:
        hidden: Shape (batch, tokens, hidden).
        mask: The tokens to include, shape (batch, tokens); None means all.
    """
    if mask is None:
        mask = hidden.new_ones(hidden.shape[:2])
    weight = mask.to(hidden.dtype).unsqueeze(-1)
    return (hidden * weight).sum(1) / weight.sum(1).clamp(min=1)


class BlockHook:
    """A forward hook that updates the states in the output of a block, a tensor or a tuple."""

    def __init__(
        self,
        context_stack: ContextStack,
        update: StateUpdate,
        *,
        shared_call: int | None,
        tokens_first: bool,
    ) -> None:
        self.context_stack, self.update = context_stack, update
        self.shared_call, self.tokens_first = shared_call, tokens_first

    def __call__(self, block: nn.Module, arguments: Any, output: Any) -> Any:
        """Return the output of the block with updated states."""
        context = self.context_stack.current
        if context is None:
            _check_disabled(self.context_stack)
            return output
        if self.shared_call not in (None, context.shared_calls[0]):
            return output
        hidden = output[0] if isinstance(output, tuple) else output
        if hidden.dim() != 3:
            raise KGBertError(
                f"{type(block).__name__} returns packed states of shape {tuple(hidden.shape)}, in "
                "which links cannot be placed.",
                code="packed-states",
                remedies=[Remedy("attn_implementation", "sdpa", "when the backbone is loaded")],
            )
        updated = self._transposed(self.update(self._transposed(hidden), context))
        return (updated, *output[1:]) if isinstance(output, tuple) else updated

    def _transposed(self, hidden: Tensor) -> Tensor:
        return hidden.transpose(0, 1) if self.tokens_first else hidden


class SharedCallCounter:
    """A forward pre-hook that counts the calls of shared blocks in a forward pass."""

    def __init__(self, context_stack: ContextStack) -> None:
        self.context_stack = context_stack

    def __call__(self, block: nn.Module, arguments: Any) -> None:
        """Count a call."""
        if (context := self.context_stack.current) is not None:
            context.shared_calls[0] += 1


def _check_disabled(context_stack: ContextStack) -> None:
    if not context_stack.is_disabled:
        raise KGBertError(
            "the backbone of a fused model was called directly, so that it cannot read the "
            "knowledge of the batch. Call the fused model itself; to compute without knowledge, "
            "write `with model.without_knowledge(): ...`.",
            code="backbone-called-directly",
        )


def hooked_block(injection: Injection, backbone: PreTrainedModel) -> Block:
    """Return the module of a backbone whose output an injection updates."""
    if injection.place == "pooled":
        return head_input_of(backbone)
    block = blocks_of(backbone)[injection.layer - 1]
    return feed_forward_of(backbone, block) if injection.place == "feed forward" else block
