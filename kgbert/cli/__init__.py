"""The command line: one module a command."""

from kgbert.cli.main import main

__all__ = ["main"]
