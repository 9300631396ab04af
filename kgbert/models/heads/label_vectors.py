"""Score texts or tokens by their similarity to the entities of the labels."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedConfig, initialization

from kgbert.features.label_sets import LabelSets
from kgbert.graph.entity_texts import KINDS
from kgbert.models.layers.initialization import init_module_weights
from kgbert.models.layers.knowledge_attention import AlignedLinear
from kgbert.utils.errors import KGBertError

#: Similarities lie in a narrow range; the scale spreads them over logits.
INITIAL_SCALE = 20.0
#: The initial weight of the similarity in spelling.
INITIAL_LEXICAL_WEIGHT = 0.3
#: Sharpness of the soft maximum over the vectors of a label: larger is nearer to the maximum.
SHARPNESS = 30.0


class LabelVectorScorer(nn.Module):
    """Compares states with the sets of label vectors, from which each state chooses.

    ``score(x, l) = s * (softmax_k (cos(W x, v_k) + w_kind(k)) + u * lexical(x, l) - b)``

    The soft maximum ``log(sum_k exp(c z_k)) / c`` runs over the vectors ``v_k`` of label ``l``. W
    starts as the identity, so that the states of an encoder are compared with vectors of the same
    encoder. The weight w of each kind of vector (name, synonym, definition, child, descendant)
    starts at zero, and the offset b at the similarity of unrelated texts, so that a label without
    vectors, whose score is zero, competes with the others. If the scale s is zero, all scores are
    zero.

    A text that chooses among several vectors follows ColBERT (Khattab and Zaharia 2020,
    arXiv:2004.12832); label vectors from a graph follow Rios and Kavuluru 2018. The label vectors
    are buffers that no checkpoint contains; :meth:`use` sets them.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.projection = AlignedLinear(hidden, hidden, bias=False)
        self.kind_weights = nn.Parameter(torch.zeros(len(KINDS)))
        self.scale = nn.Parameter(torch.tensor(INITIAL_SCALE))
        self.lexical_weight = nn.Parameter(torch.tensor(INITIAL_LEXICAL_WEIGHT))
        self.offset = nn.Parameter(torch.zeros(()))
        self.count = 0
        for name in ("vectors", "owners", "kinds", "described"):
            self.register_buffer(name, None, persistent=False)

    def use(self, sets: LabelSets) -> None:
        """Set the label vectors; the labels must be in the order of the logits."""
        device = self.scale.device
        vectors = torch.from_numpy(sets.vectors.astype("float32"))
        self.vectors = nn.functional.normalize(vectors, dim=-1).to(self.scale.dtype).to(device)
        self.owners = torch.from_numpy(sets.owners.copy()).to(device)
        self.kinds = torch.from_numpy(sets.kinds.copy()).to(device)
        self.count = len(sets.labels)
        self.described = torch.zeros(self.count, dtype=torch.bool, device=device)
        self.described[self.owners] = True

    def initialize_offset(self, sets: LabelSets) -> None:
        """Set the offset to the typical similarity of texts that do not belong together."""
        nn.init.constant_(self.offset, sets.typical_similarity)

    def similarities(
        self, states: Float[Tensor, "*batch hidden"]
    ) -> Float[Tensor, "*batch vectors"]:
        """Return the weighted similarity of each state to each label vector.

        Raises:
            KGBertError: No label vectors were set.
        """
        if self.vectors is None:
            raise KGBertError(
                "the label vectors of this model are not set. Load the model with "
                "kgbert.load_model(folder), or call model.use_label_sets(sets).",
                code="no-label-vectors",
            )
        queries = nn.functional.normalize(self.projection(states), dim=-1)
        return queries @ self.vectors.to(queries.dtype).T + self.kind_weights[self.kinds]

    def forward(
        self,
        similarities: Float[Tensor, "*batch vectors"],
        lexical: Float[Tensor, "batch labels"] | None = None,
    ) -> Float[Tensor, "*batch labels"]:
        """Return the score of each state for each label.

        Args:
            similarities: The output of :meth:`similarities` for texts or tokens.
            lexical: The similarity in spelling of each text to each label.
        """
        nearness = self.nearness(similarities, lexical)
        return torch.where(self.described, self.scale * (nearness - self.offset), 0)

    def nearness(
        self,
        similarities: Float[Tensor, "*batch vectors"],
        lexical: Float[Tensor, "batch labels"] | None = None,
    ) -> Float[Tensor, "*batch labels"]:
        """Return the score of each state for each label without scale and offset.

        Args:
            similarities: As for :meth:`forward`.
            lexical: As for :meth:`forward`.
        """
        nearness = soft_maximum(similarities, self.owners, self.count)
        if lexical is not None:
            nearness = nearness + self.lexical_weight * lexical.to(nearness.dtype)
        return nearness


@init_module_weights.register
def _(module: LabelVectorScorer) -> None:
    initialization.zeros_(module.kind_weights)
    initialization.zeros_(module.offset)
    initialization.constant_(module.scale, INITIAL_SCALE)
    initialization.constant_(module.lexical_weight, INITIAL_LEXICAL_WEIGHT)


def soft_maximum(
    values: Float[Tensor, "*batch values"], groups: Int[Tensor, " values"], count: int
) -> Float[Tensor, "*batch groups"]:
    """Return the soft maximum of the values of each group.

    Args:
        values: One value for each vector, about 1 at most.
        groups: The group of each value.
        count: Number of groups.
    """
    # Rows of one vector each: sums over rows are several times faster than over columns.
    rows = values.float().flatten(0, -2).T.contiguous()
    # Cosines are at most 1, so that shifting them by 1 prevents overflow.
    exponentials = (SHARPNESS * (rows - 1)).exp()
    sums = rows.new_zeros(count, rows.shape[1]).index_add(0, groups, exponentials)
    maxima = 1 + sums.clamp(min=torch.finfo(sums.dtype).tiny).log() / SHARPNESS
    return maxima.T.reshape(*values.shape[:-1], count).to(values.dtype)


def label_loss(
    logits: Tensor, labels: Tensor, config: PreTrainedConfig, untrained: Sequence[int] = ()
) -> Tensor:
    """Return the loss that the head of the backbone would compute from these logits.

    Args:
        logits: Shape (batch, labels) or (batch, tokens, labels).
        labels: Shape (batch), (batch, tokens), or (batch, labels) with several labels a text;
            numbers for a regression.
        config: The configuration of the backbone, whose ``problem_type`` is read.
        untrained: Labels without training texts. Where a text has one label, the loss ignores
            them, since it would lower their scores for every text. Where a text has several, the
            texts say that they do not apply, and :func:`share_head_scores` keeps their scores.
    """
    logits = logits.float()
    if config.problem_type == "multi_label_classification":
        return nn.functional.binary_cross_entropy_with_logits(logits, labels.float())
    if config.problem_type == "regression":
        return nn.functional.mse_loss(logits.squeeze(-1), labels.float())
    keep = torch.ones(logits.shape[-1], dtype=torch.bool, device=logits.device)
    keep[list(untrained)] = False
    hidden = logits.masked_fill(~keep, torch.finfo(logits.dtype).min)
    if untrained:
        # A validation text of such a label has no loss.
        labels = torch.where(keep[labels.clamp(min=0)], labels, -100)
    return nn.functional.cross_entropy(hidden.flatten(0, -2), labels.flatten())


def share_head_scores(
    logits: Float[Tensor, "batch labels"], untrained: Sequence[int]
) -> Float[Tensor, "batch labels"]:
    """Return logits of a head in which labels without training texts have the mean of the others.

    The weights of such labels are untrained, and their loss would only lower their scores. With
    the score of an average label, only what the graph says about a label tells it from others.

    Args:
        logits: Scores of the head alone.
        untrained: Positions of the labels without training texts.
    """
    is_trained = torch.ones(logits.shape[-1], dtype=torch.bool, device=logits.device)
    is_trained[list(untrained)] = False
    mean = (logits * is_trained).sum(-1, keepdim=True) / is_trained.sum().clamp(min=1)
    return torch.where(is_trained, logits, mean)


def pop_lexical(inputs: dict[str, Any]) -> Tensor | None:
    """Remove the similarity in spelling from a forward call's arguments, and return it."""
    lexical: Tensor | None = inputs.pop("label_lexical", None)
    return lexical
