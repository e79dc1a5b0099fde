"""Files to import, and people who import them."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.conftest import Person


def task(title: str = "Water the ferns", **fields: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "title": title, **fields}


def document(tasks: Iterable[dict[str, Any]], trash: Iterable[dict[str, Any]] = ()) -> bytes:
    return json.dumps({"format": "todo", "version": 1, "tasks": [*tasks], "trash": [*trash]}, indent=1).encode()


async def send(person: Person, file: bytes, **params: Any) -> httpx.Response:
    return await person.call("POST", f"{person.home}/import", content=file, params=params)


async def imported(person: Person, file: bytes, **params: Any) -> dict[str, Any]:
    response = await send(person, file, **params)
    assert response.status_code == 200, response.text
    report: dict[str, Any] = response.json()
    return report


async def exported(person: Person, format: str = "json") -> str:
    response = await person.call("GET", f"{person.home}/export", params={"format": format})
    assert response.status_code == 200, response.text
    return response.text


def titles(tasks: list[dict[str, Any]]) -> list[str]:
    return [each["title"] for each in tasks]


def ago(**how: float) -> str:
    return (datetime.now(UTC) - timedelta(**how)).isoformat()
