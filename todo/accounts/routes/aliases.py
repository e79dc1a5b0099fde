"""The names under which templates of front ends call the accounts, beside ours: with AUTH_ALIASES."""

from collections.abc import Iterable

from fastapi import APIRouter

from todo.api.route import Route

PREFIX = "/api/auth"
ALIAS_PREFIX = "/auth"
NAMES = {"signin": "login", "signup": "register", "signout": "logout"}


def of(routers: Iterable[APIRouter]) -> APIRouter:
    """The routes of `routers` under their aliases: the same endpoints, behind the same stages.

    The OpenAPI document leaves them out: it describes each call once, whatever a deployment has set.
    """
    aliases = APIRouter()
    for route in [route for router in routers for route in router.routes]:
        assert isinstance(route, Route)
        for path in _aliases(route.path):
            aliases.add_api_route(
                path,
                route.endpoint,
                methods=sorted(route.methods or ()),
                include_in_schema=False,
                route_class_override=type(route),
            )
    return aliases


def _aliases(path: str) -> list[str]:
    """The other paths of a call."""
    if not path.startswith(f"{PREFIX}/"):
        return []  # the published keys
    name = path.removeprefix(f"{PREFIX}/")
    names = [name, *([NAMES[name]] if name in NAMES else [])]
    return [f"{prefix}/{each}" for prefix in (PREFIX, ALIAS_PREFIX) for each in names][1:]
