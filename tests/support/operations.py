"""Every operation of the OpenAPI document, and valid calls of it, so that a new operation is tested by itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from todo.api.openapi.document import document
from todo.app import create_app
from todo.settings import Settings

OPENAPI = document(create_app(Settings()))

Schema = dict[str, Any]


class UndescribedError(AssertionError):
    """The document does not describe a valid call; the message says what to add."""


@dataclass(frozen=True, eq=False)
class Operation:
    """A method of a path, and the document's description of it."""

    method: str
    path: str
    says: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def owned(self) -> bool:
        """Whether its path begins with a user's id."""
        return self.path.startswith("/api/{user_id}/")

    @property
    def secured(self) -> bool:
        return bool(self.says.get("security"))

    @property
    def streams(self) -> bool:
        """Whether its response is an event stream, which does not end by itself."""
        return any("text/event-stream" in response.get("content", {}) for response in self.says["responses"].values())

    @property
    def writes(self) -> bool:
        return self.method != "get"

    @property
    def successes(self) -> set[int]:
        return {int(status) for status in self.says["responses"] if status < "300"}

    def parameters(self, place: str) -> list[str]:
        return [parameter["name"] for parameter in self.says.get("parameters", []) if parameter["in"] == place]

    @property
    def things(self) -> dict[str, str]:
        """The kind of row that each path parameter except the user names, by the segment before it: {"id": "tasks"}."""
        segments = pairwise(self.path.removesuffix(".ics").split("/"))
        things = {part[1:-1]: kind for kind, part in segments if part.startswith("{") and part != "{user_id}"}
        return {name: "secrets of feeds" if name == "secret" else kind for name, kind in things.items()}

    @property
    def body(self) -> Schema | None:
        """The schema of the body."""
        request = self.says.get("requestBody")
        schema: Schema | None = request and request["content"]["application/json"]["schema"]
        return schema

    def undescribed(self, response: httpx.Response) -> set[str]:
        """The fields of a response that its schema does not name."""
        described = self.says["responses"][str(response.status_code)].get("content", {}).get("application/json")
        is_json = response.headers.get("content-type") == "application/json"  # or another format that was asked for
        return _undescribed(described["schema"], response.json()) if described and is_json else set()

    def calls(self) -> list["Call"]:
        """Valid calls: the examples, and each other value that the document lists. Raises UndescribedError."""
        queries, bodies = self._queries(), self._bodies()
        return [Call(self, query, bodies[0]) for query in queries] + [Call(self, queries[0], b) for b in bodies[1:]]

    def _queries(self) -> list[dict[str, str]]:
        required: dict[str, str] = {}
        choices: list[dict[str, str]] = [{}]
        for parameter in self.says.get("parameters", []):
            if parameter["in"] != "query":
                continue
            name, values = parameter["name"], _values(parameter)
            if parameter.get("required"):
                if not values:
                    raise UndescribedError(f"{self}: give the query parameter {name} an example")
                required[name] = values[0]
            choices += [{name: value} for value in values]
        return [required | choice for choice in choices]

    def _bodies(self) -> list[Any]:
        if self.body is None:
            return [None]
        request = self.says["requestBody"]
        examples = request["content"]["application/json"].get("examples", {}).values()
        bodies = [example["value"] for example in examples]
        if not bodies:
            raise UndescribedError(f"{self}: give its body an example")
        for schema in _shapes(self.body):
            for name, field in schema.get("properties", {}).items():
                wanted = [{**bodies[-1], name: value} for value in _choices(field)]
                bodies += [body for body in wanted if body not in bodies]
        return bodies if request.get("required") else [None, *bodies]


OPERATIONS = [
    Operation(method, path, says) for path, methods in OPENAPI["paths"].items() for method, says in methods.items()
]


@dataclass(frozen=True, eq=False)
class Call:
    """A valid call of an operation, complete once the user and the ids in its path are given."""

    operation: Operation
    query: Mapping[str, str]
    body: Any = None

    def __str__(self) -> str:
        return f"{self.operation} {dict(self.query) or ''} {'' if self.body is None else json.dumps(self.body)}".strip()

    def url(self, user_id: str, things: Mapping[str, Any]) -> str:
        """Its URL. Raises UndescribedError where `things` has none of the kind that the path names."""
        names = {"user_id": quote(user_id, safe="")}
        for parameter, kind in self.operation.things.items():
            if kind not in things:
                raise UndescribedError(f"{self.operation}: the sample users have no {kind}: add one in two_users.py")
            names[parameter] = things[kind]
        return self.operation.path.format_map(names) + (f"?{urlencode(self.query)}" if self.query else "")

    def filled(self, values: Mapping[str, Any]) -> Any:
        """The body, with `values` in place of the example's values, by field name."""
        return _filled(self.body, values)

    def naming(self, id: str, body: Any) -> Any:
        """`body` with `id` for every UUID that its schema has, whether or not `body` had one there."""
        return _naming(self.operation.body or {}, body, id)


def _resolved(schema: Schema) -> Schema:
    if "$ref" in schema:
        found: Schema = OPENAPI["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _shapes(schema: Schema) -> list[Schema]:
    """A schema, or each of its alternatives."""
    schema = _resolved(schema)
    several = [each for name in ("anyOf", "oneOf", "allOf") for each in schema.get(name, [])]
    return [shape for each in several for shape in _shapes(each)] if several else [schema]


def _choices(schema: Schema) -> list[Any]:
    """The values that a schema lists."""
    return [
        value
        for shape in _shapes(schema)
        for value in shape.get("enum") or ([True, False] if shape.get("type") == "boolean" else [])
        if value != schema.get("default", None)
    ]


def _values(parameter: dict[str, Any]) -> list[str]:
    """Values of a query parameter other than its default, as they are written in a query."""
    schema = parameter["schema"]
    values = [*_choices(schema), *schema.get("examples", []), *parameter.get("examples", {})]
    values += [shape.get("minimum", 1) for shape in _shapes(schema) if shape.get("type") == "integer"]
    return [json.dumps(v) if isinstance(v, bool) else str(v) for v in values if v != schema.get("default")]


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    match value:
        case dict():
            return {name: values[name] if name in values else _filled(each, values) for name, each in value.items()}
        case list():
            return [_filled(each, values) for each in value]
    return value


def _naming(schema: Schema, value: Any, id: str) -> Any:
    for shape in _shapes(schema):
        if shape.get("format") == "uuid":
            return id
        if isinstance(value, dict):
            for name, field in shape.get("properties", {}).items():
                if name in value or any(each.get("format") == "uuid" for each in _shapes(field)):
                    value = value | {name: _naming(field, value.get(name), id)}
        if isinstance(value, list) and "items" in shape:
            value = [_naming(shape["items"], each, id) for each in value]
    return value


def _undescribed(schema: Schema, value: Any) -> set[str]:
    """The names of fields in a value that its schema does not have."""
    if name := schema.get("$ref", "").rpartition("/")[2]:
        schema = OPENAPI["components"]["schemas"][name]
    if choices := schema.get("anyOf"):
        return set.intersection(*(_undescribed(choice, value) for choice in choices))
    if isinstance(value, list):
        return set().union(*(_undescribed(schema.get("items", {}), each) for each in value))
    if not isinstance(value, dict):
        return set()
    known = schema.get("properties", {})
    return {*value} - {*known} | set().union(*(_undescribed(known[name], value[name]) for name in {*value} & {*known}))
