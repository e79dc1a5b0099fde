"""The schema: migrations up and down, concurrent upgrades, the models, and the start-up check."""

import asyncio
import multiprocessing
import re
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.script import ScriptDirectory
from psycopg import errors, sql

from tests.conftest import settings_for
from todo.db import migrate
from todo.db.database import Database
from todo.db.embedded import server as embedded
from todo.db.guard import IsolationError, check_database
from todo.tasks import lists
from todo.tasks.lists import START
from todo.tasks.shapes import Status

pytestmark = pytest.mark.anyio


def shape(url: str) -> list[Any]:
    """Everything that the migrations make, read from the catalog."""
    queries = """
        select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns
         where table_schema = 'public' order by 1, 2;
        select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
         where connamespace = 'public'::regnamespace order by 1, 2;
        select indexname, indexdef from pg_indexes where schemaname = 'public' order by 1;
        select tablename, policyname, roles::text, cmd, qual, with_check from pg_policies order by 1, 2;
        select proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace order by 1;
        select tgrelid::regclass::text, tgname from pg_trigger where not tgisinternal order by 1, 2;
        select relname, relrowsecurity, relforcerowsecurity, relacl::text from pg_class
         where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'alembic_version' order by 1
    """
    with psycopg.connect(url) as connection:
        return [connection.execute(query.encode()).fetchall() for query in queries.split(";")]


def test_the_models_match_the_migrations(database_url: str) -> None:
    migrate.check(database_url)


def test_upgrade_downgrade_and_upgrade_give_the_same_schema(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    first = shape(empty_url)

    migrate.downgrade(empty_url, "base")
    with psycopg.connect(empty_url) as connection:
        left = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        functions = connection.execute(
            "select proname from pg_proc where pronamespace = 'public'::regnamespace"
        ).fetchall()
    assert (left, functions) == ([("alembic_version",)], [])

    migrate.upgrade(empty_url)
    assert shape(empty_url) == first


def test_the_newest_migration_is_the_head_of_alembic() -> None:
    scripts = ScriptDirectory(str(migrate.FOLDER))

    assert scripts.get_heads() == [migrate.head()]
    assert [script.revision for script in scripts.walk_revisions()][::-1] == list(migrate.revisions())


def test_an_upgrade_of_a_current_schema_changes_nothing(database_url: str) -> None:
    before = shape(database_url)

    migrate.upgrade(database_url)

    assert shape(database_url) == before


@pytest.mark.slow
def test_ten_concurrent_upgrades_run_each_migration_once(empty_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=migrate.upgrade, args=(empty_url,)) for _ in range(10)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0] * 10
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("select version_num from alembic_version").fetchall() == [(migrate.head(),)]


def test_the_printed_sql_makes_the_same_schema(
    empty_url: str, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    migrate.print_upgrade()
    printed = capsys.readouterr().out

    psql = [str(embedded.binaries() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", empty_url]
    done = subprocess.run(psql, input=printed, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert shape(empty_url) == shape(database_url)


@pytest.mark.parametrize("path", sorted(Path(migrate.FOLDER, "versions").glob("*.py")), ids=lambda path: path.stem)
def test_every_migration_is_dated_and_sets_its_lock_timeout(path: Path) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\w+", path.stem)
    upgrade, downgrade = re.split(r"\ndef downgrade", path.read_text().split("\ndef upgrade")[1])
    assert "SET LOCAL lock_timeout" in upgrade
    assert "SET LOCAL lock_timeout" in downgrade


async def run_start_up_check(url: str) -> None:
    async with Database(url, settings_for(url)) as database:
        await check_database(database)


async def test_a_database_without_tables_is_not_served(empty_url: str) -> None:
    with pytest.raises(migrate.SchemaError, match="todo db upgrade"):
        await run_start_up_check(empty_url)


@pytest.mark.parametrize(
    ("revision", "advice"), [("2099_01_01_future", "run a newer build"), (None, "todo db upgrade")]
)
async def test_an_unknown_schema_is_not_served(empty_url: str, revision: str | None, advice: str) -> None:
    migrate.upgrade(empty_url)
    with psycopg.connect(empty_url) as connection:
        connection.execute("delete from alembic_version")
        if revision:
            connection.execute("insert into alembic_version values (%s)", [revision])

    with pytest.raises(migrate.SchemaError, match=advice):
        await run_start_up_check(empty_url)


async def test_a_table_without_row_level_security_is_not_served(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    await run_start_up_check(empty_url)
    with psycopg.connect(empty_url) as connection:
        connection.execute("alter table tasks disable row level security")

    with pytest.raises(IsolationError, match="tasks"):
        await run_start_up_check(empty_url)


async def test_a_role_that_bypasses_row_level_security_is_not_served(tmp_path: Path) -> None:
    """Roles belong to a cluster, so this test starts one of its own, with a superuser."""
    with embedded.running(tmp_path) as url:
        migrate.upgrade(url)
        superuser = url.replace("//todo@/todo?", "//postgres@/todo?")
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute("alter role todo_app bypassrls")

        with pytest.raises(IsolationError, match="BYPASSRLS"):
            await run_start_up_check(url)

        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute("alter role todo_app nobypassrls")
            connection.execute("revoke todo_accounts from todo cascade")
        with pytest.raises(IsolationError, match="GRANT todo_app, todo_accounts"):
            await run_start_up_check(url)


@pytest.mark.parametrize("function", ["log_task", "begin_behind_departure"])
async def test_a_log_that_a_restore_gave_to_another_owner_is_not_served(tmp_path: Path, function: str) -> None:
    """As `pg_restore --no-owner` does. The SQL in the error message repairs it."""
    with embedded.running(tmp_path) as url:
        migrate.upgrade(url)
        superuser = url.replace("//todo@/todo?", "//postgres@/todo?")
        for restorer in ("postgres", "todo"):
            with psycopg.connect(superuser, autocommit=True) as connection:
                connection.execute(f"alter function {function}() owner to {restorer}".encode())
            with pytest.raises(IsolationError, match=f"{function} belongs to {restorer}") as refused:
                await run_start_up_check(url)
            assert "\n" not in str(refused.value)
            with psycopg.connect(superuser if restorer == "postgres" else url, autocommit=True) as connection:
                connection.execute(str(refused.value).partition("schema, ")[2].encode())
            await run_start_up_check(url)


@pytest.mark.parametrize(
    ("broken", "refused"),
    [
        ("alter table tasks disable trigger log", "ALTER TABLE tasks ENABLE TRIGGER log"),
        ("drop trigger begin on users", "restore the dump whole"),
        ("drop policy fence on changes", "the policy fence of changes is missing"),
        ("set role todo_log; alter function log_task() security invoker", r"log_task\(\) SECURITY DEFINER"),
    ],
)
async def test_a_schema_without_a_trigger_or_policy_is_not_served(empty_url: str, broken: str, refused: str) -> None:
    migrate.upgrade(empty_url)
    with psycopg.connect(empty_url) as connection:
        connection.execute(broken.encode())

    with pytest.raises(IsolationError, match=refused):
        await run_start_up_check(empty_url)


async def test_the_error_for_an_older_schema_names_the_needed_one(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate.upgrade(empty_url)
    monkeypatch.setattr(migrate, "head", lambda: "2099_01_01_newer")

    with pytest.raises(migrate.SchemaError, match="needs 2099_01_01_newer: run `todo db upgrade`"):
        await asyncio.wait_for(run_start_up_check(empty_url), 10)


class TestTimestamps:
    """Timestamps and other columns that the server sets, for any writer, psql included."""

    @pytest.fixture
    def owner(self, empty_url: str) -> Any:
        migrate.upgrade(empty_url)
        with psycopg.connect(empty_url) as connection:
            for table in ("users", "tasks"):
                connection.execute(f"alter table {table} no force row level security".encode())
            connection.execute("insert into users (id) values ('ada')")
            connection.execute("insert into tasks (user_id, id, title) values ('ada', gen_random_uuid(), 'x')")
            connection.commit()
            yield connection

    COLUMNS = "created_at, updated_at, completed_at, fingerprint"

    def test_updated_at_increases_even_when_the_clock_is_set_back(self, owner: psycopg.Connection[Any]) -> None:
        owner.execute("alter table tasks disable trigger log")
        owner.execute("update tasks set updated_at = now() + interval '1 day'")
        owner.execute("alter table tasks enable trigger log")
        before = owner.execute("select updated_at from tasks").fetchone()
        after = owner.execute("update tasks set title = 'y' returning updated_at").fetchone()
        assert before
        assert after
        assert after[0] > before[0]

    def test_columns_that_the_server_sets_cannot_be_written(self, owner: psycopg.Connection[Any]) -> None:
        before = owner.execute(f"select {self.COLUMNS} from tasks".encode()).fetchone()
        after = owner.execute(
            "update tasks set created_at = 'epoch', updated_at = 'epoch', completed_at = now(), fingerprint = ''"
            f" returning {self.COLUMNS}".encode()
        ).fetchone()
        assert after == before

    def test_an_update_that_changes_nothing_still_returns_the_row(self, owner: psycopg.Connection[Any]) -> None:
        before = owner.execute("select * from tasks").fetchall()
        assert owner.execute("update tasks set title = title returning *").fetchall() == before

    def test_deleting_a_user_deletes_their_tasks(self, owner: psycopg.Connection[Any]) -> None:
        owner.execute("delete from users where id = 'ada'")
        assert owner.execute("select count(*) from tasks").fetchone() == (0,)

    def test_a_task_needs_its_user(self, owner: psycopg.Connection[Any]) -> None:
        with pytest.raises(errors.ForeignKeyViolation):
            owner.execute("insert into tasks (user_id, id, title) values ('nobody', gen_random_uuid(), 'x')")


@pytest.mark.parametrize(
    ("status", "index"),
    [
        ("all", "ix_tasks_list"),
        ("pending", "ix_tasks_status"),
        ("completed", "ix_tasks_status"),
        ("deleted", "ix_tasks_trash"),
    ],
)
def test_a_list_reads_one_index_range_without_a_sort(database_url: str, status: Status, index: str) -> None:
    """The plan of the list: the index alone, no sort, and no row that is not in the answer, whatever the filter."""
    statement = lists._statement(status, 1)
    with psycopg.connect(database_url) as connection:
        for table in ("users", "tasks"):
            connection.execute(f"alter table {table} no force row level security".encode())
        connection.execute("insert into users (id) values ('plan')")
        connection.execute(
            "insert into tasks (user_id, id, title, completed) select 'plan', gen_random_uuid(), 'x', n = 1"
            " from generate_series(1, 5000) n"
        )
        connection.execute("update tasks set deleted_at = now() where id = (select min(id::text)::uuid from tasks)")
        connection.execute("analyze tasks")
        params = {"user_id": "plan", "limit": 1, "cached": "{}", "completed": status == "completed"}
        values = statement.query(params | {"after_at": START.created_at, "after_id": START.id}).values
        connection.execute("set local plan_cache_mode = force_generic_plan")  # as for a statement that is often used
        connection.execute(b"prepare page as " + statement.sql)
        execute = sql.SQL("explain (analyze) execute page ({})").format(sql.SQL(", ").join(map(sql.Literal, values)))
        plan = connection.execute(execute).fetchall()
        connection.rollback()
        connection.execute("deallocate page")
    text = "\n".join(line for (line,) in plan)
    assert f"using {index}" in text
    assert "Sort" not in text
    assert "Rows Removed by Filter" not in text
