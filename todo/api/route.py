"""A fast route: authenticate, authorize, throttle, body, replay, call.

FastAPI describes it in the OpenAPI document; its stages and its endpoint are run by ours (docs/decisions/0012).
"""

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from todo.api.access import OWNER, SAFE_METHODS, Access, admit, client_address
from todo.api.context import Context
from todo.api.idempotency.key import HEADER, Key
from todo.api.idempotency.replay import respond_once
from todo.api.openapi.vocabulary import BEARER, answers, takes
from todo.api.unserved import unserved
from todo.http.body import read_body
from todo.http.endpoint import Endpoint
from todo.http.errors import error_response
from todo.http.large_responses import PIECE, InPieces
from todo.problems import (
    BadRequest,
    ContentTooLarge,
    Forbidden,
    Gone,
    InsufficientScope,
    Invalid,
    NotFound,
    TooManyRequests,
    Unauthorized,
)

IDEMPOTENCY_KEY = takes(
    HEADER,
    "1 to 255 visible characters that the client chooses: the same request with the same key is done once, and "
    "answered the same for 24 hours, with `Idempotent-Replayed: true`.",
    pattern="^[!-~]{1,255}$",
)
REPLAYED = {"description": "`true` when the answer is that of an earlier request.", "schema": {"type": "string"}}


class Route(APIRoute):
    """A fast route that anybody may call; `Route.with_access(...)` for others. Its endpoint returns a Response."""

    access: ClassVar[Access | None] = None
    password: ClassVar[bool] = False
    """Whether its requests have a password: a failed or refused one counts against the client's address."""

    upload: ClassVar[bool] = False
    """Whether its endpoints read the body themselves, in pieces. An Idempotency-Key has no effect then."""

    @classmethod
    def with_access(cls, access: Access | None, *, password: bool = False, upload: bool = False) -> "type[Route]":
        """The class of routes with this access, for `APIRouter(route_class=…)`; None for anybody."""
        return type("Route", (cls,), {"access": access, "password": password, "upload": upload})

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """The first line of the endpoint's docstring is its summary, the rest its description; its name is its id.

        Raises TypeError for an endpoint that asks for what fast routes leave out.
        """
        self._endpoint = Endpoint(endpoint)
        returns = inspect.signature(endpoint, eval_str=True).return_annotation
        if not (inspect.isclass(returns) and issubclass(returns, Response)):
            raise TypeError(f"{endpoint.__qualname__} is no fast endpoint: it must return a Response, and say so")
        if self.access is not None:
            served, takes_body = self._endpoint.query_names, self._endpoint.takes_body
            self._endpoint.refused_query = unserved(served, takes_body=takes_body)
        writes = not SAFE_METHODS.issuperset(options.get("methods") or {"GET"})
        self._reads_body = not self.upload and (writes or self._endpoint.takes_body)
        self._idempotent = writes and not self.upload and self.access is not None and self.access.owner
        summary, _, description = inspect.cleandoc(endpoint.__doc__ or "").partition("\n")
        options |= {"summary": summary.rstrip("."), "description": description.strip()}
        options["operation_id"] = options.get("operation_id") or endpoint.__name__
        super().__init__(path, endpoint, **self._described(options))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's extension point, for where a request comes by its router and not by `http.middleware.edge`."""
        return self.respond

    async def respond(self, request: Request) -> Response:
        """The response, errors included. Raises what no exception handler of the application knows."""
        context = Context.begin(request)
        try:
            if self.access is not None:
                await admit(self.access, request, context)
            if self.password and (rate_limits := context.resources.rate_limits) is not None:
                async with rate_limits.attempt_of_address(client_address(request)):
                    response = await self._call(request, context)
            else:
                response = await self._call(request, context)
            response = self._bounded(response, context)
        except Exception as error:  # noqa: BLE001 # raised again where it is a bug
            response = await error_response(request, error)
        response.raw_headers.extend(context.extra_headers)
        return response

    async def _call(self, request: Request, context: Context) -> Response:
        body = b""
        if self._reads_body:
            body = await read_body(request, json_expected=self._endpoint.takes_body)
        key = Key.of(request, body) if self._idempotent else None
        if key is not None:
            return await respond_once(key, request, context, lambda: self._endpoint(request, body))
        response: Response = await self._endpoint(request, body)
        return response

    @staticmethod
    def _bounded(response: Response, context: Context) -> Response:
        """The response; a large one counted among the bytes of its user, and sent in pieces."""
        size = len(getattr(response, "body", b""))
        if size <= PIECE or context.caller is None:
            return response
        unread, user_id = context.resources.unread, context.caller.user_id
        unread.refuse_when_over(user_id, size)
        return InPieces(response, unread, user_id)

    def _described(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options of FastAPI's route, with what the stages may answer in the OpenAPI document."""
        if self.access is None:
            return options
        refused = Forbidden if self.access.owner else InsufficientScope
        responses = {**(options.get("responses") or {})}
        extra: dict[str, Any] = {"security": BEARER, **(options.get("openapi_extra") or {})}
        if self._idempotent:
            responses |= answers(BadRequest, ContentTooLarge, Gone)
            responses = {status: _replayable(status, response) for status, response in responses.items()}
            extra |= IDEMPOTENCY_KEY
        if self.access.owner:  # of a path with an encoded slash or control character, as http.middleware.edge has it
            responses = answers(NotFound) | responses
        responses |= answers(Unauthorized, refused, Invalid, TooManyRequests)
        return options | {"responses": responses, "openapi_extra": extra}


def _replayable(status: int | str, response: dict[str, Any]) -> dict[str, Any]:
    if str(status) >= "300":
        return response
    return {**response, "headers": {**response.get("headers", {}), "Idempotent-Replayed": REPLAYED}}


OwnerRoute = Route.with_access(OWNER)
"""A fast route under a user's own path."""
