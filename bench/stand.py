"""The test stand: PostgreSQL with the loaded data, users with tokens, and the measurements."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jwt
import psutil

from bench import data, machine
from bench.contestants import SECRET, Contestant, Running
from bench.load import Figures, Load, measure, pgbench, pgbench_script
from todo.accounts.issuer import BuiltInIssuer
from todo.db.database import Database
from todo.db.embedded import server as embedded
from todo.settings import Settings

TOKEN_LIFETIME = 86_400


class Stand:
    """Two databases with the same users: `ours`, and `plain`, which the peers share."""

    def __init__(self, url: str, folder: Path, *, users: int, rounds: int, seconds: float) -> None:
        self.folder = folder
        self.users = users
        self.rounds = rounds
        self.seconds = seconds
        self._url = url
        sockets = Path(parse_qs(urlsplit(url).query)["host"][0])
        self.postgres = psutil.Process(int((sockets / "postmaster.pid").read_text().splitlines()[0]))
        for process in (self.postgres, *self.postgres.children(recursive=True)):
            with suppress(ProcessLookupError):  # it was a short one
                machine.pin(process.pid, machine.REST)
        self._began = time.monotonic()
        self._tokens: dict[str, tuple[Path, str]] = {}

    def log(self, what: str) -> None:
        """Print what is done, after how many seconds."""
        print(f"{time.monotonic() - self._began:6.0f} s  {what}", flush=True)

    def url(self, database: str) -> str:
        """The URL of a database for its owner, which every server uses."""
        return urlsplit(self._url)._replace(path=f"/{database}").geturl()

    def root_url(self, database: str) -> str:
        """The URL of a database for the superuser, which loads the data."""
        return self.url(database).replace(embedded.OWNER, "postgres", 1)

    def load(self, database: str, sizes: dict[int, int]) -> None:
        """Create the database, with so many tasks of each user, and tokens for the users."""
        data.create(self._url, database)
        (data.load_plain if database == "plain" else data.load_ours)(self.url(database), self.root_url(database), sizes)
        users = [user for user in sizes if user != data.LARGE_USER]
        tokens = _external_tokens(sizes) if database == "plain" else asyncio.run(_own_tokens(self.url(database), sizes))
        file = self.folder / f"{database}.users"
        data.write_users(file, {user: tokens[user] for user in users})
        self._tokens[database] = file, tokens[1]
        if data.LARGE_USER in sizes:
            file = self.folder / f"{database}.large_user"
            data.write_users(file, {data.LARGE_USER: tokens[data.LARGE_USER]})
            self._tokens[f"{database}.large_user"] = file, tokens[data.LARGE_USER]
        self.log(f"loaded {database}: {sum(sizes.values()):,} tasks of {len(sizes):,} users")

    def token(self, users: str) -> str:
        """The token of the first of these users."""
        return self._tokens[users][1]

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
        """These servers, started, by name."""
        started: dict[str, Running] = {}
        try:
            for each in contestants:
                users = database or ("ours" if each.kind == "ours" else "plain")
                server_url = url or self.url(database or each.database)
                server = started[each.name] = Running(each, server_url, users, workers, cores)
                server.start(self.token(users))
            yield started
        finally:
            for server in started.values():
                server.stop()

    def measure(
        self, server: Running, operation: str, *, connections: int = 16, seconds: float | None = None
    ) -> Figures:
        """Make requests of one operation for the duration of a round, or for `seconds`."""
        load = Load(self._tokens[server.users][0], data.TASKS, seconds or self.seconds)
        return measure(server.port, server.process, self.postgres, load, operation, connections)

    def pgbench(self, operation: str) -> Figures:
        """The same on the database alone."""
        script = self.folder / f"{operation}.sql"
        script.write_text(pgbench_script(operation, self.users, data.TASKS))
        return pgbench(embedded.binaries() / "pgbench", self.url("ours"), self.postgres, script, self.seconds)


async def _own_tokens(url: str, users: dict[int, int]) -> dict[int, str]:
    """Access tokens of this server's own accounts."""
    async with Database(url, Settings(database_url=url)) as database:
        key = await BuiltInIssuer(database, TOKEN_LIFETIME, leeway=0).signing_key()
    return {user: key.issue(data.user_id(user), "bench", TOKEN_LIFETIME) for user in users}


def _external_tokens(users: dict[int, int]) -> dict[int, str]:
    """Tokens of the same users for the peers, signed with the algorithm that is cheapest to verify."""
    expires_at = int(time.time()) + TOKEN_LIFETIME
    return {user: jwt.encode({"sub": data.user_id(user), "exp": expires_at}, SECRET, "HS256") for user in users}
