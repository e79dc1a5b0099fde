"""The units for systemd: its own tools accept them, and the server makes no system call that they forbid.

They are not started here: systemd is not the first process of a container.
"""

import configparser
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.support.processes import Server, created, listed, signed_up
from todo.doctor.machine import GRACE
from todo.settings import Settings

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
UNITS = sorted(file.name for file in FOLDER.iterdir())
SERVICES = [name for name in UNITS if name.endswith(".service")]
ANALYZE = shutil.which("systemd-analyze")
STRACE = shutil.which("strace")

needs_systemd = pytest.mark.skipif(
    ANALYZE is None and "REQUIRE_SYSTEMD" not in os.environ, reason="needs systemd-analyze (apt-get install systemd)"
)

AS_ROOT = {"setuid", "setgid", "setgroups", "setreuid", "setregid", "chown", "fchown", "fchownat"}
"""What the embedded PostgreSQL needs where root starts it, as these tests may; the unit has a user."""


def unit(name: str) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign] # names of systemd have capitals
    parser.read(FOLDER / name)
    return {section: dict(parser[section]) for section in parser.sections()}


@needs_systemd
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    assert ANALYZE
    for name in UNITS:  # the programs of a unit must exist
        text = (FOLDER / name).read_text().replace("/opt/todo/bin/todo", "/bin/true")
        (tmp_path / name).write_text(text)

    done = subprocess.run([ANALYZE, "verify", *(tmp_path / name for name in UNITS)], capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if "todo" in line]
    assert (done.returncode, ours) == (0, [])

    (tmp_path / "todo.service").write_text((tmp_path / "todo.service").read_text().replace("PrivateTmp", "PrivatTmp"))
    broken = subprocess.run([ANALYZE, "verify", tmp_path / "todo.service"], capture_output=True, text=True)
    assert "PrivatTmp" in broken.stderr


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_confined(name: str) -> None:
    assert ANALYZE
    done = subprocess.run(
        [ANALYZE, "security", "--offline=yes", "--threshold=20", "--no-pager", FOLDER / name],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout  # an exposure of 2.0 of 10 at most


def test_the_server_has_the_time_that_a_stop_takes() -> None:
    service = unit("todo.service")["Service"]
    assert float(service["TimeoutStopSec"]) > 30 + GRACE  # the largest SHUTDOWN_DELAY that is advised
    assert int(service["LimitNOFILE"]) > Settings.model_fields["max_connections"].default


@pytest.mark.parametrize("name", SERVICES)
def test_variables_are_settings_and_commands_exist(name: str) -> None:
    import typer.main

    from todo.cli import app

    service = unit(name)["Service"]
    variables = {pair.partition("=")[0] for pair in service["Environment"].split()} - {"PYTHONUNBUFFERED"}
    assert {variable.lower() for variable in variables} <= set(Settings.model_fields)
    found = re.search(r"/opt/todo/bin/todo ([a-z]+)", service["ExecStart"])
    assert found
    command = typer.main.get_command(app).commands[found[1]]  # type: ignore[attr-defined] # a group has them
    for option in re.findall(r"--[a-z-]+", service["ExecStart"]):
        assert option in {name for parameter in command.params for name in parameter.opts}


@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".timer")])
def test_a_timer_starts_its_service(name: str) -> None:
    assert name.replace(".timer", ".service") in SERVICES
    assert unit(name)["Timer"]["Persistent"] == "yes"
    if ANALYZE:
        subprocess.run([ANALYZE, "calendar", unit(name)["Timer"]["OnCalendar"]], check=True, capture_output=True)


@pytest.mark.slow
@needs_systemd
@pytest.mark.skipif(STRACE is None and "REQUIRE_STRACE" not in os.environ, reason="needs strace")
def test_the_server_makes_no_system_call_that_the_unit_forbids(tmp_path: Path) -> None:
    assert ANALYZE
    assert STRACE
    trace = tmp_path / "trace"

    class Traced(Server):
        COMMAND = (STRACE or "", "-f", "-qq", "-o", str(trace), *Server.COMMAND)

    server = Traced(tmp_path, data_dir=tmp_path / "data").ready()
    try:
        tasks, token = signed_up(server)
        made = created(server, tasks, token, 3)
        assert listed(server, tasks, token) == made
        [traced] = psutil.Process(server.process.pid).children()
        traced.send_signal(signal.SIGTERM)  # strace keeps signals to itself
        server.process.wait(60)
    finally:
        server.process.kill()
        server.http.close()
    called = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE))
    allowed: set[str] = set()
    for words in re.findall(r"^SystemCallFilter=(.+)$", (FOLDER / "todo.service").read_text(), re.MULTILINE):
        calls = {call for word in words.lstrip("~").split() for call in calls_of(word)}
        allowed = allowed - calls if words.startswith("~") else allowed | calls
    assert len(called) > 50
    assert called - allowed - AS_ROOT == set()


def calls_of(group: str) -> set[str]:
    """The system calls of a group, those of the groups in it included, or the one of this name."""
    assert ANALYZE
    if not group.startswith("@"):
        return {group}
    listed = subprocess.run([ANALYZE, "syscall-filter", group], capture_output=True, text=True, check=True).stdout
    found = set()
    for line in listed.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= calls_of(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return found
