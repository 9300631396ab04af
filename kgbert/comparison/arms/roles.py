"""The arms that a comparison turns on."""

from collections import Counter
from collections.abc import Sequence

#: What is judged, what it is judged against, and what shows whether the knowledge did it.
MAIN, BASELINE, CONTROL = "knowledge", "plain", "shuffled"


def check_names(names: Sequence[str]) -> None:
    """Raise ValueError where arms lack one without which nothing can be judged, or repeat one."""
    for needed in (MAIN, BASELINE):
        if needed not in names:
            raise ValueError(
                f"the arms {', '.join(names) or '(none)'} lack {needed!r}, without which nothing "
                f"can be judged; name it too, as in --arms {BASELINE},{MAIN},{CONTROL}"
            )
    check_once("arm", names)


def check_once(kind: str, names: Sequence[str]) -> None:
    """Raise ValueError where a name is given more than once."""
    ((one, count),) = Counter(names).most_common(1)
    if count > 1:
        raise ValueError(f"the {kind} {one!r} is named {count} times; name it once")
