"""`todo mcp`: who it is, and where its words go."""

import json
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.client.proxy import Proxy
from tests.mcp.agents import Human, agent
from tests.support.command_line import Person
from tests.support.processes import TODO, Server

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    async with Proxy(server.port).running() as running:
        yield running


def test_without_a_login_it_says_what_to_do(server: Server, tmp_path: Path) -> None:
    assert "run `todo login`, or set TODO_URL and TODO_TOKEN" in Person(server, tmp_path).is_refused("mcp")


def test_it_ends_with_its_input_and_writes_only_messages_to_its_output(server: Server, tmp_path: Path) -> None:
    """With the kept login, and by the handshake of 2025."""
    ada = Person(server, tmp_path).signs_in()
    info = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "By hand", "version": "1"}}
    add = {"name": "add_task", "arguments": {"title": "x"}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": info},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": add},
    ]
    done = ada.todo("mcp", input="".join(json.dumps(each) + "\n" for each in messages) + "no message\n")
    assert done.returncode == 0
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each.get("id") for each in answers][:1] == [1]
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_it_although_its_input_is_open(server: Server, tmp_path: Path) -> None:
    ada = Person(server, tmp_path).signs_in()
    with subprocess.Popen(
        [TODO, "mcp"], env=ada.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as command:
        assert command.stdin is not None
        assert command.stdout is not None
        command.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "no/such"}) + "\n")
        command.stdin.flush()
        assert '"error"' in command.stdout.readline()
        command.send_signal(signal.SIGINT)
        assert command.wait(30) == -signal.SIGINT


async def test_it_says_which_agent_writes(human: Human, proxy: Proxy) -> None:
    async with agent("stdio", human, url=proxy.url, name="Zoë's\r\nassistant") as assistant:
        await assistant.does("add_task", title="x")
    assert "\r\nTodo-Agent: Zoë's assistant\r\n".encode() in proxy.requests[-1]
    [change] = human.call("GET", "~/changes")["changes"]
    assert (change["via"], change["agent"]) == ("agent", "Zoë's assistant")


async def test_a_lost_answer_is_asked_for_again_and_the_task_made_once(human: Human, proxy: Proxy) -> None:
    """By the command itself, without the agent's doing."""
    async with agent("stdio", human, url=proxy.url) as assistant:
        await assistant.does("summary")
        proxy.plan = ["lose"]
        await assistant.does("add_task", title="Once")
    assert len({*proxy.keys()}) == 1
    assert len(proxy.keys()) == 2
    assert human.titles() == ["Once"]
