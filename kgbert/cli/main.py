"""Find the command, run it, and turn an error into one line and an exit status."""

import sys
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence

import kgbert
from kgbert.cli.core.command import Command
from kgbert.cli.core.output import discard_output, escape, safe_output
from kgbert.cli.core.parser import Parser
from kgbert.cli.registry import COMMANDS
from kgbert.utils.errors import KGBertError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; return the exit status.

    The status is 0 for success, 1 for an error that the last line explains, 2 for invalid
    arguments, 130 for Ctrl-C, and 141 if the reader of the output closed it.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    parsed = _parser().parse_args(words)
    parsed.typed = words
    try:
        _run(parsed)
    except BrokenPipeError:
        discard_output()
        return 141
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except (ValueError, OSError) as error:
        _flush_or_discard()
        return _fail(_message(error), 1)
    return 0


def _run(parsed: Namespace) -> None:
    command: Command = parsed.command
    with safe_output():
        command.run(parsed)
        sys.stdout.flush()


def _flush_or_discard() -> None:
    """Write what was printed before an error, unless the error is that it cannot be written."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        discard_output()


def _parser() -> Parser:
    parser = Parser(
        prog="kgbert",
        description=kgbert.__doc__,
        epilog="kgbert COMMAND --help describes a command, with an example.",
    )
    parser.add_argument("--version", action="version", version=f"kgbert {kgbert.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(
            name,
            help=command.summary,
            description=f"{command.summary}\n\nexample:\n  {command.example}",
            formatter_class=RawDescriptionHelpFormatter,
        )
        command.add_arguments(subparser)
        subparser.set_defaults(command=command)
    return parser


def _message(error: ValueError | OSError) -> str:
    """Return the message of an error, without its errno."""
    if isinstance(error, KGBertError):
        return error.on_command_line()
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror


def _fail(reason: object, status: int) -> int:
    print(f"kgbert: {escape(' '.join(str(reason).split()))}", file=sys.stderr)
    return status
