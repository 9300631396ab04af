"""Names that say too little to be linked, or too little to be trusted."""

from kgbert.graph.core.stopwords import FUNCTION_WORDS

#: Function words: a name spelt like one of these is never linked, unless it is an acronym.
STOP_NAMES = FUNCTION_WORDS

_COMMON_WORDS = """
abnormality acute age anomaly area average base big body case cause change chronic class clear
common complete condition control course day defect degree detail different disease disorder early
effect end event example fact feature female finding first form full general good great group half
hand help high history hour human idea ill increase individual item key kind known large last late
lead level life light likely line list long low main major make male malformation man mean measure
method mild minor minute mode model moderate month name need new normal now number object onset
open order organism part patient person phase place point positive possible present primary problem
process property rate reason report response result right role run sample second secondary section
see series set severe short show sign similar simple single site size small source stage start
state status step study sum symptom syndrome system table take term test thing time top total true
type unit unknown unspecified use value way week whole word work year
"""

#: Words so common that a name spelt like one of them often means something else: such a name is
#: linked with COMMON_FACTOR of its score.
COMMON_NAMES = frozenset(_COMMON_WORDS.split())
COMMON_FACTOR = 0.5


def is_stopped(name: str, stop_names: frozenset[str]) -> bool:
    """Tell whether a folded name says too little: a stop name, one letter, or no letter at all.

    >>> is_stopped("all", STOP_NAMES), is_stopped("k", STOP_NAMES), is_stopped("2 - 3", STOP_NAMES)
    (True, True, True)
    >>> is_stopped("痛", STOP_NAMES), is_stopped("fever", STOP_NAMES)
    (False, False)
    """
    if name in stop_names or (len(name) == 1 and name.isascii()):
        return True
    return not any(map(str.isalpha, name))
