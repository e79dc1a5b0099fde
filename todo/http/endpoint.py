"""How an endpoint is called: its signature is read once, and its parameters are taken from the request.

FastAPI describes the endpoint in the OpenAPI document; this calls it, in place of FastAPI's handler and dependency
solver, which cost more than the rest of a request (docs/decisions/0012). It uses `inspect.signature`, FastAPI's
parameter classes (docs/decisions/0018) and Pydantic's `TypeAdapter`. What a fast endpoint may not have
(dependencies with `yield` or in threads, forms, cookies, lists in headers) is refused when the route is made.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from urllib.parse import parse_qsl

from fastapi import params
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request

from todo.http.body import parse_json
from todo.problems import Invalid

NO_DEFAULT = inspect.Parameter.empty
MAX_QUERY_FIELDS = 100


@dataclass(frozen=True, slots=True)
class Value:
    """A parameter that is taken from the path, the query, a header or the body."""

    name: str
    key: str
    """What it is called in the request."""
    adapter: TypeAdapter[Any] | None
    """None for a path parameter that may be any text."""
    default: Any
    repeatable: bool = False
    """Whether it is a query parameter that may be given several times: a list of them."""

    def validated(self, raw: Any, place: str, errors: list[Any]) -> Any:
        """The value, or None and what is wrong with it among the `errors`."""
        if self.adapter is None:
            return raw
        loc = (place,) if place == "body" else (place, self.key)
        try:
            return self.adapter.validate_python(raw)
        except ValidationError as error:
            errors += [{**each, "loc": (*loc, *each["loc"])} for each in error.errors(include_url=False)]
            return None


class Endpoint:
    """How one endpoint, or dependency, is called. Raises TypeError for one that asks for what is left out."""

    def __init__(self, call: Callable[..., Awaitable[Any]]) -> None:
        if not inspect.iscoroutinefunction(call):
            raise TypeError(f"{call.__qualname__} is no fast endpoint: it must be an async function without yield")
        self._call = call
        self._request: str | None = None
        self._dependencies: list[tuple[str, Endpoint]] = []
        self._path: list[Value] = []
        self._query: list[Value] = []
        self._headers: list[Value] = []
        self._body: Value | None = None
        for name, parameter in inspect.signature(call, eval_str=True).parameters.items():
            self._add(name, parameter.annotation, parameter.default)
        self._query_defaults = {value.name: value.default for value in self._query}
        self.refused_query: Mapping[str, tuple[str, str]] = {}
        """Query parameters that are not left out silently: by the `plain` form, the name and what to do instead."""
        own = frozenset(value.key for value in self._query)
        self.query_names: frozenset[str] = own.union(*(each.query_names for _, each in self._dependencies))

    @property
    def takes_body(self) -> bool:
        """Whether it, or something that it depends on, takes the request's body."""
        return self._body is not None or any(dependency.takes_body for _, dependency in self._dependencies)

    def _add(self, name: str, annotation: Any, default: Any) -> None:
        kind, metadata = annotation, []
        if get_origin(annotation) is Annotated:
            kind, *metadata = get_args(annotation)
        markers = [each for each in metadata if isinstance(each, params.Param | params.Body | params.Depends)]
        marker = markers[0] if markers else None
        if isinstance(marker, params.Depends):
            if marker.dependency is None or isinstance(marker, params.Security):
                raise TypeError(f"{name}: a fast endpoint names its dependency, which has no scopes")
            self._dependencies.append((name, Endpoint(marker.dependency)))
        elif kind is Request:
            self._request = name
        elif isinstance(marker, params.Path):
            any_text = kind is str and not marker.metadata
            self._path.append(Value(name, marker.alias or name, None if any_text else TypeAdapter(annotation), default))
        elif isinstance(marker, params.Query) and (
            default is None or (default is not NO_DEFAULT and not _is_list(kind))
        ):
            key = marker.alias or name
            self._query.append(Value(name, key, TypeAdapter(annotation), default, repeatable=_is_list(kind)))
        elif isinstance(marker, params.Header) and default is None and not _is_list(kind):
            key = marker.alias or name.replace("_", "-")
            self._headers.append(Value(name, key.lower(), TypeAdapter(annotation), default))
        elif isinstance(marker, params.Body) and not isinstance(marker, params.Form) and self._body is None:
            self._body = Value(name, name, TypeAdapter(annotation), default)
        else:
            raise TypeError(
                f"{self._call.__qualname__}({name}) is no fast endpoint: it may take the request, dependencies, path "
                "parameters, query values with defaults, None for lists, optional headers, and one body"
            )

    async def __call__(self, request: Request, body: bytes) -> Any:
        """What the function returns for this request. Raises Invalid where the request does not fit."""
        values: dict[str, Any] = {}
        errors: list[Any] = []
        for name, dependency in self._dependencies:
            values[name] = await dependency(request, body)
        scope = request.scope
        for value in self._path:
            values[value.name] = value.validated(scope["path_params"][value.key], "path", errors)
        if self._query:
            values.update(self._query_defaults)
        if scope["query_string"] and (self._query or self.refused_query):
            self._read_query(scope["query_string"], values, errors)
        for value in self._headers:
            key = value.key.encode()
            lines = [line for name, line in scope["headers"] if name == key]
            # Several lines are one list (RFC 9110 §5.3).
            raw = b", ".join(lines).decode("latin-1") if lines else None
            values[value.name] = value.default if raw is None else value.validated(raw, "header", errors)
        if self._body is not None:
            values[self._body.name] = self._parsed(self._body, body, errors)
        if errors:
            raise Invalid.of(errors)
        if self._request:
            values[self._request] = request
        return await self._call(**values)

    def _read_query(self, query: bytes, values: dict[str, Any], errors: list[Any]) -> None:
        """Add the values of the query parameters, and the errors: also of those that would be left out silently."""
        try:
            pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)
        except ValueError:
            raise Invalid.at("query", msg=f"has more than {MAX_QUERY_FIELDS} parameters") from None
        given: dict[str, str] = {}
        conflicting = {key for key, text in pairs if given.setdefault(key, text) != text}
        for value in self._query:
            if value.repeatable and value.key in given:
                texts = [text for key, text in pairs if key == value.key]
                values[value.name] = value.validated(texts, "query", errors)
            elif value.key in conflicting:
                errors.append({"type": "value_error", "loc": ("query", value.key), "msg": "is given more than once"})
            elif value.key in given:
                values[value.name] = value.validated(given[value.key], "query", errors)
        if self.refused_query:
            for form in dict.fromkeys(plain(key) for key in given if key not in self.query_names):
                if refused := self.refused_query.get(form):
                    name, instead = refused
                    errors.append({"type": "not_served", "loc": ("query", name), "msg": instead})

    @staticmethod
    def _parsed(value: Value, body: bytes, errors: list[Any]) -> Any:
        if body:
            parsed = parse_json(body)
            if parsed is None and value.default is not NO_DEFAULT:
                return value.default  # as some clients send no body
            return value.validated(parsed, "body", errors)
        if value.default is NO_DEFAULT:
            errors.append({"type": "missing", "loc": ("body",), "msg": "Field required"})
        return value.default


def _is_list(kind: Any) -> bool:
    origin = get_origin(kind)
    if origin in {Annotated, Union, UnionType}:
        return any(_is_list(each) for each in (get_args(kind)[:1] if origin is Annotated else get_args(kind)))
    return (origin or kind) in {list, set, tuple, frozenset}


def plain(name: str) -> str:
    """A query parameter's name without its style: that of `sortBy`, `$sort-by`, `sort_by[]` and `sort_by__desc` too."""
    return re.sub(r"[^a-z0-9]", "", re.split(r"__|[\[.]", name, maxsplit=1)[0].lower())
