"""Arms that inject knowledge as published systems do, on the same backbone and tuning."""

from dataclasses import replace

from kgbert.baselines.kbert import SentenceTreeExpander
from kgbert.comparison.arms.arm import RunInputs

#: Families that know the order of tokens by absolute position numbers alone, and number the first
#: token after the padding's id, or not.
_NUMBERED = {
    "bert": False,
    "distilbert": False,
    "electra": False,
    "roberta": True,
    "xlm-roberta": True,
    "camembert": True,
}


def grow_triples(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with triples growing out of the mentions, as in K-BERT.

    K-BERT (Liu et al. 2020, arXiv:1909.07606). Kept: up to two triples behind each mention as
    tokens, soft positions that go on from the mention, and the visible matrix, by which a triple is
    seen by its mention alone; tokens of triples carry no tags. Left out: its pretraining, and the
    choice of triples in hash order (here: the first edges of the best candidate). Triples that
    exceed the longest text are cut, the text never for their sake.

    Raises:
        ValueError: The backbone's positions are not absolute numbers.
    """
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(inputs.backbone)
    if config.model_type not in _NUMBERED:
        raise ValueError(
            f"the arm 'k-bert' gives tokens soft positions, which {config.model_type} has no place "
            f"for: it takes distances from the order of tokens. Choose a backbone of the families "
            f"{', '.join(_NUMBERED)}, or leave the arm out."
        )
    first = config.pad_token_id + 1 if _NUMBERED[config.model_type] else 0
    return replace(inputs, expander=SentenceTreeExpander(first_position=first))


def use_transe(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with TransE vectors as the features, as ERNIE reads them.

    They are trained on the graph alone, once for all seeds. How ERNIE fuses them stands in
    :class:`kgbert.baselines.ernie.EntityFusion`.

    Raises:
        ValueError: The backbone's feed-forward parts have no place for entities.
    """
    from kgbert.baselines.ernie import transe_vectors

    _check_feed_forward(inputs.backbone)
    return replace(inputs, features=transe_vectors(inputs.graph))


def fuse_pooled(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs unchanged; :class:`kgbert.baselines.on2vec.PooledFusion` does the rest.

    Raises:
        ValueError: Words are tagged or arguments related, for which no vector of the text is
            pooled.
    """
    if not inputs.task.model_class.reads_one_position:
        raise ValueError(
            "the arm 'on2vec' fuses entities with the pooled vector of a text, which "
            f"{inputs.task.name.replace('-', ' ')} has none of; leave the arm out."
        )
    return inputs


def _check_feed_forward(backbone: str) -> None:
    """Raise ValueError where the model of the arm 'ernie' could not be built."""
    import torch
    from transformers import AutoConfig, AutoModel

    from kgbert.models.layers.injection import blocks_of, feed_forward_of

    # Only the shapes are asked for, so that no weight is loaded or drawn.
    with torch.device("meta"):
        model = AutoModel.from_config(AutoConfig.from_pretrained(backbone))
    try:
        feed_forward_of(blocks_of(model)[-1])
    except ValueError as error:
        raise ValueError(f"{error} Or leave the arm 'ernie' out.") from error
