"""The fused models, one a task, and how the Auto classes of transformers know them."""

from typing import Any

from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)
from transformers.modeling_outputs import TokenClassifierOutput

from kgbert.models.base import KGBertPreTrainedModel
from kgbert.models.config import KGBertConfig
from kgbert.models.fusions import find_fusion
from kgbert.models.heads.entity_linking import CandidateScorer, pop_candidate_inputs
from kgbert.models.heads.relation import PairClassifier
from kgbert.models.inputs import pop_knowledge_inputs
from kgbert.models.linking_loss import add_linking_loss
from kgbert.utils.errors import KGBertError, Remedy


class KGBertModel(KGBertPreTrainedModel):
    """A bare encoder that reads the graph; returns the backbone's own output."""


class KGBertForSequenceClassification(KGBertPreTrainedModel):
    """A text classifier that reads the graph, with the backbone's own classification head."""

    auto_class = AutoModelForSequenceClassification
    reads_one_position = True


class KGBertForTokenClassification(KGBertPreTrainedModel):
    """A token classifier that reads the graph, with the backbone's own classification head."""

    auto_class = AutoModelForTokenClassification


class KGBertForRelationClassification(KGBertPreTrainedModel):
    """A classifier of the relation between two marked arguments of a text, reading the graph.

    The marks that open the arguments are linked to what these mention. transformers has no such
    head and no Auto class for it: :func:`kgbert.load_model` finds it by its name.
    """

    auto_class = PairClassifier


class KGBertForEntityLinking(KGBertPreTrainedModel):
    """Chooses the entity of each mention among its candidates, or none of them.

    The encoder reads the graph as in the other models; what it makes of a mention is compared with
    the vectors of the candidates. The labels are, for each mention, 0 where none is right, else
    the place of the right candidate counted from 1, and -100 where nothing is known. transformers
    has no Auto class for it: :func:`kgbert.load_model` finds it by its name.
    """

    scores_entities = True

    def add_head(self, config: KGBertConfig) -> None:
        """Add what scores the candidates."""
        if not find_fusion(config.fusion).reads_graph:
            raise KGBertError(
                f"fusion={config.fusion!r} computes no entity vectors that a mention could be "
                "compared with.",
                code="fusion-without-vectors",
                remedies=[Remedy("fusion", "attention")],
            )
        self.scorer = CandidateScorer(config.backbone.hidden_size, config.knowledge_size)
        # Nothing reads it, and several processes would wait for its gradients.
        if (pooler := getattr(self.backbone, "pooler", None)) is not None:
            pooler.requires_grad_(False)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> TokenClassifierOutput:
        """Return logits of shape (batch, mentions, 1 + candidates), those of "none" first.

        Args:
            input_ids: Shape (batch, tokens).
            attention_mask: Shape (batch, tokens), 1 where there is a token.
            labels: Shape (batch, mentions).
            **inputs: The fields of :class:`kgbert.models.heads.entity_linking.Candidates` and of
                :class:`kgbert.models.inputs.BatchKnowledge`, which a processor made with
                ``candidates=...`` gives, and what else the backbone takes.

        Raises:
            KGBertError: The batch brings no candidates or no knowledge.
        """
        candidates, knowledge = pop_candidate_inputs(inputs), pop_knowledge_inputs(inputs)
        context = self.build_context(knowledge, input_ids, attention_mask, inputs)
        with self.context_stack.activate(context):
            read = self.backbone(input_ids=input_ids, attention_mask=attention_mask, **inputs)
        logits = self.scorer(read.last_hidden_state, context.entities, candidates)
        output = TokenClassifierOutput(
            loss=None if labels is None else _mean_loss(logits, labels),
            logits=logits,
            hidden_states=read.hidden_states,
            attentions=read.attentions,
        )
        return add_linking_loss(output, context, knowledge, self.config.linking_loss)


def _mean_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy, zero where no mention of the batch has a known entity."""
    total = nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")
    return total / (labels >= 0).sum().clamp(min=1)


AutoConfig.register("kgbert", KGBertConfig)
AutoModel.register(KGBertConfig, KGBertModel)
AutoModelForSequenceClassification.register(KGBertConfig, KGBertForSequenceClassification)
AutoModelForTokenClassification.register(KGBertConfig, KGBertForTokenClassification)
