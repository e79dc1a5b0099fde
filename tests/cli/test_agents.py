"""`todo agents …`: assistants get a token, and what they did is shown and taken back."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.support.command_line import Person

pytestmark = pytest.mark.slow


def adds_agent(ada: Person, name: str, *options: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the API says of it, and the variables by which it works."""
    made = ada.asks("agents", "add", name, *options)
    return made, {"TODO_URL": ada.url, "TODO_TOKEN": made["token"]}


def test_an_agent_may_do_what_its_token_allows(ada: Person) -> None:
    ada.adds("Call Bob")
    made, planner = adds_agent(ada, "planner", "--tag", "#groceries", "--allow", "create,EDIT")
    eggs = ada.does("add", "Eggs", **planner).strip()

    assert (made["agent"], made["tag"], made["permissions"]) == (True, "groceries", ["create", "edit"])
    assert [task["title"] for task in ada.asks("ls", "--all", **planner)] == ["Eggs"]
    assert "may not complete tasks" in ada.is_refused("done", eggs, **planner)
    assert "not for agents" in ada.is_refused("agents", **planner)


def test_the_options_of_a_token(ada: Person) -> None:
    made, reader = adds_agent(ada, "reader", "--read-only", "--expires", "90d", "--deletions-per-hour", "3")

    assert (made["scope"], made["permissions"], made["deletions_per_hour"]) == ("read", None, 3)
    ends = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < ends <= timedelta(days=90)
    assert "may only read" in ada.is_refused("add", "Eggs", **reader)
    assert adds_agent(ada, "x", "--expires", "2090-03-01")[0]["expires_at"] == "2090-02-28T23:00:00Z"
    for arguments, words in {
        "--allow create --read-only": "choose one of them",
        "--allow purge": "--allow: some of create,edit,complete,delete,undo",
        "--expires soon": "--expires: a date, such as",
        "--expires 0001-01-01": "--expires: a date, such as",
        "--deletions-per-hour -1": "--deletions-per-hour",
    }.items():
        assert words in ada.is_refused("agents", "add", "x", *arguments.split(), status=2), arguments
    assert "in the future" in ada.is_refused("agents", "add", "x", "--expires", "2020-01-01")


def test_the_token_is_printed_alone_and_on_a_terminal_with_a_configuration(ada: Person) -> None:
    assert ada.does("agents", "add", "planner").startswith("todo_")

    screen = ada.on_terminal("agents", "add", "cook", columns=200)

    said, token, reason, *document = screen.text.splitlines()
    assert ("not shown again" in said, "MCP client" in reason) == (True, True)
    [server] = json.loads("\n".join(document))["mcpServers"].values()
    assert server["env"] == {"TODO_URL": ada.url, "TODO_TOKEN": token}
    assert server["args"] == ["mcp"]
    assert server["command"].endswith("/todo")
    assert ada.asks("whoami", **server["env"])["user"]["id"] == ada.asks("whoami")["user"]["id"]


@pytest.mark.anyio
async def test_the_configuration_starts_an_assistant(ada: Person) -> None:
    ada.adds("Call Bob")
    screen = ada.on_terminal("agents", "add", "cook", "--tag", "groceries", columns=200)
    server = json.loads(screen.text[screen.text.index("{") :])["mcpServers"]["todo"]
    start = StdioServerParameters(**{**server, "env": {**server["env"], "HOME": str(ada.folder)}})

    async with Client(stdio_client(start)) as assistant:
        added = await assistant.call_tool("add_task", {"title": "Eggs"})
        seen = await assistant.call_tool("list_tasks", {})

    assert not added.is_error
    assert [task["title"] for task in (seen.structured_content or {})["tasks"]] == ["Eggs"]
    assert [(each["name"], each["changes"]) for each in ada.asks("agents")] == [("cook", 1)]


def test_agents_are_listed(ada: Person) -> None:
    assert ada.does("agents") == ""
    assert "todo agents add NAME" in ada.on_terminal("agents").text
    made, planner = adds_agent(
        ada, "planner", "--tag", "groceries", "--allow", "create,edit", "--expires", "2090-03-01"
    )
    adds_agent(ada, "reader", "--read-only")
    ada.does("add", "Eggs", **planner)

    rows = {row.split("\t")[1]: row.split("\t") for row in ada.does("agents").splitlines()}

    assert rows["planner"][:4] == [made["id"], "planner", "create, edit until 2090-03-01", "#groceries"]
    assert rows["planner"][5] == "1"
    assert rows["reader"][2:] == ["read", "", "never", "0", ""]
    assert ada.does("agents", "list") == ada.does("agents")
    assert ada.asks("agents") == ada.asks("agents", "list")
    assert {each["name"] for each in ada.asks("agents")} == {"planner", "reader"}
    assert made["id"][:8] in ada.on_terminal("agents", columns=120).text


def test_what_an_agent_changed_is_listed(ada: Person) -> None:
    made, planner = adds_agent(ada, "planner")
    eggs = ada.does("add", "Eggs", **planner).strip()
    ada.does("edit", eggs, "--title", "Ten eggs", **planner)
    ada.does("done", eggs, **planner)
    ada.does("undo", **planner)
    ada.does("rm", eggs, **planner)
    ada.adds("Call Bob")

    rows = [row.split("\t") for row in ada.does("agents", "changes", "planner").splitlines()]

    assert [(what, title) for _, _, what, title in rows] == [
        ("deleted", "“Ten eggs”"),
        ("reopened, back from 3", "“Ten eggs”"),
        ("completed", "“Ten eggs”"),
        ("changed title", "“Ten eggs”"),
        ("created", "“Eggs”"),
    ]
    assert rows[0][0] == "5"
    assert [each["revision"] for each in ada.asks("agents", "changes", made["id"][:6], "--limit", "2")] == [5, 4]
    assert "would take back the deletion of “Ten eggs” (revision 5, by planner (agent))" in ada.does(
        "undo", "--dry-run", "5"
    )


def test_all_that_an_agent_did_is_taken_back_and_done_again(ada: Person) -> None:
    milk, bread = ada.adds("Milk"), ada.adds("Bread")
    _, planner = adds_agent(ada, "planner")
    ada.does("add", "Eggs", **planner)
    ada.does("edit", milk, "--title", "Oat milk", **planner)
    ada.does("edit", bread, "--title", "Rye bread", **planner)
    ada.does("edit", bread, "--title", "White bread")
    before = sorted(ada.titles("--all"))

    tried = ada.todo("agents", "undo", "planner", "--dry-run")
    refused = ada.on_terminal("agents", "undo", "planner", typed="n\n")
    kept = sorted(ada.titles("--all"))
    done = ada.todo("agents", "undo", "planner")

    assert tried.stdout == "would take back 2 changes of 2 tasks by planner\n"
    assert tried.stderr == done.stderr == "“White bread”: title altered by somebody else since, so it stays\n"
    assert "Take back 2 changes of 2 tasks by planner?" in refused.text
    assert (refused.returncode, "nothing was done" in refused.text, kept == before) == (1, True, True)
    assert done.stdout.startswith("took back 2 changes of 2 tasks by planner; to do it again: todo undo ")
    assert sorted(ada.titles("--all")) == ["Milk", "White bread"]
    ada.does(*done.stdout.split("again: todo ")[1].split())
    assert sorted(ada.titles("--all")) == before


def test_a_yes_takes_it_back(ada: Person) -> None:
    _, planner = adds_agent(ada, "planner")
    ada.does("add", "Eggs", **planner)
    ada.does("add", "Milk", **planner)

    assert "took back 2 changes" in ada.on_terminal("agents", "undo", "planner", typed="y\n").text
    assert ada.titles("--all") == []
    ada.does("add", "Bread", **planner)
    assert "took back 1 change of 1 task" in ada.on_terminal("agents", "undo", "planner", "--yes").text
    assert "nothing by planner" in ada.is_refused("agents", "undo", "planner")


def test_only_what_an_agent_did_since_is_taken_back(ada: Person) -> None:
    _, planner = adds_agent(ada, "planner")
    ada.does("add", "Eggs", **planner)
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date()

    assert "nothing by planner" in ada.is_refused("agents", "undo", "planner", "--since", str(tomorrow))
    assert "--since: a date" in ada.is_refused("agents", "undo", "planner", "--since", "then", status=2)
    assert ada.titles("--all") == ["Eggs"]
    assert ada.asks("agents", "undo", "planner", "--since", "2h", "--dry-run")["undone"] == 1
    undone = ada.asks("agents", "undo", "planner", "--since", "2h")
    assert (undone["undone"], undone["tasks"], undone["conflicts"]) == (1, 1, [])
    assert ada.titles("--all") == []


def test_a_token_is_revoked_and_what_it_did_can_still_be_taken_back(ada: Person) -> None:
    made, planner = adds_agent(ada, "planner")
    ada.does("add", "Eggs", **planner)

    done = ada.todo("agents", "revoke", "planner")

    assert done.stderr == f"revoked planner; to take back what it did: todo agents undo {made['id']}\n"
    assert ada.asks("token", "list") == []
    assert "no token" in ada.does("agents")
    assert "has no token that could be revoked" in ada.is_refused("agents", "revoke", "planner")
    ada.does("agents", "undo", made["id"])
    assert ada.titles("--all") == []


def test_a_name_of_several_agents_is_refused_with_their_ids(ada: Person) -> None:
    one, planner = adds_agent(ada, "planner")
    ada.does("add", "Eggs", **planner)
    two, _ = adds_agent(ada, "planner")

    line = ada.is_refused("agents", "undo", "planner")

    assert f"{one['id']} planner" in line
    assert f"{two['id']} planner" in line
    assert "may be any of these" in ada.is_refused("agents", "revoke", "planner")
    ada.does("agents", "revoke", one["id"])
    assert f"{one['id']} planner (no token)" in ada.is_refused("agents", "changes", "planner")
    assert ada.asks("agents", "revoke", "planner")["id"] == two["id"]  # the only one with a token
    assert "there is no agent 'cook'" in ada.is_refused("agents", "changes", "cook")
    assert "there is no agent ''" in ada.is_refused("agents", "changes", "")
