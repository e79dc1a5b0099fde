"""Pipelines: results and errors of several queries in one round trip, and connections that break or are cancelled."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import errors

from tests.conftest import settings_for
from todo.db.pipeline import Connection, Query
from todo.db.pool import Pool

pytestmark = pytest.mark.anyio

FAILS = Query(b"select 1 / $1::int", [0])


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    async with Pool(database_url, settings_for(database_url, pool_size=1, prepare_threshold=0)) as pool:
        connection = await pool.acquire()
        yield connection
        pool.release(connection)


async def test_results_before_a_failed_query_are_returned_with_the_error(connection: Connection) -> None:
    for _ in range(3):
        outcome = await connection.run_pipeline([Query(b"select 1"), FAILS, Query(b"select 3")])

        assert [connection.rows(result) for result in outcome.results] == [[(1,)]]
        assert isinstance(outcome.error, errors.DivisionByZero)
        assert outcome.error.diag.message_primary == "division by zero"


async def test_a_query_skipped_after_a_failure_is_prepared_later(connection: Connection) -> None:
    behind = Query(b"select $1::text", ["behind"])
    for _ in range(3):
        assert (await connection.run_pipeline([FAILS, behind])).error
    for _ in range(3):
        outcome = await connection.run_pipeline([behind])
        assert connection.rows(outcome.results[0]) == [("behind",)]


@pytest.mark.parametrize(
    ("event", "found"), [(b"deallocate all", 42), (b"alter table ferns alter height type text", "42")]
)
async def test_a_statement_that_is_no_longer_prepared_is_prepared_again(
    connection: Connection, event: bytes, found: int | str
) -> None:
    await connection.run_pipeline([Query(b"create temporary table ferns (height int)")])
    await connection.run_pipeline([Query(b"insert into ferns values (42)")])
    read = Query(b"select height from ferns")
    for _ in range(2):
        assert connection.rows((await connection.run_pipeline([read])).results[0]) == [(42,)]
    await connection.execute(event)

    for _ in range(3):
        assert connection.rows((await connection.run_pipeline([read])).results[0]) == [(found,)]


async def test_inside_a_transaction_a_statement_that_is_no_longer_prepared_is_an_error(connection: Connection) -> None:
    read = Query(b"select 42")
    await connection.run_pipeline([read])
    await connection.run_pipeline([Query(b"begin")])
    await connection.execute("deallocate all")
    assert isinstance((await connection.run_pipeline([read])).error, errors.InvalidSqlStatementName)
    await connection.run_pipeline([Query(b"rollback")])

    assert connection.rows((await connection.run_pipeline([read])).results[0]) == [(42,)]


async def test_a_failure_at_the_commit_is_an_error(connection: Connection) -> None:
    await connection.run_pipeline([Query(b"create temporary table pots (id int primary key)")])
    await connection.run_pipeline(
        [Query(b"create temporary table ferns (pot int references pots (id) deferrable initially deferred)")]
    )
    for _ in range(2):
        outcome = await connection.run_pipeline([Query(b"insert into ferns values ($1::int)", [1])])
        assert isinstance(outcome.error, errors.ForeignKeyViolation)
    assert connection.rows((await connection.run_pipeline([Query(b"select count(*) from ferns")])).results[0]) == [(0,)]


async def test_text_is_sent_as_utf_8_in_any_client_encoding(database_url: str) -> None:
    url = database_url + ("&" if "?" in database_url else "?") + "client_encoding=latin1"
    async with Pool(url, settings_for(database_url)) as pool:
        connection = await pool.acquire()
        outcome = await connection.run_pipeline([Query(b"select $1::text, length($1::text)", ["née €"])])
        assert connection.rows(outcome.results[0]) == [("née €", 5)]
        pool.release(connection)


async def test_a_query_accepts_values_of_different_types(connection: Connection) -> None:
    for value in ("42", None, 42, None, "42"):
        outcome = await connection.run_pipeline([Query(b"select $1::text", [value])])
        assert connection.rows(outcome.results[0]) == [(None if value is None else "42",)]


async def test_values_and_results_may_be_large(connection: Connection) -> None:
    text = "fern " * 2_000_000
    outcome = await connection.run_pipeline(
        [Query(b"select $1::text", [text]), Query(b"select length($1::text)", [text])]
    )

    assert [connection.rows(result) for result in outcome.results] == [[(text,)], [(len(text),)]]


async def test_a_value_that_cannot_be_sent_leaves_the_connection_usable(connection: Connection) -> None:
    with pytest.raises(psycopg.DataError):
        await connection.run_pipeline([Query(b"select 1"), Query(b"select $1::text", ["a\0b"])])

    assert connection.rows((await connection.run_pipeline([Query(b"select 2")])).results[0]) == [(2,)]


async def test_a_connection_whose_pipeline_is_cancelled_is_closed(connection: Connection) -> None:
    pipeline = asyncio.create_task(connection.run_pipeline([Query(b"select pg_sleep(5)")]))
    await asyncio.sleep(0.05)
    pipeline.cancel()

    with pytest.raises(asyncio.CancelledError):
        await pipeline
    assert connection.closed


async def test_the_last_error_of_a_server_that_ends_the_connection_is_raised(connection: Connection) -> None:
    with pytest.raises(errors.AdminShutdown):
        await connection.run_pipeline(
            [Query(b"select 1"), Query(b"select pg_terminate_backend(pg_backend_pid())"), Query(b"select 3")]
        )
    assert connection.closed


async def test_a_broken_connection_is_an_operational_error(connection: Connection) -> None:
    pipeline = asyncio.create_task(connection.run_pipeline([Query(b"select pg_sleep(5)")]))
    await asyncio.sleep(0.05)
    import socket

    with socket.socket(fileno=connection.fileno()) as held:
        held.shutdown(socket.SHUT_RDWR)
        held.detach()

    with pytest.raises(psycopg.OperationalError):
        await pipeline
    assert connection.closed


async def test_a_schema_change_by_another_session_spoils_no_connection(database_url: str) -> None:
    """The server keeps what was prepared for the old columns: its names are not used again on this connection."""
    async with Pool(database_url, settings_for(database_url, pool_size=1, prepare_threshold=0)) as pool:
        connection = await pool.acquire()
        with psycopg.connect(database_url, autocommit=True) as administrator:
            administrator.execute("drop table if exists pots; create table pots (height int)")
            read = Query(b"select * from pots")
            assert (await connection.run_pipeline([read])).error is None
            administrator.execute("alter table pots add column width int")
            for _ in range(4):
                assert (await connection.run_pipeline([read])).error is None
            administrator.execute("drop table pots")
        pool.release(connection)
        assert connection.closed  # it is replaced


async def test_a_connection_that_is_lost_while_it_flushes_leaves_its_descriptor_usable(database_url: str) -> None:
    text = "fern " * 4_000_000
    async with Pool(database_url, settings_for(database_url, pool_size=2)) as pool:
        for _ in range(3):
            connection = await pool.acquire()
            pid = connection.info.backend_pid
            running = asyncio.create_task(
                connection.run_pipeline([Query(b"select pg_sleep(5)"), Query(b"select length($1::text)", [text])])
            )
            await asyncio.sleep(0.05)
            with psycopg.connect(database_url, autocommit=True) as administrator:
                administrator.execute("select pg_terminate_backend(%s)", [pid])
            with pytest.raises(psycopg.OperationalError):
                await running
            pool.release(connection)
            another = await pool.acquire()
            assert another.rows((await another.run_pipeline([Query(b"select 1")])).results[0]) == [(1,)]
            pool.release(another)
