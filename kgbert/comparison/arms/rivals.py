"""Arms that inject knowledge as published systems do, with the same backbone and tuning."""

from dataclasses import replace

from kgbert.baselines.kbert import SentenceTreeExpander
from kgbert.comparison.arms.arm import RunInputs
from kgbert.utils.errors import KGBertError


def check_linear(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs unchanged; :mod:`kgbert.training.linear_model` trains the linear model.

    Raises:
        KGBertError: The answers of the task are not about whole texts.
    """
    if not inputs.task.suits_linear_model:
        raise KGBertError(
            f"the arm 'tf-idf' answers with labels or a number for a whole text, and the task is "
            f"{inputs.task.name}. Leave the arm out.",
            code="arm-without-linear-model",
        )
    return inputs


def grow_triples(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with triples inserted behind the mentions, as in K-BERT.

    K-BERT (Liu et al. 2020, arXiv:1909.07606). Kept: up to two triples behind each mention as
    tokens, soft positions that continue from the mention, and the visible matrix, in which only the
    mention attends to its triples; tokens of triples have no tags. Left out: its pretraining, and
    the choice of triples in hash order (here: the first edges of the top candidate). Triples beyond
    the maximum length are truncated; they never displace tokens of the text.

    Raises:
        KGBertError: The backbone's positions are not absolute numbers.
    """
    from kgbert.features.backbones import FAMILIES, family_of
    from kgbert.features.pretrained import load_config

    config = load_config(inputs.backbone)
    first = family_of(config).first_position(config)
    if first is None:
        suitable = sorted(name for name, family in FAMILIES.items() if family.absolute_positions)
        raise KGBertError(
            f"the arm 'k-bert' numbers the positions of tokens itself, but {config.model_type} "
            "takes distances from the order of tokens. Choose a backbone of the families "
            f"{', '.join(suitable)}, or leave the arm out.",
            code="relative-positions",
        )
    return replace(inputs, expander=SentenceTreeExpander(first_position=first))


def use_transe(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with TransE vectors as the features, as ERNIE reads them.

    The vectors are trained on the graph alone, once for all seeds. For the fusion see
    :class:`kgbert.baselines.ernie.EntityFusion`.

    Raises:
        KGBertError: The backbone's feed-forward layers are not supported by the fusion.
    """
    from kgbert.baselines.ernie import transe_vectors

    _check_feed_forward(inputs.backbone)
    return replace(inputs, features=transe_vectors(inputs.graph))


def fuse_pooled(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs unchanged; :class:`kgbert.baselines.on2vec.PooledFusion` does the rest.

    Raises:
        KGBertError: The task tags words or relates arguments, so its head pools no text vector.
    """
    if not inputs.task.model_class.reads_one_position:
        raise KGBertError(
            "the arm 'on2vec' fuses entities with the pooled vector of a text, which "
            f"{inputs.task.name.replace('-', ' ')} has none of; leave the arm out.",
            code="arm-needs-other-task",
        )
    return inputs


def _check_feed_forward(backbone: str) -> None:
    """Raise KGBertError where the model of the arm 'ernie' could not be built."""
    import torch
    from transformers import AutoModel

    from kgbert.features.backbones import blocks_of, feed_forward_of
    from kgbert.features.pretrained import load_config

    # Only the shapes are needed, so no weights are loaded or initialised.
    with torch.device("meta"):
        model = AutoModel.from_config(load_config(backbone))
    try:
        feed_forward_of(model, blocks_of(model)[-1])
    except KGBertError as error:
        raise KGBertError(
            f"{error.message} Or leave the arm 'ernie' out.", code=error.code
        ) from error
