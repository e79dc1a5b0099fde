"""The test stand: Debian's PostgreSQL 15 over TLS, PgBouncer as a serverless provider runs it, a faulty proxy.

Every process is started by the drill, listens on loopback, and ends with the block that started it.
`python -m drills.stand command …` runs a command with the DATABASE_URL of such a PostgreSQL.
"""

import asyncio
import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.support.processes import free_port

POSTGRES = Path("/usr/lib/postgresql/15/bin")
PGBOUNCER = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"


def missing() -> str | None:
    """Which of Debian's packages are not installed here, or None."""
    absent = [name for name, path in (("postgresql-15", POSTGRES), ("pgbouncer", Path(PGBOUNCER))) if not path.exists()]
    return f"needs {' and '.join(absent)} (apt-get install)" if absent else None


def as_postgres() -> dict[str, Any]:
    """Arguments for `subprocess`: the user `postgres` if we are root, as which PostgreSQL and PgBouncer do not run."""
    if os.geteuid():
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def tree(pid: int) -> list[psutil.Process]:
    """A process and its descendants."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def kill(pid: int) -> None:
    """kill -9 of a process and its descendants."""
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def workers_of(pid: int) -> list[psutil.Process]:
    """The worker processes of a `todo serve`."""
    workers = []
    for process in psutil.Process(pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # or a zombie
            if "spawn_main" in " ".join(process.cmdline()):
                workers.append(process)
    return workers


def until(true: Any, seconds: float = 30) -> None:
    """Wait until `true()` is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


@dataclass
class Postgres:
    """A PostgreSQL 15 that accepts only TLS on TCP, with a certificate that can be verified."""

    folder: Path
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_hex(16))
    fsync: bool = True

    def make(self) -> None:
        """Create a cluster with the login `todo`, which is no superuser, and its database."""
        self.folder.mkdir()
        if not os.geteuid():
            shutil.chown(self.folder, "postgres")
        self._run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "server.key", "-out", "server.crt",
        )  # fmt: skip
        self._run(
            str(POSTGRES / "initdb"), "-D", "data", "-U", "postgres", "--auth-local=trust",
            "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8",
        )  # fmt: skip
        hba = self.folder / "data" / "pg_hba.conf"
        hba.write_text("local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n")
        with (self.folder / "data" / "postgresql.auto.conf").open("a") as configuration:
            configuration.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{self.folder}'\n"
                f"ssl = on\nssl_cert_file = '{self.certificate}'\nssl_key_file = '{self.folder}/server.key'\n"
                f"max_connections = 200\nfsync = {self.fsync}\n"
            )
        self.start()
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            connection.execute(f"create role todo login createdb createrole password '{self.password}'".encode())
            connection.execute("create database todo owner todo")

    @property
    def certificate(self) -> Path:
        return self.folder / "server.crt"

    @property
    def superuser(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}&port={self.port}"

    def url(self, port: int | None = None, extra: str = "&channel_binding=require") -> str:
        """The URL for the login `todo` over TLS with the certificate verified; `port` is that of a pooler or proxy."""
        verified = f"sslmode=verify-full&sslrootcert={self.certificate}"
        return f"postgresql://todo:{self.password}@127.0.0.1:{port or self.port}/todo?{verified}{extra}"

    def start(self) -> None:
        """Start the postmaster; retried, as its last children may still hold the shared memory after a kill."""
        command = [str(POSTGRES / "pg_ctl"), "start", "-D", "data", "-l", "log", "-w", "-s"]
        until(lambda: not self._run(*command, check=False).returncode)

    def stop(self, mode: str = "fast") -> None:
        self._run(str(POSTGRES / "pg_ctl"), "stop", "-D", "data", "-m", mode, "-w", "-s", check=False)

    def kill(self) -> None:
        """kill -9 of the postmaster and all of its children."""
        kill(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]))

    def terminate(self) -> int:
        """Terminate every connection, as an administrator or a serverless provider does; how many there were."""
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            query = "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'todo'"
            return int((connection.execute(query).fetchone() or [0])[0])

    def _run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command,
            cwd=self.folder,
            check=check,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a pipe would stay open as long as the postmaster lives
            stderr=subprocess.DEVNULL,
            **as_postgres(),
        )


@contextmanager
def postgres_15(folder: Path, *, fsync: bool = True) -> Iterator[Postgres]:
    """A PostgreSQL 15 that runs while the block does."""
    for parent in (folder, *folder.parents):  # the user postgres must be able to traverse them
        if not os.geteuid() and parent != Path("/") and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o001)
    postgres = Postgres(folder / "postgres-15", fsync=fsync)
    try:
        postgres.make()
        yield postgres
    finally:
        postgres.stop("immediate")


@dataclass
class Bouncer:
    """PgBouncer in transaction mode, TLS on both sides."""

    postgres: Postgres
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def make(self, size: int = 20) -> None:
        """Configure it for `size` connections to the server, and start it."""
        self.folder.mkdir()
        key = self.postgres.folder / "server.key"
        (self.folder / "users.txt").write_text(f'"todo" "{self.postgres.password}"\n')
        (self.folder / "pgbouncer.ini").write_text(
            f"[databases]\ntodo = host=127.0.0.1 port={self.postgres.port} dbname=todo\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\npool_mode = transaction\n"
            f"auth_type = scram-sha-256\nauth_file = {self.folder}/users.txt\nadmin_users = todo\n"
            f"default_pool_size = {size}\nmax_client_conn = 500\nserver_login_retry = 1\n"
            f"client_tls_sslmode = require\nclient_tls_key_file = {key}\n"
            f"client_tls_cert_file = {self.postgres.certificate}\nserver_tls_sslmode = verify-full\n"
            f"server_tls_ca_file = {self.postgres.certificate}\nlogfile = {self.folder}/log\n"
            f"ignore_startup_parameters = extra_float_digits\n"
        )
        if not os.geteuid():
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, "postgres")
        self.start()

    @property
    def url(self) -> str:
        return self.postgres.url(self.port, "")

    def start(self) -> None:
        """Start it, and wait until it accepts a connection."""
        command = [PGBOUNCER, "-q", str(self.folder / "pgbouncer.ini")]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_postgres()
        )
        until(self._accepts)

    def _accepts(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            self.console("show version")
            return True
        return False

    def stop(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)

    def console(self, command: str) -> None:
        """Run a command of the administrator's console: PAUSE, RESUME, …"""
        url = self.url.replace("/todo?", "/pgbouncer?")
        with psycopg.connect(url, autocommit=True, connect_timeout=5, prepare_threshold=None) as connection:
            psycopg.ClientCursor(connection).execute(command.encode())


@contextmanager
def bouncer_for(postgres: Postgres, size: int = 20) -> Iterator[Bouncer]:
    """A PgBouncer in front of that PostgreSQL, while the block runs."""
    bouncer = Bouncer(postgres, postgres.folder.parent / "pgbouncer")
    try:
        bouncer.make(size)
        yield bouncer
    finally:
        bouncer.stop()


class FaultyProxy:
    """A TCP proxy that can delay, reset and half-close connections, and cut them in the middle of a message."""

    def __init__(self, port: int) -> None:
        self._target_port = port
        self.port = 0
        self.delay = 0.0  # seconds that each chunk is delayed
        self.cut: int | None = None  # bytes of the next chunk that still pass before both sides are closed
        self.cut_response: int | None = None  # the same for the next chunk from the target
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def __call__(self) -> Any:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def reset(self) -> None:
        """Reset all connections (RST): data in transit is lost."""
        for pair in self._pairs:
            for writer in pair:
                writer.transport.abort()

    def half_close(self) -> None:
        """Close the direction to the client (FIN) of all connections, and keep the other one."""
        for client, _ in self._pairs:
            with contextlib.suppress(OSError, RuntimeError):
                client.write_eof()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        pair = writer, other_writer
        self._pairs.add(pair)
        for source, sink, from_target in ((reader, other_writer, False), (other_reader, writer, True)):
            task = asyncio.create_task(self._copy(source, sink, pair, from_target=from_target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _copy(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        *,
        from_target: bool,
    ) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            while data := await reader.read(65_536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if from_target and self.cut_response is not None:
                    writer.write(data[: self.cut_response])
                    self.cut_response = None
                    break
                if self.cut is not None:
                    writer.write(data[: self.cut])
                    self.cut = None
                    break
                writer.write(data)
                await writer.drain()
        self._pairs.discard(pair)
        for each in pair:
            with contextlib.suppress(OSError, RuntimeError):
                each.close()


def main(command: list[str]) -> int:
    """Run a command with a temporary PostgreSQL 15; its exit status."""
    with tempfile.TemporaryDirectory() as folder, postgres_15(Path(folder), fsync=False) as postgres:
        return subprocess.run(command, env={**os.environ, "DATABASE_URL": postgres.url()}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
