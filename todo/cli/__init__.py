"""The command line. Heavy imports stand inside the commands, so that `todo --help` is quick."""

from collections.abc import Callable
from typing import Annotated

import typer

from todo import __version__
from todo.cli.backup import backup, restore_backup
from todo.cli.group import ACCOUNT, FILES, SERVER, TASKS, CommandGroup
from todo.cli.remote import (
    account,
    adding,
    agents,
    changing,
    editing,
    files,
    listing,
    mcp,
    syncing,
    tokens,
    undoing,
    watching,
)
from todo.cli.remote.output import Json, print_json
from todo.cli.server import clients, db, maintenance, serve, users
from todo.cli.server.doctor import doctor

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help without rich, which is slow to import
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"todo {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[  # its callback uses it
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Your tasks in the terminal, on any server of this API; and the server itself.

    `todo login` first. Ids are short: `todo ls` shows them. `todo COMMAND --help` says more.
    """


def version(json: Json = False) -> None:
    """Print the version."""
    if json:
        print_json({"version": __version__})
    else:
        typer.echo(f"todo {__version__}")


SECTIONS: dict[str, list[Callable[..., None]]] = {
    TASKS: [
        *(adding.add, listing.ls, listing.show, changing.done, changing.undone, editing.edit, changing.move),
        *(changing.rm, changing.restore, undoing.undo, listing.tags, listing.summary, watching.watch, syncing.sync),
    ],
    ACCOUNT: [account.login, account.logout, account.whoami, mcp.mcp],
    FILES: [files.import_, files.export, backup, restore_backup],
    SERVER: [serve.serve, doctor, maintenance.sweep, maintenance.openapi, version],
}
GROUPS = {
    "token": (tokens.token, ACCOUNT),
    "agents": (agents.agents, ACCOUNT),
    "db": (db.db, SERVER),
    "user": (users.user, SERVER),
    "keys": (users.keys, SERVER),
    "client": (clients.client, SERVER),
}

for section, commands in SECTIONS.items():
    for command in commands:
        app.command(command.__name__.strip("_").replace("_", "-"), rich_help_panel=section)(command)
for name, (group, section) in GROUPS.items():
    app.add_typer(group, name=name, rich_help_panel=section)
