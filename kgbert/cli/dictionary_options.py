"""The arguments by which a command is told what the dictionary linker forgives."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from kgbert.cli.graph_options import listed
from kgbert.cli.numbers import positive
from kgbert.linking.overlaps import OVERLAPS
from kgbert.linking.rules import RULES
from kgbert.lookup import lookup


def add_dictionary_arguments(parser: ArgumentParser) -> None:
    """Add which rules are on, and what becomes of typos and of names within names."""
    group = parser.add_argument_group("what the dictionary forgives")
    group.add_argument(
        "--without-rules",
        type=listed,
        metavar="A,B",
        help=f"rules to switch off, or all: {', '.join(RULES)}",
    )
    group.add_argument(
        "--approximate",
        type=positive,
        metavar="N",
        help="forgive one wrong, missing, added or swapped letter in words of N letters or more",
    )
    group.add_argument(
        "--overlaps",
        choices=list(OVERLAPS),
        help="keep the longest names only (the default), or those nested in them too",
    )
    group.add_argument(
        "--candidates",
        type=positive,
        metavar="N",
        help="how many entities a mention keeps at most, the best first (4)",
    )


def settings_of(arguments: Namespace) -> dict[str, Any]:
    """Return the settings of the dictionary linker that the arguments change."""
    given = {
        "rules": arguments.without_rules and _others(arguments.without_rules),
        "approximate": arguments.approximate,
        "overlaps": arguments.overlaps,
        "max_candidates": arguments.candidates,
    }
    return {setting: value for setting, value in given.items() if value is not None}


def _others(without: Sequence[str]) -> list[str]:
    """Return the rules that stay switched on."""
    if tuple(without) == ("all",):
        return []
    for rule in without:
        lookup(RULES, rule, "normalisation rule")
    return [rule for rule in RULES if rule not in without]
