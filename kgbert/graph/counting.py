"""Numbers of things in words."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one.

    >>> counted(1, "edge"), counted(2000, "edge"), counted(0, "entity"), counted(1, "entity")
    ('1 edge', '2,000 edges', '0 entities', '1 entity')
    """
    if number == 1:
        return f"1 {noun}"
    return (
        f"{number:,} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{number:,} {noun}s"
    )
