"""Where a PostgreSQL that is sharded by user would send each statement, as docs/reference/shards.md.

It plans every compiled statement of the application on the schema of the migrations, and looks whether each reading of
a distributed table names its owner (`user_id = $n`), so that one shard can answer.
`python -m drills.shards > docs/reference/shards.md` writes the page.
"""

import importlib
import itertools
import pkgutil
import re
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

import todo
from todo.db import migrate
from todo.db.embedded import server
from todo.db.statement import Statement
from todo.tasks.filters import CONDITIONS
from todo.tasks.finding import Begin, page_statement
from todo.tasks.sorting import ORDERS

DISTRIBUTED = {"users": "id", "tasks": "user_id", "changes": "user_id", "idempotency": "user_id"}
"""The distributed tables, and the column by which; the others are reference tables."""

ONE, EVERY, REFERENCE, NONE = "one shard", "every shard", "reference tables", "no table"

EXCEPTIONS = {
    "todo.accounts.actions.ALL_USERS": "`todo user list`: all users of the deployment",
    "todo.accounts.actions.RECORD_ISSUER": "at start, once: whether there is any user",
    "todo.accounts.actions.SIGN_IN": "a sign-in: the user of an e-mail address",
    "todo.accounts.sessions.ROTATE": "a refresh: the user of a session",
    "todo.accounts.sessions.USER": "a refresh that is repeated: the user of a session",
    "todo.changes.actions.REVISIONS": "the query that all event streams of a worker share, 2.5 times a second",
    **dict.fromkeys(
        ("todo.retention.EXPIRED[changes]", "todo.retention.EXPIRED[trash]", "todo.retention.EXPIRED[keys]"),
        "the deletion of expired data, once an hour",
    ),
}
"""Statements that belong to no single user, and what they are for."""

TYPES = {"body": "bytea", "tokens_live": "interval"}
"""Types of parameters that PostgreSQL cannot infer where it plans a statement without their values."""

CONDITIONS_OF_A_SCAN = ("Index Cond", "Recheck Cond", "Filter")


def statements() -> Iterator[tuple[str, Statement[Any]]]:
    """Every statement of the application, by its place; those that are composed from a request are named `find`."""
    for module in pkgutil.walk_packages(todo.__path__, "todo."):
        if ".migrations" in module.name:
            continue
        for name, value in sorted(vars(importlib.import_module(module.name)).items()):
            if isinstance(value, Statement):
                yield f"{module.name}.{name}", value
            elif isinstance(value, dict):
                for key, each in value.items():
                    if isinstance(each, Statement):
                        yield f"{module.name}.{name}[{key}]", each
    for sort, begin, large in itertools.product(ORDERS, Begin, (False, True)):
        for condition in CONDITIONS:
            if begin is not Begin.AFTER_NULL or ORDERS[sort].nulls:
                yield "todo.tasks.finding.page_statement", page_statement((condition,), sort, begin, large=large)


def routing(connection: psycopg.Connection[Any], statement: Statement[Any]) -> str:
    """Where a statement would be sent."""
    plan = connection.execute(b"explain (generic_plan, verbose, format json) " + typed(statement)).fetchall()[0][0]
    nodes = [*walk(plan[0]["Plan"])]
    tables = {node["Relation Name"] for node in nodes if "Relation Name" in node}
    if not tables & set(DISTRIBUTED):
        return REFERENCE if tables else NONE
    scans = [node for node in nodes if node.get("Relation Name") in DISTRIBUTED and "Alias" in node]
    scans = [node for node in scans if node["Node Type"] != "ModifyTable"]
    return ONE if all(map(names_owner, scans)) else EVERY


def typed(statement: Statement[Any]) -> bytes:
    text = statement.sql
    for number, name in enumerate(statement.names, 1):
        interval = "interval" if isinstance(statement.constants.get(name), timedelta) else None
        if kind := TYPES.get(name, interval):
            text = re.sub(rb"\$%d\b(?!::)" % number, b"$%d::%s" % (number, kind.encode()), text)
    return text


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", []):
        yield from walk(below)


def names_owner(scan: dict[str, Any]) -> bool:
    """Whether a scan reads the rows of one user, whom a parameter names."""
    texts = [str(node.get(name, "")) for node in walk(scan) for name in CONDITIONS_OF_A_SCAN]
    column = DISTRIBUTED[scan["Relation Name"]]
    return any(re.search(rf"\b{column}\)?(?:::text)? = \(?\$\d", text) for text in texts)


def found(url: str) -> dict[str, str]:
    """Where each statement would be sent. Needs a superuser: policies would add their own condition."""
    places: dict[str, set[str]] = {}
    with psycopg.connect(url, autocommit=True) as connection:
        for name, statement in statements():
            places.setdefault(name, set()).add(routing(connection, statement))
    return {name: EVERY if EVERY in where else where.pop() for name, where in places.items()}


def page(routed: dict[str, str]) -> str:
    """The reference page."""
    exceptions = {name: where for name, where in routed.items() if where == EVERY}
    lines = [
        "# Statements and shards",
        "",
        "Written by `python -m drills.shards > docs/reference/shards.md`, and compared by a test. Every compiled",
        "statement of the application was planned on the schema of the migrations. One that names the owner, as a",
        "parameter, in each",
        "reading of a distributed table (`users` by `id`; `tasks`, `changes` and `idempotency` by `user_id`) needs one",
        "shard ([scaling](../how-to/scaling.md)). Statements that are composed from a request's filters and order are",
        "planned for each condition in each order.",
        "",
        "| statement of every shard | for |",
        "|---|---|",
        *(f"| `{name}` | {EXCEPTIONS.get(name, 'NOT KNOWN')} |" for name in sorted(exceptions)),
        "",
        "| module | one shard | reference tables, or none |",
        "|---|---|---|",
    ]
    modules: dict[str, dict[bool, list[str]]] = {}
    for name, where in sorted(routed.items()):
        if where != EVERY:
            module, _, own = name.rpartition(".")
            modules.setdefault(module, {True: [], False: []})[where == ONE].append(f"`{own}`")
    lines += [f"| `{module}` | {', '.join(by[True])} | {', '.join(by[False])} |" for module, by in modules.items()]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with server.running(Path(folder) / "data") as url:
            migrate.upgrade(url)
            print(page(found(server.superuser(url))), end="")
