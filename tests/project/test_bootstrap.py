"""bin/bootstrap says what is missing: no Python, one that does not run, an old one, one without venv and pip."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

OLD = "case $* in *print*) echo 3.9;; *) exit 1;; esac"
BROKEN = "exit 127"
WITHOUT_VENV = f"""case "$*" in
*ensurepip*|*pip*) exit 1;;
*) exec {sys.executable} "$@";;
esac"""  # as Debian's python3 is without python3-venv and python3-pip


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            None,
            "there is no python3 here: install Python 3.11 or newer (on Debian or Ubuntu: apt-get",
        ),
        (BROKEN, "python3 does not run"),
        (OLD, "Python 3.11 or newer is needed, and python3 is 3.9"),
        (
            WITHOUT_VENV,
            "neither venv nor pip, and uv is not here either; on Debian or Ubuntu: apt-get install python3-venv",
        ),
    ],
    ids=["none", "broken", "old", "without venv"],
)
def test_what_is_missing_is_named(root: Path, tmp_path: Path, script: str | None, message: str) -> None:
    if script is not None:
        (tmp_path / "python3").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "python3").chmod(0o755)

    done = subprocess.run(
        ["/bin/sh", "bin/bootstrap"],
        cwd=root,
        env={"PATH": str(tmp_path), "PYTHON": "python3", "VENV": str(tmp_path / "venv"), "HOME": os.environ["HOME"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert message in line
    assert not (tmp_path / "venv").exists()


def test_the_pages_say_what_a_small_debian_lacks(root: Path) -> None:
    for page in ("README.md", "docs/tutorial/quickstart.md"):
        text = (root / page).read_text()
        assert "`apt-get install make git curl python3-venv`" in text, page
        assert "are all it needs" not in text, page
