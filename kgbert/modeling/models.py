"""The fused models, one a task, and how the Auto classes of transformers know them."""

from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from kgbert.modeling.config import KGBertConfig
from kgbert.modeling.fused import KGBertPreTrainedModel


class KGBertModel(KGBertPreTrainedModel):
    """A bare encoder that reads the graph; returns the backbone's own output."""


class KGBertForSequenceClassification(KGBertPreTrainedModel):
    """A text classifier that reads the graph, with the backbone's own classification head."""

    auto_class = AutoModelForSequenceClassification
    reads_one_position = True


class KGBertForTokenClassification(KGBertPreTrainedModel):
    """A token classifier that reads the graph, with the backbone's own classification head."""

    auto_class = AutoModelForTokenClassification


AutoConfig.register("kgbert", KGBertConfig)
AutoModel.register(KGBertConfig, KGBertModel)
AutoModelForSequenceClassification.register(KGBertConfig, KGBertForSequenceClassification)
AutoModelForTokenClassification.register(KGBertConfig, KGBertForTokenClassification)
