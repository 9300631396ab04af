"""Rows computed beforehand: an entity's vector, and what attentions of one head make of it.

An attention of one head leaves nothing to be mapped once a text is there. Of several heads each
would need vectors of its own as long as a token's state, and entity vectors that are shorter than
that are mapped sooner than read at that length; there each batch maps.
"""

from collections.abc import Collection, Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from kgbert.modeling.attention import Absorbed, KnowledgeAttention
from kgbert.modeling.injection import Attend, Injection


def absorbing(injections: Iterable[Injection]) -> tuple[str, ...]:
    """Return the names of the injections for which entities can absorb all maps."""
    return tuple(
        each.name
        for each in injections
        if isinstance(each.change, Attend)
        and isinstance(each.module, KnowledgeAttention)
        and each.module.can_be_absorbed
    )


def joined(
    vectors: Float[Tensor, "nodes knowledge"], attentions: Iterable[KnowledgeAttention]
) -> Float[Tensor, "nodes size"]:
    """Return entity vectors followed by what they absorb for each attention."""
    return torch.cat([vectors, *(part for each in attentions for part in each.absorb(vectors))], 1)


def taken_apart(
    rows: Float[Tensor, "nodes size"], knowledge: int, hidden: int, names: Collection[str]
) -> tuple[Float[Tensor, "nodes knowledge"], dict[str, Absorbed]]:
    """Return what :func:`joined` put together: the vectors, and the rest by injection.

    Args:
        rows: One an entity.
        knowledge: Numbers of an entity vector.
        hidden: Numbers of a token's state.
        names: Of the injections.
    """
    vectors, *parts = rows.split([knowledge, *(len(names) * [hidden + 1, hidden])], 1)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return vectors, {name: Absorbed(*pair) for name, pair in zip(names, pairs, strict=True)}
