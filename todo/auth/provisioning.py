"""How a user of an external issuer gets their row: with their first write, in the same statement."""

from typing import Any

from sqlalchemy import CTE, DateTime, Text, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from todo.auth.caller import Caller
from todo.auth.tables import DeletedUser, User


def provisioned_user() -> CTE:
    """Makes the caller's row where there is none, unless their account was deleted since their token was issued.

    The statement must lock by `user_id`, as the deletion of an account does, so that a deletion in this very moment
    is seen; `claims` are its parameters.
    """
    deleted_since = (
        select(col(DeletedUser.at))
        .where(
            col(DeletedUser.user_hash)
            == func.sha256(func.convert_to(bindparam("user_id", type_=Text), literal_column("'UTF8'"))),
            col(DeletedUser.at) >= bindparam("issued_at", type_=DateTime(timezone=True)),
        )
        .exists()
    )
    return (
        insert(User)
        .from_select(
            ["id", "email"],
            select(bindparam("user_id", type_=Text), bindparam("email", type_=Text)).where(~deleted_since),
        )
        .on_conflict_do_nothing()
        .returning(col(User.id))
        .cte("provisioned_user")
    )


def claims(caller: Caller) -> dict[str, Any]:
    """What the caller's token says of them, as `provisioned_user` takes it."""
    return {"email": caller.email, "issued_at": caller.issued_at}
