"""The head of entity linking: score the candidates of a mention, and NIL."""

from math import log
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import initialization

from kgbert.models.layers.initialization import init_module_weights
from kgbert.models.layers.knowledge_attention import GATE_LR_MULTIPLIER, AlignedLinear
from kgbert.utils.errors import KGBertError, Remedy

#: The score of the linker that a candidate needs to be likelier than NIL before training.
NIL_SCORE = 0.1


class Candidates(NamedTuple):
    """The mentions of a batch and their candidates, padded with zeros and hidden candidates.

    The field names are keyword arguments of :class:`kgbert.KGBertForEntityLinking`'s ``forward``.
    """

    mention_spans: Int[Tensor, "batch mentions 2"]
    """First and last token of each mention."""
    candidate_nodes: Int[Tensor, "batch mentions candidates"]
    """The node of each candidate."""
    candidate_scores: Float[Tensor, "batch mentions candidates"]
    """Log of the score of the linker; minus infinity for padding."""


def pop_candidate_inputs(inputs: dict[str, Any]) -> Candidates:
    """Remove the candidates from a forward call's keyword arguments, and return them.

    Raises:
        KGBertError: The batch has no candidates.
    """
    values = {name: inputs.pop(name, None) for name in Candidates._fields}
    if any(value is None for value in values.values()):
        raise KGBertError(
            "this model chooses among the candidates of each mention, but the batch brings none.",
            code="batch-without-candidates",
            remedies=[Remedy("candidates", 8, owner="KGBertProcessor")],
        )
    return Candidates(**values)


class CandidateScorer(nn.Module):
    """Scores NIL and each candidate of a mention by how well it fits the context.

    With ``m`` the mean state of the first and last token of the mention, and ``e`` the vector of a
    candidate from the graph encoder::

        s(e)   = log score(e) + g q(m) k(e) / sqrt(d)
        s(NIL) = b            + g q(m) k0   / sqrt(d)

    The gate ``g`` starts at zero, so that a fresh scorer ranks like the linker, and predicts NIL
    if the best score is below :data:`NIL_SCORE`. ``q`` and ``k`` start aligned, as in
    :class:`kgbert.models.layers.knowledge_attention.KnowledgeAttention`.
    """

    def __init__(self, hidden: int, knowledge: int) -> None:
        super().__init__()
        self.norm, self.entity_norm = nn.LayerNorm(hidden), nn.LayerNorm(knowledge)
        self.query = AlignedLinear(hidden, knowledge)
        self.key = AlignedLinear(knowledge, knowledge)
        self.nil_key = nn.Parameter(torch.empty(knowledge))
        self.nil_bias = nn.Parameter(torch.zeros(()))
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(
        self,
        states: Float[Tensor, "batch tokens hidden"],
        entities: Float[Tensor, "nodes knowledge"] | None,
        candidates: Candidates,
    ) -> Float[Tensor, "batch mentions choices"]:
        """Return the logits of NIL, which comes first, and of the candidates.

        Without entity vectors they are the scores of the linker.
        """
        prior = torch.cat([self._nil_prior(candidates), candidates.candidate_scores], -1)
        if entities is None:
            return prior
        # The extra row is the padding node of a batch without mentions, which has no nodes.
        entities = torch.cat([entities, entities.new_zeros(1, entities.shape[1])])
        rows = torch.arange(states.shape[0], device=states.device).view(-1, 1, 1)
        mentions = states[rows, candidates.mention_spans].mean(2)
        query = self.query(self.norm(mentions)).unsqueeze(2)
        keys = self.key(self.entity_norm(entities))[candidates.candidate_nodes]
        nil = self.nil_key.to(keys.dtype).expand(*keys.shape[:2], 1, -1)
        match = (query * torch.cat([nil, keys], 2)).sum(-1) * keys.shape[-1] ** -0.5
        logits: Tensor = prior + GATE_LR_MULTIPLIER * self.gate * match.float()
        return logits

    def _nil_prior(self, candidates: Candidates) -> Float[Tensor, "batch mentions 1"]:
        bias = log(NIL_SCORE) + GATE_LR_MULTIPLIER * self.nil_bias.float()
        return bias.expand(*candidates.candidate_scores.shape[:2], 1)


@init_module_weights.register
def _(module: CandidateScorer) -> None:
    initialization.normal_(module.nil_key, std=0.02)
    initialization.zeros_(module.nil_bias)
    initialization.zeros_(module.gate)
