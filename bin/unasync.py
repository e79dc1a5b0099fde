"""Write `todo/client/synchronous` again, from `todo/client/asynchronous`: the same code without `async` and `await`.

Run by `make client`; tests/client/test_generated.py compares.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "todo" / "client" / "asynchronous"
TARGET = ROOT / "todo" / "client" / "synchronous"

HEADER = "# Written by bin/unasync.py (make client) from ../asynchronous/{name}: edit that.\n"
RULES = [
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\b(__)a(enter|exit)(__)\b", r"\1\2\3"),
    (r"\ba(close|closing|read|iter_bytes)\b", r"\1"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\basync_(\w+)\b", r"\1"),
    (r"\bAsync(?=[A-Z])", ""),
    (r"\basynchronous\b", "synchronous"),
]


def synchronous(name: str, text: str) -> str:
    """The synchronous code of a file, formatted."""
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text)
    ruff = [str(Path(sys.executable).parent / "ruff")]
    for step in (["check", "--quiet", "--select=I,F401", "--fix"], ["format", "--quiet"]):
        command = [*ruff, *step, "--stdin-filename", str(TARGET / name), "-"]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=60)
        text = done.stdout
    return HEADER.format(name=name) + text


def files() -> dict[str, str]:
    """The generated files by name, the package's own file left out."""
    return {
        path.name: synchronous(path.name, path.read_text())
        for path in sorted(SOURCE.glob("*.py"))
        if path.name != "__init__.py"
    }


if __name__ == "__main__":
    written = files()
    for path in TARGET.glob("*.py"):
        if path.name not in {*written, "__init__.py"}:
            path.unlink()
    for name, text in written.items():
        (TARGET / name).write_text(text)
