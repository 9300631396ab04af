"""The fused models for each task, and their registration with the Auto classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    GenerationConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import (
    MaskedLMOutput,
    MultipleChoiceModelOutput,
    TokenClassifierOutput,
)

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.models.config import KGBertConfig
from kgbert.models.fusions import find_fusion
from kgbert.models.heads.entity_linking import CandidateScorer, pop_candidate_inputs
from kgbert.models.heads.events import EventExtractor
from kgbert.models.heads.generation import AutoEncoderDecoder
from kgbert.models.heads.multiple_choice import as_choice_scorer, group_by_question
from kgbert.models.heads.paths import pop_paths
from kgbert.models.heads.relation import PairClassifier
from kgbert.models.heads.span_pairs import RelationExtractor
from kgbert.models.heads.triples import (
    TripleScorer,
    link_prediction_losses,
    pop_edge_targets,
)
from kgbert.models.inputs import pop_knowledge_inputs
from kgbert.models.linking_loss import add_linking_loss
from kgbert.utils.errors import KGBertError, Remedy


class KGBertModel(KGBertPreTrainedModel):
    """A fused encoder without a task head; returns the output of the backbone."""


class KGBertForSequenceClassification(KGBertPreTrainedModel):
    """A fused text classifier with the sequence classification head of the backbone."""

    auto_class = AutoModelForSequenceClassification
    label_queries = "text"
    path_ends = "labels"
    reads_one_position = True
    answers_about_texts = True


@dataclass
class EdgePredictionOutput(MaskedLMOutput):
    """The output of a masked language model that predicts edges as well.

    It is a class, because distributed training makes outputs anew.
    """

    edge_losses: Tensor | None = None
    """The loss of each hidden edge."""


class KGBertForMaskedLM(KGBertPreTrainedModel):
    """A fused masked language model with the head of the backbone.

    In pretraining it may also predict edges of the graph, with :meth:`add_triple_scorer`.
    """

    auto_class = AutoModelForMaskedLM
    is_exportable = False

    def __init__(self, config: KGBertConfig) -> None:
        super().__init__(config)
        self.triple_scorer: TripleScorer | None = None

    def add_triple_scorer(self) -> None:
        """Add the scorer of edges, which is not saved.

        Raises:
            KGBertError: The model computes no entity vectors.
        """
        if not hasattr(self, "graph_encoder"):
            raise KGBertError(
                f"fusion={self.config.fusion!r} has no graph encoder, whose vectors could predict "
                "edges.",
                code="link-prediction-without-vectors",
                remedies=[Remedy("link_prediction", 0), Remedy("fusion", "attention")],
            )
        scorer = TripleScorer(self.config.knowledge_size, len(self.config.relations))
        self.triple_scorer = scorer.to(device=self.device, dtype=self.dtype)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> Any:
        """Return the output of the backbone, and ``edge_losses`` if the batch hides edges.

        Args:
            input_ids: Shape (batch, tokens).
            attention_mask: Shape (batch, tokens), 1 where there is a token.
            labels: Shape (batch, tokens); -100 for tokens that are not predicted.
            **inputs: The fields of :class:`kgbert.models.inputs.BatchKnowledge` and of
                :class:`kgbert.models.heads.triples.EdgeTargets`, and other inputs of the backbone.
        """
        edges = pop_edge_targets(inputs)
        if labels is not None:
            inputs["labels"] = labels
        output, context = self.run_backbone(input_ids, attention_mask, inputs)
        if edges is not None and self.triple_scorer is not None:
            scores = self.triple_scorer(context.entities, edges)
            output = EdgePredictionOutput(**output, edge_losses=link_prediction_losses(scores))
        return add_linking_loss(output, context, self.config.linking_loss)


class KGBertForConditionalGeneration(KGBertPreTrainedModel):
    """A fused encoder-decoder, whose encoder reads the graph.

    The encoder runs once for each text, also in beam search and with cached decoding.
    """

    auto_class = AutoEncoderDecoder
    is_exportable = False

    def __init__(self, config: KGBertConfig) -> None:
        super().__init__(config)
        self.backbone.generation_config = GenerationConfig.from_dict(config.generation)

    @classmethod
    def from_model(
        cls, model: PreTrainedModel, graph: KnowledgeGraph, **options: Any
    ) -> "KGBertForConditionalGeneration":
        """Return a fused model as its base class does, with the generation settings of the model.

        Args:
            model: An encoder-decoder of transformers.
            graph: Only its relations and its hash are used.
            **options: Fields of :class:`kgbert.KGBertConfig`.
        """
        settings = model.generation_config.to_diff_dict() | options.get("generation", {})
        return super().from_model(model, graph, **{**options, "generation": settings})

    def generate(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, **inputs: Any
    ) -> Any:
        """Return the generated tokens, as ``generate`` of transformers does.

        Args:
            input_ids: Shape (batch, tokens).
            attention_mask: Shape (batch, tokens), 1 where there is a token.
            **inputs: The fields of :class:`kgbert.models.inputs.BatchKnowledge` from a
                :class:`kgbert.KGBertProcessor`, other inputs of the encoder, and the arguments of
                ``generate``: ``num_beams``, ``do_sample``, ``max_new_tokens`` ...

        Raises:
            KGBertError: The batch has no knowledge.
        """
        knowledge = pop_knowledge_inputs(inputs)
        encoder = self.backbone.get_encoder()
        context = self.build_context(knowledge, input_ids, attention_mask, inputs)
        own = {x: inputs.pop(x) for x in ("token_type_ids", "position_ids") if x in inputs}
        with torch.no_grad():
            with self.context_stack.activate(context):
                encoded = encoder(input_ids=input_ids, attention_mask=attention_mask, **own)
            return self.backbone.generate(
                encoder_outputs=encoded, attention_mask=attention_mask, **inputs
            )


class KGBertForMultipleChoice(KGBertPreTrainedModel):
    """A fused model that chooses among the answers to a question.

    Each row of a batch is a question with one of its choices. The head is that of sequence
    classification with one output, which every backbone has; for BERT it is that of
    ``BertForMultipleChoice``. transformers has no Auto class for it: :func:`kgbert.load_model`
    finds it by its name.
    """

    auto_class = AutoModelForSequenceClassification
    path_ends = "choices"
    reads_one_position = True
    answers_about_texts = True

    @classmethod
    def from_model(
        cls, model: PreTrainedModel, graph: KnowledgeGraph, **options: Any
    ) -> "KGBertForMultipleChoice":
        """Return a fused model as its base class does.

        Args:
            model: A model of transformers for multiple choice, or for sequence classification with
                one output.
            graph: Only its relations and its hash are used.
            **options: Fields of :class:`kgbert.KGBertConfig`.
        """
        return super().from_model(as_choice_scorer(model), graph, **options)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        choice_counts: Sequence[int] | None = None,
        **inputs: Any,
    ) -> MultipleChoiceModelOutput:
        """Return logits of shape (questions, choices), minus infinity where a choice is padding.

        Args:
            input_ids: Shape (choices of all questions, tokens).
            attention_mask: The same shape, 1 where there is a token.
            labels: The index of the right choice of each question, shape (questions).
            choice_counts: Number of choices of each question; None for a single question.
            **inputs: The fields of :class:`kgbert.models.inputs.BatchKnowledge` from a
                :class:`kgbert.KGBertProcessor`, and other inputs of the backbone.
        """
        paths = pop_paths(inputs)
        scored, context = self.run_backbone(input_ids, attention_mask, inputs)
        compared = self.add_text_scores(scored.logits, context)
        scores = self.add_path_scores(compared, paths).squeeze(-1)
        logits = group_by_question(scores, choice_counts or [len(scores)])
        output = MultipleChoiceModelOutput(
            loss=None if labels is None else nn.functional.cross_entropy(logits.float(), labels),
            logits=logits,
            hidden_states=scored.hidden_states,
            attentions=scored.attentions,
        )
        return add_linking_loss(output, context, self.config.linking_loss)

    def text_logits(self, **inputs: Any) -> Tensor:
        """Return the score of each choice, not grouped by question."""
        logits: Tensor = super().forward(**inputs).logits
        return logits


class KGBertForTokenClassification(KGBertPreTrainedModel):
    """A fused token classifier with the token classification head of the backbone."""

    auto_class = AutoModelForTokenClassification
    label_queries = "tokens"
    path_ends = "words"


class KGBertForQuestionAnswering(KGBertPreTrainedModel):
    """A fused model that finds an answer in a text, with the head of the backbone for that.

    It scores each token as the first and as the last of the answer. The losses of transformers
    count padding as possible answers; here padding has no probability, so that no batch changes
    the loss of a text.
    """

    auto_class = AutoModelForQuestionAnswering

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> Any:
        """Return the logits of the first and of the last token, each of shape (batch, tokens).

        Args:
            input_ids: Shape (batch, tokens).
            attention_mask: Shape (batch, tokens), 1 where there is a token.
            labels: First and last token of the answer, shape (batch, 2).
            **inputs: The fields of :class:`kgbert.models.inputs.BatchKnowledge` from a
                :class:`kgbert.KGBertProcessor`, and other inputs of the backbone.
        """
        output, context = self.run_backbone(input_ids, attention_mask, inputs)
        if labels is not None:
            ends = torch.stack([output.start_logits, output.end_logits], 1)
            scores = _without_padding(ends, attention_mask)
            output["loss"] = nn.functional.cross_entropy(scores.flatten(0, 1), labels.flatten())
        return add_linking_loss(output, context, self.config.linking_loss)

    def text_logits(self, **inputs: Any) -> Tensor:
        """Return the scores of each token as the first and the last, shape (batch, tokens, 2)."""
        output = self(**inputs)
        return torch.stack([output.start_logits, output.end_logits], -1)


class KGBertForRelationClassification(KGBertPreTrainedModel):
    """A fused classifier of the relation between two marked arguments of a text.

    The opening markers of the arguments are linked to the entities of the arguments. transformers
    has no Auto class for this head: :func:`kgbert.load_model` finds it by its name.
    """

    auto_class = PairClassifier
    path_ends = "arguments"
    reads_arguments = True


class KGBertForRelationExtraction(KGBertPreTrainedModel):
    """A fused model that scores the relations of all pairs of spans of a text.

    The text is encoded once for all of its pairs. transformers has no Auto class for this head:
    :func:`kgbert.load_model` finds it by its name.
    """

    auto_class = RelationExtractor
    reads_span_pairs = True


class KGBertForEventExtraction(KGBertPreTrainedModel):
    """A fused model that finds the triggers of events in a text, and scores their arguments.

    The text is encoded once. transformers has no Auto class for this head:
    :func:`kgbert.load_model` finds it by its name.
    """

    auto_class = EventExtractor
    is_exportable = False


class KGBertForEntityLinking(KGBertPreTrainedModel):
    """A fused entity linking model, which chooses one candidate of each mention or NIL.

    Knowledge is injected as in the other models, and the state of a mention is compared with the
    vectors of its candidates. The label of a mention is 0 for NIL, the number of the right
    candidate from 1, or -100 without a gold entity. transformers has no Auto class for this head:
    :func:`kgbert.load_model` finds it by its name.
    """

    scores_entities = True

    def add_head(self, config: KGBertConfig) -> None:
        """Add the scorer of the candidates."""
        if not find_fusion(config.fusion).reads_graph:
            raise KGBertError(
                f"fusion={config.fusion!r} computes no entity vectors that a mention could be "
                "compared with.",
                code="fusion-without-vectors",
                remedies=[Remedy("fusion", "attention")],
            )
        self.scorer = CandidateScorer(config.backbone.hidden_size, config.knowledge_size)
        # The pooler is unused, and distributed training would wait for its gradients.
        if (pooler := getattr(self.backbone, "pooler", None)) is not None:
            pooler.requires_grad_(False)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> TokenClassifierOutput:
        """Return logits of shape (batch, mentions, 1 + candidates) with NIL first.

        Args:
            input_ids: Shape (batch, tokens).
            attention_mask: Shape (batch, tokens), 1 where there is a token.
            labels: Shape (batch, mentions).
            **inputs: The fields of :class:`kgbert.models.heads.entity_linking.Candidates` and of
                :class:`kgbert.models.inputs.BatchKnowledge` from a processor with
                ``candidates=...``, and other inputs of the backbone.

        Raises:
            KGBertError: The batch has no candidates or no knowledge.
        """
        candidates = pop_candidate_inputs(inputs)
        encoded, context = self.run_backbone(input_ids, attention_mask, inputs)
        logits = self.scorer(encoded.last_hidden_state, context.entities, candidates)
        output = TokenClassifierOutput(
            loss=None if labels is None else _mean_loss(logits, labels),
            logits=logits,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
        )
        return add_linking_loss(output, context, self.config.linking_loss)


def _without_padding(logits: Tensor, attention_mask: Tensor | None) -> Tensor:
    """Return logits (batch, 2, tokens) in which padding has no probability."""
    logits = logits.float()
    # The mask between tokens of K-BERT has no padding of its own.
    if attention_mask is None or attention_mask.dim() != 2:
        return logits
    return logits.masked_fill((attention_mask == 0).unsqueeze(1), -torch.inf)


def _mean_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy, zero if no mention of the batch has a label."""
    total = nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")
    return total / (labels >= 0).sum().clamp(min=1)


AutoConfig.register("kgbert", KGBertConfig)
AutoModel.register(KGBertConfig, KGBertModel)
AutoModelForMaskedLM.register(KGBertConfig, KGBertForMaskedLM)
AutoModelForQuestionAnswering.register(KGBertConfig, KGBertForQuestionAnswering)
AutoModelForSequenceClassification.register(KGBertConfig, KGBertForSequenceClassification)
AutoModelForTokenClassification.register(KGBertConfig, KGBertForTokenClassification)
