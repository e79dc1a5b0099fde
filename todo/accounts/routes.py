"""Accounts over HTTP. With another issuer only `whoami_router` and `leaving_router` are served."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Body, Path
from starlette.requests import Request
from starlette.responses import Response

from todo.accounts import actions, apitokens, cookies
from todo.accounts.current import CallersRoute, CallerTx, CurrentCaller, WhoAmIRoute
from todo.accounts.issuers import OwnIssuer
from todo.accounts.secrets import RefreshSecret
from todo.accounts.sessions import Sessions
from todo.accounts.shapes import (
    ApiTokenMade,
    ApiTokenOut,
    JwkSet,
    NewApiToken,
    PasswordChange,
    Refresh,
    SignedIn,
    SignIn,
    SignUp,
    UserOut,
)
from todo.database import Row
from todo.openapi import ANY, BODY, NULL, answers, shows
from todo.problems import Conflict, Forbidden, Invalid, NotFound, TooManyRequests, Unauthorized, WrongPassword
from todo.routing import JsonRoute
from todo.settings import Settings
from todo.throttle import Throttles, address_of

SECRET = {"Cache-Control": "no-store"}

ADA = {"email": "ada@example.com", "password": "a long and quiet afternoon"}
USER = {
    "id": "5f0c7f8e-4d3f-4b59-9c39-0d3f6a1f2b77",
    "email": ADA["email"],
    "created_at": "2026-11-22T08:29:00.000000Z",
}
SIGNED_IN = {"access_token": "eyJhbGciOiJFZERTQSJ9.…", "token_type": "Bearer", "expires_in": 900, "user": USER}
KEYS = {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "…", "kid": "…", "use": "sig", "alg": "EdDSA"}]}
API_TOKEN = {
    "id": "0d3f6a1f-2b77-4b59-9c39-5f0c7f8e4d3f",
    "name": "the script that waters the ferns",
    "scope": "write",
    "created_at": "2026-11-22T08:29:00.000000Z",
    "expires_at": "2027-11-22T08:29:00.000000Z",
    "last_used_at": NULL,
}
COOKIE = "The refresh token as a cookie (HttpOnly, SameSite=Strict, Path=/api/auth), unless the body asked for it."
BY_COOKIE = Refresh(refresh="cookie", refresh_token=None)
GONE: dict[int | str, dict[str, Any]] = {204: {"description": "Done."}}

router = APIRouter(tags=["accounts"], route_class=JsonRoute, responses={**ANY})


@router.post(
    "/api/auth/signup",
    response_model=SignedIn,
    status_code=201,
    responses={
        201: shows(SIGNED_IN, "The account, and a token.", **{"Set-Cookie": COOKIE}),
        **answers(Conflict, TooManyRequests),
        **BODY,
    },
)
async def sign_up(
    request: Request,
    who: Annotated[SignUp, Body(openapi_examples={"ada": {"summary": "A new account", "value": ADA}})],
) -> Response:
    """Make an account, and sign in."""
    state = request.app.state
    if throttles := _throttles(request):
        await throttles.count_sign_up(_address(request))
    user = await actions.sign_up(state.database, state.passwords, who.email, who.password.get_secret_value())
    token = await _sessions(request).start(user[0])
    return await _signed_in(request, user, token, 201, in_body=who.refresh == "body")


@router.post(
    "/api/auth/signin",
    response_model=SignedIn,
    responses={
        200: shows(SIGNED_IN, "A token.", **{"Set-Cookie": COOKIE}),
        **answers(WrongPassword, TooManyRequests),
        **BODY,
    },
)
async def sign_in(
    request: Request,
    who: Annotated[SignIn, Body(openapi_examples={"ada": {"summary": "An account", "value": ADA}})],
) -> Response:
    """Get an access token, and a refresh token for the next ones.

    An unknown e-mail and a wrong password get the same answer in the same time.
    """
    state, throttles, address = request.app.state, _throttles(request), _address(request)
    if throttles:
        await throttles.refuse_sign_in(who.email, address)
    try:
        user = await actions.sign_in(state.database, state.passwords, who.email, who.password.get_secret_value())
    except WrongPassword:
        if throttles:
            await throttles.count_failed_sign_in(who.email, address)
        raise
    token = await _sessions(request).start(user[0])
    return await _signed_in(request, user, token, 200, in_body=who.refresh == "body")


@router.post(
    "/api/auth/refresh",
    response_model=SignedIn,
    responses={
        200: shows(SIGNED_IN, "A new access token, and the next refresh token.", **{"Set-Cookie": COOKIE}),
        **answers(Unauthorized, Forbidden),
        **BODY,
    },
)
async def refresh(
    request: Request,
    how: Annotated[
        Refresh | None,
        Body(
            openapi_examples={
                "cookie": {"summary": "By the cookie", "value": {}},
                "body": {"summary": "In the body", "value": {"refresh": "body", "refresh_token": "…"}},
            }
        ),
    ] = None,
) -> Response:
    """Get a new access token for a refresh token.

    Each refresh token works once and is answered with the next one; one that is used again ends its session.
    """
    how = how or BY_COOKIE
    user, token = await _sessions(request).rotate(_refresh_token(request, how) or "")
    return await _signed_in(request, user, token, 200, in_body=how.refresh == "body")


@router.post("/api/auth/signout", status_code=204, responses={**GONE, **answers(Forbidden), **BODY})
async def sign_out(
    request: Request,
    how: Annotated[
        Refresh | None,
        Body(
            openapi_examples={
                "cookie": {"summary": "By the cookie", "value": {}},
                "body": {"summary": "In the body", "value": {"refresh": "body", "refresh_token": "…"}},
            }
        ),
    ] = None,
) -> Response:
    """Sign this device out.

    Its refresh token ends. An access token lives on until its time is over.
    """
    token = RefreshSecret.parse(_refresh_token(request, how or BY_COOKIE) or "")
    if token:
        await _sessions(request).end(token.session_id)
    response = Response(status_code=204, headers=SECRET)
    cookies.drop(response, request)
    return response


@router.get("/.well-known/jwks.json", response_model=JwkSet, responses={200: shows(KEYS, "The keys.")})
async def public_keys(request: Request) -> Response:
    """The public keys that verify the access tokens (RFC 7517)."""
    keys = await _issuer(request).current()
    headers = {"Cache-Control": "public, max-age=300"}
    return Response(msgspec.json.encode({"keys": keys.published}), media_type="application/json", headers=headers)


callers_router = APIRouter(tags=["accounts"], route_class=CallersRoute, responses={**ANY})


@callers_router.post("/api/auth/password", status_code=204, responses={**GONE, **BODY})
async def change_password(
    request: Request,
    caller: CurrentCaller,
    change: Annotated[
        PasswordChange,
        Body(
            openapi_examples={
                "new": {"summary": "A new one", "value": {"current": ADA["password"], "new": "a short and loud night"}}
            }
        ),
    ],
) -> Response:
    """Change the password.

    Every other session ends.
    """
    state, throttles, address = request.app.state, _throttles(request), _address(request)
    if throttles:
        await throttles.refuse_sign_in(caller.user_id, address)
    current, new = change.current.get_secret_value(), change.new.get_secret_value()
    try:
        await actions.change_password(state.database, state.passwords, caller, current, new)
    except Invalid:
        if throttles:
            await throttles.count_failed_sign_in(caller.user_id, address)
        raise
    return Response(status_code=204, headers=SECRET)


@callers_router.post("/api/auth/signout-everywhere", status_code=204, responses={**GONE})
async def sign_out_everywhere(request: Request, caller: CurrentCaller) -> Response:
    """Sign out on every device.

    All refresh tokens end. Personal API tokens stay: they are revoked one by one.
    """
    await _sessions(request).end_all(caller.user_id)
    response = Response(status_code=204, headers=SECRET)
    cookies.drop(response, request)
    return response


@callers_router.get(
    "/api/auth/tokens", response_model=list[ApiTokenOut], responses={200: shows([API_TOKEN], "The tokens.")}
)
async def list_api_tokens(request: Request, caller: CurrentCaller) -> Response:
    """List the personal API tokens.

    The tokens themselves are not kept and cannot be shown.
    """
    rows = await apitokens.of_user(request.app.state.database, caller.user_id)
    return _json([_api_token(row) for row in rows])


@callers_router.post(
    "/api/auth/tokens",
    response_model=ApiTokenMade,
    status_code=201,
    responses={
        201: shows(API_TOKEN | {"token": "todo_pat_…"}, "The token, shown this once."),
        **answers(Conflict),
        **BODY,
    },
)
async def make_api_token(
    request: Request,
    caller: CurrentCaller,
    wanted: Annotated[
        NewApiToken,
        Body(
            openapi_examples={
                "script": {
                    "summary": "For a script",
                    "value": {name: API_TOKEN[name] for name in ("name", "scope", "expires_at")},
                }
            }
        ),
    ],
) -> Response:
    """Make a personal API token.

    It works on `/api/{user_id}/…` and `GET /api/auth/me`, and is shown this once.
    """
    row, token = await apitokens.make(
        request.app.state.database, caller.user_id, wanted.name, wanted.scope, wanted.expires_at
    )
    return _json(_api_token(row) | {"token": token}, 201)


@callers_router.delete("/api/auth/tokens/{id}", status_code=204, responses={**GONE, **answers(NotFound)})
async def revoke_api_token(
    request: Request, caller: CurrentCaller, id: Annotated[str, Path(description="The id of the token.")]
) -> Response:
    """Revoke a personal API token.

    It is refused everywhere within 30 seconds.
    """
    try:
        token_id = UUID(id)
    except ValueError:
        raise NotFound("There is no such token.") from None
    await apitokens.revoke(request.app.state.database, caller.user_id, token_id)
    return Response(status_code=204, headers=SECRET)


whoami_router = APIRouter(tags=["accounts"], route_class=WhoAmIRoute, responses={**ANY})


@whoami_router.get("/api/auth/me", response_model=UserOut, responses={200: shows(USER, "The user.")})
async def me(tx: CallerTx, caller: CurrentCaller) -> Response:
    """Whose token this is."""
    return _json(_user(await actions.me(tx, caller)))


leaving_router = APIRouter(tags=["accounts"], route_class=CallersRoute, responses={**ANY})


@leaving_router.delete("/api/auth/me", status_code=204, responses={**GONE})
async def delete_me(request: Request, caller: CurrentCaller) -> Response:
    """Delete the account.

    The user, their tasks and everything of theirs is gone. Tokens from before do not bring them back.
    """
    await actions.delete_account(request.app.state.database, caller.user_id)
    response = Response(status_code=204, headers=SECRET)
    cookies.drop(response, request)
    return response


def _throttles(request: Request) -> Throttles | None:
    throttles: Throttles | None = request.app.state.throttles
    return throttles


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


def _issuer(request: Request) -> OwnIssuer:
    issuer = request.app.state.door.issuer
    assert isinstance(issuer, OwnIssuer)
    return issuer


def _address(request: Request) -> str:
    return address_of(request.client.host if request.client else None)


def _refresh_token(request: Request, how: Refresh) -> str | None:
    """The refresh token of the body, or of the cookie once it is sure that no other site sends it."""
    if how.refresh == "body":
        return how.refresh_token.get_secret_value() if how.refresh_token else None
    settings: Settings = request.app.state.settings
    cookies.refuse_forgery(request, settings.cors_origins)
    return request.cookies.get(cookies.NAME)


async def _signed_in(request: Request, user: Row, token: RefreshSecret, status: int, *, in_body: bool) -> Response:
    issuer = _issuer(request)
    keys = await issuer.current()
    answer = {
        "access_token": keys.issue(user[0], token.session_id, issuer.lifetime),
        "token_type": "Bearer",
        "expires_in": issuer.lifetime,
        "user": _user(user),
    }
    response = _json(answer | ({"refresh_token": str(token)} if in_body else {}), status)
    if not in_body:
        cookies.put(response, request, str(token), _sessions(request).lifetime)
    return response


def _user(row: Row) -> dict[str, Any]:
    return dict(zip(UserOut.model_fields, row, strict=True))


def _api_token(row: Row) -> dict[str, Any]:
    return dict(zip(ApiTokenOut.model_fields, row, strict=True))


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, SECRET, "application/json")
