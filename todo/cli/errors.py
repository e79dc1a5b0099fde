"""What a command says on standard error."""

import typer

from todo.cli.text import printable


class CommandError(Exception):
    """What cannot be done: the message says why and what to do, in one line. Exit status 1."""


class UsageError(CommandError):
    """Wrong use of a command that its options alone do not show. Exit status 2."""


def say(text: str) -> None:
    """Print progress, a remark or an error."""
    typer.echo(printable(text), err=True)
