"""The apps that may ask: made by the operator or by themselves, found, listed, removed."""

import re
import unicodedata
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import Text, Uuid, bindparam, delete, exists, func, insert, literal_column, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col

from todo.accounts.tables import ApiToken
from todo.db.database import Database
from todo.db.statement import Statement, text_array
from todo.oauth.errors import OAuthError
from todo.oauth.tables import NAME_LENGTH, OAuthClient, OAuthGrant
from todo.problems import NotFound, TooManyRequests

MAX_REGISTERED = 1000
"""Apps that have registered themselves; one more replaces one that was never used."""

UNUSED_FOR = timedelta(days=1)
"""How long an app that registered itself is kept without ever getting a token."""

IDLE_FOR = timedelta(days=90)
"""How long it is kept when it has no token any more."""

PENDING_FOR = timedelta(hours=1)
"""How long one that was never used stays although there are too many: its person may be reading the page."""

UNNAMED = "An app without a name"

BLANK = "\u115f\u1160\u2800\u3164\uffa0"
"""Characters that look like nothing, although they are letters and symbols by their category."""

MARKS = 2
"""Combining marks in a row that are shown: more of them would reach over other lines."""


class Client(msgspec.Struct):
    """An app, as it is kept."""

    id: UUID
    name: str
    redirect_uris: list[str]
    origin: str
    created_at: datetime
    last_used_at: datetime | None


_columns = tuple(OAuthClient.__table__.c[name] for name in Client.__struct_fields__)  # type: ignore[attr-defined] # SQLModel sets it
_of_registration = col(OAuthClient.origin) == "registration"
_registered = select(func.count()).select_from(OAuthClient).where(_of_registration).scalar_subquery()
_new = {
    "id": bindparam("id", type_=Uuid),
    "name": bindparam("name", type_=Text),
    "redirect_uris": bindparam("redirect_uris", type_=ARRAY(Text)),
    "origin": bindparam("origin", type_=Text),
}
ADD = Statement.of(
    insert(OAuthClient)
    .from_select(
        [*_new],
        select(*_new.values()).where(or_(bindparam("origin", type_=Text) == "operator", _registered < MAX_REGISTERED)),
    )
    .returning(*_columns),
    row=Client,
    lock_by="origin",
)
FIND = Statement.of(select(*_columns).where(col(OAuthClient.id) == bindparam("id")), row=Client, read_only=True)
LIST = Statement.of(select(*_columns).order_by(col(OAuthClient.created_at)), row=Client, read_only=True)

has_token = exists().where(col(OAuthGrant.client_id) == col(OAuthClient.id), col(OAuthGrant.token_id).is_not(None))
unused = (
    or_(
        col(OAuthClient.last_used_at).is_(None) & (col(OAuthClient.created_at) < func.now() - UNUSED_FOR),
        (col(OAuthClient.last_used_at) < func.now() - IDLE_FOR) & ~has_token,
    )
    & _of_registration
)
"""Of an app that registered itself and is of no use any more; `todo.retention` removes it."""

_pending = (
    select(col(OAuthClient.id))
    .where(_of_registration, col(OAuthClient.last_used_at).is_(None))
    .where(col(OAuthClient.created_at) < func.now() - PENDING_FOR)
    .order_by(col(OAuthClient.created_at))
    .limit(literal_column("10"))
)
MAKE_ROOM = Statement.of(delete(OAuthClient).where(col(OAuthClient.id).in_(_pending)).returning(col(OAuthClient.id)))

_tokens = (
    delete(ApiToken)
    .where(col(ApiToken.id).in_(select(col(OAuthGrant.token_id)).where(col(OAuthGrant.client_id) == bindparam("id"))))
    .cte("tokens")
)
REMOVE = Statement.of(
    delete(OAuthClient).where(col(OAuthClient.id) == bindparam("id")).returning(col(OAuthClient.id)).add_cte(_tokens)
)


def cleaned(name: object) -> str:
    """The name of an app as people may see it: one line, short, without what would hide or turn other text."""
    if not isinstance(name, str):
        return UNNAMED
    spaced = re.sub(r"\s+", " ", name[: 4 * NAME_LENGTH])
    kept, marks = "", 0
    for each in unicodedata.normalize("NFC", "".join(c for c in spaced if unicodedata.category(c)[0] != "C")):
        marks = marks + 1 if unicodedata.category(each)[0] == "M" else 0
        if marks <= MARKS and each not in BLANK:
            kept += each
    return re.sub(r" +", " ", kept).strip()[:NAME_LENGTH].strip() or UNNAMED


async def add(database: Database, name: str, redirect_uris: list[str], origin: str = "operator") -> Client:
    """A new app. Raises TooManyRequests when too many have registered themselves, and all of late."""
    values = {"id": uuid4(), "name": cleaned(name), "redirect_uris": text_array(redirect_uris), "origin": origin}
    db = database.as_accounts()
    rows = await db.run(ADD, **values)
    if not rows and await db.run(MAKE_ROOM):
        rows = await db.run(ADD, **values)
    if not rows:
        raise TooManyRequests("Too many apps have registered of late.", retry_after=3600)
    return rows[0]


async def find(database: Database, id: str) -> Client | None:
    """The app with this id, or None."""
    try:
        client_id = UUID(id)
    except ValueError:
        return None
    rows = await database.as_accounts().run(FIND, id=client_id) if str(client_id) == id else []
    return rows[0] if rows else None


async def known(database: Database, id: str | None) -> Client:
    """The app with this id. Raises OAuthError."""
    client = await find(database, id or "")
    if client is None:
        raise OAuthError("invalid_client", "This client is not registered here: register it, or ask the operator.", 401)
    return client


async def every(database: Database) -> list[Client]:
    """All of them, oldest first."""
    return await database.as_accounts().run(LIST)


async def remove(database: Database, id: UUID) -> None:
    """Remove an app, and revoke all tokens that it was given. Raises NotFound."""
    if not await database.as_accounts().run(REMOVE, id=id):
        raise NotFound("There is no such client.")
