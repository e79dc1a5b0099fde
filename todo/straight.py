"""The straight way to an endpoint: what FastAPI's own handler does, for functions that need no more than ours do.

FastAPI reads the signatures, describes them and validates by them; a `Plan` made of what it read calls the endpoint.
Left out is what every request would pay for and ours never use: dependencies with `yield`, in threads or overridden,
response models, background tasks (docs/decisions/0012).
"""

import inspect
import json
from typing import Any
from urllib.parse import parse_qsl

from fastapi._compat import ModelField, field_annotation_is_sequence
from fastapi.dependencies.models import Dependant
from pydantic_core import PydanticUndefined
from starlette.requests import Request

from todo.problems import Invalid

UNUSED = (
    "header_params", "cookie_params", "websocket_param_name", "http_connection_param_name", "response_param_name",
    "background_tasks_param_name", "security_scopes_param_name", "own_oauth_scopes",
)  # fmt: skip


class Plan:
    """How one endpoint or dependency is called. Raises TypeError for one that asks for what is left out."""

    def __init__(self, dependant: Dependant) -> None:
        call, body = dependant.call, dependant.body_params
        if not inspect.iscoroutinefunction(call) or any(getattr(dependant, name) for name in UNUSED):
            raise TypeError(f"{call} is not for the straight way: it must be async, and take the request for the rest")
        if not all(each.name for each in dependant.dependencies):
            raise TypeError(f"{call} is not for the straight way: what it depends on must be a parameter")
        if len(body) > 1 or any(_required(f) or _is_list(f) for f in dependant.query_params):
            raise TypeError(f"{call} is not for the straight way: one body, and a query of single values with defaults")
        self._call = call
        self._request = dependant.request_param_name
        self._needs = [(each.name or "", Plan(each)) for each in dependant.dependencies]
        self._path = [(f.name, f.alias, None if _is_any_text(f) else f) for f in dependant.path_params]
        self._query = [(f.name, f.alias, f) for f in dependant.query_params]
        self._without_query = {field.name: field.field_info.default for field in dependant.query_params}
        self._body = body[0] if body else None

    async def __call__(self, request: Request, body: Any) -> Any:
        """What the function gives for this request, whose body is `body`. Raises Invalid where it does not fit."""
        values: dict[str, Any] = {}
        errors: list[Any] = []
        for need, plan in self._needs:
            values[need] = await plan(request, body)
        for name, alias, field in self._path:
            values[name] = request.path_params[alias]
            if field is not None:
                values[name], wrong = field.validate(values[name], values, loc=("path", alias))
                errors += wrong
        if self._without_query:
            values.update(self._without_query)
            if query := request.scope["query_string"]:
                given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
                for name, alias, field in self._query:
                    if alias in given:
                        values[name], wrong = field.validate(given[alias], values, loc=("query", alias))
                        errors += wrong
        if self._body is not None:
            values[self._body.name], wrong = _taken(self._body, body)
            errors += wrong
        if errors:
            raise Invalid.of(errors)
        if self._request:
            values[self._request] = request
        return await self._call(**values)


def _taken(field: ModelField, body: Any) -> tuple[Any, list[Any]]:
    if body is not PydanticUndefined:
        return field.validate(body, {}, loc=("body",))
    if _required(field):
        return None, [{"type": "missing", "loc": ("body",), "msg": "Field required"}]
    return field.field_info.default, []


def _required(field: ModelField) -> bool:
    return field.field_info.is_required()


def _is_any_text(field: ModelField) -> bool:
    return field.field_info.annotation is str and not field.field_info.metadata


def _is_list(field: ModelField) -> bool:
    return field_annotation_is_sequence(field.field_info.annotation)


def parsed(content: bytes) -> Any:
    """The body as JSON, or what stands for none. Raises Invalid."""
    if not content:
        return PydanticUndefined
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        raise Invalid.at("body", error.pos, msg="JSON decode error", kind="json_invalid") from None
    except (ValueError, RecursionError):  # no UTF-8, a number too long, too deep
        raise Invalid.at("body", msg="cannot be read as JSON", kind="json_invalid") from None
