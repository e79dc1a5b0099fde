"""The run-time roles, tested on every table of the catalog."""

from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from psycopg import errors, sql

from tests.conftest import Person, pool_connection
from tests.support.sql_conditions import UNOWNED, everything, owned_tables
from tests.support.two_users import SampleUser, with_data
from todo.db import migrate
from todo.db.roles import ACCOUNTS, REQUESTS

pytestmark = pytest.mark.anyio


class TestRoles:
    """The run-time roles, tested on every table."""

    async def test_they_own_nothing_and_cannot_bypass_row_level_security(self, database_url: str) -> None:
        with psycopg.connect(database_url) as connection:
            rows = connection.execute(
                "select rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole,"
                " (select count(*) from pg_class where relowner = r.oid),"
                " (select count(*) from pg_auth_members where member = r.oid)"
                " from pg_roles r where rolname like 'todo\\_%' order by 1"
            ).fetchall()
        assert rows == [(name, False, False, False, False, 0, 0) for name in ("todo_accounts", "todo_app", "todo_log")]

    async def test_every_table_of_users_has_row_level_security_and_policies(self, database_url: str) -> None:
        with psycopg.connect(database_url) as connection:
            security = {
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
            "tasks": ["fence todo_app", "log todo_log", "over todo_accounts", "own todo_app"],
            "feeds": ["accounts todo_accounts", "fence todo_app", "own todo_app"],
            "changes": ["fence todo_app", "log todo_log", "over todo_accounts", "own todo_app"],
            "idempotency": ["log todo_log", "over todo_accounts", "own todo_app"],
            "departed": ["accounts todo_accounts", "log todo_log", "own todo_app"],
            "one_time_links": ["accounts todo_accounts"],
            "oauth_grants": ["accounts todo_accounts"],
            **{table: ["accounts todo_accounts"] for table in ("credentials", "sessions", "api_tokens")},
        }
        assert {table: security[table] for table in owned_tables(database_url)} == {
            table: (True, True, policies) for table, policies in expected.items()
        }

    def test_the_schema_has_no_views_or_sequences_and_few_functions(self, database_url: str) -> None:
        """Five of the functions run as their owner; of these only requests call two, and no role the others."""
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
        assert functions == sorted(
            [
                ("begin_behind_departure", True, False, True, []),  # a trigger's function, owned by todo_log
                ("check_agent", False, False, True, []),  # which that of tasks calls
                ("delete_changes", True, False, True, []),  # likewise
                ("import_tasks", True, False, True, ["todo_app"]),
                ("log_task", True, False, True, []),  # a trigger's, as the first two
                ("undo_existence", True, False, True, ["todo_app"]),
                *(  # for every role; they read their arguments only
                    (name, False, True, False, ["-"])
                    for name in (
                        *("task_due_at", "task_fingerprint", "task_fingerprint", "task_position"),
                        *("task_search", "task_tags_valid", "task_words"),
                    )
                ),
            ]
        )

    @pytest.mark.parametrize(
        ("role", "own", "of_all"),
        [
            (REQUESTS, {"users": 1, "tasks": 3, "changes": 5, "idempotency": 1, "departed": 0, "feeds": 1}, set()),
            # It looks tokens up, so it reads all of them; of tasks it reads only expired rows, so none here.
            (
                *(ACCOUNTS, {"tasks": 0, "changes": 0, "idempotency": 0}),
                {
                    "users",
                    "credentials",
                    "sessions",
                    "api_tokens",
                    "one_time_links",
                    "oauth_grants",
                    "departed",
                    "feeds",
                },
            ),
        ],
    )
    async def test_they_read_only_the_rows_of_their_user(
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
    async def test_they_read_no_rows_before_a_user_is_set(
        self, ada_with_data: SampleUser, database_url: str, role: str
    ) -> None:
        assert everything(database_url, ada_with_data.person.id)["tasks"]
        for table in owned_tables(database_url) if role == REQUESTS else ("tasks", "changes", "idempotency"):
            with self.as_role(database_url, role, "") as connection:
                columns = self.granted(connection, table, "select")
                query = sql.SQL("select {} from {}").format(sql.SQL(", ").join(columns), sql.Identifier(table))
                assert not columns or connection.execute(query).fetchall() == []

    @pytest.mark.parametrize(("role", "protected"), [(REQUESTS, None), (ACCOUNTS, {"tasks", "changes", "idempotency"})])
    async def test_they_write_no_rows_of_another_user(
        self,
        ada_with_data: SampleUser,
        client: httpx.AsyncClient,
        database_url: str,
        role: str,
        protected: set[str] | None,
    ) -> None:
        """As bob they try to insert, update, take over and delete rows of ada, with every granted column.

        Bob's own rows may go, so he is not the one whom tests share.
        """
        ada, bob = ada_with_data.person.id, (await with_data(client, "bob")).person.id
        before = everything(database_url, ada)
        for table, condition in owned_tables(database_url).items():
            if protected is not None and table not in protected:
                continue  # the role for accounts may write accounts
            name, owner = sql.Identifier(table), condition.split()[0]
            tries = [sql.SQL("select * from {} for update").format(name)]
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
            tries.append(sql.SQL("delete from {}").format(name))  # the last, since without rows no update is refused
            for statement in tries:
                with self.as_role(database_url, role, bob) as connection:
                    refused = self.refused(
                        connection, statement, {"ada": ada, "hers": self.a_row(database_url, table, ada)}
                    )
                    connection.rollback() if refused else connection.commit()
                    text = statement.as_string(connection)
                assert refused or not text.startswith("insert"), text
                assert refused or "ada" not in text, text
                assert everything(database_url, ada) == before, text

    @pytest.mark.parametrize("role", [REQUESTS, ACCOUNTS])
    async def test_they_cannot_truncate_tables_or_add_triggers(self, database_url: str, role: str) -> None:
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
        """All tables and views."""
        with psycopg.connect(url) as connection:
            rows = connection.execute(
                "select relname from pg_class where relkind in ('r', 'p', 'v', 'm', 'f')"
                " and relnamespace = current_schema()::regnamespace"
            ).fetchall()
            return [name for (name,) in rows]

    def granted(self, connection: psycopg.Connection[Any], table: str, what: str) -> list[sql.Identifier]:
        """The columns on which the current role has this privilege."""
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
        """Whether the role has no privilege for the statement."""
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
            "select * from one_time_links",
            "update users set email_confirmed_at = now()",
            "select * from deployment",
            "update users set email = 'x@example.com'",
            "delete from users",
            "select * from credentials",
            "select * from signing_keys",
            "alter table tasks disable row level security",
            "create table public.mine (id int)",
        ],
    )
    async def test_requests_are_not_permitted(
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
    async def test_accounts_cannot_read_the_texts_of_tasks(self, ada: Person, database_url: str, what: str) -> None:
        await ada.create()
        with self.as_role(database_url, ACCOUNTS, ada.id) as connection, pytest.raises(errors.InsufficientPrivilege):
            connection.execute(f"select {what}".encode())

    @pytest.mark.parametrize(
        ("table", "column", "kept"),
        [("tasks", "deleted_at", "30 days"), ("changes", "at", "90 days"), ("idempotency", "at", "24 hours")],
    )
    async def test_accounts_can_delete_expired_rows_and_no_others(
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

        def deleted(age: str) -> int:
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

        assert deleted(f"{kept} - 1 minute") == 0
        assert deleted(f"{kept} 1 minute") == (2 if table == "changes" else 1)

    @pytest.mark.parametrize("function", ["log_task", "begin_behind_departure"])
    async def test_the_functions_of_the_log_cannot_be_used_by_other_triggers(
        self, bob: Person, database_url: str, function: str
    ) -> None:
        trigger = f"create trigger x before delete on mine for each row execute function public.{function}()"
        with self.as_role(database_url, REQUESTS, bob.id) as connection:
            connection.execute("create temporary table mine (like tasks)")
            with pytest.raises(errors.InsufficientPrivilege, match=function):
                connection.execute(trigger.encode())

    async def test_no_role_or_user_stays_set_on_a_connection(self, ada: Person, app: FastAPI) -> None:
        await ada.create()
        async with pool_connection(app.state.resources.database) as connection:
            cursor = await connection.execute(
                "select current_user = session_user, current_setting('app.user_id', true)"
            )
            same, user_id = await cursor.fetchone() or (None, None)
        assert same
        assert user_id in {"", None}
