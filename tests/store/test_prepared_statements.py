"""Prepared statements: on both databases they give the results of the same statements through SQLAlchemy."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from integration.core.errors import UnavailableError
from integration.store.database import MAX_LIST_VALUES, Database, PreparedKeyQuery, in_clause, open_database
from integration.store.prepared_statements import PreparedInQuery, PreparedStatement
from integration.store.tables import links, settings
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
INSERT = PreparedStatement(links.insert().inline(), *(column.name for column in links.c))
OF_KEYS = PreparedInQuery(
    lambda keys: (
        sa.select(links).where(links.c.flow == sa.bindparam("flow"), links.c.key.in_(keys)).order_by(links.c.key)
    )
)


def a_row(key: str, agreed: object = None) -> dict[str, object]:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=2)))
    texts = dict.fromkeys(("reference", "owner", "mark", "marker", "source_hash", "target_hash"), "ü\0")
    return {"flow": "products", "kind": "product", "key": key, **texts, "agreed": agreed, "retired": True,
            "unproven": False, "changed_at": elsewhere, "evidence": None}  # fmt: skip


def test_what_is_put_in_is_read_alike_either_way(database: Database) -> None:
    with database.write() as connection:
        INSERT.execute_many(connection, [a_row("1", {"é": ["1", None]}), a_row("2")])
        ready = [tuple(row) for row in OF_KEYS.rows(connection, {"flow": "products"}, ["1", "2"])]
    assert ready == [tuple(row) for row in database.rows(sa.select(links).order_by(links.c.key))]
    assert ready[0][4:] == (
        "ü\ufffd",
        "ü\ufffd",
        "ü\ufffd",
        {"é": ["1", None]},
        True,
        NOW,
        False,
        None,
        "ü\ufffd",
        "ü\ufffd",
    )


@pytest.mark.parametrize("number", [1, 3, 700])
def test_any_number_of_values_is_looked_for(database: Database, number: int) -> None:
    keys = [f"{at:04}" for at in range(number)]
    with database.write() as connection:
        INSERT.execute_many(connection, [a_row(key) for key in keys])
        row_keys = [row.key for row in OF_KEYS.rows(connection, {"flow": "products"}, keys)]
    assert row_keys == keys


@pytest.mark.parametrize("others", [0, MAX_LIST_VALUES])
def test_what_has_one_of_a_list_of_values_is_found_once(database: Database, others: int) -> None:
    of_kinds = sa.select(links.c.key, links.c.agreed).where(in_clause(links.c.kind, ("product", "article")))
    query = PreparedKeyQuery(of_kinds.where(links.c.flow == sa.bindparam("flow")), links.c.key)
    wanted_values = ["ü'\\", *(f"none {at}" for at in range(others)), "2", "2"]
    with database.write() as connection:
        INSERT.execute_many(
            connection, [a_row("1"), a_row("2", {"é": 1}), a_row("ü'\\"), {**a_row("2"), "kind": "other"}]
        )
        rows = list(query.rows(connection, {"flow": "products"}, wanted_values))

    assert sorted(rows) == [("2", {"é": 1}), ("ü'\\", None)]
    assert sorted(database.prepared_rows_with_values(query, {"flow": "products"}, wanted_values)) == sorted(rows)
    assert database.prepared_rows_with_values(query, {"flow": "orders"}, wanted_values) == []
    assert database.prepared_rows_with_values(query, {"flow": "products"}, []) == []


def test_a_broken_rule_of_the_tables_is_raised_as_ever_and_shows_no_values(database: Database) -> None:
    with pytest.raises(IntegrityError) as caught, database.write() as connection:
        INSERT.execute_many(connection, [a_row("secret-1"), a_row("secret-1")])
    assert "secret-1" not in str(caught.value).split("DETAIL")[0]
    assert database.rows(sa.select(links.c.key)) == []


def test_a_change_says_how_many_rows_it_changed(database: Database) -> None:
    change = PreparedStatement(links.update().where(links.c.key == sa.bindparam("the_key")).values(mark="new"))
    with database.write() as connection:
        INSERT.execute_many(connection, [a_row("1")])
        assert [change.change(connection, {"the_key": key}) for key in ("1", "2")] == [1, 0]


def test_nothing_is_carried_out_outside_a_transaction(database: Database) -> None:
    with database.engine.connect() as connection, pytest.raises(RuntimeError):
        INSERT.execute_many(connection, [a_row("1")])


def test_a_change_through_a_read_only_connection_is_never_stored(database: Database) -> None:
    """PostgreSQL refuses it, SQLite undoes it."""
    with suppress(DBAPIError), database.read() as connection:
        INSERT.execute_many(connection, [a_row("1")])
    assert database.rows(sa.select(links.c.key)) == []


def test_a_question_is_asked_by_itself(database: Database) -> None:
    statement = PreparedStatement(sa.select(sa.func.count().label("number")).select_from(settings))
    assert [row.number for row in database.prepared_rows(statement, {})] == [0]


@contextmanager
def all_others_ended_by(connection: psycopg.Connection[tuple[object, ...]]) -> Iterator[None]:
    connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    yield


@pytest.mark.postgres
def test_a_connection_that_the_server_ended_is_reported_and_the_next_question_has_another(postgres_url: str) -> None:
    statement = PreparedStatement(sa.select(sa.func.count().label("number")).select_from(settings))
    with closing(open_database(postgres_url)) as database, psycopg.connect(postgres_url, autocommit=True) as other:
        with pytest.raises(UnavailableError) as caught, database.write() as connection, all_others_ended_by(other):
            statement.rows(connection, {})
        assert caught.value.code == "database_unreachable"
        assert [row.number for row in database.prepared_rows(statement, {})] == [0]
        with database.write() as connection:
            assert [row.number for row in statement.rows(connection, {})] == [0]
