"""The addresses of this server, and the documents by which clients find them (RFC 8414, RFC 9728)."""

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from todo.settings import Settings

MCP = "/mcp"
RESOURCE = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"
AUTHORIZE, TOKEN, REVOKE, REGISTER = "/oauth/authorize", "/oauth/token", "/oauth/revoke", "/oauth/register"

SCOPES = ("read", "write")
"""`write` is for changes; both, for an app that reads and changes."""


def base(request: Request, settings: Settings) -> str:
    """The address of this server without a slash at its end: PUBLIC_URL, else as the request was sent to it."""
    return settings.public_url or str(request.base_url).rstrip("/")


def issuer(request: Request, settings: Settings) -> str | None:
    """The authorization server whose tokens this server takes (RFC 8414 §2); None where the settings do not say it."""
    if not settings.external_issuer:
        return base(request, settings)
    named = settings.jwt_issuer or ""
    return named if re.match(r"https?://", named) else None


def challenge(request: Request, settings: Settings) -> str:
    """What `WWW-Authenticate` says of `/mcp` to a client without a usable token (RFC 9728 §5.1, RFC 6750 §3).

    Without a known authorization server it names no metadata: there is none.
    """
    said = ['realm="todo"']
    if request.headers.get("authorization"):
        said.append('error="invalid_token"')
    if issuer(request, settings) is not None:
        said.append(f'resource_metadata="{base(request, settings)}{RESOURCE}{MCP}"')
    return "Bearer " + ", ".join(said)


def resource_metadata(request: Request, settings: Settings, path: str) -> Mapping[str, Any] | None:
    """What a client reads of the resource at `path` (RFC 9728 §2), or None where no authorization server is known."""
    server = issuer(request, settings)
    if server is None:
        return None
    found: dict[str, Any] = {
        "resource": f"{base(request, settings)}{path}",
        "authorization_servers": [server],
        "bearer_methods_supported": ["header"],
        "resource_name": "todo",
    }
    return found if settings.external_issuer else found | {"scopes_supported": list(SCOPES)}


def server_metadata(request: Request, settings: Settings) -> Mapping[str, Any]:
    """What a client reads of the built-in accounts as an authorization server (RFC 8414 §2)."""
    here = base(request, settings)
    found: dict[str, Any] = {
        "issuer": here,
        "authorization_endpoint": here + AUTHORIZE,
        "token_endpoint": here + TOKEN,
        "revocation_endpoint": here + REVOKE,
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "protected_resources": [here + MCP],
    }
    return found | {"registration_endpoint": here + REGISTER} if settings.mcp_registration else found


def is_ours(resource: str, here: str) -> bool:
    """Whether a resource indicator (RFC 8707) names this server or its `/mcp`."""
    scheme, separator, rest = resource.partition("://")
    host, slash, path = rest.partition("/")
    given = f"{scheme.lower()}{separator}{host.lower()}{slash}{path}".rstrip("/")
    scheme, separator, rest = here.partition("://")
    host, slash, path = rest.partition("/")
    ours = f"{scheme.lower()}{separator}{host.lower()}{slash}{path}"
    return given in {ours, ours + MCP}
