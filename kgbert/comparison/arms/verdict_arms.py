"""The arms of the verdict."""

from collections import Counter
from collections.abc import Sequence

from kgbert.utils.errors import KGBertError, Remedy

#: The arm that is judged, the one without knowledge, and the one with wrong knowledge.
MAIN, BASELINE, CONTROL = "knowledge", "plain", "shuffled"


def check_names(names: Sequence[str]) -> None:
    """Raise KGBertError where an arm of the verdict is missing, or an arm is repeated."""
    for needed in (MAIN, BASELINE):
        if needed not in names:
            raise KGBertError(
                f"the arms {', '.join(names) or '(none)'} lack {needed!r}, without which there is "
                "no verdict.",
                code="missing-arm",
                remedies=[Remedy("arms", (BASELINE, MAIN, CONTROL))],
            )
    check_once("arm", names)


def check_once(kind: str, names: Sequence[str]) -> None:
    """Raise KGBertError where a name is given more than once."""
    ((one, count),) = Counter(names).most_common(1)
    if count > 1:
        raise KGBertError(
            f"the {kind} {one!r} is named {count} times; name it once", code="repeated-name"
        )
