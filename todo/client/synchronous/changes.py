# Written by bin/unasync.py (make client) from ../asynchronous/changes.py: edit that.
"""Changes: history, undo, what happened since, and what happens now."""

from collections.abc import Generator, Iterator
from contextlib import closing
from uuid import UUID

import httpx
import msgspec

from todo.client.answers import decoded, next_page, not_answered
from todo.client.errors import ApiError, UnexpectedAnswer
from todo.client.events import Event, EventParser
from todo.client.models import Change, PastChange, Problem
from todo.client.retries import Attempts
from todo.client.synchronous.requests import Requests

SILENCE = 40.0
"""Seconds without an event or a comment after which a stream is dead; the server sends a comment every 15."""

ENDS = {"token": (401, "Unauthorized"), "account": (401, "Unauthorized"), "gone": (410, "Gone")}
"""Reasons of the event `end` after which nothing comes, as the status that a request would have. Others pass."""


class ChangePage(msgspec.Struct, frozen=True):
    """A page of changes, which are not decoded yet."""

    changes: tuple[msgspec.Raw, ...]
    revision: int
    more: bool


class End(msgspec.Struct, frozen=True):
    """Why a stream ends."""

    reason: str = ""
    detail: str = ""


class Changes(Requests):
    """What happened to the user's tasks. Every method raises ApiError and ConnectionFailed."""

    def undo(
        self, revision: int, *, if_match: int | None = None, dry_run: bool = False, key: str | None = None
    ) -> Change:
        """Undo a change, and all that were made together with it. Raises Conflict with the `hindrance`.

        With `dry_run` only say what change that would be.
        """
        headers = {} if if_match is None else {"If-Match": f'"{if_match}"'}
        path = self._home("changes", revision, "undo")
        if dry_run:
            return self._answer("POST", path, Change, params={"dry_run": True}, headers=headers)
        return self._write("POST", path, Change, headers=headers, key=key)

    def history(self, id: str | UUID) -> Iterator[PastChange]:
        """The changes of one task, newest first, with what they altered."""
        path = self._home("tasks", id, "history")
        params: list[tuple[str, str]] | None = []
        while params is not None:
            response = self._send("GET", path, params=params)
            for change in decoded(response, list[PastChange]):
                yield change
            params = next_page(response)

    def changes(self, since: int = 0, *, compact: bool = False) -> Iterator[Change]:
        """All changes after a revision, in their order; `compact` for only the newest of each task.

        Raises Gone where they are no longer kept: read the list again.
        """
        more = True
        while more:
            page = self._change_page(since, compact=compact)
            for change in page.changes:
                yield msgspec.json.decode(change, type=Change)
            since, more = page.revision, page.more

    def _change_page(self, since: int, *, compact: bool) -> ChangePage:
        params = {"since": since, "compact": compact}
        return self._answer("GET", self._home("changes"), ChangePage, params=params)

    def stream(self, since: int | None = None) -> Iterator[Change]:
        """Changes as they happen, after `since` or from now on, for as long as they are asked for.

        A connection that breaks off is opened again where it was, without a loss or a repetition, for
        `Retry.patience` seconds; then ConnectionFailed or Unavailable is raised. Raises Gone where the changes are
        no longer kept, and Unauthorized where the token has ended and there is no other.
        """
        with closing(self._events(since)) as events:
            for event in events:
                if event.name == "change":
                    yield _change(event)

    def _events(self, since: int | None) -> Generator[Event, None]:
        """Events of the stream but `end`, after which it is opened again or an ApiError raised."""
        path = self._home("changes", "stream")
        position = None if since is None else str(since)
        attempts = Attempts.of_stream(self._retry)
        while True:
            headers = {} if position is None else {"Last-Event-ID": position}
            opened = self._open("GET", path, headers=headers, streamed=True, silence=SILENCE, attempts=attempts)
            token: str | None = None
            try:
                with opened as response:
                    token, parser = self._token, EventParser()
                    for piece in response.iter_bytes():
                        attempts.begin()
                        for event in parser.feed(piece):
                            position = event.id or position
                            if event.name == "end":
                                raise _ended(event)
                            yield event
                    raise httpx.RemoteProtocolError("it ended without a reason")
            except httpx.RequestError as error:
                self._wait(not_answered(error, response.request), attempts)
            except ApiError as error:
                if error.status == 401 and token is not None and self._renew(token):
                    continue
                if error.status != 503:
                    raise
                self._wait(error, attempts)


def _change(event: Event) -> Change:
    try:
        return msgspec.json.decode(event.data, type=Change)
    except msgspec.DecodeError:
        raise UnexpectedAnswer("The stream sends what is no change of a task.") from None


def _ended(event: Event) -> ApiError:
    end = msgspec.json.decode(event.data, type=End)
    status, title = ENDS.get(end.reason, (503, "Service Unavailable"))
    return ApiError.of(Problem(status=status, title=title, detail=end.detail))
