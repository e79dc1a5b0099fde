"""`todo token …`: API tokens, for scripts and other programs."""

from typing import Annotated, Literal, cast

import typer

from todo.cli.errors import CommandError, UsageError, say
from todo.cli.remote.connection import connected
from todo.cli.remote.output import Json, print_json, print_rows, print_secret

token = typer.Typer(no_args_is_help=True, help="API tokens, for scripts and other programs.", rich_markup_mode=None)


@token.command("create")
def token_create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[str, typer.Option(help="read or write.")] = "write",
    json: Json = False,
) -> None:
    """Make an API token. It is printed this once."""
    if scope not in {"read", "write"}:
        raise UsageError("--scope: read or write")
    with connected() as client:
        made = client.create_token(name, cast("Literal['read', 'write']", scope))
    if json:
        print_json(made)
        return
    print_secret(made.token)


@token.command("list")
def token_list(json: Json = False) -> None:
    """List the API tokens, without the tokens themselves."""
    with connected() as client:
        found = client.tokens()
    if json:
        print_json(found)
        return
    rows = [(each.id, each.scope, f"{each.created_at.astimezone():%Y-%m-%d}", each.name) for each in found]
    print_rows("id", "scope", "created", "name", rows=rows)


@token.command("revoke")
def token_revoke(
    id: Annotated[
        str, typer.Argument(metavar="ID", help="Its id or the beginning of it, as `todo token list` shows it.")
    ],
    json: Json = False,
) -> None:
    """Revoke an API token: it is refused everywhere within 30 seconds."""
    with connected() as client:
        found = [each for each in client.tokens() if each.id.startswith(id.lower())]
        if len(found) != 1:
            several = "; ".join(f"{each.id} {each.name}" for each in found)
            raise CommandError(f"{id!r} may be any of these: {several}" if found else f"there is no token {id!r}")
        client.revoke_token(found[0].id)
    if json:
        print_json(found[0])
    else:
        say(f"revoked {found[0].name}")
