"""Arguments that are ids, and how a shell completes them."""

from typing import Annotated

import typer


def complete_id(incomplete: str) -> list[tuple[str, str]]:
    """Short ids of tasks that are to be done, with their titles; nothing is asked for."""
    from todo.cli.remote.known import completions

    return completions(incomplete)


Id = Annotated[str, typer.Argument(metavar="ID", autocompletion=complete_id, help="A short id, as `todo ls` shows it.")]
Ids = Annotated[
    list[str], typer.Argument(metavar="ID...", autocompletion=complete_id, help="Short ids, as `todo ls` shows them.")
]
