"""Who calls: the token's subject, and the transaction that is theirs."""

from typing import Annotated, Any

from fastapi import Depends, Path
from starlette.requests import Request

from todo.accounts.tokens import Tokens
from todo.database import Tx
from todo.openapi import BEARER, answers
from todo.problems import Forbidden, Unauthorized
from todo.routing import JsonRoute


class CallersRoute(JsonRoute):
    """A route for whoever has a good token."""

    refusals = answers(Unauthorized)

    def __init__(self, *args: Any, responses: dict[int | str, Any] | None = None, **options: Any) -> None:
        options["openapi_extra"] = {"security": BEARER}
        super().__init__(*args, responses={**(responses or {}), **self.refusals}, **options)

    async def judge(self, request: Request) -> None:
        """Raise Unauthorized unless the request carries a good token; its subject becomes the request's caller."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized
        tokens: Tokens = request.app.state.tokens
        request.scope["caller"] = tokens.subject(token.strip())


class OwnersRoute(CallersRoute):
    """A route under a user's own path: 401 and 403 come before anything else is looked at."""

    refusals = answers(Unauthorized, Forbidden)

    async def judge(self, request: Request) -> None:
        """Raise Forbidden unless the path is the caller's own, whether or not its user exists."""
        await super().judge(request)
        if request.path_params["user_id"] != request.scope["caller"]:
            raise Forbidden


async def _callers(request: Request) -> Tx:
    return Tx(request.app.state.database, request.scope["caller"])


async def _owners(
    request: Request, user_id: Annotated[str, Path(description="The caller's own id: the token's subject.")]
) -> Tx:
    return Tx(request.app.state.database, user_id)


CallerTx = Annotated[Tx, Depends(_callers)]
"""The database session of a request: one transaction as whoever calls."""

OwnTx = Annotated[Tx, Depends(_owners)]
"""The same under a user's own path, of which the route has made sure."""
