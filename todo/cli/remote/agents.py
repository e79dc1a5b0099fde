"""`todo agents …`: assistants that may change the tasks, and what they did."""

import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from todo.cli.errors import CommandError, UsageError, say
from todo.cli.remote.agent_undo import take_back
from todo.cli.remote.connection import connected
from todo.cli.remote.dates import moment
from todo.cli.remote.output import Json, on_terminal, print_json, print_json_array, print_rows, print_secret
from todo.cli.text import one_line

if TYPE_CHECKING:
    from todo.client import Agent, NewApiToken, PastChange
    from todo.client.models import Permission

PERMISSIONS = ("create", "edit", "complete", "delete", "undo")
MINUTES = "%Y-%m-%d %H:%M"
_KINDS = {"create": "created", "delete": "deleted", "restore": "restored", "purge": "erased"}

agents = typer.Typer(invoke_without_command=True, help="Assistants that may change your tasks.", rich_markup_mode=None)
Which = Annotated[
    str,
    typer.Argument(metavar="AGENT", help="Its name, or its id or the beginning of it, as `todo agents list` shows."),
]


@agents.callback()
def agents_alone(context: typer.Context, json: Json = False) -> None:
    """List them, where no command is named."""
    if context.invoked_subcommand is None:
        agents_list(json=json)


@agents.command("list")
def agents_list(json: Json = False) -> None:
    """List the agents: what each may do, when its token was last used, and what it changed.

    `todo agents` alone does the same. Some have no token: they used a login, or their token was revoked.
    """
    with connected() as client:
        found = client.agents()
    if json:
        print_json(found)
    elif not found and on_terminal():
        say("no agents: `todo agents add NAME` makes a token for one")
    else:
        columns = ("id", "name", "may", "tag", "last used", "changes", "last change")
        print_rows(*columns, rows=[_row(each, whole=not on_terminal()) for each in found])


def _row(agent: "Agent", *, whole: bool) -> tuple[str, ...]:
    return (
        agent.id if whole else agent.id[:8],
        agent.name,
        _may(agent),
        f"#{agent.tag}" if agent.tag else "",
        _local(agent.last_used_at) or ("never" if agent.token else ""),
        str(agent.changes),
        _local(agent.last_change_at),
    )


def _may(agent: "Agent") -> str:
    """What its token lets it do."""
    if not agent.token:
        return "no token"
    if agent.expires_at is not None and agent.expires_at <= datetime.now(UTC):
        return "expired"
    reads = agent.scope == "read" or agent.permissions == ()
    may = "read" if reads else ", ".join(agent.permissions or ("everything",))
    return f"{may} until {_local(agent.expires_at)[:10]}" if agent.expires_at else may


def _local(moment: "datetime | None") -> str:
    return f"{moment.astimezone():{MINUTES}}" if moment else ""


@agents.command("add")
def agents_add(
    name: Annotated[str, typer.Argument(help="Its name, which the log of changes has.")],
    tag: Annotated[str | None, typer.Option(help="Only tasks with this tag are there for it.")] = None,
    allow: Annotated[str | None, typer.Option(help=f"Some of {','.join(PERMISSIONS)} [all].")] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="It may change nothing.")] = False,
    deletions_per_hour: Annotated[
        int | None, typer.Option(min=0, help="How many tasks it may delete an hour [what the server allows].")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="When its token ends: a span such as 90d, or a date [never].")
    ] = None,
    json: Json = False,
) -> None:
    """Make a token for an assistant. It is printed this once.

    On a terminal with what to write into the configuration of an MCP client, which then starts `todo mcp`.
    """
    permissions = _permissions(allow, read_only=read_only)
    ends = moment(expires, "--expires") if expires else None
    with connected() as client:
        made = client.create_token(
            name,
            "read" if read_only else "write",
            expires_at=ends,
            agent=True,
            permissions=permissions,
            tag=tag.removeprefix("#") if tag else None,
            deletions_per_hour=deletions_per_hour,
        )
        url = client.url
    if json:
        print_json(made)
        return
    print_secret(made.token)
    if on_terminal():
        say("for an MCP client, such as one that reads .mcp.json:")
        print_json(mcp_configuration(url, made))


def _permissions(allow: str | None, *, read_only: bool) -> "list[Permission] | None":
    if allow is None:
        return None
    if read_only:
        raise UsageError("--allow and --read-only: choose one of them")
    names = [name.strip().lower() for name in allow.split(",")]
    if not {*names} <= {*PERMISSIONS}:
        raise UsageError(f"--allow: some of {','.join(PERMISSIONS)}, with commas between")
    return cast("list[Permission]", names)


def mcp_configuration(url: str, made: "NewApiToken") -> dict[str, Any]:
    """What an MCP client needs to start `todo mcp` as this agent."""
    server = {
        "command": shutil.which(sys.argv[0]) or "todo",
        "args": ["mcp"],
        "env": {"TODO_URL": url, "TODO_TOKEN": made.token},
    }
    return {"mcpServers": {"todo": server}}


@agents.command("changes")
def agents_changes(
    agent: Which,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many [all].")] = None,
    json: Json = False,
) -> None:
    """List what an agent changed, the newest first: revision, time, what, and the task's title."""
    with connected() as client:
        changes = islice(client.agent_changes(found(client.agents(), agent).id), limit)
        if json:
            print_json_array(changes)
        else:
            print_rows("revision", "at", "what", "task", rows=(_change_row(each) for each in changes))


def _change_row(change: "PastChange") -> tuple[str, ...]:
    title = f"“{change.task.title}”" if change.task else "an erased task"
    back = f", back from {change.undoes}" if change.undoes else ""
    return str(change.revision), _local(change.at), _what(change) + back, title


def _what(change: "PastChange") -> str:
    fields = sorted(change.before or {})
    if change.kind != "update":
        return _KINDS.get(change.kind, change.kind)
    if "completed" in fields:
        return "completed" if change.task and change.task.completed else "reopened"
    return f"changed {', '.join(fields)}" if fields else "changed"


@agents.command("revoke")
def agents_revoke(agent: Which, json: Json = False) -> None:
    """Revoke an agent's token: it is refused everywhere within 30 seconds. What it changed stays."""
    with connected() as client:
        known = client.agents()
        which = found(known, agent, among=lambda each: each.token)
        if not which.token:
            raise CommandError(f"{one_line(which.name)} has no token that could be revoked")
        client.revoke_token(which.id)
    if json:
        print_json(which)
    else:
        back = f"; to take back what it did: todo agents undo {which.id}" if which.changes else ""
        say(f"revoked {which.name}{back}")


@agents.command("undo")
def agents_undo(
    agent: Which,
    since: Annotated[
        str | None, typer.Option(help="Only what it did since: a span such as 2h, or a date or time [all].")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be taken back.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before.")] = False,
    json: Json = False,
) -> None:
    """Take back what an agent changed.

    What somebody else has altered afterwards stays, and is named. One `todo undo` of the revision that it prints does
    all of it again.
    """
    begin = moment(since, "--since", ago=True) if since else None
    with connected() as client:
        which = found(client.agents(), agent)
        ask = sys.stdin.isatty() and not yes
        take_back(client, which, begin, dry_run=dry_run, ask=ask, json=json)


def found(known: "list[Agent]", text: str, *, among: "Callable[[Agent], bool] | None" = None) -> "Agent":
    """The agent with this id, name or beginning of an id; where several have the name, the only one `among` them.

    Raises CommandError.
    """
    same = [each for each in known if each.id == text.lower()] or [each for each in known if each.name == text]
    alike = same or [each for each in known if text and each.id.startswith(text.lower())]
    if len(alike) > 1 and among is not None:
        alike = [each for each in alike if among(each)] or alike
    if len(alike) == 1:
        return alike[0]
    if not alike:
        raise CommandError(f"there is no agent {text!r}: `todo agents` lists them")
    several = "; ".join(f"{each.id} {one_line(each.name)}{'' if each.token else ' (no token)'}" for each in alike)
    raise CommandError(f"{text!r} may be any of these, so give an id: {several}")
