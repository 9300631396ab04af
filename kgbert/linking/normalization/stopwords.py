"""Stop names, and common names with a lower score."""

from kgbert.graph.core.stopwords import FUNCTION_WORDS

#: Function words: a name spelt like one of these is never linked, unless it is an acronym.
STOP_NAMES = FUNCTION_WORDS

_COMMON_WORDS = """
age area average base big body case cause change class clear common complete condition control
course day degree detail different early effect end event example fact feature female finding first
form full general good great group half hand help high history hour human idea ill increase
individual item key kind known large last late lead level life light likely line list long low main
major make male man mean measure method mild minor minute mode model moderate month name need new
normal now number object onset open order organism part person phase place point positive possible
present primary problem process property rate reason report response result right role run sample
second secondary section see series set severe short show sign similar simple single site size small
source stage start state status step study sum system table take term test thing time top total true
type unit unknown unspecified use value way week whole word work year
"""

_COMMON_MEDICAL_WORDS = """
abnormality acute anomaly chronic defect disease disorder malformation patient symptom syndrome
"""

#: Words so common that a name spelt like one of them often means something else, by domain: such
#: a name is linked with COMMON_FACTOR of its score.
COMMON_NAMES = {"none": frozenset(_COMMON_WORDS.split())}
COMMON_NAMES["medicine"] = COMMON_NAMES["none"] | frozenset(_COMMON_MEDICAL_WORDS.split())
COMMON_FACTOR = 0.5


def is_stop_name(name: str, stop_names: frozenset[str]) -> bool:
    """Return whether a folded name is too general: a stop name, one letter, or without a letter.

    >>> [is_stop_name(name, STOP_NAMES) for name in ("all", "k", "2 - 3")]
    [True, True, True]
    >>> is_stop_name("痛", STOP_NAMES), is_stop_name("fever", STOP_NAMES)
    (False, False)
    """
    if name in stop_names or (len(name) == 1 and name.isascii()):
        return True
    return not any(map(str.isalpha, name))
