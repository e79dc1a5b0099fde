"""compose.yaml: what it says is right, and its services run together, as processes with the same files.

PostgreSQL and PgBouncer are Debian's here (15 and 1.18); their images, and Docker itself, are not tried.
"""

import configparser
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from drills import stand
from tests.deploy.containerfile import parse
from tests.support.doctor import examined, levels
from tests.support.processes import created, free_port, listed, run_command, serving, signed_up
from todo.doctor.machine import GRACE
from todo.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
BOUNCER = ROOT / "deploy" / "pgbouncer.ini"

KNOWN = {
    "build", "cap_add", "cap_drop", "command", "depends_on", "env_file", "environment", "healthcheck", "image",
    "logging", "networks", "ports", "read_only", "restart", "secrets", "security_opt", "shm_size", "stop_grace_period",
    "stop_signal", "tmpfs", "volumes",
}  # fmt: skip
"""Elements of a service in the Compose specification that are used here; another one is taken for a mistake."""

CONDITIONS = {"service_healthy", "service_completed_successfully"}


class TestTheFile:
    def test_only_known_elements_are_used(self) -> None:
        assert {name for name in COMPOSE if not name.startswith("x-")} == {
            "name", "services", "networks", "volumes", "secrets",
        }  # fmt: skip
        for name, service in SERVICES.items():
            assert set(service) <= KNOWN, name

    @pytest.mark.parametrize("name", SERVICES)
    def test_every_service_is_confined(self, name: str) -> None:
        service = SERVICES[name]
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
        assert "privileged" not in service

    def test_what_is_named_exists(self) -> None:
        for service in SERVICES.values():
            assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
            assert set(service["networks"]) <= set(COMPOSE["networks"])
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                assert (ROOT / source).is_file() if source.startswith("./") else source in COMPOSE["volumes"]
            for needed, how in service.get("depends_on", {}).items():
                assert how["condition"] in CONDITIONS
                assert "healthcheck" in SERVICES[needed] or how["condition"] != "service_healthy"

    def test_the_migration_comes_before_the_server(self) -> None:
        assert SERVICES["todo"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert SERVICES["migrate"]["command"] == ["db", "upgrade"]
        assert set(SERVICES["migrate"]["depends_on"]) == {"postgres"}  # by the direct URL

    def test_no_password_is_in_the_file_and_none_has_a_default(self) -> None:
        text = (ROOT / "compose.yaml").read_text()
        assert not re.findall(r"(?i)password: *[^\s{]", text)
        assert [entry["required"] for entry in SERVICES["todo"]["env_file"]] == [True]
        assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
        ignored = (ROOT / ".gitignore").read_text()
        for secret in COMPOSE["secrets"].values():
            assert f"{Path(secret['file']).parent}/" in ignored

    def test_only_todo_can_be_reached_and_only_from_this_machine(self) -> None:
        assert [name for name, service in SERVICES.items() if "ports" in service] == ["todo"]
        port = parse((ROOT / "Containerfile").read_text())["todo"].env["PORT"]
        assert SERVICES["todo"]["ports"] == [f"127.0.0.1:{port}:{port}"]
        assert COMPOSE["networks"]["database"] == {"internal": True}

    def test_the_server_has_the_time_that_a_stop_takes(self) -> None:
        environment = SERVICES["todo"]["environment"]
        assert {name.lower() for name in environment} <= set(Settings.model_fields)
        grace = float(SERVICES["todo"]["stop_grace_period"].removesuffix("s"))
        assert grace > float(environment["SHUTDOWN_DELAY"]) + GRACE

    def test_the_pooler_has_fewer_servers_than_postgresql_and_a_longer_wait_than_todo(self) -> None:
        settings = bouncer_settings()
        options = SERVICES["postgres"]["command"]
        [most] = [int(option.partition("=")[2]) for option in options if option.startswith("max_connections")]
        assert settings["pool_mode"] == "transaction"
        assert int(settings["default_pool_size"]) + 10 < most
        clients = int(SERVICES["todo"]["environment"]["WORKERS"]) * int(Settings.model_fields["pool_size"].default)
        assert clients < int(settings["max_client_conn"])
        assert float(settings["query_wait_timeout"]) > float(Settings.model_fields["statement_timeout"].default)


def bouncer_settings() -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(BOUNCER)
    return dict(parser["pgbouncer"])


def replaced(text: str, **values: str) -> str:
    """The text with these settings given other values, each of which it must have once."""
    for name, value in values.items():
        text, count = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value}", text)
        assert count == 1, name
    return text


class Topology(stand.Postgres):
    """PostgreSQL and PgBouncer with the files of compose.yaml, on free ports."""

    def make(self) -> None:
        self.folder.mkdir()
        subprocess.run(
            ["sh", ROOT / "deploy" / "compose" / "make-secrets.sh", self.secrets], check=True, capture_output=True
        )
        if not os.geteuid():
            subprocess.run(["chown", "-R", "postgres", self.folder], check=True)
        (self.folder / "password").write_text(self.secret("postgres_password"))
        auth = shlex.split(SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"])
        initdb = [str(stand.POSTGRES / "initdb"), "-D", "data", "-U", "postgres", "--encoding=UTF8", "--locale=C.UTF-8"]
        self._run(*initdb, "--auth-local=trust", *auth)
        options = SERVICES["postgres"]["command"][2::2]
        with (self.folder / "data" / "postgresql.auto.conf").open("a") as configuration:
            configuration.write(
                "".join(f"{name} = '{value}'\n" for name, _, value in (o.partition("=") for o in options))
            )
            configuration.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nfsync = off\n")
            configuration.write(f"unix_socket_directories = '{self.folder}'\n")
        self.start()
        subprocess.run(
            ["sh", ROOT / "deploy" / "compose" / "init-database.sh"],
            env={**os.environ, "PGHOST": str(self.folder), "PGPORT": str(self.port),
                 "TODO_PASSWORD_FILE": str(self.secrets / "todo_password")},
            check=True, capture_output=True,
        )  # fmt: skip

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def secret(self, name: str) -> str:
        return (self.secrets / name).read_text()

    @contextmanager
    def bouncer(self) -> Iterator[int]:
        """The port of PgBouncer, which runs as long as the block."""
        file, port = self.folder / "pgbouncer.ini", free_port()
        file.write_text(
            replaced(
                BOUNCER.read_text(),
                todo=f"host=127.0.0.1 port={self.port} dbname=todo",
                listen_addr="127.0.0.1",
                listen_port=str(port),
                auth_file=str(self.secrets / "pgbouncer_users"),
            )
        )
        command = [stand.PGBOUNCER, "-q", str(file)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, **stand.as_postgres()) as process:
            try:
                yield port
            finally:
                process.kill()

    def environment(self, port: int) -> dict[str, str]:
        """What `env_file` gives to the containers, with the services' names and ports replaced."""
        given = dict(line.split("=", 1) for line in self.secret("todo.env").splitlines())
        places = {"@pgbouncer:6432/": f"@127.0.0.1:{port}/", "@postgres:5432/": f"@127.0.0.1:{self.port}/"}
        for name in given:
            [place] = [place for place in places if place in given[name]]
            given[name] = given[name].replace(place, places[place])
        return {name.lower(): value for name, value in given.items()}


@pytest.mark.slow
@pytest.mark.skipif(bool(stand.missing()) and not os.environ.get("REQUIRE_PGBOUNCER"), reason=str(stand.missing()))
def test_the_services_work_together(tmp_path: Path) -> None:
    topology = Topology(tmp_path / "stand", fsync=False)
    try:
        topology.make()
        with topology.bouncer() as port:
            given = topology.environment(port)
            password = topology.secret("todo_password")
            migrated = run_command(*SERVICES["migrate"]["command"], **given)
            assert migrated.returncode == 0, migrated.stderr
            environment = {name.lower(): value for name, value in SERVICES["todo"]["environment"].items()}
            with serving(tmp_path, **given, **environment) as server:
                tasks, token = signed_up(server)
                made = created(server, tasks, token, 30)
                assert listed(server, tasks, token) == made
                with server.http.stream("GET", tasks.replace("/tasks", "/changes/stream"), headers=token) as stream:
                    pieces = stream.iter_text()
                    assert "retry" in next(pieces)
                    created(server, tasks, token, 1)
                    assert "event: change" in next(pieces)
                found = examined("--grace", "30", status=0, **given, **environment)
                assert levels(found, "pooler", "direct url", "login", "row-level security", "logins") == dict.fromkeys(
                    ("pooler", "direct url", "login", "row-level security", "logins"), "ok"
                )
                assert server.stop() == 0
            assert password not in server.log.read_text()
            assert "other logins" not in server.log.read_text()
    finally:
        topology.stop("immediate")


def test_the_passwords_are_random_and_made_once(tmp_path: Path) -> None:
    script: list[str | Path] = ["sh", ROOT / "deploy" / "compose" / "make-secrets.sh"]
    for name in ("one", "two"):
        subprocess.run([*script, tmp_path / name], check=True)
    again = subprocess.run([*script, tmp_path / "one"], check=False, capture_output=True, text=True)

    first, second = ((tmp_path / name / "todo_password").read_text() for name in ("one", "two"))
    assert first != second
    assert re.fullmatch("[0-9a-f]{48}", first)
    assert first not in (tmp_path / "one" / "postgres_password").read_text()
    assert (tmp_path / "one").stat().st_mode & 0o077 == 0
    assert (tmp_path / "one" / "todo.env").stat().st_mode & 0o077 == 0
    assert again.returncode == 1
    assert "exists already" in again.stderr
