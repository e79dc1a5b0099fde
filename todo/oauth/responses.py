"""How OAuth is answered: in JSON of its own, never stored, with codes that clients know."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from todo.api.access import client_address
from todo.api.resources import Resources
from todo.http.errors import problem_response
from todo.http.json import encode
from todo.oauth import document
from todo.oauth.errors import OAuthError
from todo.problems import TooManyRequests

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def json(value: Any, status: int = 200) -> Response:
    """JSON that no cache stores."""
    return Response(encode(value), status, NO_STORE, "application/json")


async def refusal(request: Request, error: Exception) -> Response:
    """The answer to an OAuthError, which counts against the client's address; after too many, only to wait."""
    assert isinstance(error, OAuthError)
    limits = Resources.of(request).rate_limits
    try:
        if limits is not None:
            await limits.count_client("refused", client_address(request))
    except TooManyRequests as problem:
        return problem_response(problem, request.scope)
    return json({"error": error.code, "error_description": error.description}, error.status)


def page(request: Request, said: str, status: int = 400) -> Response:
    """A page that says why there is nothing to decide, and leads to this server alone."""
    root = request.scope.get("root_path", "")
    return document.document("refused.html", root, status, said=said, back=f"{root}/", leave="Go to your tasks")
