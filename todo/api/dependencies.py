"""What an endpoint asks for in its signature, in fast routes and in ordinary FastAPI routes alike."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Path
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from todo.api.access import OWNER, SIGNED_IN, admit
from todo.api.context import KEY, Context
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
    return context.resources.database.as_user(context.caller.user_id)


async def _user_database(request: Request, user_id: UserId) -> ScopedDatabase:
    context = Context.of(request)
    if context.database is not None:
        return context.database
    assert context.caller is not None
    return context.resources.database.as_user(user_id, context.caller.via)


CurrentCaller = Annotated[Caller, Depends(_caller)]
"""The caller of a fast route, whom its stages have authenticated."""

CallerDatabase = Annotated[ScopedDatabase, Depends(_caller_database)]
"""The database as the caller sees it, under a path that names no user."""

UserDatabase = Annotated[ScopedDatabase, Depends(_user_database)]
"""The database as the user sees it whom the path names, and who calls."""


async def _signed_in(request: Request, response: Response) -> Caller:
    """For ordinary routes: the same stages as a fast route has, once for each request."""
    context = Context.of(request) if KEY in request.scope else Context.begin(request)
    access = OWNER if "user_id" in request.path_params else SIGNED_IN
    caller = context.caller or await admit(access, request, context)
    response.raw_headers.extend(context.extra_headers)
    return caller


SignedIn = Annotated[Caller, Depends(_signed_in)]
"""The caller of an ordinary FastAPI route. Where the path has a `{user_id}`, only that user may call."""


async def _session(request: Request, caller: SignedIn) -> AsyncIterator[AsyncSession]:
    sessions = Context.of(request).resources.database_sessions
    async with sessions.as_user(caller.user_id, caller.via) as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(_session, scope="function")]
"""SQLModel's session of an ordinary FastAPI route: one transaction as the caller, committed before the answer."""
