"""The fused models, one a task, and how the Auto classes of transformers know them."""

from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from kgbert.modeling.config import KGBertConfig
from kgbert.modeling.fused import KGBertPreTrainedModel
from kgbert.modeling.pair_classifier import PairClassifier


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


AutoConfig.register("kgbert", KGBertConfig)
AutoModel.register(KGBertConfig, KGBertModel)
AutoModelForSequenceClassification.register(KGBertConfig, KGBertForSequenceClassification)
AutoModelForTokenClassification.register(KGBertConfig, KGBertForTokenClassification)
