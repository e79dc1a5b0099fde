"""npm, in folders of its own packages."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

NPM = shutil.which("npm")
UNREACHABLE = r"\bcode (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH)\b"

needs_npm = pytest.mark.skipif(NPM is None and "REQUIRE_NPM" not in os.environ, reason="needs Node.js 18 and npm")


def npm(folder: Path, *arguments: str, **settings: str) -> None:
    """Run npm in `folder`. Fails with its output; skips where no registry is reached, unless REQUIRE_NPM is set."""
    done = try_npm(folder, *arguments, **settings)
    if re.search(UNREACHABLE, done.stderr) and "REQUIRE_NPM" not in os.environ:
        pytest.skip("npm reaches no registry")
    assert done.returncode == 0, done.stdout + done.stderr


def try_npm(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run npm in `folder`, whatever comes of it."""
    assert NPM, "REQUIRE_NPM is set, but npm is missing"
    environment = {**os.environ, "NO_UPDATE_NOTIFIER": "1", **settings}
    return subprocess.run(
        [NPM, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
