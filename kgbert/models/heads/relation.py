"""A plain classifier of the relation between two marked arguments."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig
from transformers.modeling_outputs import SequenceClassifierOutput

from kgbert.models.heads.encoder import EncoderWithHead
from kgbert.utils.errors import KGBertError


class PairClassifier(EncoderWithHead):
    """Any encoder of transformers with a head that reads the markers of two arguments.

    ``W [h_head; h_tail] + b`` with the states at the opening markers of head and tail: "entity
    markers, entity start" of Baldini Soares et al. 2019 (arXiv:1906.03158), with the markers of
    :mod:`kgbert.encoding.spans.entity_markers`.
    """

    def __init__(self, config: PreTrainedConfig) -> None:
        super().__init__(config)
        self.relation = nn.Linear(2 * config.hidden_size, len(config.id2label or {}))
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        argument_tokens: Tensor | None = None,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> SequenceClassifierOutput:
        """Return the logits of the relation of each text.

        Args:
            input_ids: Shape (batch, tokens).
            attention_mask: Shape (batch, tokens), 1 where there is a token.
            argument_tokens: Shape (batch, 2), the opening marker tokens of head and tail.
            labels: Shape (batch).
            **inputs: Other inputs of the encoder.

        Raises:
            KGBertError: The batch has no argument tokens.
        """
        if argument_tokens is None:
            raise KGBertError(
                "this model classifies the relation of two arguments, but the batch brings no "
                "argument_tokens. Give examples with arguments: Example(text, arguments="
                "(Span(0, 7, 'head'), Span(15, 18, 'tail'))), in a file the columns head_start, "
                "head_end, tail_start and tail_end.",
                code="batch-without-arguments",
            )
        output = self.base_model(input_ids=input_ids, attention_mask=attention_mask, **inputs)
        rows = torch.arange(argument_tokens.shape[0], device=argument_tokens.device).unsqueeze(1)
        pair = output.last_hidden_state[rows, argument_tokens].flatten(1)
        logits = self.relation(self.dropout(pair))
        loss = None if labels is None else nn.functional.cross_entropy(logits.float(), labels)
        return SequenceClassifierOutput(
            loss=loss,
            logits=logits,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )
