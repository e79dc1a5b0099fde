"""Signing up, in and out over HTTP."""

from contextlib import nullcontext, suppress
from typing import Annotated

from fastapi import APIRouter, Body
from starlette.requests import Request
from starlette.responses import Response

from todo.accounts import actions, cookies
from todo.accounts.built_in import accounts_of
from todo.accounts.clients import client_name
from todo.accounts.responses import NO_CONTENT, USER, secret_json, signed_out
from todo.accounts.rows import UserRow
from todo.accounts.secrets import RefreshSecret
from todo.accounts.shapes import JwkSet, RefreshRequest, SignedIn, SignIn, SignUp
from todo.api.access import client_address
from todo.api.openapi.vocabulary import ANY, BODY, answers, shows
from todo.api.resources import Resources
from todo.api.route import Route
from todo.http.json import encode
from todo.problems import BadRequest, Conflict, Forbidden, TooManyRequests, Unauthorized, Unavailable, WrongPassword

ADA = {"email": USER["email"], "password": "a long and quiet afternoon"}
NEW_ADA = ADA | {"name": USER["name"]}
SIGNED_IN = {"access_token": "eyJhbGciOiJFZERTQSJ9.…", "token_type": "bearer", "expires_in": 900, "user": USER}
KEYS = {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "…", "kid": "…", "use": "sig", "alg": "EdDSA"}]}
COOKIE = "The refresh token as a cookie (HttpOnly, SameSite=Strict, Path=/api/auth), unless the body asked for it."
BY_COOKIE = RefreshRequest(refresh="cookie", refresh_token=None)

RefreshBody = Annotated[
    RefreshRequest,
    Body(
        openapi_examples={
            "cookie": {"summary": "By the cookie", "value": {}},
            "body": {"summary": "In the body", "value": {"refresh": "body", "refresh_token": "…"}},
        }
    ),
]

password_router = APIRouter(tags=["accounts"], route_class=Route.with_access(None, password=True), responses={**ANY})


@password_router.post(
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
    new: Annotated[SignUp, Body(openapi_examples={"ada": {"summary": "A new account", "value": NEW_ADA}})],
) -> Response:
    """Make an account, and sign in.

    Where the server sends mail, a link to confirm the address is sent to it.
    """
    resources, accounts = Resources.of(request), accounts_of(request)
    if resources.rate_limits:
        await resources.rate_limits.count_sign_up(client_address(request))
    user, hashed = await actions.sign_up(
        resources.database, accounts.passwords, new.email, new.password.get_secret_value(), new.name
    )
    token = await accounts.sessions.start(user.id, hashed, _client(request))
    if accounts.mail:
        with suppress(Unavailable):  # the user can ask for it again
            accounts.mail.send_confirmation(user.id)
    return await _signed_in(request, user, token, 201, in_body=new.refresh == "body")


@password_router.post(
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
    credentials: Annotated[SignIn, Body(openapi_examples={"ada": {"summary": "An account", "value": ADA}})],
) -> Response:
    """Get an access token, and a refresh token for the next ones.

    An unknown e-mail and a wrong password get the same answer in the same time.
    """
    resources, accounts, given = Resources.of(request), accounts_of(request), credentials
    limits, address = resources.rate_limits, client_address(request)
    async with limits.password_attempt(given.email, address) if limits else nullcontext():
        user, hashed = await actions.sign_in(
            resources.database, accounts.passwords, given.email, given.password.get_secret_value()
        )
        token = await accounts.sessions.start(user.id, hashed, _client(request))
    return await _signed_in(request, user, token, 200, in_body=given.refresh == "body")


router = APIRouter(tags=["accounts"], route_class=Route, responses={**ANY})


@router.post(
    "/api/auth/refresh",
    response_model=SignedIn,
    responses={
        200: shows(SIGNED_IN, "A new access token, and the next refresh token.", **{"Set-Cookie": COOKIE}),
        **answers(Unauthorized, Forbidden),
        **BODY,
    },
)
async def refresh(request: Request, how: RefreshBody = BY_COOKIE) -> Response:
    """Get a new access token for a refresh token.

    Each refresh token is answered with the next one. One that was lost on its way, or that two tabs use, is answered
    with the same one again for 30 seconds; one that is used later than that ends its session.
    """
    user, token = await accounts_of(request).sessions.rotate(_refresh_token(request, how) or "")
    return await _signed_in(request, user, token, 200, in_body=how.refresh == "body")


@router.post("/api/auth/signout", status_code=204, responses={**NO_CONTENT, **answers(Forbidden), **BODY})
async def sign_out(request: Request, how: RefreshBody = BY_COOKIE) -> Response:
    """Sign this device out.

    Its refresh token ends. An access token is valid until it expires.
    """
    await accounts_of(request).sessions.end(_refresh_token(request, how) or "")
    return signed_out(request)


@router.get(
    "/.well-known/jwks.json",
    response_model=JwkSet,
    responses={200: shows(KEYS, "The keys."), **answers(BadRequest)},
)
async def public_keys(request: Request) -> Response:
    """The public keys that verify the access tokens (RFC 7517)."""
    keys = await accounts_of(request).issuer.published()
    headers = {"Cache-Control": "public, max-age=30"}
    return Response(encode({"keys": keys.jwks}), media_type="application/json", headers=headers)


def _client(request: Request) -> str | None:
    return client_name(request.headers.get("user-agent"))


def _refresh_token(request: Request, how: RefreshRequest) -> str | None:
    """The refresh token of the body, or of the cookie where no other site made the browser send it."""
    if how.refresh == "body":
        return how.refresh_token.get_secret_value() if how.refresh_token else None
    cookies.refuse_forgery(request, Resources.of(request).settings.cors_origins)
    return cookies.token(request)


async def _signed_in(request: Request, user: UserRow, token: RefreshSecret, status: int, *, in_body: bool) -> Response:
    issuer = accounts_of(request).issuer
    key = await issuer.signing_key()
    access_token = key.issue(user.id, token.public_id, issuer.lifetime)
    answer = {"access_token": access_token, "token_type": "bearer", "expires_in": issuer.lifetime, "user": user}
    if Resources.of(request).settings.auth_aliases:
        answer["token"] = access_token
    if in_body:
        answer["refresh_token"] = str(token)
    response = secret_json(answer, status)
    if not in_body:
        cookies.set_cookie(response, request, str(token), accounts_of(request).sessions.lifetime)
    return response
