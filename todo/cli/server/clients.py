"""`todo client …`: the MCP clients that may ask people for access by OAuth, for the administrator."""

from typing import Annotated
from uuid import UUID

import typer

from todo.cli.server.run import errors_as_one_line, for_accounts

client = typer.Typer(no_args_is_help=True, help="MCP clients that may ask for access (OAuth), for the administrator.")


@client.command("add")
def client_add(
    name: Annotated[str, typer.Argument(help="What people are told that it is called.")],
    redirect_uri: Annotated[
        list[str],
        typer.Option(
            help="Where people return to: https, http on their own device (at any port), or a scheme of the client's "
            "own. May be given up to ten times."
        ),
    ],
) -> None:
    """Register a client; prints its client id. It gets no secret."""
    with errors_as_one_line():
        from todo.oauth import clients, redirects
        from todo.oauth.tables import REDIRECT_URIS
        from todo.settings import CannotStart

        if len(redirect_uri) > REDIRECT_URIS:
            raise CannotStart(f"--redirect-uri: may be given at most {REDIRECT_URIS} times")
        if clients.cleaned(name) != name:
            raise CannotStart("the name: must be one line of 1 to 60 visible characters")
        try:
            uris = [redirects.registered(uri) for uri in redirect_uri]
        except ValueError as error:
            raise CannotStart(f"--redirect-uri: {error}") from None
        typer.echo(for_accounts(lambda database: clients.add(database, name, uris)).id)


@client.command("list")
def client_list() -> None:
    """List the clients: id, origin, last use, redirect URIs and name, separated by tabs."""
    with errors_as_one_line():
        from todo.oauth import clients

        for each in for_accounts(clients.every):
            used = each.last_used_at or "never"
            typer.echo(f"{each.id}\t{each.origin}\t{used}\t{' '.join(each.redirect_uris)}\t{each.name}")


@client.command("remove")
def client_remove(id: Annotated[UUID, typer.Argument(help="The client id.", metavar="ID")]) -> None:
    """Remove a client, and revoke every token that it was given."""
    with errors_as_one_line():
        from todo.oauth import clients

        for_accounts(lambda database: clients.remove(database, id))
