"""Cross-origin requests: pages of the origins in `CORS_ORIGINS` may call, and read the API's headers."""

import re
from collections.abc import Collection
from typing import cast

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from todo.http.errors import document
from todo.http.middleware.edge import security_headers
from todo.origins import Origins
from todo.problems import MEDIA_TYPE

EXPOSED = [
    "ETag", "Location", "Link", "Retry-After", "RateLimit", "RateLimit-Policy", "Idempotent-Replayed", "X-Request-Id",
    "WWW-Authenticate",
]  # fmt: skip
ALLOWED = ["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID"]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
NAMES = re.compile(r"[ \t]*[!#$%&'*+.^`|~\w-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^`|~\w-]+)*[ \t]*", re.ASCII)
"""Names of headers (RFC 9110 §5.1), separated by commas."""


class Cors(CORSMiddleware):
    """Starlette's middleware, whose preflight responses are like all others: a refusal is a problem document.

    A page of a listed origin may send any header (docs/decisions/0022): those that the API does not know are ignored,
    and no list holds what browsers and tracing add (traceparent, baggage, sentry-trace, cache-control and more).
    """

    def __init__(self, app: ASGIApp, origins: Origins, hsts_max_age: int) -> None:
        super().__init__(
            app,
            allow_origins=cast("Collection[str]", origins),  # of which Starlette asks only what it contains
            allow_methods=METHODS,
            allow_headers=ALLOWED,
            expose_headers=EXPOSED,
            allow_credentials=True,
            allow_private_network=True,
        )
        self._hsts_max_age = hsts_max_age

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            headers = Headers(scope=scope)
            if "origin" in headers and "access-control-request-method" in headers:
                response = self.preflight_response(headers)
                secure = scope["scheme"] == "https"
                response.raw_headers.extend(security_headers(secure=secure, hsts_max_age=self._hsts_max_age))
                await response(scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        """The response to a preflight request, without security headers."""
        asked = request_headers.get("access-control-request-headers", "")
        known = Headers(raw=[each for each in request_headers.raw if each[0] != b"access-control-request-headers"])
        response = super().preflight_response(known)
        if response.status_code == 400 or not (asked.strip() == "" or NAMES.fullmatch(asked)):
            body = document(400, "Bad Request", "CORS_ORIGINS does not let this page call, or not like this.", "")
            return Response(body, 400, {"Vary": "Origin"}, MEDIA_TYPE)
        if asked.strip():
            response.headers["Access-Control-Allow-Headers"] = asked
        return response


def add_cors(app: FastAPI, origins: Origins, hsts_max_age: int) -> None:
    """Let pages of these origins call, with cookies; without any, no page may."""
    if origins:
        app.add_middleware(Cors, origins=origins, hsts_max_age=hsts_max_age)
