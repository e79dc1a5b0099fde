"""Bodies that are no message, or no good one."""

import pytest

from tests.conftest import Person, http, running, settings_for
from tests.mcp.test_endpoint import HEADERS, called
from todo.app import create_app

pytestmark = pytest.mark.anyio

CALL_OF = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": %s}'
MALFORMED: list[bytes] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe",
    b'"\\ud800"',
    b"[" * 30_000,
    b'{"jsonrpc": "2.0", "id": NaN, "method": "tools/list"}',
    b'{"jsonrpc": "2.0", "id": ' + b"9" * 5_000 + b', "method": "tools/list"}',
    b'{"jsonrpc": "2.0", "id": null, "method": "tools/list"}',
    b'{"jsonrpc": "1.0", "id": 1, "method": "tools/list"}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "no/such"}',
    CALL_OF % b"[]",
    CALL_OF % b'{"name": ["add_task"]}',
    CALL_OF % b'{"name": "no_such"}',
    CALL_OF % b'{"name": "add_task", "arguments": [1]}',
    CALL_OF % b'{"name": "add_task", "arguments": {"title": 1e999}}',
    CALL_OF % b'{"name": "add_task", "arguments": {"title": "\\ud800"}}',
    CALL_OF % b'{"name": "history", "arguments": {"id": 1e30}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "file:///etc/passwd"}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "todo://tasks/../../x"}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": {"name": "no such"}}',
    b'{"jsonrpc": "2.0", "method": "notifications/initialized"}',
    b'{"jsonrpc": "2.0", "id": 1, "result": {}}',
]


@pytest.mark.parametrize("version", ["2026-07-28", "2025-11-25", "1999-01-01", None])
async def test_what_is_no_message_is_answered_and_breaks_nothing(
    database_url: str, ada: Person, caplog: pytest.LogCaptureFixture, version: str | None
) -> None:
    async with running(create_app(settings_for(database_url, mcp="on"))) as app, http(app) as client:
        headers = {**HEADERS, "Authorization": f"Bearer {ada.token}", "Content-Type": "application/json"}
        headers |= {"MCP-Protocol-Version": version} if version else {}
        for body in MALFORMED:
            response = await client.post("/mcp", content=body, headers=headers)
            assert response.status_code < 500, (body[:100], response.text)
            assert "Traceback" not in response.text
        assert (await called(client, ada.token)).json()["result"]["structuredContent"] == {"tasks": []}
    assert [record for record in caplog.records if record.levelname == "ERROR" and record.name == "todo"] == []
