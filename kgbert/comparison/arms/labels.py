"""Arms that change what the graph states about the labels, where the labels are grounded."""

from dataclasses import replace

from kgbert.comparison.arms.arm import RunInputs
from kgbert.linking.grounding import Grounding
from kgbert.utils.errors import KGBertError, Remedy

#: The kinds of texts of an entity that need no edge.
_OWN_KINDS = ("name", "synonym", "definition")


def check_grounded(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs unchanged."""
    _grounding_of(inputs)
    return inputs


def use_label_names(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with each label described by its own words."""
    return replace(inputs, grounding=_grounding_of(inputs).names_only())


def use_label_definitions(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with each label described by names and definition of its entity."""
    return replace(inputs, grounding=replace(_grounding_of(inputs), kinds=_OWN_KINDS))


def without_descendants(inputs: RunInputs) -> RunInputs:
    """Return the inputs with the labels, if they are grounded, described without edges."""
    if inputs.grounding is None:
        return inputs
    return replace(inputs, grounding=replace(inputs.grounding, kinds=_OWN_KINDS))


def _grounding_of(inputs: RunInputs) -> Grounding:
    if inputs.grounding is None:
        raise KGBertError(
            "this arm compares texts with the entities of the labels, and the labels are not "
            "grounded in the graph.",
            code="labels-not-grounded",
            remedies=[Remedy("ground", "labels")],
        )
    return inputs.grounding
