"""The page docs/reference/cli.md, from the commands themselves: `python -m todo.cli.reference` prints it."""

import inspect
from collections.abc import Iterator
from typing import Any

import typer.main

from todo.cli import app

HEAD = """\
# Command line

Written by `python -m todo.cli.reference`, of what `todo COMMAND --help` says; a test compares. How to begin:
[tasks from the terminal](../how-to/command-line.md). The settings of the server: [configuration](configuration.md).

| variable | meaning |
|---|---|
| `TODO_URL`, `TODO_TOKEN` | the server and an API token, in place of what `todo login` has kept |
| `TODO_CONFIG` | the folder of the login, the copy and the texts that could not be sent; else the platform's |
| `PORT` | the port of the local server that is used without any URL; 8000 by default |
| `TZ` | the time zone of dates and times; else the machine's |
| `VISUAL`, `EDITOR` | the editor of `todo edit` |
| `NO_COLOR` | anything: no colours |
| `COLUMNS` | the width of tables, in place of the terminal's |

| exit status | meaning |
|---|---|
| 0 | done |
| 1 | it could not be done: standard error says why, and what to do |
| 2 | wrong use |
| 130 | Ctrl-C |

Errors and progress go to standard error. A short id is the beginning of the last group of a task's id, as long as it
must be to be alone among all tasks of the user; more of it, and the whole id, are understood too. Where standard output
is no terminal, lists are lines with tabs and whole ids. `todo --install-completion` lets the shell complete commands,
options and ids (with the titles of the tasks).
"""


def page() -> str:
    """The page in Markdown."""
    root = typer.main.get_command(app)
    return "\n".join([HEAD, *_sections(root)]).rstrip() + "\n"


def _sections(root: Any) -> Iterator[str]:
    panels: dict[str, list[Any]] = {}
    for command in root.commands.values():
        panels.setdefault(command.rich_help_panel, []).append(command)
    for panel, commands in panels.items():
        yield f"## {panel}\n"
        for command in commands:
            if hasattr(command, "commands"):
                for each in command.commands.values():
                    yield from _described(each, f"todo {command.name} {each.name}")
            else:
                yield from _described(command, f"todo {command.name}")


def _described(command: Any, name: str) -> Iterator[str]:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    usage = " ".join([name, *(_argument(each) for each in arguments)])
    yield f"### `{usage}`\n"
    yield inspect.cleandoc(command.help or "") + "\n"
    rows = [(_names(each), each.help or "") for each in command.params if each.help]
    if rows:
        yield "| | |\n|---|---|"
        yield "\n".join(f"| {names} | {text.replace('|', chr(92) + '|')} |" for names, text in rows) + "\n"


def _argument(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    several = "..." if argument.nargs == -1 and not name.endswith("...") else ""
    return f"{name}{several}" if argument.required else f"[{name}{several}]"


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_argument(parameter)}`"
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    return ", ".join(f"`{name}{value}`" for name in parameter.opts)


if __name__ == "__main__":
    typer.echo(page(), nl=False)
