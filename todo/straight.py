"""The straight way to an endpoint: what FastAPI's own handler does, for functions that need no more than ours do.

FastAPI reads the signatures, describes them and validates by them; a `Plan` made of what it read calls the endpoint.
Left out is what every request would pay for and ours never use: dependencies with `yield`, in threads or overridden,
response models, background tasks (docs/decisions/0012).
"""

import inspect
import json
from typing import Any

from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_body_to_args, request_params_to_args
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
        call = dependant.call
        if not inspect.iscoroutinefunction(call) or any(getattr(dependant, name) for name in UNUSED):
            raise TypeError(f"{call} is not for the straight way: it must be async, and take the request for the rest")
        self._call = call
        self._request = dependant.request_param_name
        self._needs = [(each.name, Plan(each)) for each in dependant.dependencies]
        self._path = dependant.path_params
        self._plain_path = all(_is_plain(field) for field in self._path)
        self._query = dependant.query_params
        self._body = dependant.body_params
        self._without_query = None
        if not any(field.field_info.is_required() for field in self._query):
            self._without_query = {field.name: field.field_info.default for field in self._query}

    async def __call__(self, request: Request, body: Any) -> Any:
        """What the function gives for this request, whose body is `body`. Raises Invalid where it does not fit."""
        values: dict[str, Any] = {}
        for name, plan in self._needs:
            values[name or ""] = await plan(request, body)
        errors: list[Any] = []
        if self._plain_path:
            for field in self._path:
                values[field.name] = request.path_params[field.name]
        else:
            self._take(request_params_to_args(self._path, request.path_params), values, errors)
        if self._without_query is not None and not request.scope["query_string"]:
            values.update(self._without_query)
        else:
            self._take(request_params_to_args(self._query, request.query_params), values, errors)
        if self._body:
            taken = await request_body_to_args(self._body, body, embed_body_fields=False)
            self._take(taken, values, errors)
        if errors:
            raise Invalid.of(errors)
        if self._request:
            values[self._request] = request
        return await self._call(**values)

    @staticmethod
    def _take(taken: tuple[dict[str, Any], list[Any]], values: dict[str, Any], errors: list[Any]) -> None:
        values.update(taken[0])
        errors += taken[1]


def _is_plain(field: ModelField) -> bool:
    """Whether it is a text of any kind, which a path always has."""
    return field.field_info.annotation is str and not field.field_info.metadata and field.alias == field.name


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
