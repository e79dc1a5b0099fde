"""What a fast endpoint asks for in its signature. Ordinary routes: `todo.api.session`."""

from typing import Annotated

from fastapi import Depends, Path
from starlette.requests import Request

from todo.api.context import Context
from todo.auth.caller import Caller
from todo.db.database import ScopedDatabase

UserId = Annotated[str, Path(description="The caller's own id: the token's subject.")]


async def _caller(request: Request) -> Caller:
    caller = Context.of(request).caller
    assert caller is not None  # public routes do not ask
    return caller


async def _caller_database(request: Request) -> ScopedDatabase:
    context = Context.of(request)
    assert context.caller is not None
    return context.resources.database.as_user(context.caller.user_id, context.caller.via, context.caller.agent)


async def _user_database(request: Request, user_id: UserId) -> ScopedDatabase:
    context = Context.of(request)
    if context.database is not None:
        return context.database
    assert context.caller is not None
    return context.resources.database.as_user(user_id, context.caller.via, context.caller.agent)


CurrentCaller = Annotated[Caller, Depends(_caller)]
"""The caller of a fast route, whom its stages have authenticated."""

CallerDatabase = Annotated[ScopedDatabase, Depends(_caller_database)]
"""The database as the caller sees it, under a path that names no user."""

UserDatabase = Annotated[ScopedDatabase, Depends(_user_database)]
"""The database as the caller, on routes under /api/{user_id}."""
