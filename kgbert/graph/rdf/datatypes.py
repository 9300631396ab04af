"""Check whether literals fit their datatype; real ontologies have a few that do not."""

import re

from kgbert.graph.core.identifiers import PREFIXES

_ZONE = r"(?:Z|[+-]\d\d:\d\d)?"
_DATE = r"-?\d{4,}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TIME = r"(?:[01]\d|2[0-4]):[0-5]\d:[0-5]\d(?:\.\d+)?"
_DECIMAL = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"


def matches_datatype(text: str, datatype: str) -> bool:
    """Whether a text is a valid literal of an XML Schema datatype; True for unchecked datatypes.

    >>> dated = PREFIXES["xsd"] + "dateTime"
    >>> matches_datatype("2025-06-24T18:00:00", dated)
    True
    >>> matches_datatype("2025-6-24T18:00:00", dated)
    False
    """
    pattern = _LEXICAL.get(datatype)
    return pattern is None or pattern.fullmatch(text.strip()) is not None


#: Datatype -> the pattern of its lexical forms.
_LEXICAL = {
    PREFIXES["xsd"] + name: re.compile(pattern)
    for name, pattern in {
        **dict.fromkeys(("integer", "long", "int", "short", "byte"), r"[+-]?\d+"),
        "nonNegativeInteger": r"\+?\d+|-0+",
        "positiveInteger": r"\+?0*[1-9]\d*",
        "nonPositiveInteger": r"-\d+|\+?0+",
        "negativeInteger": r"-0*[1-9]\d*",
        **dict.fromkeys(
            ("unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte"), r"\+?\d+|-0+"
        ),
        "decimal": _DECIMAL,
        **dict.fromkeys(("double", "float"), rf"{_DECIMAL}(?:[eE][+-]?\d+)?|[+-]?INF|NaN"),
        "boolean": "true|false|1|0",
        "date": _DATE + _ZONE,
        "time": _TIME + _ZONE,
        "dateTime": f"{_DATE}T{_TIME}{_ZONE}",
        "dateTimeStamp": f"{_DATE}T{_TIME}(?:Z|[+-]\\d\\d:\\d\\d)",
        "gYear": rf"-?\d{{4,}}{_ZONE}",
        "gYearMonth": rf"-?\d{{4,}}-(?:0[1-9]|1[0-2]){_ZONE}",
    }.items()
}
#: The datatypes that are checked.
CHECKED_DATATYPES = frozenset(_LEXICAL)
