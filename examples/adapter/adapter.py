"""todo in the shapes of another API, for a front end that cannot be changed: README.md in this folder.

uvicorn --factory --app-dir examples/adapter adapter:create
"""

import json
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo.accounts.cookies import refuse_forgery
from todo.app import create_app
from todo.http.body import BODY_LIMIT
from todo.http.errors import problem_response
from todo.origins import Origins
from todo.problems import Forbidden
from todo.settings import Settings

# What is translated: switch off what your front end does not need.
WRAP_LISTS = True  # a list of tasks is {"tasks": [...]}
STATUS = True  # a task has "status": "todo" or "completed", which may be written and filtered by
COOKIE = True  # signing in answers with the user alone, and with the access token as a cookie, which authenticates
DELETE_BODY = True  # a deletion answers 200 with a message

COOKIE_NAME = "token"
WORDS = {"todo": False, "completed": True}
SAFE = {"GET", "HEAD", "OPTIONS"}

TASKS = re.compile(r"/api/[^/]+/tasks(/[^/]+)?(/complete|/restore)?/?")
LIST = re.compile(r"/api/[^/]+/tasks/?")
SIGN_IN = re.compile(r"(/api)?/auth/(signup|register|signin|login|refresh)/?")
SIGN_OUT = re.compile(r"(/api)?/auth/(signout|logout|signout-everywhere|me)/?")
"""Paths that end a session, by methods that are not safe."""

COMPLETED = re.compile(rb'"completed":\s*(true|false)')
"""Only ever the field: in a text its quotes would be escaped, and no text before a colon is one of a user."""


def create() -> ASGIApp:
    """The adapted application, as the environment sets it."""
    settings = Settings.from_environment()
    return Adapter(create_app(settings), settings.cors_origins, settings.root_path or "")


class Adapter:
    """Translates requests on their way to `app`, and its answers."""

    def __init__(self, app: ASGIApp, origins: Origins, root_path: str = "") -> None:
        self._app = app
        self._origins = origins
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, unsafe = scope["path"].removeprefix(self._root_path), scope["method"] not in SAFE
        if COOKIE and (token := _cookie(scope)):
            try:
                if unsafe:  # another site may have made the browser send the cookie
                    refuse_forgery(Request(scope), self._origins)
            except Forbidden:
                problem = Forbidden("A page of another site may not use the cookie: add its origin to CORS_ORIGINS.")
                await problem_response(problem, scope)(scope, receive, send)
                return
            scope = {**scope, "headers": [*scope["headers"], (b"authorization", b"Bearer " + token.encode("latin-1"))]}
        if STATUS and TASKS.fullmatch(path):
            scope = {**scope, "query_string": re.sub(rb"\bstatus=todo\b", b"status=pending", scope["query_string"])}
            if unsafe:
                scope, receive = await _with_completed(scope, receive)
        await self._app(scope, receive, Answer(path, scope, send).send)


def _cookie(scope: Scope) -> str | None:
    """The access token that a browser sends as a cookie, unless the request has an Authorization header."""
    headers = Headers(scope=scope)
    if "authorization" in headers:
        return None
    found = re.findall(rf"(?:^|;)[ \t]*{COOKIE_NAME}=([^;\s]+)", "; ".join(headers.getlist("cookie")))
    return found[-1] if found else None


async def _with_completed(scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
    """The request with `completed` for `status` in its body. What is no word of ours goes on, and is refused (422)."""
    body, more = b"", True
    message: Message = {}
    while more and len(body) <= BODY_LIMIT:  # a longer one goes on as it is, and is refused
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
    try:
        task = json.loads(body) if not more else None
    except (ValueError, RecursionError):
        task = None  # which is refused
    if isinstance(task, dict) and "status" in task:
        word = task.pop("status")
        body = json.dumps(task | {"completed": WORDS.get(word, word) if isinstance(word, str) else word}).encode()
        others = [each for each in scope["headers"] if each[0] != b"content-length"]
        scope = {**scope, "headers": [*others, (b"content-length", str(len(body)).encode())]}
    hung_up = message["type"] == "http.disconnect"
    messages = [message if hung_up else {"type": "http.request", "body": body, "more_body": more}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return scope, again


class Answer:
    """Sends the answer to one request as the front end wants it, in pieces as they come."""

    def __init__(self, path: str, scope: Scope, send: Send) -> None:
        self._path, self._scope, self._send_on = path, scope, send
        self._start: Message | None = None  # kept until the first piece of the body is there
        self._headers = MutableHeaders()
        self._body = b""  # what is kept of it until more is there
        self._has_user = self._is_list = self._has_words = self._is_deletion = False

    async def send(self, message: Message) -> None:
        """ASGI: send a part of the answer."""
        if message["type"] == "http.response.start":
            self._begin(message)
            return
        body, more = self._body + message.get("body", b""), message.get("more_body", False)
        if self._has_user and more:
            self._body = body
            return
        if self._has_user:
            body = self._signed_in(json.loads(body))
        elif self._is_deletion:
            body = b'{"message":"Deleted."}'
        elif self._has_words:
            # No field is cut in two: between its first and its last letter is neither of these.
            end = 1 + max(body.rfind(b","), body.rfind(b"}")) if more else len(body)
            body, self._body = COMPLETED.sub(_with_word, body[:end]), body[end:]
        if self._is_list:
            body = (b'{"tasks":' if self._start else b"") + body + (b"" if more else b"}")
        if self._start:
            await self._send_on({**self._start, "headers": self._headers.raw})
            self._start = None
        await self._send_on({"type": "http.response.body", "body": body, "more_body": more})

    def _begin(self, start: Message) -> None:
        self._start, self._headers = {**start}, MutableHeaders(raw=list(start.get("headers", ())))
        method, status, succeeded = self._scope["method"], start["status"], start["status"] < 300
        json_comes = "json" in self._headers.get("content-type", "")
        self._has_user = COOKIE and succeeded and json_comes and SIGN_IN.fullmatch(self._path) is not None
        self._is_list = WRAP_LISTS and status == 200 and method == "GET" and LIST.fullmatch(self._path) is not None
        self._has_words = STATUS and json_comes and method != "HEAD" and TASKS.fullmatch(self._path) is not None
        self._is_deletion = DELETE_BODY and status == 204 and method == "DELETE"
        if self._is_deletion:
            self._start["status"], self._headers["content-type"] = 200, "application/json"
        if COOKIE and succeeded and method not in SAFE and SIGN_OUT.fullmatch(self._path):
            self._set_cookie("", 0)
        if self._has_user or self._is_list or TASKS.fullmatch(self._path):
            del self._headers["content-length"]

    def _signed_in(self, answer: dict[str, object]) -> bytes:
        """The user alone, and the access token as a cookie; a client that asked for tokens in the body gets those."""
        if "refresh_token" not in answer:
            self._set_cookie(str(answer["access_token"]), int(str(answer["expires_in"])))
            return json.dumps(answer["user"]).encode()
        return json.dumps(answer).encode()

    def _set_cookie(self, token: str, lifetime: int) -> None:
        response, secure = Response(), self._scope["scheme"] == "https"
        response.set_cookie(COOKIE_NAME, token, lifetime, secure=secure, httponly=True, samesite="lax")
        self._headers.append("set-cookie", response.headers["set-cookie"])


def _with_word(field: re.Match[bytes]) -> bytes:
    return field[0] + (b',"status":"completed"' if field[1] == b"true" else b',"status":"todo"')
