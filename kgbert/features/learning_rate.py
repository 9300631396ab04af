"""Choose the learning rate for a pretrained encoder."""

#: The learning rate of encoders up to a width.
_HIGHEST_RATE, _NARROW = 2e-4, 384


def learning_rate_by_width(width: int) -> float:
    """Return a learning rate for the fine-tuning of a pretrained encoder.

    It is 2e-4 up to a width of 384, and falls with the square of the width above: 5e-5 for BERT
    base and 2.8e-5 for BERT large, within what Devlin et al. (2019, arXiv:1810.04805) recommend.

    Args:
        width: The size of the hidden states.

    >>> [f"{learning_rate_by_width(width):.2g}" for width in (128, 384, 768, 1024)]
    ['0.0002', '0.0002', '5e-05', '2.8e-05']
    """
    return _HIGHEST_RATE * min(1.0, (_NARROW / width) ** 2)
