"""A bare ASGI application with one constant response: the cost of HTTP itself."""

from starlette.types import Receive, Scope, Send

from bench.data import DESCRIPTION, task_id, user_id

BODY = (
    f'{{"id": "{task_id(1, 1)}", "user_id": "{user_id(1)}", "title": "Water the ferns", "description": "{DESCRIPTION}",'
    ' "completed": false, "completed_at": null, "created_at": "2026-01-01T00:00:00.000001Z",'
    ' "updated_at": "2026-01-01T00:00:00.000001Z", "revision": 1}'
).encode()


async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 # the signature is ASGI's
    if scope["type"] == "http":
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": BODY})
