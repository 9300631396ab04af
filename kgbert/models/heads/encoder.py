"""A plain encoder of transformers with a head that transformers lacks."""

from typing import Any, TypeVar

from torch import nn
from transformers import AutoModel, PreTrainedConfig, PreTrainedModel

from kgbert.features.pretrained import load_config

#: A model with a head; the shape checks in the tests do not support typing.Self.
Headed = TypeVar("Headed", bound="EncoderWithHead")


class EncoderWithHead(PreTrainedModel):
    """Any encoder of transformers; a subclass adds a head in its ``__init__``.

    The encoder has the name that the models of its family give it, so that their checkpoints can be
    loaded. A subclass ends its ``__init__`` with ``self.post_init()``.
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
        self.base_model_prefix = encoder.base_model_prefix
        self.add_module(self.base_model_prefix, encoder)
        self.supports_gradient_checkpointing = encoder.supports_gradient_checkpointing
        self.dropout = nn.Dropout(getattr(config, "hidden_dropout_prob", 0.1))

    @classmethod
    def from_config(cls: type[Headed], config: PreTrainedConfig) -> Headed:
        """Return a model with fresh weights, like the Auto classes."""
        return cls(config)

    @classmethod
    def from_pretrained(  # type: ignore[override]  # the signature of transformers is wider
        cls: type[Headed], name_or_path: str, **options: Any
    ) -> Headed:
        """Return a model with a pretrained encoder, like the Auto classes."""
        naming = {name: options.pop(name) for name in ("id2label", "label2id") if name in options}
        config = load_config(name_or_path, **naming)
        loaded = super().from_pretrained(name_or_path, config=config, **options)
        assert isinstance(loaded, cls)
        return loaded
