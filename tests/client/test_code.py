"""The client as a package: generated code, imports."""

import runpy
import subprocess
import sys
from pathlib import Path

SERVER = ("fastapi", "pydantic", "sqlalchemy", "sqlmodel", "psycopg", "starlette", "uvicorn", "typer")


def test_the_synchronous_client_is_written_from_the_asynchronous_one(root: Path) -> None:
    unasync = runpy.run_path(str(root / "bin" / "unasync.py"))
    written, target = unasync["files"](), unasync["TARGET"]

    assert {path.name for path in target.glob("*.py")} == {*written, "__init__.py"}
    for name, text in written.items():
        assert (target / name).read_text() == text, f"{name}: make client"
        assert "async" not in text.replace("asynchronous", "").replace("unasync", "")


def test_the_client_imports_nothing_of_the_server() -> None:
    code = "import sys, todo.client; print(*(name.partition('.')[0] for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())

    assert {"httpx", "msgspec"} <= loaded
    assert loaded & set(SERVER) == set()


def test_all_public_names_are_exported() -> None:
    import todo.client

    assert sorted(todo.client.__all__) == todo.client.__all__
    errors = {name for name, thing in vars(todo.client.errors).items() if isinstance(thing, type)}
    assert {name for name in errors if issubclass(getattr(todo.client.errors, name), Exception)} <= {
        *todo.client.__all__
    }
