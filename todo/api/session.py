"""What an ordinary FastAPI route asks for: the caller, and a SQLModel session as the caller.

In a module of its own, since SQLAlchemy's asyncio part takes a tenth of a start, and fast routes do without it.
"""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request

from todo.api.access import OWNER, SIGNED_IN, admit
from todo.api.context import KEY, Context
from todo.auth.caller import Caller
from todo.http.middleware.edge import EXTRA_HEADERS


async def _signed_in(request: Request) -> Caller:
    """Authenticate, authorize and count the request, once. Ordinary routes have no Idempotency-Key."""
    context = Context.of(request) if KEY in request.scope else Context.begin(request)
    access = OWNER if "user_id" in request.path_params else SIGNED_IN
    caller = context.caller or await admit(access, request, context)
    request.scope[EXTRA_HEADERS].extend(context.extra_headers)
    return caller


SignedIn = Annotated[Caller, Depends(_signed_in)]
"""The caller of an ordinary FastAPI route. Where the path has a `{user_id}`, only that user may call."""


async def _session(request: Request, caller: SignedIn) -> AsyncIterator[AsyncSession]:
    database = Context.of(request).resources.database
    async with database.sessions.as_user(caller.user_id, caller.via, caller.agent) as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(_session, scope="function")]
"""SQLModel's session of an ordinary FastAPI route: one transaction as the caller, committed before the answer."""
