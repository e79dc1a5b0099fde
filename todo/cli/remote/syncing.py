"""`todo sync`: a copy of all tasks on this machine, which `todo ls --offline` reads."""

from todo.cli.errors import say
from todo.cli.remote.connection import connected
from todo.cli.remote.known import known, state_file
from todo.cli.remote.output import Json, print_json


def sync(json: Json = False) -> None:
    """Make the copy on this machine, or bring it up to date."""
    from todo.client import LocalCopy

    with connected() as client:
        copy = LocalCopy(client, state_file("copy"))
        copy.sync()
        known(client)
        count = sum(1 for _ in copy.tasks())
    if json:
        print_json({"tasks": count})
    else:
        say(f"{count} tasks are copied: `todo ls --offline` reads them")
