"""The Containerfile: its stages are built in clean Debian roots, and what they start is used (image.py)."""

import os
import re
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from drills import stand
from tests.conftest import PASSWORD
from tests.deploy import image
from tests.deploy.containerfile import ContainerfileError, Stage, parse
from tests.support.processes import free_port
from todo.settings import Settings

ROOT = Path(__file__).parents[2]
STAGES = parse((ROOT / "Containerfile").read_text())
DEFAULT = [*STAGES][-1]

IN_MEMORY = 8 * 1024**3
"""Bytes of memory that must be available for stages that are built in memory."""

needs_debootstrap = pytest.mark.skipif(
    bool(image.missing()) and "REQUIRE_DEBOOTSTRAP" not in os.environ, reason=str(image.missing())
)


class TestTheFile:
    def test_every_base_is_the_one_that_is_built_here(self) -> None:
        assert {stage.parent for stage in STAGES.values()} - set(STAGES) == {image.BASE}

    @pytest.mark.parametrize("name", ["todo", "embedded"])
    def test_the_images_run_as_a_user_that_is_not_root(self, name: str) -> None:
        stage = STAGES[name]
        assert stage.user == "10001:10001"
        assert (stage.entrypoint, stage.cmd) == (["/opt/todo/bin/todo"], ["serve"])
        assert stage.stop_signal == "SIGTERM"
        assert stage.labels["org.opencontainers.image.title"] == "todo"
        assert stage.health_options["start-period"] == "60s"
        assert stage.exposed == [stage.env["PORT"]]
        assert {variable.lower() for variable in stage.env if variable in {"HOST", "PORT", "DATA_DIR"}} <= set(
            Settings.model_fields
        )

    def test_no_secret_is_in_a_layer(self) -> None:
        for stage in STAGES.values():
            assert not {name for name in {*stage.env, *stage.labels} if "SECRET" in name or "URL" in name}

    def test_every_package_has_a_hash(self) -> None:
        commands = [step.words[0] for stage in STAGES.values() for step, _, _ in stage.steps if step.kind == "RUN"]
        for command in commands:
            for install in command.split("&&"):
                if " install " in install and "pip" in install:
                    assert "--require-hashes" in install or "--no-deps --no-index" in install

    def test_only_what_is_copied_is_sent_to_the_builder(self) -> None:
        lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
        sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
        copied = {
            name
            for stage in STAGES.values()
            for step, _, _ in stage.steps
            if step.kind == "COPY" and not step.copied_from
            for name in step.words[:-1]
        }
        assert lines[0] == "*"
        assert sent == copied

    @pytest.mark.parametrize(
        "text",
        [
            "RUN true",
            "FROM debian:bookworm-slim",
            "FROM debian:bookworm-slim AS a\nADD x /x",
            "FROM debian:bookworm-slim AS a\nCMD todo serve",
            "FROM debian:bookworm-slim AS a\nUSER todo",
            "FROM debian:bookworm-slim AS a\nRUN --mount=type=cache true",
            "FROM debian:bookworm-slim AS a\nCOPY --chown=1 x /x",
            "FROM debian:bookworm-slim AS a\nCOPY --from=b x /x",
            'FROM debian:bookworm-slim AS a\nHEALTHCHECK --often=1s CMD ["true"]',
        ],
    )
    def test_what_the_parser_does_not_know_is_refused(self, text: str) -> None:
        with pytest.raises(ContainerfileError):
            parse(text)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[image.Images]:
    assert image.missing() is None, f"REQUIRE_DEBOOTSTRAP is set: {image.missing()}"
    folder = tmp_path_factory.mktemp("images")
    for parent in (folder, *folder.parents):  # for the user of the image
        if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o001)
    in_memory = psutil.virtual_memory().available > IN_MEMORY
    if in_memory:  # several times as quick
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4g,mode=0711", "tmpfs", folder], check=True)
    try:
        context = folder / "context"
        context.mkdir()
        for name in re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE):
            image.copy(ROOT / name, context / name)
        yield image.Images(folder, context, STAGES)
    finally:
        remove: list[str | Path] = ["umount", folder] if in_memory else ["rm", "-rf", "--one-file-system", folder]
        subprocess.run(remove, check=True)


@contextmanager
def started(container: image.Container, stage: Stage, port: int) -> Iterator[subprocess.Popen[str]]:
    """The image's own command, while the block runs; it must end by itself."""
    command = container.command([*stage.entrypoint, *stage.cmd])
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(command, text=True, stdout=log, stderr=log) as process,
    ):
        try:
            deadline = time.monotonic() + 90
            while not ready(port):
                ended = process.poll() is not None or time.monotonic() > deadline
                assert not ended, (log.seek(0), log.read())
                time.sleep(0.2)
            yield process
        finally:
            process.kill()  # and, by --kill-child, what is inside


def ready(port: int) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).status_code == 200
    return False


def stop(process: subprocess.Popen[str]) -> int:
    """Stop it as an engine does: the signal goes to the first process inside."""
    [first] = psutil.Process(process.pid).children()
    first.send_signal(signal.SIGTERM)
    return process.wait(30)


def used(port: int, *, again: bool = False) -> list[str]:
    """Sign up (again: sign in), make a task, and return the titles of all."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        account = {"email": "ada@example.com", "password": PASSWORD}
        session = client.post(f"/api/auth/{'signin' if again else 'signup'}", json=account)
        assert session.is_success, session.text
        tasks = f"/api/{session.json()['user']['id']}/tasks"
        token = {"Authorization": f"Bearer {session.json()['access_token']}"}
        assert client.post(tasks, headers=token, json={"title": "again" if again else "first"}).status_code == 201
        return sorted(task["title"] for task in client.get(tasks, headers=token).json())


def use_twice(root: Path, stage: Stage, volume: Path | None, **env: str) -> None:
    """Start, use, stop, and start again: what was written is there."""
    for again in (False, True):
        port = free_port()
        # On loopback only, since the network is this machine's.
        container = image.Container(root, stage, volume=volume, HOST="127.0.0.1", PORT=str(port), **env)
        with started(container, stage, port) as process:
            assert container.run(*stage.healthcheck).returncode == 0
            assert used(port, again=again) == (["again", "first"] if again else ["first"])
            assert stop(process) == 0
        assert container.run(*stage.healthcheck).returncode != 0


@pytest.mark.slow
@needs_debootstrap
class TestTheImages:
    def test_the_image_serves_a_database_of_its_own(self, images: image.Images, tmp_path: Path) -> None:
        root, stage = images.build(DEFAULT), STAGES[DEFAULT]
        with stand.postgres_15(tmp_path, fsync=False) as postgres:
            url = f"postgresql://todo:{postgres.password}@127.0.0.1:{postgres.port}/todo?sslmode=require"
            refused = image.Container(root, stage, DATABASE_URL=url).run(*stage.entrypoint, *stage.cmd)
            assert (refused.returncode, "run `todo db upgrade`" in refused.stderr) == (1, True), refused.stderr
            migrated = image.Container(root, stage, DATABASE_URL=url).run(*stage.entrypoint, "db", "upgrade")
            assert migrated.returncode == 0, migrated.stderr
            use_twice(root, stage, None, DATABASE_URL=url)

    def test_the_embedded_image_keeps_its_data_in_its_volume(self, images: image.Images, tmp_path: Path) -> None:
        root, stage = images.build("embedded"), STAGES["embedded"]
        assert stage.volumes == ["/data"]
        volume = tmp_path / "volume"
        volume.mkdir()
        os.chown(volume, *map(int, stage.user.split(":")))
        use_twice(root, stage, volume)

    @pytest.mark.parametrize("name", ["todo", "embedded"])
    def test_the_image_contains_no_build_tools_and_nothing_that_its_user_may_write(
        self, images: image.Images, name: str
    ) -> None:
        root, (uid, gid) = images.build(name), map(int, STAGES[name].user.split(":"))
        found: dict[str, list[str]] = {"tools": [], "writable": []}
        tools = {"pip", "pip3", "gcc", "cc", "make", "setuptools", "hatchling", "ensurepip", "git", "curl", "wget"}
        for path in root.rglob("*"):
            inside = path.relative_to(root)
            if inside.parts[0] in {"proc", "dev", "sys"} or path.is_symlink():
                continue
            status = path.stat()
            sticky = bool(status.st_mode & stat.S_ISVTX)
            if (status.st_uid == uid or status.st_gid == gid or (status.st_mode & 0o002)) and not sticky:
                found["writable"].append(str(inside))
            if path.name in tools and (path.parent.name in {"bin", "sbin", "site-packages"}):
                found["tools"].append(str(inside))
        assert found == {"tools": [], "writable": ["data"]}
        assert [path.name for path in (root / "run").iterdir() if path.suffix == ".conf"] == []
        assert not [*(root / "var/lib/apt/lists").glob("*_Packages*")]
        assert not (root / "build").exists()
