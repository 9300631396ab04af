"""A plain classifier of the relation between two marked arguments."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from kgbert.features.pretrained import load_config
from kgbert.utils.errors import KGBertError


class PairClassifier(PreTrainedModel):
    """Any encoder of transformers with a head that reads the markers of two arguments.

    ``W [h_head; h_tail] + b`` with the states at the opening markers of head and tail: "entity
    markers, entity start" of Baldini Soares et al. 2019 (arXiv:1906.03158), with the markers of
    :mod:`kgbert.encoding.entity_markers`.
    """

    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True

    def __init__(self, config: PreTrainedConfig) -> None:
        # Created first, because it determines which attention implementations are supported.
        encoder = AutoModel.from_config(config)
        super().__init__(encoder.config)
        if hasattr(encoder, "pooler"):
            encoder.pooler = None
        # The name in the models of the family, so that their checkpoints can be loaded.
        self.base_model_prefix = encoder.base_model_prefix
        self.add_module(self.base_model_prefix, encoder)
        self.supports_gradient_checkpointing = encoder.supports_gradient_checkpointing
        self.dropout = nn.Dropout(getattr(config, "hidden_dropout_prob", 0.1))
        self.relation = nn.Linear(2 * config.hidden_size, len(config.id2label or {}))
        self.post_init()

    @classmethod
    def from_config(cls, config: PreTrainedConfig) -> "PairClassifier":
        """Return a classifier with fresh weights, like the Auto classes."""
        return cls(config)

    @classmethod
    def from_pretrained(  # type: ignore[override]  # the signature of transformers is wider
        cls, name_or_path: str, **options: Any
    ) -> "PairClassifier":
        """Return a classifier with a pretrained encoder, like the Auto classes."""
        naming = {name: options.pop(name) for name in ("id2label", "label2id") if name in options}
        config = load_config(name_or_path, **naming)
        loaded = super().from_pretrained(name_or_path, config=config, **options)
        assert isinstance(loaded, cls)
        return loaded

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
