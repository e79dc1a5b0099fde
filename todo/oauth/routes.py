"""OAuth over HTTP, where `MCP=on`: metadata, the page of consent, and the calls of apps. None is part of the API."""

from typing import Annotated

from fastapi import APIRouter, Body
from starlette.requests import Request
from starlette.responses import Response

from todo.api.access import SIGNED_IN, client_address
from todo.api.dependencies import CurrentCaller
from todo.api.resources import Resources
from todo.api.route import Route
from todo.http.body import parse_json, read_body
from todo.oauth import addresses, clients, grants, redirects, requests, responses
from todo.oauth.document import assets, document, version
from todo.oauth.errors import OAuthError, UnknownClient
from todo.oauth.grants import Allowed
from todo.oauth.requests import Refused
from todo.oauth.shapes import Decision, Registration
from todo.problems import Invalid, NotFound
from todo.settings import Settings

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
UNKNOWN = (
    "The app that sent you here is not known to this server, or wants you to return to an address that it has not "
    "registered. Nobody got access to anything. Begin again in the app."
)
RETURNING = "The app that sent you here asked for what this server does not give: {}"
NO_SECRETS = "This server gives no secrets to clients: send `client_id` in the body, and no Authorization header."
NO_METADATA = "There is no such metadata: the issuer of the tokens is not known by an address (JWT_ISSUER)."


def router(settings: Settings) -> APIRouter:
    """All routes that these settings call for."""
    router = APIRouter(include_in_schema=False)
    if not settings.mcp:
        return router
    router.include_router(_resource(settings))
    if not settings.external_issuer:
        router.include_router(_server(settings))
        router.include_router(deciding)
        router.include_router(decisions)
        router.include_router(for_apps)
        if settings.mcp_registration:
            router.include_router(registering)
    return router


def _resource(settings: Settings) -> APIRouter:
    """The metadata of the resource, also where RFC 9728 §3.1 would have it below a root path."""
    router = APIRouter()

    async def whole(request: Request) -> Response:
        return answered(request, "")

    async def mcp(request: Request) -> Response:
        return answered(request, addresses.MCP)

    def answered(request: Request, path: str) -> Response:
        found = addresses.resource_metadata(request, settings, path)
        if found is None:
            raise NotFound(NO_METADATA)
        return responses.json(found)

    root = settings.root_path or ""
    for path in {"", root}:
        router.add_api_route(addresses.RESOURCE + path, whole, methods=["GET"])
        router.add_api_route(addresses.RESOURCE + path + addresses.MCP, mcp, methods=["GET"])
    return router


def _server(settings: Settings) -> APIRouter:
    """The metadata of the authorization server, below a root path also at all addresses of RFC 8414 §3.1 and §5."""
    router = APIRouter()

    async def metadata(request: Request) -> Response:
        return responses.json(addresses.server_metadata(request, settings))

    paths = [addresses.SERVER]
    if root := settings.root_path or "":
        paths += [addresses.SERVER + root, addresses.OPENID + root, addresses.OPENID]
    for path in paths:
        router.add_api_route(path, metadata, methods=["GET"])
    return router


deciding = APIRouter()


@deciding.get(addresses.AUTHORIZE)
async def consent_page(request: Request) -> Response:
    """The page on which a person decides. Nobody is sent anywhere but by their own click."""
    resources = Resources.of(request)
    here = addresses.base(request, resources.settings)
    try:
        asked = await requests.authorization(resources.database, request.url.query, here)
    except UnknownClient:
        if resources.rate_limits is not None:
            await resources.rate_limits.count_client("refused", client_address(request))
        return responses.page(request, UNKNOWN)
    root, destination = request.scope.get("root_path", ""), redirects.destination(asked.redirect_uri)
    if isinstance(asked, Refused):
        back = _returning(asked, here, asked.error.code, asked.error.description)
        said, leave = RETURNING.format(asked.error.description), f"Return to {destination}"
        return document("refused.html", root, 400, said=said, back=back, leave=leave)
    deny = _returning(asked, here, "access_denied", "The person has not allowed it.")
    return document("consent.html", root, name=asked.client.name, destination=destination, deny=deny, scope=asked.scope)


def _returning(asked: requests.Authorization | Refused, here: str, code: str, description: str) -> str:
    """The address that tells the app of an error (RFC 6749 §4.1.2.1, RFC 9207 §2)."""
    return redirects.answer(asked.redirect_uri, error=code, error_description=description, state=asked.state, iss=here)


@deciding.get("/oauth/page/{of}/{name}")
async def asset(request: Request, of: str, name: str) -> Response:
    """A file of the page, of this version alone."""
    if of != version() or name not in assets():
        raise NotFound("This server has another version of the page: load the page again.")
    return assets()[name].response(request, FOR_EVER)


decisions = APIRouter(route_class=Route.with_access(SIGNED_IN))


@decisions.post(addresses.AUTHORIZE, include_in_schema=False)
async def decide(request: Request, caller: CurrentCaller, decision: Annotated[Decision, Body()]) -> Response:
    """Allow what the person has chosen: where to send them with the code. The page alone calls it."""
    resources = Resources.of(request)
    here = addresses.base(request, resources.settings)
    try:
        asked = await requests.authorization(resources.database, decision.query, here)
    except UnknownClient:
        raise Invalid.at("body", "query", msg="is of an app that this server does not know") from None
    if isinstance(asked, Refused):
        raise Invalid.at("body", "query", msg="asks for what this server does not give")
    if decision.scope == "write" and asked.scope == "read":
        raise Invalid.at("body", "scope", msg="must not be more than the app has asked for")
    if decision.scope == "write" and decision.permissions == []:
        raise Invalid.at("body", "permissions", msg="must have at least one, or the scope must be read")
    allowed = Allowed(
        decision.scope, decision.permissions if decision.scope == "write" else None, decision.tag, decision.days
    )
    code = await grants.allow(
        resources.database, caller.user_id, asked.client, asked.redirect_uri, asked.code_challenge, allowed
    )
    return responses.json({"redirect_to": redirects.answer(asked.redirect_uri, code=code, state=asked.state, iss=here)})


for_apps = APIRouter(route_class=Route.with_access(None, upload=True))


@for_apps.post(addresses.TOKEN, include_in_schema=False)
async def give_token(request: Request) -> Response:
    """A personal API token for a code (RFC 6749 §4.1.3, RFC 7636 §4.5)."""
    resources = Resources.of(request)
    given, client = await _from_client(request, "code", "code_verifier")
    if given.get("grant_type") != "authorization_code":
        raise OAuthError("unsupported_grant_type", "`grant_type` must be authorization_code.")
    requests.check_resource(given, addresses.base(request, resources.settings))
    code, verifier, redirect_uri = given["code"], given["code_verifier"], given.get("redirect_uri")
    token, grant = await grants.exchange(resources.database, client, code, verifier, redirect_uri)
    scope = "read" if grant.scope == "read" else "read write"
    answer: dict[str, str | int] = {"access_token": token, "token_type": "Bearer", "scope": scope}
    if grant.lifetime_days is not None:
        answer["expires_in"] = grant.lifetime_days * 86_400
    return responses.json(answer)


@for_apps.post(addresses.REVOKE, include_in_schema=False)
async def revoke_token(request: Request) -> Response:
    """Revoke a token of the app (RFC 7009): the same answer whether there was one."""
    given, client = await _from_client(request, "token")
    await grants.revoke(Resources.of(request).database, client, given["token"])
    return responses.json({})


async def _from_client(request: Request, *needed: str) -> tuple[dict[str, str], clients.Client]:
    """What an app sends, and the app. Raises OAuthError."""
    if request.headers.get("authorization"):
        raise OAuthError("invalid_client", NO_SECRETS, 401)
    given = await requests.form(request)
    client = await clients.known(Resources.of(request).database, given.get("client_id"))
    for name in needed:
        if name not in given:
            raise OAuthError("invalid_request", f"`{name}` is missing.")
    return given, client


registering = APIRouter(route_class=Route.with_access(None, upload=True))


@registering.post(addresses.REGISTER, include_in_schema=False)
async def register(request: Request) -> Response:
    """An app registers itself (RFC 7591 §3). It gets no secret; what it is called is cleaned."""
    resources = Resources.of(request)
    limits = resources.rate_limits
    if limits is not None:
        await limits.count_client("registered", client_address(request))
    try:
        body = parse_json(await read_body(request, json_expected=True))
    except Invalid:
        body = None
    wanted = Registration.of(body)
    client = await clients.add(resources.database, wanted.name, wanted.redirect_uris, "registration")
    return responses.json(
        {
            "client_id": str(client.id),
            "client_id_issued_at": int(client.created_at.timestamp()),
            "client_name": client.name,
            "redirect_uris": client.redirect_uris,
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "scope": " ".join(addresses.SCOPES),
        },
        201,
    )
