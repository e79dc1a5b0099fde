# Written by bin/unasync.py (make client) from ../asynchronous/agents.py: edit that.
"""Agents: the assistants of the user, what they did, and taking it back."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from todo.client.agents import Agent, AgentUndo, UndonePart
from todo.client.answers import decoded, next_page
from todo.client.models import PastChange
from todo.client.parameters import given
from todo.client.synchronous.requests import Requests


class Agents(Requests):
    """The user's agents. Every method raises ApiError and ConnectionFailed."""

    def agents(self) -> list[Agent]:
        """The agents with a token, and those that changed something without one."""
        return self._answer("GET", self._home("agents"), list[Agent])

    def agent_changes(self, id: str | UUID) -> Iterator[PastChange]:
        """What an agent changed, newest first."""
        path = self._home("agents", id, "changes")
        params: list[tuple[str, str]] | None = []
        while params is not None:
            response = self._send("GET", path, params=params)
            for change in decoded(response, list[PastChange]):
                yield change
            params = next_page(response)

    def undo_agent(
        self, id: str | UUID, *, since: datetime | None = None, dry_run: bool = False, key: str | None = None
    ) -> AgentUndo:
        """Take back all that an agent changed, or what it changed since then; with `dry_run` only say what.

        What somebody else has altered afterwards stays, and is in `conflicts`.
        """
        path, before = self._home("agents", id, "undo"), None
        parts: list[UndonePart] = []
        while not parts or before is not None:
            body = given(since=since, before=before)
            if dry_run:
                part = self._answer("POST", path, UndonePart, params={"dry_run": True}, json=body)
            else:
                nth = f"{key}.{len(parts) + 1}" if key and parts else key
                part = self._write("POST", path, UndonePart, json=body, key=nth)
            parts.append(part)
            before = part.before
        return AgentUndo(
            undone=sum(part.undone for part in parts),
            tasks=sum(part.tasks for part in parts),
            conflicts=tuple({each.task_id: each for part in parts for each in part.conflicts}.values()),
            revisions=tuple(part.revision for part in parts if part.revision is not None),
        )
