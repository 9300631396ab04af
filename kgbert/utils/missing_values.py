"""The words that programs write for a missing value in a table."""

#: Words for a missing value that are hardly ever a value, in lower case.
MISSING_WORDS = frozenset(
    ("nan", "null", "n/a", "#n/a", "<na>", "\\n", "nat", "(null)", "n.a."),
)

#: Words for a missing value that can also be a name or a class, in lower case.
AMBIGUOUS_WORDS = frozenset(("na", "none", "nil", "-", "--", "?"))
