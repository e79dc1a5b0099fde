"""The roles that the application works as, tried against every table that the catalog names: none is left out."""

from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from psycopg import errors, sql

from tests.conftest import Person, borrowed
from tests.support.sql_conditions import UNOWNED, everything, owned_tables
from tests.support.two_users import SampleUser
from todo.db import migrate
from todo.db.roles import ACCOUNTS, REQUESTS

pytestmark = pytest.mark.anyio


class TestRoles:
    """The roles that the application works as, tried against every table."""

    async def test_they_own_nothing_and_cannot_get_round(self, database_url: str) -> None:
        with psycopg.connect(database_url) as connection:
            rows = connection.execute(
                "select rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole,"
                " (select count(*) from pg_class where relowner = r.oid),"
                " (select count(*) from pg_auth_members where member = r.oid)"
                " from pg_roles r where rolname like 'todo\\_%' order by 1"
            ).fetchall()
        assert rows == [(name, False, False, False, False, 0, 0) for name in ("todo_accounts", "todo_app", "todo_log")]

    async def test_every_table_with_an_owner_has_its_wall(self, database_url: str) -> None:
        with psycopg.connect(database_url) as connection:
            walls = {
                table: (enabled, forced, policies)
                for table, enabled, forced, policies in connection.execute(
                    "select relname, relrowsecurity, relforcerowsecurity,"
                    " array(select polname::text || ' ' || r from pg_policy, unnest(polroles::regrole[]) r"
                    "        where polrelid = c.oid order by 1)"
                    " from pg_class c where relkind in ('r', 'p') and relnamespace = current_schema()::regnamespace"
                )
            }
        expected = {
            "users": ["accounts todo_accounts", "log todo_log", "own todo_app"],
            "tasks": ["over todo_accounts", "own todo_app"],
            "changes": ["log todo_log", "over todo_accounts", "own todo_app"],
            "idempotency": ["log todo_log", "over todo_accounts", "own todo_app"],
            "departed": ["accounts todo_accounts", "log todo_log", "own todo_app"],
            **{table: ["accounts todo_accounts"] for table in ("credentials", "sessions", "api_tokens")},
        }
        assert {table: walls[table] for table in owned_tables(database_url)} == {
            table: (True, True, policies) for table, policies in expected.items()
        }

    def test_what_else_the_schema_holds(self, database_url: str) -> None:
        """No view, no sequence; two functions that work as somebody else, which nobody may call."""
        with psycopg.connect(database_url) as connection:
            others = connection.execute(
                "select relname from pg_class where relkind not in ('r', 'p', 'i', 'I')"
                " and relnamespace = current_schema()::regnamespace"
            ).fetchall()
            functions = connection.execute(
                "select proname, prosecdef, proowner::regrole = current_user::regrole, proconfig is not null, array("
                "   select grantee::regrole::text from aclexplode(coalesce(proacl, acldefault('f', proowner)))"
                "    where grantee <> proowner)"
                " from pg_proc where pronamespace = current_schema()::regnamespace order by 1"
            ).fetchall()
        assert others == []
        assert functions == [
            ("begin_behind_departure", True, False, True, []),  # a trigger's, todo_log's own
            ("log_task", True, False, True, []),  # likewise
            ("task_fingerprint", False, True, False, ["-"]),  # for everybody, of its arguments alone
        ]

    @pytest.mark.parametrize(
        ("role", "own", "of_all"),
        [
            (REQUESTS, {"users": 1, "tasks": 2, "changes": 4, "idempotency": 1, "departed": 0}, set()),
            # It finds out whose a token is, so it sees all of them; of tasks only what is over, so none here.
            (
                *(ACCOUNTS, {"tasks": 0, "changes": 0, "idempotency": 0}),
                {"users", "credentials", "sessions", "api_tokens", "departed"},
            ),
        ],
    )
    async def test_what_they_read_of_every_table(
        self,
        ada_with_data: SampleUser,
        bob_with_data: SampleUser,
        database_url: str,
        role: str,
        own: dict[str, int],
        of_all: set[str],
    ) -> None:
        seen = {}
        for table in self.tables(database_url):
            with self.as_role(database_url, role, bob_with_data.person.id) as connection:
                columns = self.granted(connection, table, "select")
                if not columns:
                    continue
                query = sql.SQL("select row({})::text from {}").format(
                    sql.SQL(", ").join(columns), sql.Identifier(table)
                )
                rows = [text for (text,) in connection.execute(query).fetchall()]
            assert not [row for row in rows if ada_with_data.marker in row and table != "api_tokens"], table
            if table not in of_all | {*UNOWNED}:
                assert not [row for row in rows for secret in ada_with_data.secrets if secret in row], table
                seen[table] = len(rows)
        assert seen == own

    @pytest.mark.parametrize("role", [REQUESTS, ACCOUNTS])
    async def test_nobody_is_seen_before_the_user_is_named(
        self, ada_with_data: SampleUser, database_url: str, role: str
    ) -> None:
        assert everything(database_url, ada_with_data.person.id)["tasks"]
        for table in owned_tables(database_url) if role == REQUESTS else ("tasks", "changes", "idempotency"):
            with self.as_role(database_url, role, "") as connection:
                columns = self.granted(connection, table, "select")
                query = sql.SQL("select {} from {}").format(sql.SQL(", ").join(columns), sql.Identifier(table))
                assert not columns or connection.execute(query).fetchall() == []

    @pytest.mark.parametrize(("role", "walled"), [(REQUESTS, None), (ACCOUNTS, {"tasks", "changes", "idempotency"})])
    async def test_what_they_write_in_every_table(
        self,
        ada_with_data: SampleUser,
        bob_with_data: SampleUser,
        database_url: str,
        role: str,
        walled: set[str] | None,
    ) -> None:
        """As bob they try to make, change, take over and erase rows of hers with every column that is granted."""
        ada, bob = ada_with_data.person.id, bob_with_data.person.id
        before = everything(database_url, ada)
        for table, whose in owned_tables(database_url).items():
            if walled is not None and table not in walled:
                continue  # accounts are its work
            name, owner = sql.Identifier(table), whose.split()[0]
            tries = [sql.SQL("delete from {}").format(name), sql.SQL("select * from {} for update").format(name)]
            with self.as_role(database_url, role, bob) as connection:
                inserted = self.granted(connection, table, "insert")
                updated = self.granted(connection, table, "update")
            for column in updated:
                tries.append(sql.SQL("update {} set {} = {}").format(name, column, column))
                if column == sql.Identifier(owner):
                    tries.append(sql.SQL("update {} set {} = %(ada)s").format(name, column))
            if inserted:
                listed = sql.SQL(", ").join(inserted)
                made = sql.SQL("insert into {} ({}) select {} from jsonb_populate_record(null::{}, %(hers)s::jsonb)")
                tries.append(made.format(name, listed, listed, name))
            for statement in tries:
                with self.as_role(database_url, role, bob) as connection:
                    refused = self.refused(
                        connection, statement, {"ada": ada, "hers": self.a_row(database_url, table, ada)}
                    )
                    connection.rollback() if refused else connection.commit()
                    said = statement.as_string(connection)
                assert refused or not said.startswith("insert"), said
                assert refused or "ada" not in said, said
                assert everything(database_url, ada) == before, said

    @pytest.mark.parametrize("role", [REQUESTS, ACCOUNTS])
    async def test_they_neither_truncate_nor_hang_anything_on_a_table(self, database_url: str, role: str) -> None:
        with psycopg.connect(database_url) as connection:
            found = connection.execute(
                "select c.oid::regclass, p from pg_class c, unnest('{truncate,references,trigger}'::text[]) p"
                " where relkind in ('r', 'p', 'v', 'm', 'f') and relnamespace = current_schema()::regnamespace"
                " and has_table_privilege(%s, c.oid, p)",
                [role],
            ).fetchall()
        assert found == []

    def as_role(self, url: str, role: str, user_id: str) -> psycopg.Connection[Any]:
        connection = psycopg.connect(url)
        connection.execute(
            "select set_config('role', %s, false), set_config('app.user_id', %s, false)", [role, user_id]
        )
        connection.commit()
        return connection

    def tables(self, url: str) -> list[str]:
        """All that can be selected from."""
        with psycopg.connect(url) as connection:
            rows = connection.execute(
                "select relname from pg_class where relkind in ('r', 'p', 'v', 'm', 'f')"
                " and relnamespace = current_schema()::regnamespace"
            ).fetchall()
            return [name for (name,) in rows]

    def granted(self, connection: psycopg.Connection[Any], table: str, what: str) -> list[sql.Identifier]:
        """The columns on which whoever works here may do so."""
        rows = connection.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"
            " and has_column_privilege(attrelid, attnum, %s) order by attnum",
            [table, what],
        ).fetchall()
        return [sql.Identifier(name) for (name,) in rows]

    def a_row(self, url: str, table: str, user_id: str) -> str | None:
        """One of a user's rows as JSON, or None where they have none."""
        with psycopg.connect(url) as connection:
            connection.execute(sql.SQL("alter table {} no force row level security").format(sql.Identifier(table)))
            query = sql.SQL("select to_jsonb(t)::text from {} t where ").format(sql.Identifier(table))
            query += sql.SQL(owned_tables(url)[table])
            found = connection.execute(query + sql.SQL(" limit 1"), {"id": user_id}).fetchone()
            connection.rollback()
        return str(found[0]) if found else None

    def refused(self, connection: psycopg.Connection[Any], statement: sql.Composed, values: dict[str, Any]) -> bool:
        """Whether the statement is not allowed, on whomever's rows."""
        try:
            connection.execute(statement, values)
        except errors.InsufficientPrivilege:
            return True
        return False

    @pytest.mark.parametrize(
        "statement",
        [
            "insert into tasks (user_id, id, title) values (%(ada)s, gen_random_uuid(), 'x')",
            "update tasks set user_id = %(ada)s",
            "update tasks set created_at = now()",
            "update tasks set fingerprint = ''",
            "update tasks set revision = 7",
            "insert into changes (user_id, revision) values (%(bob)s, 7)",
            "update changes set after = null",
            "delete from changes",
            "update users set revision = 7",
            "insert into idempotency (user_id, key, request, status, headers) values (%(ada)s, 'x', '', 200, '{}')",
            "insert into users (id) values ('x')",
            "insert into departed (user_hash) values ('')",
            "select * from sessions",
            "select * from api_tokens",
            "select * from deployment",
            "update users set email = 'x@example.com'",
            "delete from users",
            "select * from credentials",
            "select * from signing_keys",
            "alter table tasks disable row level security",
            "create table public.mine (id int)",
        ],
    )
    async def test_requests_may_not(
        self, ada_with_data: SampleUser, bob_with_data: SampleUser, database_url: str, statement: str
    ) -> None:
        ids = {"ada": ada_with_data.person.id, "bob": bob_with_data.person.id}
        with (
            self.as_role(database_url, REQUESTS, ids["bob"]) as connection,
            pytest.raises(errors.InsufficientPrivilege),
        ):
            connection.execute(statement.encode(), ids)

    @pytest.mark.parametrize(
        "what", ["title from tasks", "after from changes", "body from idempotency", "* from tasks"]
    )
    async def test_accounts_never_see_what_a_task_says(self, ada: Person, database_url: str, what: str) -> None:
        await ada.create()
        with self.as_role(database_url, ACCOUNTS, ada.id) as connection, pytest.raises(errors.InsufficientPrivilege):
            connection.execute(f"select {what}".encode())

    @pytest.mark.parametrize(
        ("table", "column", "kept"),
        [("tasks", "deleted_at", "30 days"), ("changes", "at", "90 days"), ("idempotency", "at", "24 hours")],
    )
    async def test_accounts_sweep_what_is_over_and_nothing_else(
        self, empty_url: str, table: str, column: str, kept: str
    ) -> None:
        migrate.upgrade(empty_url)
        with psycopg.connect(empty_url) as owner:
            for each in ("users", "tasks", "changes", "idempotency"):
                owner.execute(f"alter table {each} no force row level security".encode())
            owner.execute("insert into users (id) values ('ada')")
            owner.execute(
                "insert into tasks (user_id, id, title, deleted_at)"
                " select 'ada', gen_random_uuid(), 'x', case n when 1 then now() end from generate_series(1, 2) n"
            )
            owner.execute(
                "insert into idempotency (user_id, key, request, status, headers) values ('ada', 'x', '', 200, '{}')"
            )
            for each in ("users", "tasks", "changes", "idempotency"):
                owner.execute(f"alter table {each} force row level security".encode())

        def swept(age: str) -> int:
            with psycopg.connect(empty_url) as owner:
                for statement in (
                    f"alter table {table} no force row level security",
                    "alter table tasks disable trigger log",
                    f"update {table} set {column} = now() - interval '{age}' where {column} is not null",
                    "alter table tasks enable trigger log",
                    f"alter table {table} force row level security",
                ):
                    owner.execute(statement.encode())
            with self.as_role(empty_url, ACCOUNTS, "") as accounts:
                return accounts.execute(f"delete from {table}".encode()).rowcount

        assert swept(f"{kept} - 1 minute") == 0
        assert swept(f"{kept} 1 minute") == (2 if table == "changes" else 1)

    @pytest.mark.parametrize("function", ["log_task", "begin_behind_departure"])
    async def test_nobody_hangs_the_log_on_a_table_of_their_own(
        self, bob: Person, database_url: str, function: str
    ) -> None:
        trigger = f"create trigger x before delete on mine for each row execute function public.{function}()"
        with self.as_role(database_url, REQUESTS, bob.id) as connection:
            connection.execute("create temporary table mine (like tasks)")
            with pytest.raises(errors.InsufficientPrivilege, match=function):
                connection.execute(trigger.encode())

    async def test_nothing_of_a_user_stays_on_a_connection(self, ada: Person, app: FastAPI) -> None:
        await ada.create()
        async with borrowed(app.state.resources.database) as connection:
            cursor = await connection.execute(
                "select current_user = session_user, current_setting('app.user_id', true)"
            )
            same, user_id = await cursor.fetchone() or (None, None)
        assert same
        assert user_id in {"", None}
