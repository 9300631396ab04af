"""Arms that score paths in the graph, and inject nothing."""

from kgbert.comparison.arms.arm import RunInputs
from kgbert.utils.errors import KGBertError, Remedy


def check_counted(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs unchanged.

    Raises:
        KGBertError: No paths are counted.
    """
    if not inputs.path_steps:
        raise KGBertError(
            "this arm scores the paths of the graph, and no paths are counted.",
            code="paths-not-counted-in-study",
            remedies=[Remedy("paths", 2)],
        )
    return inputs


def check_lengths(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs unchanged.

    Raises:
        KGBertError: No paths are counted, or their lengths say nothing.
    """
    if inputs.task.model_class.path_ends == "words":
        raise KGBertError(
            "this arm counts paths by their length alone, but those of a word are told apart by "
            "where they lead. Use the arm 'mention-only', which knows that there is a mention.",
            code="paths-of-words-without-lengths",
        )
    return check_counted(inputs, seed)


def check_tags(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs unchanged.

    Raises:
        KGBertError: The answers of the task are no words of the text, or no paths are counted.
    """
    if not inputs.task.model_class.path_ends == "words":
        raise KGBertError(
            "the arm 'dictionary' tags the words of mentions, and the task is "
            f"{inputs.task.name}. Leave the arm out; for whole texts use 'tf-idf'.",
            code="arm-without-tags",
        )
    return check_counted(inputs, seed)
