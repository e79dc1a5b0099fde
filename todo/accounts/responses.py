"""How accounts are answered: never stored by a cache; and examples for the OpenAPI document."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from todo.accounts import cookies
from todo.http.json import encode

SECRET = {"Cache-Control": "no-store"}

USER = {
    "id": "5f0c7f8e-4d3f-4b59-9c39-0d3f6a1f2b77",
    "email": "ada@example.com",
    "name": "Ada",
    "created_at": "2026-11-22T08:29:00.000000Z",
}
NO_CONTENT: dict[int | str, dict[str, Any]] = {204: {"description": "Done."}}


def secret_json(value: Any, status: int = 200) -> Response:
    """JSON that no cache stores."""
    return Response(encode(value), status, SECRET, "application/json")


def no_content() -> Response:
    """It is done, and there is nothing to say of it."""
    return Response(status_code=204, headers=SECRET)


def signed_out(request: Request) -> Response:
    """The same, which also deletes the refresh token's cookie."""
    response = no_content()
    cookies.delete_cookie(response, request)
    return response
