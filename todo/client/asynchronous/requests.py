"""Requests: the token, retries, idempotency keys and errors. The other files of this package say what to ask."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx
import msgspec

from todo.client.addresses import agent_header, checked_token, path, server_url
from todo.client.answers import decoded, failure, not_answered
from todo.client.errors import ApiError, ClientError, Unauthorized
from todo.client.models import Session, User
from todo.client.parameters import given, query
from todo.client.retries import Attempts, Retry
from todo.client.waiting import AsyncLock, async_sleep

T = TypeVar("T")

RENEWALS = 2
"""Of the access token during one request: one that another process has stored may be old too."""


class AsyncRequests:
    """A connection to one server as one user."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        refresh_token: str | None = None,
        user_id: str | None = None,
        time_zone: str | None = None,
        agent: str | None = None,
        timeout: float = 30.0,
        retry: Retry | None = None,
        on_tokens: Callable[[Session], None] | None = None,
        read_tokens: Callable[[], tuple[str, str] | None] | None = None,
        on_retry: Callable[[ClientError, float], None] | None = None,
        verify: SSLContext | bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`token` is an API token or an access token, and `refresh_token` renews the latter.

        Args:
            url: That of the server, such as http://127.0.0.1:8000.
            token: None to sign in first.
            refresh_token: Of a session whose tokens were stored; `sign_in` sets both.
            user_id: Saves the request that asks for it.
            time_zone: Whose days are meant (IANA), where a call does not say so; UTC by default.
            agent: The name of the assistant that uses the client: the log of changes has it.
            timeout: Seconds for each of connecting, sending and receiving.
            retry: Bounds on sending again.
            on_tokens: Called with each new session, from a sign-in or a refresh, to store it.
            read_tokens: Called before a refresh: the stored access token and refresh token. Where another process has
                renewed them, those are used; a refresh token that was used before would end the session.
            on_retry: Called with the error and the seconds until the next attempt.
            verify: False, or a context that trusts other certificates.
            transport: Of httpx, for tests and proxies.

        Raises ValueError for what is no URL, no token or no name.
        """
        self.url = server_url(url)
        self._token, self._refresh_token = checked_token(token), checked_token(refresh_token)
        self._user_id, self._time_zone = user_id, time_zone
        self._timeout, self._retry = timeout, retry or Retry()
        self._on_tokens, self._read_tokens, self._on_retry = on_tokens, read_tokens, on_retry
        self._renewing = AsyncLock()
        self._http = httpx.AsyncClient(headers=agent_header(agent), timeout=timeout, verify=verify, transport=transport)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r}, user_id={self._user_id!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def user_id(self) -> str:
        """The id of the token's user; asked for once (`GET /api/auth/me`) where it was not given."""
        if self._user_id is None:
            self._user_id = (await self._answer("GET", "/api/auth/me", User)).id
        return self._user_id

    async def _home(self, *parts: object) -> str:
        """A path of the user's."""
        return path("api", await self.user_id(), *parts)

    async def _answer(self, method: str, path: str, shape: type[T], **options: Any) -> T:
        """Send a request as `_send` does, and return the answer's body."""
        return decoded(await self._send(method, path, **options), shape)

    async def _write(self, method: str, path: str, shape: type[T], *, key: str | None = None, **options: Any) -> T:
        """As `_answer`, with an idempotency key: however often it is sent, it is done once (for 24 hours)."""
        headers = {"Idempotency-Key": key or str(uuid4()), **options.pop("headers", {})}
        return await self._answer(method, path, shape, headers=headers, **options)

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The response, which has been read. Options and errors as of `_open`."""
        async with self._open(method, path, **options) as response:
            return response

    @asynccontextmanager
    async def _open(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | list[tuple[str, str]] | None = None,
        json: Any = None,
        content: Callable[[], Any] | None = None,
        headers: Mapping[str, str] | None = None,
        authorized: bool = True,
        safe: bool = True,
        streamed: bool = False,
        silence: float | None = None,
        attempts: Attempts | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """Send a request until there is an answer, and yield it if it is a success.

        Args:
            content: Makes the body, for each attempt.
            safe: May be sent again although it may have been executed.
            streamed: The body is left to be read.
            silence: Seconds between two pieces of the answer, in place of the client's timeout.
            attempts: Bounds that several requests share.

        Raises ApiError and ConnectionFailed, after the last attempt; UnexpectedAnswer.
        """
        attempts = attempts or Attempts.of_request(self._retry)
        sent = {**(headers or {})}
        if json is not None:
            json, sent["Content-Type"] = msgspec.json.encode(json), "application/json"
        for_httpx = httpx.Timeout(self._timeout, read=silence or self._timeout)
        pairs = params if isinstance(params, list) else query(params or {})
        renewals = 0
        while True:
            if authorized and (token := self._token):
                sent["Authorization"] = f"Bearer {token}"
            body = content() if content else json
            request = self._http.build_request(
                method,
                self.url + path,
                params=httpx.QueryParams(tuple(pairs)),
                headers=sent,
                content=body,
                timeout=for_httpx,
            )
            response: httpx.Response | None = None
            error: ClientError
            try:
                response = await self._http.send(request, stream=True)
                if not (streamed and response.is_success):
                    await response.aread()
            except httpx.RequestError as broken:
                error = not_answered(broken, request)
                again = safe or not error.sent
            else:
                if response.is_success:
                    break
                error = failure(response)
                again = _is_temporary(error, safe=safe)
                if isinstance(error, Unauthorized) and authorized and renewals < RENEWALS:
                    renewals += 1
                    if await self._renew(token):
                        continue
            finally:
                if response is not None and not (streamed and response.is_success):
                    await response.aclose()
            await self._wait(error, attempts, again=again)
        try:
            yield response
        finally:
            await response.aclose()

    async def _wait(self, error: ClientError, attempts: Attempts, *, again: bool = True) -> None:
        """Wait for the next attempt. Raises `error` where there is none."""
        seconds = attempts.wait(error) if again else None
        if seconds is None:
            raise error
        if self._on_retry:
            self._on_retry(error, seconds)
        await async_sleep(seconds)

    async def refresh(self) -> Session:
        """Renew the access token now. Raises Unauthorized where the session has ended.

        It happens by itself when the access token has expired.
        """
        async with self._renewing:
            return await self._refresh()

    async def _renew(self, refused: str | None) -> bool:
        """Get another access token than the one that was refused, once for all requests at a time."""
        async with self._renewing:
            if self._token != refused:
                return True
            if self._read_tokens and (stored := self._read_tokens()) and stored[0] != refused:
                self._token, self._refresh_token = map(checked_token, stored)
                return True
            if self._refresh_token is None:
                return False
            await self._refresh()
            return True

    async def _refresh(self) -> Session:
        """An answer that was lost is given again for 30 seconds, so a refresh may be sent again."""
        body = {"refresh": "body", "refresh_token": self._refresh_token}
        return await self._start("/api/auth/refresh", body)

    async def _start(self, path: str, body: Mapping[str, Any], *, safe: bool = True) -> Session:
        """Begin or renew a session, and use its tokens."""
        body = {"refresh": "body", **given(**body)}
        session = await self._answer("POST", path, Session, json=body, authorized=False, safe=safe)
        self._token, self._refresh_token = session.access_token, session.refresh_token
        self._user_id = session.user.id
        if self._on_tokens:
            self._on_tokens(session)
        return session


def _is_temporary(error: ClientError, *, safe: bool) -> bool:
    """Whether to send a request again after this answer: 429 comes before anything is done."""
    return isinstance(error, ApiError) and (error.status == 429 or (safe and error.status in {502, 503, 504}))
