"""Cross-origin requests: pages of the origins in `CORS_ORIGINS` may call, and read the API's headers."""

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from todo.http.errors import document
from todo.http.middleware.edge import security_headers
from todo.problems import MEDIA_TYPE

EXPOSED = ["ETag", "Location", "Link", "Retry-After", "RateLimit", "RateLimit-Policy", "Idempotent-Replayed"]
ALLOWED = ["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID"]


class Cors(CORSMiddleware):
    """Starlette's middleware, whose preflight responses are like all others: a refusal is a problem document."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...], hsts_max_age: int) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=ALLOWED,
            expose_headers=EXPOSED,
            allow_credentials=True,
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
        response = super().preflight_response(request_headers)
        if response.status_code == 400:
            body = document(400, "Bad Request", "CORS_ORIGINS does not let this page call, or not like this.", "")
            response = Response(body, 400, {"Vary": "Origin"}, MEDIA_TYPE)
        return response


def add_cors(app: FastAPI, origins: tuple[str, ...], hsts_max_age: int) -> None:
    """Let pages of these origins call, with cookies; without any, no page may."""
    if origins:
        app.add_middleware(Cors, origins=origins, hsts_max_age=hsts_max_age)
