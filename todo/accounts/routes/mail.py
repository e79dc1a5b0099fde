"""Calls about the password and the e-mail address that mail takes part in, over HTTP."""

from contextlib import nullcontext
from typing import Annotated

from fastapi import APIRouter, Body
from starlette.requests import Request
from starlette.responses import Response

from todo.accounts import actions, links
from todo.accounts.account_mail import AccountMail, refuse_confirmed
from todo.accounts.built_in import accounts_of
from todo.accounts.responses import NO_CONTENT, no_content, secret_json
from todo.accounts.shapes import Accepted, EmailChange, ForgottenPassword, LinkToken, PasswordReset
from todo.api.access import SIGNED_IN, client_address
from todo.api.dependencies import CurrentCaller
from todo.api.openapi.vocabulary import ANY, BODY, answers, shows
from todo.api.resources import Resources
from todo.api.route import Route
from todo.problems import Conflict, Gone, NotFound, TooManyRequests

NO_MAIL = (
    "This server sends no mail (SMTP_URL is not set). Its administrator can make a link for a new password: "
    "`todo user password-link`."
)
FORGOT = {"detail": "If this address has an account, a link to it is on its way. The link works for 30 minutes."}
SENT = {"detail": "A link is on its way. It works for a day."}
EMAIL, TOKEN = "ada@example.com", "nA8XyqJ1c0vR6sPz3kTtWb2eLhUoD9mFgYxQ4iVjE7M"  # an example


def _mail(request: Request) -> AccountMail:
    """The mail of the accounts. Raises NotFound where none is sent."""
    mail = accounts_of(request).mail
    if mail is None:
        raise NotFound(NO_MAIL)
    return mail


public_router = APIRouter(tags=["accounts"], route_class=Route, responses={**ANY})


@public_router.post(
    "/api/auth/password/forgot",
    response_model=Accepted,
    status_code=202,
    responses={
        202: shows(FORGOT, "The same for an address that has an account and for one that has none."),
        **answers(NotFound, TooManyRequests),
        **BODY,
    },
)
async def forgot_password(
    request: Request,
    who: Annotated[
        ForgottenPassword, Body(openapi_examples={"ada": {"summary": "An account", "value": {"email": EMAIL}}})
    ],
) -> Response:
    """Ask for a link to choose a new password.

    The answer, and its time, are the same whether or not the address has an account; whether it has is looked up
    afterwards. 404 where the server sends no mail.
    """
    mail, limits = _mail(request), Resources.of(request).rate_limits
    if limits:
        await limits.count_mail(who.email, client_address(request))
    mail.send_reset(who.email)
    return secret_json(FORGOT, 202)


@public_router.post(
    "/api/auth/email/confirm", status_code=204, responses={**NO_CONTENT, **answers(Conflict, Gone), **BODY}
)
async def confirm_email(
    request: Request,
    link: Annotated[LinkToken, Body(openapi_examples={"link": {"summary": "Of a link", "value": {"token": TOKEN}}})],
) -> Response:
    """Confirm an e-mail address, or a change of it, with the token of a link.

    The token is what follows `#confirm=` in the link. It works once; 410 for any that does not work.
    """
    await links.confirm_email(Resources.of(request).database, link.token.get_secret_value())
    return no_content()


reset_router = APIRouter(tags=["accounts"], route_class=Route.with_access(None, password=True), responses={**ANY})


@reset_router.post(
    "/api/auth/password/reset",
    status_code=204,
    responses={**NO_CONTENT, **answers(Gone, TooManyRequests), **BODY},
)
async def reset_password(
    request: Request,
    reset: Annotated[
        PasswordReset,
        Body(
            openapi_examples={
                "link": {"summary": "Of a link", "value": {"token": TOKEN, "new": "a short and loud night"}}
            }
        ),
    ],
) -> Response:
    """Choose a new password with the token of a link.

    The token is what follows `#reset=` in the link. It works once, and with it all other links of the account end, and
    all its sessions. Personal API tokens and calendar feeds stay, unless the address was never confirmed before: then
    somebody else may have made them. 410 for any that does not work.
    """
    token, new = reset.token.get_secret_value(), reset.new.get_secret_value()
    await links.reset_password(Resources.of(request).database, accounts_of(request).passwords, token, new)
    return no_content()


own_router = APIRouter(tags=["accounts"], route_class=Route.with_access(SIGNED_IN), responses={**ANY})


@own_router.post(
    "/api/auth/email/confirmation",
    response_model=Accepted,
    status_code=202,
    responses={202: shows(SENT, "A link is sent to the address of the account."), **answers(NotFound, Conflict)},
)
async def send_confirmation(request: Request, caller: CurrentCaller) -> Response:
    """Send a link to confirm the e-mail address again.

    409 when it is confirmed already, 404 where the server sends no mail.
    """
    mail, resources = _mail(request), Resources.of(request)
    await refuse_confirmed(resources.database, caller.user_id)
    if resources.rate_limits:
        await resources.rate_limits.count_mail(caller.user_id, client_address(request))
    mail.send_confirmation(caller.user_id)
    return secret_json(SENT, 202)


change_router = APIRouter(tags=["accounts"], route_class=Route.with_access(SIGNED_IN, password=True), responses={**ANY})


@change_router.post(
    "/api/auth/email",
    response_model=Accepted,
    status_code=202,
    responses={202: shows(SENT, "A link is sent to the new address."), **answers(NotFound), **BODY},
)
async def change_email(
    request: Request,
    caller: CurrentCaller,
    change: Annotated[
        EmailChange,
        Body(
            openapi_examples={
                "new": {
                    "summary": "A new address",
                    "value": {"email": EMAIL, "password": "a long and quiet afternoon"},
                }
            }
        ),
    ],
) -> Response:
    """Ask for a link that changes the e-mail address.

    The link goes to the new address, and the address changes when it is used; the old one gets a notice. The answer is
    the same when another account has the address. 404 where the server sends no mail.
    """
    mail, resources, address = _mail(request), Resources.of(request), client_address(request)
    limits, password = resources.rate_limits, change.password.get_secret_value()
    async with limits.password_attempt(caller.user_id, address) if limits else nullcontext():
        passwords = accounts_of(request).passwords
        verified = await actions.verify_password(resources.database, passwords, caller, password, "password")
    if limits:
        await limits.count_mail(caller.user_id, address)  # the notice to the old address
        await limits.count_mail(change.email, address)
    mail.send_change(caller.user_id, change.email, verified)
    return secret_json(SENT, 202)


routers = [public_router, reset_router, own_router, change_router]
