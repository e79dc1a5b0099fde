"""What one does with an account: sign up, sign in, look at it; and the keys that sign the tokens."""

import msgspec
from psycopg.errors import UniqueViolation
from sqlalchemy import Text, bindparam, cast, func, insert, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlmodel import col

from todo.accounts.models import Credential, SigningKey, User, new_user_id
from todo.accounts.passwords import Passwords
from todo.accounts.tokens import KeyPair, Tokens
from todo.database import ACCOUNTS, Database, Row, Statement, Tx
from todo.problems import Conflict, Unauthorized, WrongPassword

SHOWN = (col(User.id), col(User.email), col(User.created_at))

_user = insert(User).values(id=bindparam("id"), email=bindparam("email")).returning(*SHOWN).cte("new_user")
_credential = (
    insert(Credential)
    .values(user_id=bindparam("id"), email=bindparam("email"), password_hash=bindparam("password_hash"))
    .returning(col(Credential.user_id))
    .cte("new_credential")
)
SIGN_UP = Statement.of(select(_user).add_cte(_credential))

SIGN_IN = Statement.of(
    select(*SHOWN, col(Credential.password_hash))
    .join(Credential, col(Credential.user_id) == col(User.id))
    .where(func.lower(col(Credential.email)) == func.lower(bindparam("email", type_=Text))),
    reads=True,
)

ME = Statement.of(select(*SHOWN).where(col(User.id) == bindparam("user_id")), reads=True)

ADD_KEY = Statement.of(
    insert_or(SigningKey)
    .values(
        kid=bindparam("kid"),
        private_key=bindparam("private_key"),
        public_jwk=cast(bindparam("public_jwk", type_=Text), JSONB),
    )
    .on_conflict_do_nothing()
)

KEYS = Statement.of(
    select(
        col(SigningKey.kid),
        col(SigningKey.private_key),
        col(SigningKey.public_jwk),
        col(SigningKey.retired_at).is_(None).label("current"),
    ).order_by(literal_column("4").desc(), col(SigningKey.created_at).desc()),
    reads=True,
)


async def sign_up(database: Database, passwords: Passwords, email: str, password: str) -> Row:
    """Make an account; the user's row. Raises Conflict when the e-mail has one already."""
    hashed = await passwords.hash(password)
    try:
        [user] = await _accounts(database).one(SIGN_UP, id=new_user_id(), email=email, password_hash=hashed)
    except UniqueViolation:
        raise Conflict("This e-mail address has an account already: sign in.") from None
    return user


async def sign_in(database: Database, passwords: Passwords, email: str, password: str) -> Row:
    """The user whose e-mail and password these are. Raises WrongPassword, equally slowly, for anybody else."""
    found = await _accounts(database).one(SIGN_IN, email=email)
    *user, hashed = found[0] if found else (None,)
    if not await passwords.verify(password, hashed):
        raise WrongPassword
    return tuple(user)


async def me(tx: Tx) -> Row:
    """The caller's own row. Raises Unauthorized when the account is gone."""
    found = await tx.one(ME)
    if not found:
        raise Unauthorized("This account no longer exists.")
    return found[0]


async def signing_keys(database: Database) -> Tokens:
    """The keys of this deployment, with a first one made when there is none.

    Any number of servers may start at once: the database lets one key be current, and all read that one.
    """
    tx = _accounts(database)
    rows = await tx.one(KEYS)
    if not rows or not rows[0][3]:
        key = KeyPair.new()
        jwk = msgspec.json.encode(key.public_jwk).decode()
        async with tx.several() as several:
            await several.run(ADD_KEY, kid=key.kid, private_key=key.private_key, public_jwk=jwk)
            rows = await several.rows(KEYS)
    kid, private_key, public_jwk, _ = rows[0]
    return Tokens(KeyPair(kid, private_key, public_jwk), [row[2] for row in rows])


def _accounts(database: Database) -> Tx:
    return Tx(database, "", ACCOUNTS)
