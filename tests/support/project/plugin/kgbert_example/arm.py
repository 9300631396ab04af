"""An arm that reads the texts in lower case."""

from collections.abc import Sequence
from dataclasses import replace

from kgbert import Arm, Example
from kgbert.comparison.arms.arm import RunInputs


def lowercase(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with texts in lower case."""

    def rewrite(examples: Sequence[Example]) -> list[Example]:
        return [replace(example, text=example.text.lower()) for example in examples]

    return inputs.rewritten(rewrite)


LOWERCASED = Arm("lowercased", "the texts in lower case, without knowledge", transform=lowercase)
