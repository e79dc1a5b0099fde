"""Agents: the assistants of the user, what they did, and taking it back."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from todo.client.agents import Agent, AgentUndo, UndonePart
from todo.client.answers import decoded, next_page
from todo.client.asynchronous.requests import AsyncRequests
from todo.client.models import PastChange
from todo.client.parameters import given


class AsyncAgents(AsyncRequests):
    """The user's agents. Every method raises ApiError and ConnectionFailed."""

    async def agents(self) -> list[Agent]:
        """The agents with a token, and those that changed something without one."""
        return await self._answer("GET", await self._home("agents"), list[Agent])

    async def agent_changes(self, id: str | UUID) -> AsyncIterator[PastChange]:
        """What an agent changed, newest first."""
        path = await self._home("agents", id, "changes")
        params: list[tuple[str, str]] | None = []
        while params is not None:
            response = await self._send("GET", path, params=params)
            for change in decoded(response, list[PastChange]):
                yield change
            params = next_page(response)

    async def undo_agent(
        self, id: str | UUID, *, since: datetime | None = None, dry_run: bool = False, key: str | None = None
    ) -> AgentUndo:
        """Take back all that an agent changed, or what it changed since then; with `dry_run` only say what.

        What somebody else has altered afterwards stays, and is in `conflicts`.
        """
        path, before = await self._home("agents", id, "undo"), None
        parts: list[UndonePart] = []
        while not parts or before is not None:
            body = given(since=since, before=before)
            if dry_run:
                part = await self._answer("POST", path, UndonePart, params={"dry_run": True}, json=body)
            else:
                nth = f"{key}.{len(parts) + 1}" if key and parts else key
                part = await self._write("POST", path, UndonePart, json=body, key=nth)
            parts.append(part)
            before = part.before
        return AgentUndo(
            undone=sum(part.undone for part in parts),
            tasks=sum(part.tasks for part in parts),
            conflicts=tuple({each.task_id: each for part in parts for each in part.conflicts}.values()),
            revisions=tuple(part.revision for part in parts if part.revision is not None),
        )
