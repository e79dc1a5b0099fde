"""What routes say of their answers, parameters and examples, in the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from todo.problems import MEDIA_TYPE, ContentTooLarge, Invalid, Problem, Unavailable, UnsupportedMediaType

BEARER: list[dict[str, list[str]]] = [{"bearer": []}]

ERROR_HEADERS = {
    401: {"WWW-Authenticate": "The scheme, and an error code (RFC 6750)."},
    429: {"Retry-After": "Seconds to wait."},
    503: {"Retry-After": "Seconds to wait."},
}


def _headers(headers: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()}


def answers(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The errors that a route may answer with."""
    return {
        problem.status: {
            "description": problem.title,
            "headers": _headers(ERROR_HEADERS.get(problem.status, {})),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": {
                        "type": "about:blank",
                        "title": problem.title,
                        "status": problem.status,
                        "detail": problem.detail,
                        "instance": "/api/…",
                    },
                }
            },
        }
        for problem in problems
    }


ANY = answers(Problem, Unavailable)
"""Errors of every request that uses the database."""

BODY = answers(ContentTooLarge, UnsupportedMediaType, Invalid)
"""Errors of every request with a body."""


def shows(example: Any, description: str, **headers: str) -> dict[str, Any]:
    """A success: an example, and the headers that come with it."""
    return {
        "description": description,
        "content": {"application/json": {"example": example}},
        "headers": _headers(headers),
    }


def takes(name: str, description: str, pattern: str | None = None) -> dict[str, Any]:
    """A header that the stages of a route read, as `openapi_extra`."""
    schema = {"type": "string", **({"pattern": pattern} if pattern else {})}
    return {"parameters": [{"name": name, "in": "header", "description": description, "schema": schema}]}


NULL = "<null>"
"""Stands for null in an example, since FastAPI leaves out what is None."""
