"""A certificate for tests."""

import subprocess
from pathlib import Path


def made_certificate(folder: Path) -> Path:
    """A certificate for localhost, valid for two days."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key", "-out", folder / "certificate"],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return folder / "certificate"
