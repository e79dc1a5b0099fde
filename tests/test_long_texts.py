"""Texts whose normalisation would take long: they are refused before, in every field that takes a text."""

import json
import re
import unicodedata
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.conftest import Person
from tests.support.operations import OPENAPI, OPERATIONS, Operation
from todo.accounts.shapes import SignIn, SignUp
from todo.tasks.fields import Description, Title

pytestmark = pytest.mark.anyio

MARKS = "\u0315", "\u0316"
"""Combining marks of two classes: to put many of them into order takes time by the square of their number."""


def texts(operation: Operation) -> list[str]:
    """The fields of its body that take any text."""
    named = re.findall(r"schemas/(\w+)", json.dumps(operation.body))
    found = []
    for schema in (OPENAPI["components"]["schemas"][name] for name in named):
        for name, described in schema["properties"].items():
            shapes = described.get("anyOf", [described])
            if any(shape.get("type") == "string" and not {"enum", "const"} & {*shape} for shape in shapes) and not any(
                shape.get("format") in {"uuid", "date", "date-time"} for shape in shapes
            ):
                found.append(name)
    return found


TEXTS = [(operation, field) for operation in OPERATIONS for field in texts(operation)]


@pytest.fixture
def normalised(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are normalised, by whichever library."""
    seen: list[str] = []
    normalize = unicodedata.normalize

    def recorded(form: Any, text: str) -> str:
        seen.append(text)
        return normalize(form, text)

    monkeypatch.setattr(unicodedata, "normalize", recorded)
    return seen


def test_the_fields_with_a_text_are_found() -> None:
    assert {field for _, field in TEXTS} == {
        "title", "description", "time_zone", "recurrence", "text",
        "email", "password", "current", "new", "name", "refresh_token", "token", "tag",
    }  # fmt: skip


@pytest.mark.parametrize(("operation", "field"), TEXTS, ids=lambda each: str(each))
@pytest.mark.parametrize("text", ["a" + MARKS[0] * 15_000 + MARKS[1] * 15_000, "é" * 30_000, "a" * 60_000])
async def test_a_long_text_is_refused_before_it_is_normalised(
    ada: Person, normalised: list[str], operation: Operation, field: str, text: str
) -> None:
    example = next(call.body for call in reversed(operation.calls()) if call.body)
    task = await ada.create()
    path = operation.path.format(user_id=ada.id, id=task["id"])
    normalised.clear()

    body, headers = json.dumps(example | {field: text}, ensure_ascii=False), {"Content-Type": "application/json"}
    response = await ada.call(operation.method.upper(), path, content=body, headers=headers)

    assert response.status_code == 422, response.text
    assert [each["loc"] for each in response.json()["errors"]] == [["body", field]]
    most = 4 * (10_000 if field == "description" else 256)
    assert [each for each in normalised if len(each) > most] == []


@pytest.mark.parametrize("mark", ["\u0301", "\u0315", "\u0f73", "\u0f81", "\U0001d165"])
@pytest.mark.parametrize("before", ["", "a", "a" * 29, "漢" * 40])
def test_more_than_30_combining_marks_in_a_row_are_refused_before_they_are_normalised(
    normalised: list[str], mark: str, before: str
) -> None:
    description = TypeAdapter[str](Description)
    for after in ("", "a", "a" * 50):
        assert description.validate_python(before + mark * 30 + after)
        normalised.clear()
        with pytest.raises(ValidationError, match="more than 30 combining marks in a row"):
            description.validate_python(before + mark * 31 + after)
        assert normalised == []


def test_a_character_counts_as_a_mark_when_it_is_made_of_marks() -> None:
    title = TypeAdapter[str](Title)
    for code in range(0x110000):
        char = chr(code)
        if 0xD800 <= code < 0xE000 or not unicodedata.combining(unicodedata.normalize("NFD", char)[0]):
            continue
        with pytest.raises(ValidationError, match="combining marks"):
            title.validate_python("a" + char * 31)


async def test_what_normalisation_shortens_to_the_bound_is_accepted(ada: Person) -> None:
    longest = "\u03b1\u0314\u0300\u0345"  # four characters that become one
    task = await ada.create(title=longest * 255, description=longest * 5000)

    assert task["title"] == "\u1f83" * 255
    assert task["description"] == "\u1f83" * 5000


@pytest.mark.parametrize("shape", [SignUp, SignIn])
def test_an_email_is_measured_before_it_is_taken_apart(normalised: list[str], shape: Any) -> None:
    with pytest.raises(ValidationError, match="at most 254"):
        shape(email="é." * 126 + "@example.com", password="a long and quiet afternoon")
    assert len(normalised) <= 1
