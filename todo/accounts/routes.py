"""Accounts over HTTP: sign up, sign in, who am I, and the keys that verify the tokens."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body
from starlette.requests import Request
from starlette.responses import Response

from todo.accounts import actions
from todo.accounts.current import CallersRoute, CallerTx
from todo.accounts.models import JwkSet, Session, SignIn, SignUp, UserOut
from todo.accounts.tokens import LIFETIME
from todo.database import Row
from todo.openapi import ANY, BODY, answers, shows
from todo.problems import Conflict, WrongPassword
from todo.routing import JsonRoute

SECRET = {"Cache-Control": "no-store"}

ADA = {"email": "ada@example.com", "password": "a long and quiet afternoon"}
USER = {
    "id": "5f0c7f8e-4d3f-4b59-9c39-0d3f6a1f2b77",
    "email": ADA["email"],
    "created_at": "2026-11-22T08:29:00.000000Z",
}
SESSION = {
    "access_token": "eyJhbGciOiJFZERTQSJ9.…",
    "token_type": "Bearer",
    "expires_in": LIFETIME,
    "user": USER,
}
KEYS = {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "…", "kid": "…", "use": "sig", "alg": "EdDSA"}]}


router = APIRouter(tags=["accounts"], route_class=JsonRoute, responses={**ANY})


@router.post(
    "/api/auth/signup",
    response_model=Session,
    status_code=201,
    responses={201: shows(SESSION, "The account, and a token."), **answers(Conflict), **BODY},
)
async def sign_up(
    request: Request,
    who: Annotated[SignUp, Body(openapi_examples={"ada": {"summary": "A new account", "value": ADA}})],
) -> Response:
    """Make an account."""
    state = request.app.state
    user = await actions.sign_up(state.database, state.passwords, who.email, who.password.get_secret_value())
    return _session(request, user, 201)


@router.post(
    "/api/auth/signin",
    response_model=Session,
    responses={200: shows(SESSION, "A token."), **answers(WrongPassword), **BODY},
)
async def sign_in(
    request: Request,
    who: Annotated[SignIn, Body(openapi_examples={"ada": {"summary": "An account", "value": ADA}})],
) -> Response:
    """Get an access token for 15 minutes.

    An unknown e-mail and a wrong password get the same answer in the same time.
    """
    state = request.app.state
    user = await actions.sign_in(state.database, state.passwords, who.email, who.password.get_secret_value())
    return _session(request, user, 200)


@router.get("/.well-known/jwks.json", response_model=JwkSet, responses={200: shows(KEYS, "The keys.")})
async def public_keys(request: Request) -> Response:
    """The public keys that verify the access tokens (RFC 7517)."""
    keys = {"keys": request.app.state.tokens.published}
    return Response(
        msgspec.json.encode(keys),
        media_type="application/json",
        headers={"Cache-Control": "public, max-age=300"},
    )


callers_router = APIRouter(tags=["accounts"], route_class=CallersRoute, responses={**ANY})


@callers_router.get("/api/auth/me", response_model=UserOut, responses={200: shows(USER, "The user.")})
async def me(tx: CallerTx) -> Response:
    """Whose token this is."""
    return _json(_user(await actions.me(tx)))


def _session(request: Request, user: Row, status: int) -> Response:
    token = request.app.state.tokens.issue(user[0])
    session = {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME, "user": _user(user)}
    return _json(session, status)


def _user(row: Row) -> dict[str, Any]:
    return dict(zip(UserOut.model_fields, row, strict=True))


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, SECRET, "application/json")
