"""docs/how-to/agents.md says what there is."""

import json
import re
from pathlib import Path

from starlette.routing import Route

from tests.conftest import settings_for
from todo.app import create_app
from todo.mcp.answers import DESCRIPTION, ROWS
from todo.mcp.endpoint import AT_ONCE
from todo.mcp.server import DEADLINE
from todo.mcp.tools import TOOLS
from todo.settings import Settings

PAGE = "docs/how-to/agents.md"
ALWAYS = {"dry_run", "key"}
FIELDS = {
    *("title", "description", "due_date", "time_zone", "priority", "tags", "recurrence", "recurrence_from", "remind_at")
}


def test_the_table_has_every_tool_and_argument(root: Path) -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", (root / PAGE).read_text(), re.MULTILINE)
    described = {name: set(re.findall(r"`(\w+)`", takes)) for name, takes in rows}
    assert {*described} == {*TOOLS}
    for name, tool in TOOLS.items():
        named = described[name] | (FIELDS if name == "update_task" else set())
        assert named == {*tool.takes.model_fields} - ALWAYS, name


def test_the_configurations_work(root: Path) -> None:
    """They are JSON, start the command that there is, and name the path that is served."""
    blocks = re.findall(r"```json\n(.*?)```", (root / PAGE).read_text(), re.DOTALL)
    servers = [json.loads(block)["mcpServers"]["todo"] for block in blocks]
    assert [server.get("args") for server in servers] == [["mcp"], ["mcp"], None]
    app = create_app(settings_for("postgresql://localhost/none", mcp="on"))
    paths = [route.path for route in app.routes if isinstance(route, Route)]
    assert servers[2]["url"].removeprefix("https://todo.example.com") in paths


def test_the_limits_are_those_of_the_code(root: Path) -> None:
    text = " ".join((root / PAGE).read_text().split())
    assert f"at most {ROWS} rows" in text
    assert f"first {DESCRIPTION} characters" in text
    assert f"at most {AT_ONCE} calls at once" in text
    assert f"after {DEADLINE:.0f} seconds" in text
    assert not Settings().mcp
