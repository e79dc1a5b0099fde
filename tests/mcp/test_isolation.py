"""No tool shows or touches what is another user's: every tool, found from the list of tools, with the other's ids.

As tests/api/test_isolation.py does it for every operation of the API.
"""

import json
import re
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import http, running, settings_for
from tests.mcp.test_endpoint import CALL, called
from tests.support.sql_conditions import everything
from tests.support.two_users import SampleUser
from todo.app import create_app
from todo.mcp.tools import TOOLS

pytestmark = pytest.mark.anyio

CALLS: dict[str, list[dict[str, Any]]] = {
    "list_tasks": [{"status": "all", "limit": 100}, {"status": "deleted"}, {"tag": ["{tags}"]}],
    "search_tasks": [{"query": "what only"}, {"query": "{tags}", "status": "deleted"}],
    "get_task": [{"id": "{tasks}"}],
    "history": [{"id": "{tasks}"}],
    "summary": [{}],
    "add_task": [{"title": "of bob"}],
    "quick_add": [{"text": "of bob"}],
    "update_task": [{"id": "{tasks}", "title": "of bob"}, {"id": "{tasks}", "clear": ["description"]}],
    "complete_task": [{"id": "{tasks}"}, {"id": "{tasks}", "completed": False}],
    "move_task": [{"id": "{tasks}"}, {"id": "{own}", "after": "{tasks}"}],
    "delete_task": [{"id": "{tasks}"}],
    "batch": [
        {"operations": [{"op": op, "id": "{tasks}", **({"title": "of bob"} if op == "update" else {})}]}
        for op in ("update", "complete", "delete", "restore", "move")
    ],
    "undo": [{"revision": 987654321}, {"since": "2020-01-01T00:00:00Z"}],
}
"""Calls of each tool; what stands in braces is the other user's."""


def test_every_tool_is_tried() -> None:
    assert {*CALLS} == {*TOOLS}
    for name, tool in TOOLS.items():
        schema = json.dumps(tool.described.input_schema)
        named = set(re.findall(r'"(\w+)": \{[^{}]*"format": "uuid"', schema))
        given = set(re.findall(r'"(\w+)": "\{tasks\}"', json.dumps(CALLS[name])))
        assert named - {"after"} <= given, name


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("tool", TOOLS)
async def test_ids_of_another_user_are_answered_as_if_there_were_nothing(
    ada_with_data: SampleUser, bob_with_data: SampleUser, database_url: str, tool: str, dry_run: bool
) -> None:
    ada, bob = ada_with_data, bob_with_data
    hers = everything(database_url, ada.person.id)
    if dry_run and TOOLS[tool].kind == "read":
        return
    async with running(create_app(settings_for(database_url, mcp="on"))) as app, http(app) as client:
        for arguments in CALLS[tool]:
            answers = []
            for things in (ada.things, {"tasks": str(uuid4()), "tags": "no such tag"}):
                filled = _filled(arguments, things["tasks"], things["tags"], bob.things["tasks"])
                if dry_run:
                    filled["dry_run"] = True
                body = {**CALL, "params": {"name": tool, "arguments": filled}}
                for caller in bob.callers[:2]:
                    response = await called(client, caller.token, body)
                    assert response.status_code == 200, response.text
                    sent = json.dumps(filled)
                    shown = {secret for secret in ada.secrets if secret in response.text and secret not in sent}
                    assert shown == set(), (tool, arguments)
                    assert everything(database_url, ada.person.id) == hers, (tool, arguments)
                answers.append(response.json()["result"])
            if "{tasks}" in json.dumps(arguments):
                assert answers[0] == answers[1], (tool, arguments)
                assert answers[0]["isError"] is True


async def test_resources_of_another_user_are_answered_as_if_there_were_nothing(
    ada_with_data: SampleUser, bob_with_data: SampleUser, database_url: str
) -> None:
    async with running(create_app(settings_for(database_url, mcp="on"))) as app, http(app) as client:
        for uri in ("todo://tasks/today", "todo://tasks/overdue", f"todo://tasks/{ada_with_data.things['tasks']}"):
            body = {**CALL, "method": "resources/read", "params": {"uri": uri}}
            response = await called(client, bob_with_data.person.token, body)
            assert ada_with_data.marker not in response.text
            assert ("error" in response.json()) == uri.endswith(ada_with_data.things["tasks"])


def _filled(arguments: Any, task: str, tag: str, own: str) -> Any:
    text = json.dumps(arguments).replace("{own}", own).replace("{tasks}", task).replace("{tags}", tag)
    return json.loads(text)
