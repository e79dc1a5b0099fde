"""The stand: PostgreSQL with what was loaded, people with tokens, and how one measures on it."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jwt
import psutil

from bench import data, machine
from bench.contestants import SECRET, Contestant, Running
from bench.load import Figures, Load, measure, pgbench, pgbench_script
from todo import embedded
from todo.accounts.keys import load_keys
from todo.database import Database
from todo.settings import Settings

TOKENS_LIVE = 86_400


class Stand:
    """Two databases with the same people: `ours`, and `plain`, which the peers share."""

    def __init__(self, url: str, folder: Path, *, users: int, rounds: int, seconds: float) -> None:
        self.folder = folder
        self.users = users
        self.rounds = rounds
        self.seconds = seconds
        self._url = url
        sockets = Path(parse_qs(urlsplit(url).query)["host"][0])
        self.postgres = psutil.Process(int((sockets / "postmaster.pid").read_text().splitlines()[0]))
        for process in (self.postgres, *self.postgres.children(recursive=True)):
            machine.pin(process.pid, machine.REST)
        self._began = time.monotonic()
        self._people: dict[str, tuple[Path, str]] = {}

    def say(self, what: str) -> None:
        """A line on what is done, and when."""
        print(f"{time.monotonic() - self._began:6.0f} s  {what}", flush=True)

    def url(self, database: str) -> str:
        """Of the owner, as whom everybody works."""
        return urlsplit(self._url)._replace(path=f"/{database}").geturl()

    def root_url(self, database: str) -> str:
        """Of the superuser, who loads and looks."""
        return self.url(database).replace(embedded.OWNER, "postgres", 1)

    def load(self, database: str, sizes: dict[int, int]) -> None:
        """Make the database, with so many tasks of each user, and tokens for the users that are not alone in theirs."""
        data.create(self._url, database)
        (data.load_plain if database == "plain" else data.load_ours)(self.url(database), self.root_url(database), sizes)
        users = [user for user in sizes if user != data.COLLECTOR]
        tokens = _foreign_tokens(sizes) if database == "plain" else asyncio.run(_own_tokens(self.url(database), sizes))
        file = self.folder / f"{database}.people"
        data.write_people(file, {user: tokens[user] for user in users})
        self._people[database] = file, tokens[1]
        if data.COLLECTOR in sizes:
            alone = self.folder / f"{database}.collector"
            data.write_people(alone, {data.COLLECTOR: tokens[data.COLLECTOR]})
            self._people[f"{database}.collector"] = alone, tokens[data.COLLECTOR]
        self.say(f"loaded {database}: {sum(sizes.values()):,} tasks of {len(sizes):,} users")

    def token(self, people: str) -> str:
        """Of the first of these people."""
        return self._people[people][1]

    @contextmanager
    def running(
        self,
        contestants: Sequence[Contestant],
        *,
        url: str | None = None,
        database: str | None = None,
        workers: int = 1,
        cores: frozenset[int] = machine.APP,
    ) -> Iterator[dict[str, Running]]:
        """These servers, started and warm, by name."""
        started: dict[str, Running] = {}
        try:
            for each in contestants:
                people = database or ("ours" if each.kind == "ours" else "plain")
                where = url or self.url(database or each.database)
                server = started[each.name] = Running(each, where, people, workers, cores)
                server.start(self.token(people))
            yield started
        finally:
            for server in started.values():
                server.stop()

    def measure(
        self, server: Running, operation: str, *, connections: int = 16, seconds: float | None = None
    ) -> Figures:
        """Ask one operation of it for a round's time, or so many seconds."""
        load = Load(self._people[server.people][0], data.TASKS, seconds or self.seconds)
        return measure(server.port, server.process, self.postgres, load, operation, connections)

    def pgbench(self, operation: str) -> Figures:
        """The same of the database alone."""
        script = self.folder / f"{operation}.sql"
        script.write_text(pgbench_script(operation, self.users, data.TASKS))
        return pgbench(embedded.binaries() / "pgbench", self.url("ours"), self.postgres, script, self.seconds)


async def _own_tokens(url: str, users: dict[int, int]) -> dict[int, str]:
    """Access tokens of this server's own accounts."""
    async with Database(url, Settings(database_url=url)) as database:
        keys = await load_keys(database, TOKENS_LIVE)
    return {user: keys.issue(data.user_id(user), "bench", TOKENS_LIVE) for user in users}


def _foreign_tokens(users: dict[int, int]) -> dict[int, str]:
    """The same people's tokens for the peers, signed with the algorithm that is cheapest to verify."""
    until = int(time.time()) + TOKENS_LIVE
    return {user: jwt.encode({"sub": data.user_id(user), "exp": until}, SECRET, "HS256") for user in users}
