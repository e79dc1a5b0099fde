"""What an app sends: the request that a person decides about, and forms, bounded and each parameter once."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request

from todo.db.database import Database
from todo.http.body import read_body
from todo.oauth import clients, redirects
from todo.oauth.addresses import SCOPES, is_ours
from todo.oauth.clients import Client
from todo.oauth.errors import OAuthError, UnknownClient

PARAMETERS = 40
BASE64URL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
STATE_LENGTH = 4096
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Authorization:
    """A request for access that can be decided about."""

    client: Client
    redirect_uri: str
    state: str | None
    code_challenge: str
    scope: str
    """The most that it asks for: `read` or `write`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A request for access that cannot be granted, whose app may be told so."""

    client: Client
    redirect_uri: str
    state: str | None
    error: OAuthError


def parameters(text: str) -> dict[str, str]:
    """The parameters of a query or a form; an empty one is as one that is not there (RFC 6749 §3.1).

    Raises OAuthError for one that is there twice, and for too many.
    """
    try:
        pairs = parse_qsl(text, max_num_fields=PARAMETERS, errors="strict")
    except ValueError:
        raise OAuthError("invalid_request", "The parameters cannot be read.") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise OAuthError("invalid_request", "A parameter is there more than once.")
    return found


async def form(request: Request) -> dict[str, str]:
    """The parameters in the body. Raises OAuthError."""
    body = await read_body(request, json_expected=False)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise OAuthError("invalid_request", f"Send the parameters in the body, as {FORM}.")
    try:
        return parameters(body.decode())
    except UnicodeDecodeError:
        raise OAuthError("invalid_request", "The parameters cannot be read.") from None


async def authorization(database: Database, query: str, here: str) -> Authorization | Refused:
    """The request for access in `query`, to the server at the address `here`.

    Raises UnknownClient where it is not known that its app has asked, so that nobody is sent anywhere.
    """
    try:
        given = parameters(query)
    except OAuthError:
        raise UnknownClient from None
    client = await clients.find(database, given.get("client_id", ""))
    redirect_uri = given.get("redirect_uri", "")
    if client is None or not redirects.matches(redirect_uri, client.redirect_uris):
        raise UnknownClient
    state = given.get("state")
    if state is not None and not (len(state) <= STATE_LENGTH and state.isascii() and state.isprintable()):
        return Refused(client, redirect_uri, None, OAuthError("invalid_request", "`state` must be printable ASCII."))
    try:
        _check(given, here)
    except OAuthError as error:
        return Refused(client, redirect_uri, state, error)
    return Authorization(client, redirect_uri, state, given["code_challenge"], _scope(given.get("scope")))


def _check(given: dict[str, str], here: str) -> None:
    if given.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "`response_type` must be code.")
    if given.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "PKCE is required: `code_challenge_method` must be S256.")
    challenge = given.get("code_challenge", "")
    if len(challenge) != 43 or not BASE64URL.issuperset(challenge):
        raise OAuthError("invalid_request", "PKCE is required: `code_challenge` must be a SHA-256 in base64url.")
    check_resource(given, here)


def check_resource(given: dict[str, str], here: str) -> None:
    """Raise OAuthError where a resource is named that is not this server (RFC 8707 §2)."""
    if "resource" in given and not is_ours(given["resource"], here):
        raise OAuthError("invalid_target", "`resource` is not this server: it must be its address, or that of /mcp.")


def _scope(asked: str | None) -> str:
    """The most that is asked for; other scopes than ours are left out, and told by the `scope` of the token."""
    asked_for = set(SCOPES) if asked is None else set(asked.split()) & set(SCOPES)
    return "read" if asked_for == {"read"} else "write"
