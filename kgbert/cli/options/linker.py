"""Command-line arguments for the linker."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from functools import partial
from typing import TYPE_CHECKING, Any

from kgbert.cli.core.argument_types import at_least, comma_separated, fraction, positive
from kgbert.cli.core.checks import check_encoder
from kgbert.linking.dictionary.settings import MIN_FUZZY_LENGTH, OVERLAPS, LinkerSettings
from kgbert.linking.normalization.rules import DOMAINS, RULES
from kgbert.linking.normalization.stopwords import COMMON_NAMES, STOP_NAMES
from kgbert.utils.registry import lookup

if TYPE_CHECKING:
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.linking.mention import Linker


def add_linker_arguments(parser: ArgumentParser) -> None:
    """Add the arguments for the linker and for the settings of its dictionary."""
    group = parser.add_argument_group("how entities are found in texts")
    group.add_argument(
        "--linker",
        default="dictionary",
        metavar="NAME",
        help="dictionary (the default) for names in texts; embedding:FOLDER to disambiguate them; "
        "char-ngram and description:ENCODER for texts that are names themselves; several joined "
        "by +",
    )
    group.add_argument(
        "--disable-rules",
        type=_enabled_rules,
        dest="rules",
        metavar="A,B",
        help=f"rules to disable, or all: {', '.join(RULES)}",
    )
    group.add_argument(
        "--fuzzy-min-length",
        type=partial(at_least, MIN_FUZZY_LENGTH),
        metavar="N",
        help="tolerate one wrong, missing, added or swapped letter in words of at least N letters",
    )
    group.add_argument(
        "--overlaps",
        choices=list(OVERLAPS),
        help="keep only the longest mentions (the default), or also those nested in them",
    )
    group.add_argument(
        "--candidates",
        type=positive,
        metavar="N",
        help="maximum number of candidate entities of a mention (4)",
    )
    group.add_argument(
        "--min-score",
        type=fraction,
        metavar="SCORE",
        help="minimum score of a candidate: 0.55 excludes names that are common words (0)",
    )
    group.add_argument(
        "--domain-words",
        choices=DOMAINS,
        help="domain whose word lists are used: with medicine, renal matches kidney, and disease "
        "is a common word (the domain that the graph's --card names, else none)",
    )
    group.add_argument(
        "--stop-names",
        default=(),
        type=comma_separated,
        metavar="A,B",
        help="names that are never linked, because they mean something else in these texts",
    )
    group.add_argument(
        "--exclude-generic-names",
        action="store_true",
        help="exclude names that are generic words, shared by many entities; kgbert inspect "
        "--texts lists them",
    )


def linker_of(arguments: Namespace, graph: "KnowledgeGraph") -> "Linker":
    """Return the linker that the arguments describe."""
    # Imported here, so that --help does not load numpy.
    from kgbert.linking.factory import make_linker, needs_folder

    for part in arguments.linker.split("+"):
        kind, _, place = part.partition(":")
        if place and needs_folder(kind):
            check_encoder(place, f"--linker {kind}:")
    return make_linker(graph, arguments.linker, settings=_settings(arguments, graph))


def _settings(arguments: Namespace, graph: "KnowledgeGraph") -> LinkerSettings | None:
    """Return the settings of the dictionary; None if no argument changes one."""
    from kgbert.graph.health.generic_names import generic_names

    changes: dict[str, Any] = {
        # A tuple, because a comparison records its arguments as JSON, which has no sets.
        "rules": None if arguments.rules is None else frozenset(arguments.rules),
        "fuzzy_min_length": arguments.fuzzy_min_length,
        "overlaps": arguments.overlaps,
        "max_candidates": arguments.candidates,
        "min_score": arguments.min_score,
        "domain_words": arguments.domain_words,
    }
    changes = {setting: value for setting, value in changes.items() if value is not None}
    stopped = {*arguments.stop_names}
    if arguments.exclude_generic_names:
        domain = arguments.domain_words or graph.domain or "none"
        stopped |= {*COMMON_NAMES[domain], *generic_names(graph)}
    if stopped:
        changes["stop_names"] = STOP_NAMES | stopped
    return LinkerSettings(**changes) if changes else None


def _enabled_rules(typed: str) -> tuple[str, ...]:
    """Return the enabled rules."""
    off = comma_separated(typed)
    if off == ("all",):
        return ()
    try:
        for rule in off:
            lookup(RULES, rule, "normalisation rule")
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return tuple(rule for rule in RULES if rule not in off)
