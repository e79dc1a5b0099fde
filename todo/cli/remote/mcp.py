"""`todo mcp`: tools for an assistant on this machine."""

import sys

from todo.cli.errors import CommandError, say
from todo.cli.remote.connection import client_options, signed_in


def mcp() -> None:
    """Serve your tasks to an AI assistant that starts this command, by the Model Context Protocol.

    It speaks on standard input and output, as you are signed in, or with TODO_URL and TODO_TOKEN: a token of
    `todo agents add` may do less, and is better. docs/how-to/agents.md has what to write into a configuration.
    """
    from todo.mcp.installed import MISSING, is_installed

    account = signed_in()
    if not is_installed():
        raise CommandError(MISSING)
    if sys.stdin.isatty():
        say(f"todo: waiting on standard input for an MCP client, as a user of {account.url}; Ctrl-C ends it")
    import logging

    from todo.client import AsyncClient
    from todo.mcp import stdio

    logging.basicConfig(level=logging.WARNING, format="todo: %(message)s")  # to standard error
    options = client_options(account)
    try:
        AsyncClient(account.url, account.token, **options)
    except ValueError as error:
        raise CommandError(f"{error}") from None
    stdio.run(lambda agent: AsyncClient(account.url, account.token, agent=agent, **options))
