"""The sessions of a user, as a list of the devices that are signed in, and the end of one of them."""

import re

from sqlalchemy import DateTime, Text, bindparam, cast, delete, func, literal_column, select
from sqlmodel import col

from todo.accounts.rows import SessionRow
from todo.accounts.tables import Session
from todo.auth.caller import Caller
from todo.db.database import Database
from todo.db.statement import Statement
from todo.problems import NotFound

MAX_SESSIONS = 100
"""Sessions of one user: a sign-in ends those above, the ones that were not used for longest."""

_hash = func.sha256(func.convert_to(cast(col(Session.id), Text), literal_column("'UTF8'")))
PUBLIC_ID = func.left(func.encode(_hash, literal_column("'hex'")), literal_column("32"))
"""As `RefreshSecret.public_id`: the id itself is a part of the refresh token, so no answer shows it."""

_last_rotation = func.jsonb_extract_path_text(
    col(Session.rotations), literal_column("'-1'"), literal_column("'at'")
).cast(DateTime(timezone=True))
LAST_USED_AT = func.greatest(col(Session.created_at), col(Session.last_used_at), _last_rotation)
"""The sign-in, or the newest refresh. Servers from before `2026_11_29_session_clients`, which may run beside this build
during an upgrade, note a refresh in `rotations` only."""

NEWEST_USE_FIRST = (LAST_USED_AT.desc(), col(Session.created_at).desc(), col(Session.id))

_mine = col(Session.user_id) == bindparam("user_id")

LIST = Statement.of(
    select(
        PUBLIC_ID,
        col(Session.created_at),
        LAST_USED_AT,
        col(Session.expires_at),
        col(Session.client),
        PUBLIC_ID.is_not_distinct_from(bindparam("current", type_=Text)),
    )
    .where(_mine)
    .where(col(Session.expires_at) > func.now())
    .order_by(*NEWEST_USE_FIRST)
    .limit(literal_column(str(MAX_SESSIONS))),
    row=SessionRow,
    read_only=True,
)

_named = PUBLIC_ID == bindparam("public_id", type_=Text)  # noqa: SIM300 # the column stands first, as everywhere
END = Statement.of(delete(Session).where(_mine).where(_named).returning(col(Session.id)))

_ID = re.compile("[0-9a-f]{32}")


async def of_user(database: Database, caller: Caller) -> list[SessionRow]:
    """The caller's sessions, the one that was used last first."""
    return await database.as_accounts(caller.user_id).run(LIST, current=caller.session)


async def end(database: Database, user_id: str, public_id: str) -> None:
    """Sign one device of the user out. Raises NotFound."""
    ended = _ID.fullmatch(public_id) and await database.as_accounts(user_id).run(END, public_id=public_id)
    if not ended:
        raise NotFound("There is no such session.")
