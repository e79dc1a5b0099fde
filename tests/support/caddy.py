"""Caddy as a process of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CADDY = shutil.which("caddy")

needs_caddy = pytest.mark.skipif(
    CADDY is None and "REQUIRE_CADDY" not in os.environ, reason="needs caddy, which .ci/run installs"
)


@contextmanager
def caddy(folder: Path, configuration: str) -> Iterator[None]:
    """A Caddy with this Caddyfile, while the block runs; its files lie in the folder."""
    assert CADDY, "REQUIRE_CADDY is set, but caddy is missing"
    (folder / "Caddyfile").write_text(configuration)
    own = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (
        (folder / "caddy.log").open("w") as log,
        subprocess.Popen(
            [CADDY, "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"],
            env={**os.environ, **own}, stdout=log, stderr=log,
        ) as process,
    ):  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)
