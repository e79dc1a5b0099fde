"""How a user of another issuer gets their row: with their first write, in the same statement."""

from typing import Any

from sqlalchemy import CTE, DateTime, Text, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from todo.accounts.models import Departed, User
from todo.accounts.tokens import Caller


def arrival() -> CTE:
    """Makes the caller's row where there is none, unless they left since their token was issued.

    The statement is to be alone by `user_id` with the deletion of the account, so that a departure in this very
    moment is seen; `claims` are its parameters.
    """
    departed = (
        select(col(Departed.at))
        .where(
            col(Departed.user_hash)
            == func.sha256(func.convert_to(bindparam("user_id", type_=Text), literal_column("'UTF8'"))),
            col(Departed.at) >= bindparam("issued_at", type_=DateTime(timezone=True)),
        )
        .exists()
    )
    return (
        insert(User)
        .from_select(
            ["id", "email"],
            select(bindparam("user_id", type_=Text), bindparam("email", type_=Text)).where(~departed),
        )
        .on_conflict_do_nothing()
        .returning(col(User.id))
        .cte("arrival")
    )


def claims(caller: Caller) -> dict[str, Any]:
    """What the caller's token says of them, as `arrival` takes it."""
    return {"email": caller.email, "issued_at": caller.issued_at}
