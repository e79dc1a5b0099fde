"""Where the built manual is kept, so that it is built once for each version, whatever processes serve."""

import asyncio
import fcntl
import hashlib
import importlib.util
import logging
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_cache_path

from todo import __version__
from todo.web.manual.files import Site, load
from todo.web.manual.links import linked

log = logging.getLogger("todo")

PATIENCE = 120  # seconds that building may take
PAUSE = 0.25  # seconds between two looks for what another process builds
KEPT = 4
"""Builds that stay in the folder: those of other versions that may serve at the same time."""

PASSED_ON = ("HOME", "LANG", "LC_ALL", "PATH", "PYTHONHOME", "PYTHONPATH", "TMPDIR", "TZ", "VIRTUAL_ENV")
"""What the process that builds gets of the environment: no secrets, such as DATABASE_URL."""

QUIET = {"NO_MKDOCS_2_WARNING": "1"}
"""The theme's notice of its end of life, which docs/decisions/0040 has; in the Makefile too."""

PACKAGE = Path(__file__).parent


class CannotBuild(Exception):  # noqa: N818 # what it says is what happened
    """There will be no manual; the message says why, and what to do."""


def sources() -> Path | None:
    """The folder with mkdocs.yml and docs/: in the installed package, or the checkout."""
    found = [root for root in (PACKAGE / "source", PACKAGE.parents[2]) if (root / "mkdocs.yml").is_file()]
    return found[0] if found else None


def generator_is_installed() -> bool:
    return importlib.util.find_spec("mkdocs") is not None and importlib.util.find_spec("material") is not None


async def site() -> Site:
    """The built site; waits while it is built, here or by another process. Raises CannotBuild."""
    root = sources()
    if root is None or not generator_is_installed():
        raise CannotBuild(
            "The manual is not installed: install todo-task-api with the extra `docs` "
            "(in a checkout: pip install '.[docs]')."
        )
    folder = await asyncio.to_thread(_folder)
    file = folder / f"manual-{await asyncio.to_thread(_key, root)}.zip"
    try:
        async with asyncio.timeout(PATIENCE):
            while not file.exists():
                with _lock(folder) as held:
                    if held and not file.exists():
                        await _build(root, file)
                if not file.exists():
                    await asyncio.sleep(PAUSE)
        return await asyncio.to_thread(load, file)
    except TimeoutError:
        raise CannotBuild(f"The manual could not be built within {PATIENCE} seconds.") from None


def _key(root: Path) -> str:
    """16 hex digits over all that the site is made of."""
    paths = [root / "mkdocs.yml", *(root / "docs").rglob("*"), *PACKAGE.glob("*.py"), *linked(root).values()]
    digest = hashlib.sha256(f"{__version__} {sys.version}".encode())
    for path in sorted(path for path in paths if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path} {len(content)} ".encode() + content)
    return digest.hexdigest()[:16]


def _folder() -> Path:
    """A folder of this user alone, that can be written to. Raises CannotBuild."""
    for folder in (
        user_cache_path("todo", appauthor=False),
        Path(tempfile.gettempdir()) / f"todo-cache-{os.geteuid()}",
    ):
        with suppress(OSError, RuntimeError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.lstat()
            private = found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o022
            if stat.S_ISDIR(found.st_mode) and private and os.access(folder, os.W_OK):
                return folder
    raise CannotBuild("The manual cannot be built, because no folder can be written to: set TMPDIR or XDG_CACHE_HOME.")


@contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Whether this process is the one that builds. The lock ends with the process."""
    with (folder / "manual.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


async def _build(root: Path, file: Path) -> None:
    """Run the process that builds, and delete the builds of the oldest versions. Raises CannotBuild."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | QUIET
    command = [sys.executable, "-m", "todo.web.manual.build", str(root), str(file)]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:  # out of time, or the server stops
            process.kill()
            await process.wait()
    if process.returncode:
        log.warning("the manual was not built: %s", said.decode(errors="replace")[-2000:])
        raise CannotBuild("The manual could not be built; the server's log says why.")
    builds = sorted(file.parent.glob("manual-*.zip"), key=lambda path: path.stat().st_mtime)
    for old in builds[:-KEPT]:
        old.unlink(missing_ok=True)
