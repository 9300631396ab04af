"""Inject knowledge behind the blocks of a backbone through forward hooks."""

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
    """What the hooks of one forward pass read."""

    read_index: Tensor
    """The token of each text that a head for whole texts reads, shape (batch)."""
    pooling_mask: Tensor | None = None
    """The tokens that mean pooling counts, shape (batch, tokens); all where None."""
    entities: Tensor | None = None
    links: Links | None = None
    layout: TableLayout | None = None
    weights: dict[str, Tensor] | None = None
    """Filled by the hooks where it was requested: the attention of each link, by injection."""
    folded: dict[str, FoldedKeysValues] = field(default_factory=dict)
    """By injection, precomputed keys and values that replace the entity vectors there."""
    tables: list[DenseLinkTable] = field(default_factory=list)
    """The links as dense tables, once a hook has built them for itself and those that follow."""
    spans: list[Spans] = field(default_factory=list)
    """The mentions, once a hook has derived them for itself and those that follow."""
    entity_states: dict[str, Tensor] = field(default_factory=dict)
    """What the hooks of one block pass to those of the next, where entities have states too."""
    shared_calls: list[int] = field(default_factory=lambda: [0])
    """How many times shared blocks were called so far: the layer that is being computed."""

    def mentions(self, width: int) -> Spans:
        """Return the mentions that the links come from, derived once a pass.

        Args:
            width: Tokens of a text.
        """
        assert self.links is not None
        if not self.spans:
            self.spans.append(mention_spans(self.links, width, self.read_index))
        return self.spans[0]

    def snapshot(self) -> "KnowledgeContext":
        """Return the same context at the layer that is being computed now."""
        return replace(self, shared_calls=list(self.shared_calls))


class ContextStack(threading.local):
    """The context of the forward pass under way, one for each thread, and none between passes.

    Threads may therefore use one model at the same time; what is disabled or recorded is that of
    the calling thread, too.

    A context that outlived its pass would give silently wrong gradients when two passes precede
    one backward pass under gradient checkpointing; :meth:`checkpoint_contexts` gives each
    recomputation the context of its own pass instead.
    """

    def __init__(self) -> None:
        self.current: KnowledgeContext | None = None
        self.is_disabled = False
        self.weights: dict[str, Tensor] | None = None

    def __reduce__(self) -> tuple[type["ContextStack"], tuple[()]]:
        # A copy of a model shares no context with its original.
        return ContextStack, ()

    @contextmanager
    def disabled(self) -> Iterator[None]:
        """Let no pass read knowledge inside the context."""
        before, self.is_disabled = self.is_disabled, True
        try:
            yield
        finally:
            self.is_disabled = before

    @contextmanager
    def activate(self, current: KnowledgeContext | None) -> Iterator[None]:
        """Make a pass's context the current one."""
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
        """Return the context managers of a checkpointed block and of its recomputation."""
        current = None if self.current is None else self.current.snapshot()
        return nullcontext(), self.activate(current)


#: Maps the hidden states (batch, tokens, hidden) of a block to new ones.
StateUpdate = Callable[[Tensor, KnowledgeContext], Tensor]

#: The same with a module as the first argument. Its type is open, since peft wraps modules.
ModuleUpdate = Callable[[Any, Tensor, KnowledgeContext], Tensor]


class Injection(NamedTuple):
    """One place where knowledge enters the backbone, and the module through which it does."""

    name: str
    """Of its parameters and of its attention."""
    layer: int
    """The layer of the backbone, 1 being the first."""
    module: nn.Module
    update: ModuleUpdate = call
    """How the module updates the states; by default it is called with them."""
    place: str = "block"
    """What is updated: the output of a ``block``; its ``feed forward`` part before the activation;
    or, once a text is ``pooled``, the input of the task head."""


class BoundInjection:
    """The update of an injection, by the module that has its name at the time of the call.

    That may be another one than at first: peft replaces a module by a trainable copy.
    """

    def __init__(self, injection: Injection, modules: nn.ModuleDict) -> None:
        self.name, self.update, self.modules = injection.name, injection.update, modules

    def __call__(self, hidden: Tensor, context: KnowledgeContext) -> Tensor:
        """Return the updated states."""
        return self.update(self.modules[self.name], hidden, context)


class TokenFusionHook:
    """Add to every linked token what it reads from its entities."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, attention: Any, hidden: Tensor, context: KnowledgeContext) -> Tensor:
        """Return the states with knowledge added."""
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
    """Add to the token that the task head reads what it reads from the entities of its text."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, attention: Any, hidden: Tensor, context: KnowledgeContext) -> Tensor:
        """Return the states with knowledge added to one token of each text."""
        entities, links, layout = context.entities, context.links, context.layout
        if entities is None or links is None or layout is None:
            return hidden
        if context.weights is not None:
            # Attention is recorded for all links, whether the head reads them or not.
            _, context.weights[self.name] = attention(hidden, entities, links)
        texts, width = hidden.shape[:2]
        size = entities.shape[1] // attention.heads
        own_layout = layout._replace(size=(1, layout.size[1]))
        if attention.has_wrapped_projection or not prefers_dense(links, own_layout, texts, size):
            elsewhere = ~links.start_at(context.read_index)
            own = links._replace(scores=links.scores.masked_fill(elsewhere, -torch.inf))
            followed: Tensor = attention(hidden, entities, own)[0]
            return followed
        table = readout_table(links, layout, context.read_index, width=width)
        fused: Tensor = attention.forward_readout(hidden, entities, *table)
        return fused


class MeanPoolHook:
    """Replace the state that the task head reads by the mean of the text's token states."""

    def __call__(self, hidden: Tensor, context: KnowledgeContext) -> Tensor:
        """Return the states, one of each text replaced."""
        mask = context.pooling_mask
        if mask is None:
            mask = hidden.new_ones(hidden.shape[:2])
        weight = mask.to(hidden.dtype).unsqueeze(-1)
        mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1)
        rows = torch.arange(len(hidden), device=hidden.device)
        return hidden.index_put((rows, context.read_index), mean.to(hidden.dtype))


class BlockHook:
    """A forward hook that updates the states of a block, in whatever form it returns them."""

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
        """Return the block's output with its states updated."""
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
    """A forward pre-hook that counts the calls of shared blocks in a pass."""

    def __init__(self, context_stack: ContextStack) -> None:
        self.context_stack = context_stack

    def __call__(self, block: nn.Module, arguments: Any) -> None:
        """Count one more call."""
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
    """Return the part of a backbone whose output an injection updates."""
    if injection.place == "pooled":
        return head_input_of(backbone)
    block = blocks_of(backbone)[injection.layer - 1]
    return feed_forward_of(backbone, block) if injection.place == "feed forward" else block
