"""User queries: exactly one SELECT, within limits."""

import threading
import time
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.log import sql_allowlist
from integration.log.file import LogFile
from integration.log.logbook import Logbook
from integration.log.sql_allowlist import QueryError
from integration.store.events import Event
from integration.store.outbox_reader import OutboxReader
from tests.timeouts import SECONDS


def test_a_question_is_answered_and_says_when_it_was_cut(shared_logbook: Logbook) -> None:
    answer = shared_logbook.ask(
        "SELECT event, count(*) AS n FROM events GROUP BY event ORDER BY event; -- all of them", rows=3
    )
    assert list(answer["event"]) == ["parked", "plan_ready", "planned"]
    assert answer.attrs["cut"]
    assert not shared_logbook.ask("FROM events", rows=7).attrs["cut"]


@pytest.mark.parametrize(
    "sql",
    [
        "", "DELETE FROM events", "DROP TABLE events", "SELECT 1; SELECT 2", "COPY events TO '/tmp/x.csv'",
        "COPY (SELECT 1) TO '/tmp/x.parquet'", "EXPORT DATABASE '/tmp/x'", "IMPORT DATABASE '/tmp/x'",
        "ATTACH '/tmp/x.db'", "DETACH log", "USE log", "SET threads = 1", "RESET threads", "SET VARIABLE x = 1",
        "PRAGMA memory_limit = '10GB'", "PRAGMA database_list", "CREATE TABLE x (i INT)", "CREATE MACRO m() AS 1",
        "CREATE OR REPLACE VIEW levels AS SELECT 1", "CALL pragma_version()", "INSTALL httpfs", "LOAD httpfs",
        "UPDATE events SET key = ''", "INSERT INTO events SELECT * FROM events", "TRUNCATE events", "VACUUM",
        "WITH gone AS (SELECT 1) DELETE FROM events", "PREPARE q AS SELECT 1", "EXECUTE q", "CHECKPOINT", "BEGIN",
        "EXPLAIN ANALYZE SELECT 1", "SELECT 1; DROP TABLE events; --",
    ],
)  # fmt: skip
def test_anything_but_one_select_is_refused(shared_logbook: Logbook, sql: str) -> None:
    with pytest.raises(QueryError) as caught:
        shared_logbook.ask(sql)
    assert caught.value.code in ("query_refused", "query_wrong", "query_wrong_at")
    assert len(shared_logbook.ask("FROM events")) == 7


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')", "SELECT * FROM read_blob('/etc/hostname')",
        "SELECT * FROM '/etc/hostname'", "SELECT * FROM 'x.csv'", "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM read_json('/etc/passwd')", "SELECT * FROM parquet_scan('/etc/passwd')",
        "SELECT * FROM read_csv('http://127.0.0.1/x.csv')", "SELECT * FROM read_parquet('s3://x/y.parquet')",
        "SELECT * FROM sqlite_scan('/tmp/x', 'y')", "SELECT * FROM duckdb_secrets()", "SELECT getenv('HOME')",
        "SELECT * FROM asked", "SELECT * FROM query('DROP TABLE events')", "SELECT * FROM enable_logging()",
    ],
)  # fmt: skip
def test_neither_files_nor_network_nor_the_program_can_be_read(shared_logbook: Logbook, sql: str) -> None:
    with pytest.raises(QueryError) as caught:
        shared_logbook.ask(sql)
    assert caught.value.code in ("query_table", "query_function", "query_function_alone")


@pytest.mark.parametrize(
    ("sql", "function"),
    [
        ("SELECT date_parse(title) FROM events", "date_parse"),
        ("SELECT repeat('x', 1000000000)", "repeat"),
        ("SELECT length(lpad('x', 1000000000, 'y'))", "lpad"),
        ("SELECT array_to_string(range(100000000), ',')", "range"),
        ("WITH a AS (SELECT 1) SELECT * FROM events WHERE key IN (SELECT rpad('', 100) FROM a)", "rpad"),
        ("SELECT * FROM checkpoint()", "checkpoint"),
        ("SELECT frobnicate(1)", "frobnicate"),
    ],
)
def test_a_function_that_is_not_listed_is_refused_by_name_with_a_few_that_are(
    shared_logbook: Logbook, sql: str, function: str
) -> None:
    with pytest.raises(QueryError) as caught:
        shared_logbook.ask(sql)
    facts = caught.value.facts
    few = sql_allowlist.suggested_functions(function, is_table=sql.startswith("SELECT * FROM"))
    assert caught.value.code == ("query_function" if few else "query_function_alone")
    assert (facts["function"], facts.get("instead", "")) == (function, ", ".join(few))
    assert sql[int(facts["column"]) - 1 :].startswith(function)


def test_a_table_of_numbers_may_be_read(shared_logbook: Logbook) -> None:
    assert len(shared_logbook.ask("SELECT * FROM range(5)")) == 5


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT list(range) FROM range(1000000000)",
        pytest.param(
            "WITH RECURSIVE r(s) AS (SELECT 'xxxxxxxx' UNION ALL SELECT s || s FROM r) SELECT max(length(s)) FROM r",
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_question_that_needs_more_memory_than_the_log_has_is_stopped(shared_logbook: Logbook, sql: str) -> None:
    with pytest.raises(QueryError) as caught:
        shared_logbook.ask(sql, seconds=SECONDS)
    assert (caught.value.code, caught.value.facts) == ("query_large", {"memory": "256MB"})
    assert len(shared_logbook.ask("FROM events")) == 7


def test_a_recursion_without_an_end_is_stopped_in_time(shared_logbook: Logbook) -> None:
    with pytest.raises(QueryError) as caught:
        shared_logbook.ask(
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r", seconds=0.3
        )
    assert (caught.value.code, caught.value.facts) == ("query_slow", {"seconds": "0.3"})


def test_a_wrong_question_is_reported_what_is_wrong_and_where_in_one_line(shared_logbook: Logbook) -> None:
    long = "SELECT 1 FROM events WHERE title = '?' AND key = = 3".replace("?", "x" * 200)
    for sql, reason, line, column in (
        ("SELECT keyy FROM events", "keyy", 1, 8), ("SELEC 1", "syntax error", 1, 1),
        ("SELECT key\nFROM events\nWHERE keyy = 'x'", "keyy", 3, 7), (long, "=", 1, long.index("= 3") + 1),
    ):  # fmt: skip
        with pytest.raises(QueryError, match=reason) as caught:
            shared_logbook.ask(sql)
        told_where = caught.value.facts
        assert caught.value.code == "query_wrong_at"
        assert (told_where["line"], told_where["column"]) == (str(line), str(column))
        assert "\n" not in told_where["reason"]


def test_days_ago_are_counted_from_now(shared_logbook: Logbook) -> None:
    (line,) = shared_logbook.ask("SELECT date_diff('hour', ago(2), now() AT TIME ZONE 'UTC') AS hours")["hours"]
    assert line == 48


def test_a_slow_question_is_stopped_and_the_log_goes_on(logbook_of_run: Logbook, events: OutboxReader) -> None:
    started = time.monotonic()
    with pytest.raises(QueryError) as caught:
        logbook_of_run.ask(
            "SELECT count(*) FROM range(10000000000) a, range(1000) b WHERE a.range * b.range % 7 = 3", seconds=0.3
        )
    assert caught.value.code == "query_slow"
    assert time.monotonic() - started < SECONDS  # it would take years
    events.record(Event(event="checked"))
    assert logbook_of_run.drain(events) == 1


def test_a_question_may_read_itself_again_and_again(shared_logbook: Logbook) -> None:
    sql = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 4) SELECT sum(x) AS all FROM n"
    assert shared_logbook.ask(sql)["all"][0] == 10


def test_a_question_after_which_duckdb_goes_on_no_more_costs_the_next_one_nothing(
    logbook_of_run: Logbook, events: OutboxReader
) -> None:
    before = logbook_of_run.process
    with pytest.raises(QueryError) as caught:
        logbook_of_run.ask("SELECT reservoir_quantile(range, 0.5, 2000000000) FROM range(10)", seconds=SECONDS)
    assert caught.value.code == "query_large"
    events.record(Event(event="checked"))
    assert logbook_of_run.drain(events) == 1
    assert (len(logbook_of_run.ask("FROM events")), logbook_of_run.is_away) == (8, False)
    assert logbook_of_run.process != before


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT (SELECT array_agg(NULL) FROM range(1000000)) FROM range(10)",
        "SELECT MAP {'a': (SELECT list({'b': list_value(NULL)}) FROM range(400000))}",
        "SELECT " + "NULL," * 1_900 + "1 FROM range(10000)",
    ],
)
def test_an_answer_of_too_many_values_is_stopped_however_few_bytes_they_take(shared_logbook: Logbook, sql: str) -> None:
    with pytest.raises(QueryError) as caught:
        shared_logbook.ask(sql, seconds=SECONDS)
    assert caught.value.code == "query_values"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'infinity'::TIMESTAMP",
        "SELECT '-infinity'::TIMESTAMPTZ",
        "SELECT time_bucket(INTERVAL '1 month', 'infinity'::DATE)",
        "SELECT DATE '10000-01-01'",
        "SELECT TIMESTAMP_MS '10000-01-01'",
        "SELECT [{'a': 'infinity'::TIMESTAMP_S}]",
        "SELECT INTERVAL '90000000 years'",
    ],
)
def test_a_moment_that_no_calendar_has_is_reported_and_not_shown_as_another(shared_logbook: Logbook, sql: str) -> None:
    with pytest.raises(QueryError, match="outside the years 1 to 9999"):
        shared_logbook.ask(sql)


def test_the_first_and_the_last_moment_of_the_calendar_are_shown(shared_logbook: Logbook) -> None:
    answer = shared_logbook.ask_plain("SELECT DATE '0001-01-01', TIMESTAMP '9999-12-31 23:59:59.999999', NULL::DATE")
    assert [str(value) for value in answer["rows"][0]] == ["0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "None"]


def test_threads_may_ask_at_once(shared_logbook: Logbook) -> None:
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(len(shared_logbook.ask("FROM events")))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [7] * 8


ROWS_KEPT = 60_000


@pytest.fixture(scope="module")
def long_logbook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logbook]:
    """A log of many events, of which conditions leave a few in each part that DuckDB hands out."""
    path = tmp_path_factory.mktemp("long") / "log.duckdb"
    log_file = LogFile(path, memory="256MB", threads=1)
    log_file.open()
    log_file.close()
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "INSERT INTO events (instance, id, happened_at, event) "
            "SELECT 'here', range, TIMESTAMP '2026-11-25', 'read' FROM range(?)",
            [ROWS_KEPT],
        )
    logbook = Logbook(path, memory="256MB")
    yield logbook
    logbook.close()


@given(
    every=st.sampled_from([1, 2, 13, 400, 1_000, 2_047, 2_048, 2_049, 7_000, ROWS_KEPT]),
    until=st.integers(0, ROWS_KEPT),
    rows=st.one_of(st.integers(1, 40), st.sampled_from([100, 2_047, 2_048, 2_049, 10_000])),
)
def test_an_answer_has_every_row_up_to_its_limit_and_says_when_there_are_more(
    long_logbook: Logbook, every: int, until: int, rows: int
) -> None:
    row_count = len(range(0, until, every))
    answer = long_logbook.ask(
        f"FROM events SELECT id WHERE id % {every} = 0 AND id < {until}", rows=rows, seconds=SECONDS
    )
    assert (len(answer), answer.attrs["cut"]) == (min(row_count, rows), row_count > rows)
    assert list(answer.columns) == ["id"]
    assert answer["id"].is_unique


def test_an_ordered_answer_has_the_first_rows_in_their_order(long_logbook: Logbook) -> None:
    answer = long_logbook.ask("SELECT id FROM events WHERE id % 1000 = 0 ORDER BY id DESC", rows=50)
    assert list(answer["id"]) == list(range(ROWS_KEPT - 1_000, 9_000, -1_000))
    assert list(answer.index) == list(range(50))
