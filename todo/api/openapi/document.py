"""The OpenAPI document: what FastAPI writes of the routes, with exact problems and security."""

import re
from typing import Any

import yaml
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from todo import __doc__ as summary
from todo.api.openapi.vocabulary import NULL

BUILT_IN = """\
Tasks of many users, each of whom sees only their own.

1. `POST /api/auth/signup` makes an account and answers with an `access_token` and the user's `id`.
2. Send the token as `Authorization: Bearer …` to `/api/{user_id}/tasks`, where `{user_id}` is that id.
3. After 15 minutes, `POST /api/auth/refresh` gives a new one.
"""

EXTERNAL = """\
Tasks of many users, each of whom sees only their own.

Accounts live elsewhere: sign in with the issuer this server trusts, and send its access token as
`Authorization: Bearer …` to `/api/{user_id}/tasks`, where `{user_id}` is the token's subject (`sub`). There is no
sign-up here.
"""

ERRORS = """
Every error is an `application/problem+json` document (RFC 9457) whose `detail` says what to do. The token is
checked first (401), then the user in the path (403), then the rate limit (429), then the request
(400, 413, 415, 422), then its `Idempotency-Key` (a replay, or 422), then what it names (404),
then `If-Match` (412), then the rest (409, 410).

A query parameter that names a filter, an order or a page and is not served (`filter`, `order_by`, `per_page`, …) is
refused (422) with what to use instead. Other unknown ones are ignored.
"""

PROBLEM_SCHEMA = {
    "title": "Problem",
    "description": "An error (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "description": "`about:blank`: the status says what kind of error it is."},
        "title": {"type": "string", "description": "The kind of error, the same every time."},
        "status": {"type": "integer", "description": "The HTTP status code."},
        "detail": {"type": "string", "description": "What went wrong this time, and what to do."},
        "instance": {"type": "string", "description": "The path of the request."},
        "errors": {
            "type": "array",
            "description": "For 422: each value that cannot be used.",
            "items": {
                "type": "object",
                "required": ["loc", "msg", "type"],
                "properties": {
                    "loc": {
                        "type": "array",
                        "description": "Where it stands.",
                        "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                    },
                    "msg": {"type": "string", "description": "What is wanted."},
                    "type": {"type": "string", "description": "The kind of mistake."},
                },
            },
        },
        "current": {
            "description": "For 412: the task as it is now.",
            "allOf": [{"$ref": "#/components/schemas/TrashedTaskOut"}],
        },
        "hindrance": {"type": "integer", "description": "For 409 to an undo: the revision of the conflicting change."},
        "request_id": {"type": "string", "description": "For 500: what to look for in the log."},
    },
}


def _with_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {name: _with_nulls(each) for name, each in value.items()}
        case list():
            return [_with_nulls(each) for each in value]
    return None if value == NULL else value


def _mend(operation: dict[str, Any]) -> None:
    """Make FastAPI's description of an operation exact, and fit for generators of clients.

    FastAPI adds its own 422 to each operation with parameters; ours that can answer it say so themselves. Without
    `security` it is unknown whether a token is needed. A body that may be missing is `required: false`, not null.
    """
    if "HTTPValidationError" in str(operation["responses"].get("422")):
        del operation["responses"]["422"]
    operation["responses"] = dict(sorted(operation["responses"].items()))
    operation.setdefault("security", [])
    if body := operation.get("requestBody"):
        body.setdefault("required", False)
        for content in body["content"].values():
            content["schema"] = _without_null(content["schema"])


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The shape itself, of one that may be null or has a default."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    others = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    return others[0] if len(others) == 1 else schema


def _without_defaults(names: set[str], schemas: dict[str, Any]) -> None:
    """Of shapes that are sent: generators take a field with a default for one that is always there."""
    for name in names:
        for field in schemas[name].get("properties", {}).values():
            field.pop("default", None)


def _operations(paths: dict[str, dict[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [operation for operations in paths.values() for operation in operations.values()]


def _sent(operations: list[dict[str, Any]], schemas: dict[str, Any]) -> set[str]:
    """The names of the shapes in bodies, nested ones included."""
    names: set[str] = set()
    waiting = [operation["requestBody"] for operation in operations if "requestBody" in operation]
    while waiting:
        for name in re.findall(r"#/components/schemas/(\w+)", str(waiting.pop())):
            if name not in names:
                names.add(name)
                waiting.append(schemas[name])
    return names


def document(app: FastAPI, *, external_issuer: bool = False, root_path: str = "") -> dict[str, Any]:
    """The OpenAPI document of `app`, whose description differs with an external issuer."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title="todo",
            version=app.version,
            summary=summary,
            description=(EXTERNAL if external_issuer else BUILT_IN) + ERRORS,
            routes=app.routes,
            tags=app.openapi_tags,
            contact={"name": "The todo authors"},
            license_info={"name": "MIT", "identifier": "MIT"},
            servers=[{"url": root_path or "/"}],
        )
        components, operations = schema["components"], _operations(schema["paths"])
        for operation in operations:
            _mend(operation)
        _without_defaults(_sent(operations, components["schemas"]), components["schemas"])
        schemas = {**components["schemas"], "Problem": PROBLEM_SCHEMA}
        components["schemas"] = {
            name: schemas[name] for name in sorted(schemas) if name not in {"HTTPValidationError", "ValidationError"}
        }
        components["securitySchemes"] = {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "An access token.",
            }
        }
        app.openapi_schema = _with_nulls(schema)
    return app.openapi_schema


def as_yaml(app: FastAPI) -> str:
    """The document as it is kept in contracts/task-api.yaml."""
    return yaml.dump(document(app), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as one, and no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 # the name and the shape are PyYAML's
        return True


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)
