"""English function words, which are not useful as names of entities."""

_WORDS = """
a about above after again all also am among an and any are as at be because been before being
below between both but by can cannot could did do does doing down due during each either else
every few for from further had has have having he her here hers him his how however i if in
into is it its itself just less like many may me might more most much must my neither no
none nor not of off often on once one only onto or other others our out over own per perhaps
rather same several shall she should since so some such than that the their them then
there these they this those through thus to too two under unless until up upon us
used very via was we well were what when where whether which while who whom whose why will
with within without would yes yet you your
"""

FUNCTION_WORDS = frozenset(_WORDS.split())
