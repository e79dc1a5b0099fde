"""Pages of other origins: those that are named may call, and read what the API tells in headers."""

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from todo.problems import MEDIA_TYPE, document

READ = ["ETag", "Location", "Link", "Retry-After", "RateLimit", "RateLimit-Policy", "Idempotent-Replayed"]
SENT = ["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID"]


class _Cors(CORSMiddleware):
    def preflight_response(self, request_headers: Headers) -> Response:
        """The framework's answer, a refusal as a problem document."""
        response = super().preflight_response(request_headers)
        if response.status_code == 400:
            body = document(400, "Bad Request", "CORS_ORIGINS does not let this page call, or not like this.", "")
            return Response(body, 400, {"Vary": "Origin"}, MEDIA_TYPE)
        return response


def let_pages_call(app: FastAPI, origins: tuple[str, ...]) -> None:
    """Pages of these origins may call, with cookies; without any, no page may."""
    if origins:
        app.add_middleware(
            _Cors,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=SENT,
            expose_headers=READ,
            allow_credentials=True,
        )
