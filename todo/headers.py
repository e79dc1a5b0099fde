"""What every answer tells a browser: take it as what it says it is, run and frame nothing of it, keep to https."""

from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = b"content-security-policy"

PLAIN = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),  # which reads by CORS, as front ends make them, do not heed
]
DATA = (POLICY, b"default-src 'none'; frame-ancestors 'none'")
"""Of whatever has no policy of its own: nobody means it to be a page."""


class Headers:
    """Adds them to each answer as it begins, around everything else that answers.

    `hsts_max_age` seconds, unless none, go to those who came by https alone (RFC 6797 §7.2).
    """

    def __init__(self, app: ASGIApp, hsts_max_age: int) -> None:
        self._app = app
        self._secure = [*PLAIN, (b"strict-transport-security", b"max-age=%d" % hsts_max_age)] if hsts_max_age else PLAIN

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        added = self._secure if scope["scheme"] == "https" else PLAIN

        def headed(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                own = message.get("headers", ())
                message["headers"] = [*own, *added] if POLICY in dict(own) else [*own, *added, DATA]
            return send(message)

        return self._app(scope, receive, headed)
