"""The files for hosts, and the variables of docs/how-to/platforms.md: names, paths and commands that exist.

No host was asked: what they make of these files is not tried.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from tests.deploy.containerfile import parse
from todo.app import create_app
from todo.cli import app as cli
from todo.doctor.machine import GRACE
from todo.settings import Settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "platforms"
FLY_FILE = tomllib.loads((FOLDER / "fly.toml").read_text())
RENDER = yaml.safe_load((FOLDER / "render.yaml").read_text())
RAILWAY = json.loads((FOLDER / "railway.json").read_text())
STAGES = parse((ROOT / "Containerfile").read_text())
[WEB] = RENDER["services"]
PAGE = (ROOT / "docs" / "how-to" / "platforms.md").read_text()
[RAILWAY_ENV] = re.findall(r"## Railway\n.*?```text\n(.*?)```", PAGE, re.DOTALL)

VARIABLES: dict[str, dict[str, str]] = {
    "fly": FLY_FILE["env"],
    "render": {each["key"]: each["value"] for each in WEB["envVars"] if "value" in each},
    "railway": dict(line.split("=", 1) for line in RAILWAY_ENV.splitlines() if not line.startswith("#")),
}
SECONDS_TO_STOP = {
    "fly": float(FLY_FILE["kill_timeout"].removesuffix("s")),
    "render": float(WEB["maxShutdownDelaySeconds"]),
    "railway": float(RAILWAY["deploy"]["drainingSeconds"]),
}
CHECKS = {
    "fly": FLY_FILE["http_service"]["checks"][0]["path"],
    "render": WEB["healthCheckPath"],
    "railway": RAILWAY["deploy"]["healthcheckPath"],
}
MIGRATIONS = {
    "fly": f"{STAGES['todo'].entrypoint[0]} {FLY_FILE['deploy']['release_command']}",
    "render": WEB["preDeployCommand"],
    "railway": RAILWAY["deploy"]["preDeployCommand"][0],
}


def command(line: str) -> Any:
    """The command of the image's program that a line names. Raises KeyError where there is none."""
    program, *words = line.split()
    assert program == STAGES["todo"].entrypoint[0]
    found: Any = typer.main.get_command(cli)
    for word in words:
        found = found.commands[word]
    return found


@pytest.mark.parametrize("host", VARIABLES)
def test_every_variable_is_a_setting_with_a_valid_value(host: str) -> None:
    given = {name.lower(): value for name, value in VARIABLES[host].items()}
    assert set(given) <= set(Settings.model_fields)
    plain = {name: value for name, value in given.items() if not value.startswith("${{")}  # a reference of Railway's
    settings = Settings.from_environment(**plain)
    assert settings.trusted_proxies
    assert SECONDS_TO_STOP[host] > settings.shutdown_delay + GRACE


@pytest.mark.parametrize("host", VARIABLES)
def test_no_file_has_a_secret(host: str) -> None:
    for name, value in VARIABLES[host].items():
        assert value.startswith("${{") or not re.search("URL|SECRET|KEY", name), name


@pytest.mark.parametrize("host", MIGRATIONS)
def test_the_migration_is_a_command(host: str) -> None:
    assert command(MIGRATIONS[host]).name == "upgrade"


def test_a_command_that_does_not_exist_is_found() -> None:
    with pytest.raises(KeyError):
        command("/opt/todo/bin/todo db upgraded")


def test_the_server_is_started_by_its_command() -> None:
    assert command(RAILWAY["deploy"]["startCommand"]).name == STAGES["todo"].cmd[0] == "serve"
    assert "dockerCommand" not in WEB


@pytest.mark.parametrize("host", CHECKS)
def test_the_health_check_is_a_route(host: str) -> None:
    assert CHECKS[host] == "/health/ready"
    assert CHECKS[host] in create_app(Settings()).openapi()["paths"]


def test_the_image_is_the_default_target() -> None:
    assert (FOLDER / FLY_FILE["build"]["dockerfile"]).resolve() == ROOT / "Containerfile"
    assert FLY_FILE["build"]["build-target"] == [*STAGES][-1] == "todo"
    assert (ROOT / WEB["dockerfilePath"]).resolve() == ROOT / "Containerfile"
    assert (ROOT / RAILWAY["build"]["dockerfilePath"]).resolve() == ROOT / "Containerfile"
    assert [str(FLY_FILE["http_service"]["internal_port"])] == STAGES["todo"].exposed


def test_the_database_is_the_one_that_is_made() -> None:
    [database] = RENDER["databases"]
    [url] = [each for each in WEB["envVars"] if each["key"] == "DATABASE_URL"]
    assert url["fromDatabase"] == {"name": database["name"], "property": "connectionString"}
    assert int(database["postgresMajorVersion"]) >= 15
    assert database["ipAllowList"] == []


def test_a_server_limits_its_own_connections_above_the_proxy() -> None:
    assert FLY_FILE["http_service"]["concurrency"]["hard_limit"] < Settings.model_fields["max_connections"].default
