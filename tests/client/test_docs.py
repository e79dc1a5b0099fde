"""docs/reference/python-client.md, compared with the code; its example runs."""

import dataclasses
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import todo.client
from tests.conftest import PASSWORD
from tests.support.processes import Server
from todo.client import Client, LocalCopy, Retry


@pytest.fixture
def page(root: Path) -> str:
    return (root / "docs" / "reference" / "python-client.md").read_text()


def documented(method: Any) -> str:
    """The parameters of a method as the page writes them."""
    parameters = [*inspect.signature(method).parameters.values()][1:]
    bare = [each.replace(annotation=inspect.Parameter.empty) for each in parameters]
    return str(inspect.Signature(bare)).replace("'", '"')


@pytest.mark.parametrize("thing", [Client, LocalCopy])
def test_every_method_is_documented_with_its_parameters(page: str, thing: type) -> None:
    methods = inspect.getmembers(thing, inspect.isfunction)
    public = {name: documented(method) for name, method in methods if not name.startswith("_")}
    assert len(public) > 3
    for name, parameters in public.items():
        assert f"`{name}{parameters}`" in page, f"{name}{parameters}"


def test_no_method_is_documented_that_does_not_exist(page: str) -> None:
    for name in re.findall(r"^\| `(\w+)\(", page, re.MULTILINE):
        assert hasattr(Client, name) or hasattr(LocalCopy, name), name


def test_the_arguments_of_the_client_are_documented(page: str) -> None:
    table = page.partition("## Opening")[2].partition("## Tasks")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [*inspect.signature(Client).parameters]


def test_the_bounds_of_retries_are_documented(page: str) -> None:
    for field in dataclasses.fields(Retry):
        assert f"| `{field.name}` | {field.default:g} |" in page, field.name


def test_every_exported_name_is_documented(page: str) -> None:
    for name in todo.client.__all__:
        assert re.search(rf"\b{name}\b", page), name


@pytest.mark.slow
def test_the_example_runs(page: str, server: Server, tmp_path: Path) -> None:
    [example] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    base = f"http://127.0.0.1:{server.port}"
    with Client(base) as client:
        client.sign_up("ada.docs@example.com", PASSWORD)
    script = tmp_path / "example.py"
    script.write_text(example.replace("http://127.0.0.1:8000", base).replace("ada@example.com", "ada.docs@example.com"))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT09:00 Water the ferns\n", done.stdout)
