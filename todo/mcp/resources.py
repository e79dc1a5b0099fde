"""Resources: tasks that a person may put into a conversation by hand."""

import json
import re
from typing import Any
from uuid import UUID

from mcp_types import Resource, ResourceTemplate

from todo.client import AsyncClient
from todo.mcp.answers import ROWS, task_data, tasks_data
from todo.mcp.text import NOTICE

JSON = "application/json"
TASK = re.compile(r"todo://tasks/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")
DUE = {"todo://tasks/today": "today", "todo://tasks/overdue": "overdue"}

RESOURCES = [
    Resource(
        uri="todo://tasks/today", name="today", title="Due today", description="Open tasks due today.", mime_type=JSON
    ),
    Resource(
        uri="todo://tasks/overdue", name="overdue", title="Overdue", description="Open tasks overdue.", mime_type=JSON
    ),
]
TEMPLATES = [
    ResourceTemplate(
        uri_template="todo://tasks/{id}", name="task", title="A task", description="One task.", mime_type=JSON
    )
]


async def read(client: AsyncClient, uri: str) -> str | None:
    """The resource as JSON; None where there is none of this name."""
    if (due := DUE.get(uri)) is not None:
        page = await client.task_page(limit=ROWS, status="pending", due=due, sort="due_date")
        more = {"more": "There are more: list_tasks shows them."} if page.cursor else {}
        return _text({"tasks": tasks_data(page.tasks), **more})
    if found := TASK.fullmatch(uri):
        return _text({"task": task_data(await client.task(UUID(found[1])))})
    return None


def _text(data: dict[str, Any]) -> str:
    return json.dumps({"notice": NOTICE.replace("Between the markers", "Here"), **data}, ensure_ascii=True)
