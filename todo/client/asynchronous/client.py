"""The client: all that a user can do, over one connection."""

from todo.client.asynchronous.accounts import AsyncAccounts
from todo.client.asynchronous.agents import AsyncAgents
from todo.client.asynchronous.changes import AsyncChanges
from todo.client.asynchronous.files import AsyncFiles
from todo.client.asynchronous.pages import AsyncPages
from todo.client.asynchronous.tasks import AsyncTasks


class AsyncClient(AsyncTasks, AsyncPages, AsyncChanges, AsyncAgents, AsyncAccounts, AsyncFiles):
    """A client of one server as one user: `async with AsyncClient(url, token) as client: …`."""
