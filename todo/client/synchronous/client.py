# Written by bin/unasync.py (make client) from ../asynchronous/client.py: edit that.
"""The client: all that a user can do, over one connection."""

from todo.client.synchronous.accounts import Accounts
from todo.client.synchronous.agents import Agents
from todo.client.synchronous.changes import Changes
from todo.client.synchronous.files import Files
from todo.client.synchronous.pages import Pages
from todo.client.synchronous.tasks import Tasks


class Client(Tasks, Pages, Changes, Agents, Accounts, Files):
    """A client of one server as one user: `with Client(url, token) as client: …`."""
