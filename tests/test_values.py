"""The values that a task may have, as the API checks them and as the database checks them again."""

import unicodedata
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import errors
from pydantic import TypeAdapter, ValidationError

from tests.conftest import Person
from todo.tasks.fields import Description, Title

pytestmark = pytest.mark.anyio

COMBINING = "Cafe\u0301"
COMPOSED = "Café"


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("x", "x"),
        ("  \t trimmed \n", "trimmed"),
        ("\u00a0trimmed\u3000", "trimmed"),
        ("x" * 255, "x" * 255),
        (" " * 500 + "x", "x"),
        (COMBINING, COMPOSED),
        ("e\u0301" * 255, "é" * 255),
        ("🦊" * 255, "🦊" * 255),
        ("'; drop table tasks; --", "'; drop table tasks; --"),
        ("100% _ \\ %s %(x)s {}", "100% _ \\ %s %(x)s {}"),
    ],
)
async def test_a_valid_title_is_stored(ada: Person, title: str, kept: str) -> None:
    assert (await ada.create(title=title))["title"] == kept


BAD_TITLES: list[Any] = [
    "",
    "   ",
    "\t\n",
    "\u3000",
    "x" * 256,
    "🦊" * 256,
    "a\x00b",
    "a\nb",
    "a\tb",
    "a\x1bb",
    "a\x7fb",
    "a\u0085b",
    None,
    1,
    1.5,
    True,
    [],
    {},
]


@pytest.mark.parametrize("title", BAD_TITLES)
async def test_an_invalid_title_is_refused(ada: Person, title: Any) -> None:
    task = await ada.create(title="as it was")

    for response in (await ada.post(title=title), await ada.put(task["id"], title=title)):
        assert response.status_code == 422, response.text
        assert response.json()["errors"][0]["loc"] == ["body", "title"]
    assert await ada.list() == [task]


@pytest.mark.parametrize(
    ("description", "kept"),
    [
        (None, None),
        ("", ""),
        ("  as it is  ", "  as it is  "),
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb", "a\nb"),
        ("x" * 10_000, "x" * 10_000),
        (COMBINING, COMPOSED),
    ],
)
async def test_a_valid_description_is_stored(ada: Person, description: Any, kept: Any) -> None:
    assert (await ada.create(description=description))["description"] == kept


@pytest.mark.parametrize("description", ["x" * 10_001, "a\x00b", "a\rb", "a\x0bb", "a\x9fb", 1, [], {}])
async def test_an_invalid_description_is_refused(ada: Person, description: Any) -> None:
    task = await ada.create(description="as it was")

    for response in (
        await ada.post(title="x", description=description),
        await ada.put(task["id"], description=description),
    ):
        assert response.status_code == 422, response.text
        assert response.json()["errors"][0]["loc"] == ["body", "description"]
    assert await ada.list() == [task]


@pytest.mark.parametrize("completed", [None, 0, 1, "true", "yes", [], {}])
async def test_completed_must_be_a_boolean(ada: Person, completed: Any) -> None:
    assert (await ada.post(title="x", completed=completed)).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"title": "x"',
        b'{"title": "\xff"}',
        b'{"title": "\\ud800"}',
        b'{"title": "x", "description": "\\udfff"}',
        b'{"title": NaN}',
        b'{"title": "x", "completed": Infinity}',
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b"[" * 30_000,
        b'{"a":' * 10_000,
        b'{"title": ' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
        b"\x00",
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_malformed_body_gets_422(ada: Person, method: str, body: bytes) -> None:
    task = await ada.create(title="as it was")
    path = ada.tasks if method == "POST" else f"{ada.tasks}/{task['id']}"

    response = await ada.call(method, path, content=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert await ada.list() == [task]


async def test_a_422_does_not_repeat_the_values_that_were_sent(ada: Person) -> None:
    secret = "x" * 300 + "hunter2"

    response = await ada.post(title=secret, description=secret * 100, completed=secret, id=secret)

    assert response.status_code == 422
    assert {tuple(e["loc"]) for e in response.json()["errors"]} == {
        ("body", "title"),
        ("body", "description"),
        ("body", "completed"),
        ("body", "id"),
    }
    assert "hunter2" not in response.text


title_type, description_type = TypeAdapter[str](Title), TypeAdapter[str | None](Description)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=st.text(max_size=300), description=st.text(max_size=200))
def test_text_that_the_api_accepts_is_stored_unchanged(
    unrestricted: psycopg.Connection[Any], title: str, description: str
) -> None:
    """Any text is either refused, or stored and returned as it was accepted."""
    try:
        title, description = title_type.validate_python(title), description_type.validate_python(description) or ""
    except ValidationError:
        return
    row = unrestricted.execute(
        "insert into tasks (user_id, id, title, description) values ('h', gen_random_uuid(), %s, %s)"
        " returning title, description",
        [title, description],
    ).fetchone()
    assert row == (title, description)
    assert unicodedata.is_normalized("NFC", title)


@pytest.fixture
def unrestricted(database_url: str) -> Any:
    """A connection without row-level security, whose transaction is rolled back."""
    with psycopg.connect(database_url) as connection:
        connection.execute("alter table tasks no force row level security")
        connection.execute("alter table users no force row level security")
        connection.execute("insert into users (id) values ('h')")
        yield connection
        connection.rollback()


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("title", "", "title_length"),
        ("title", "x" * 256, "title_length"),
        ("title", " x", "title_clean"),
        ("title", "a\nb", "title_clean"),
        ("title", "a\x9fb", "title_clean"),
        ("description", "x" * 10_001, "description_length"),
        ("description", "a\x01b", "description_clean"),
        ("description", "a\rb", "description_clean"),
    ],
)
def test_the_database_checks_the_bounds_itself(
    unrestricted: psycopg.Connection[Any], column: str, value: str, constraint: str
) -> None:
    with pytest.raises(errors.CheckViolation) as refused:
        unrestricted.execute(
            "insert into tasks (user_id, id, title, description) values ('h', gen_random_uuid(), %s, %s)",
            [value if column == "title" else "x", value if column == "description" else None],
        )
    assert refused.value.diag.constraint_name == f"ck_tasks_{constraint}"


@pytest.mark.parametrize("id", ["", "x" * 256])
def test_the_database_checks_the_length_of_a_user_id(unrestricted: psycopg.Connection[Any], id: str) -> None:
    with pytest.raises(errors.CheckViolation):
        unrestricted.execute("insert into users (id) values (%s)", [id])
