"""The group of all commands: help in sections, and errors in one line."""

import os
import sys
from io import TextIOWrapper
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from todo.cli.errors import CommandError, UsageError, say

TASKS, ACCOUNT, FILES, SERVER = "Tasks", "Your account", "Files", "The server, for administrators"


class CommandGroup(TyperGroup):
    """Typer's, with exit status 1 for what could not be done, 2 for wrong use, 130 for Ctrl-C."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 # as Typer calls it
        commands = [command for command in self.commands.values() if not command.hidden]
        width = max(len(command.name or "") for command in commands)
        panels = {str(getattr(command, "rich_help_panel", None) or "Commands"): None for command in commands}
        for panel in panels:
            rows = [
                (f"{command.name:<{width}}", command.get_short_help_str(formatter.width - width - 6))
                for command in commands
                if str(getattr(command, "rich_help_panel", None) or "Commands") == panel
            ]
            with formatter.section(panel):
                formatter.write_dl(rows)

    def main(self, *args: Any, **options: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):  # a letter that the locale cannot encode is no reason to fail
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")
        try:
            status = super().main(*args, **{**options, "standalone_mode": False})
        except CommandError as error:
            say(f"todo: {error}")
            status = 2 if isinstance(error, UsageError) else 1
        except TyperException as error:
            status = _usage_error(error)
        except typer.Abort:
            say("todo: nothing was done")
            status = 1
        sys.exit(_flushed(status if isinstance(status, int) else 0))


def _flushed(status: int) -> int:
    """Write what is still buffered. A pipe that was closed, such as that of `head`, is no error worth a word."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more
        return 1
    return status


def _usage_error(error: TyperException) -> int:
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if context is None or "\n" in message:  # help, of a command that was called without any argument
        say(message)
    else:
        say(f"todo: {message.rstrip('.')}: see `{context.command_path} --help`")
    return error.exit_code
