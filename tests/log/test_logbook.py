# ruff: noqa: TID251 - one test makes a file as an earlier console left it

import csv
import subprocess
import sys
import threading
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from integration.core.errors import ConfigurationError
from integration.log.logbook import QUERIES, Logbook, QuestionError, Sought, StockScope, queries
from integration.store.database import Database
from integration.store.events import Event, Events
from tests.bench import Clock
from tests.log.conftest import NOW


@pytest.fixture
def told(events: Events, logbook: Logbook) -> Logbook:
    """A log of one run in which one product was proven and another was parked."""
    run = partial(Event, run="r1", flow="products")
    product = partial(run, kind="product", key="P1", sources=("A1", "A2"), title="Thee")
    events.tell(
        run(event="run_started"),
        product(event="planned", code="update", before={"name": "Tee"}, after={"name": "Thee"}),
        run(event="parked", key="A3", title="Köffie 100%", code="price_missing", facts={"key": "A3"}),
        run(event="plan_ready", ms=1500),
        product(event="proven", ms=80),
        run(event="run_done", ms=9000),
        Event(event="setting_changed", key="flow:products"),
    )
    assert logbook.drain(events) == 7
    return logbook


def test_drained_events_leave_the_outbox_and_are_not_drained_again(told: Logbook, events: Events) -> None:
    assert events.count() == 0
    assert told.drain(events) == 0
    assert told.found() == 7


def test_the_life_of_a_record_is_told_from_first_to_last_also_by_its_source(told: Logbook) -> None:
    life = told.life("products", "P1")
    assert list(life["event"]) == ["planned", "proven"]
    assert life["after"][0] == '{"name":"Thee"}'
    assert life["happened_at"][0].to_pydatetime() == NOW.replace(tzinfo=None)
    assert list(told.life("products", "A2")["event"]) == ["planned", "proven"]
    assert told.life("stock", "P1").empty


def test_events_are_searched_by_text_flow_and_event(told: Logbook) -> None:
    assert list(told.search(Sought("köffie 100%"))["key"]) == ["A3"]
    assert list(told.search(Sought("PRICE missing"))["key"]) == ["A3"]
    assert list(told.search(Sought("a1", event="proven"))["key"]) == ["P1"]
    assert told.search(Sought("thee", flow="stock")).empty
    assert list(told.search(limit=1, offset=1)["event"]) == ["run_done"]
    assert told.found(Sought("thee")) == 2


def test_events_are_searched_by_run_and_by_period(told: Logbook) -> None:
    assert told.found(Sought(run="r1")) == 6
    assert told.search(Sought(since=NOW + timedelta(seconds=1))).empty
    assert told.found(Sought(since=NOW, until=NOW + timedelta(seconds=1))) == 7
    assert told.search(Sought(until=NOW)).empty


def test_what_is_told_of_a_record_is_found_although_it_is_in_no_title(logbook: Logbook, events: Events) -> None:
    facts = {"key": "A3", "value": "8719980000087"}
    events.tell(Event(event="parked", flow="products", key="A3", code="ean_check_digit", facts=facts))
    logbook.drain(events)
    assert list(logbook.search(Sought("998000"))["key"]) == ["A3"]


def test_a_search_says_how_many_there_are_and_that_there_are_more(told: Logbook) -> None:
    page = told.search(limit=3, most=5)
    assert (len(page), page.attrs) == (3, {"found": 5, "more": True})
    assert told.search(limit=3, most=7).attrs == {"found": 7, "more": False}
    assert told.search(Sought("nowhere"), limit=3).attrs == {"found": 0, "more": False}
    assert told.search(offset=6, limit=3).attrs["found"] == 7


def test_what_is_old_is_found_like_what_is_new(logbook: Logbook, database: Database) -> None:
    for days, key in ((0, "old"), (700, "new")):
        there = Events(database, lambda days=days: NOW - timedelta(days=700 - days))  # type: ignore[misc]
        there.tell(*[Event(event="proven", flow="stock", key=f"{key}{number}", title="Bel") for number in range(3)])
        logbook.drain(there)
    assert list(logbook.search(Sought("bel"), limit=4)["key"]) == ["new2", "new1", "new0", "old2"]
    assert list(logbook.search(Sought("old"), limit=2)["key"]) == ["old2", "old1"]
    assert list(logbook.search(Sought("bel"), offset=4, limit=4)["key"]) == ["old1", "old0"]


def test_a_log_without_its_list_of_records_gets_it_when_it_is_opened(logbook: Logbook, events: Events) -> None:
    events.tell(Event(event="proven", flow="stock", kind="stock", key="1001", sources=("1001",), title="Bel"))
    logbook.drain(events)
    logbook.close()
    with duckdb.connect(str(logbook.path)) as before:
        before.execute("DROP TABLE records")
    assert logbook.found(Sought("bel")) == 1
    events.tell(Event(event="sent", flow="stock", kind="stock", key="1001", sources=("1001",), title="Bel"))
    logbook.drain(events)
    assert list(logbook.ask("SELECT key FROM records")["key"]) == ["1001"]


def test_the_events_of_a_run_are_told_in_order(told: Logbook) -> None:
    names = ["run_started", "planned", "parked", "plan_ready", "proven", "run_done"]
    assert list(told.run_events("r1")["event"]) == names
    assert list(told.run_events("r1", offset=4, limit=1)["event"]) == ["proven"]


@pytest.mark.parametrize("unit", ["hour", "day"])
def test_volume_counts_results_by_period(told: Logbook, events: Events, unit: str) -> None:
    events.tell(Event(event="unchanged", run="r1", flow="products", facts={"records": "40"}))
    told.drain(events)
    volume = told.volume(unit, flow="products")  # type: ignore[arg-type]
    assert dict(zip(volume["event"], volume["events"], strict=True)) == {"parked": 1, "proven": 1, "unchanged": 40}
    assert volume["period"][0].hour == (9 if unit == "hour" else 0)
    assert told.volume("hour", since=NOW + timedelta(seconds=1)).empty
    assert told.volume("hour", until=NOW).empty


def test_a_day_is_that_of_the_clock_on_the_wall(told: Logbook) -> None:
    ahead = told.volume("day", shift=timedelta(hours=15))
    assert set(ahead["period"].dt.day) == {NOW.day + 1}


def test_errors_are_counted_by_cause(told: Logbook) -> None:
    errors = told.errors()
    assert list(errors["code"]) == ["price_missing"]
    assert list(errors["events"]) == [1]
    assert told.errors(flow="stock").empty


def test_the_wait_for_approval_is_no_work(logbook: Logbook, database: Database) -> None:
    run = partial(Event, run="r1", flow="products")
    for second, event in ((0, run(event="run_started")), (2, run(event="plan_ready", ms=1500)),
                          (3600, run(event="approved")), (3607, run(event="run_done", ms=3607000))):  # fmt: skip
        there = Events(database, lambda second=second: NOW + timedelta(seconds=second))  # type: ignore[misc]
        there.tell(event)
        logbook.drain(there)
    (line,) = logbook.durations().to_dict("records")
    assert (line["run"], line["preview_ms"], line["commit_ms"], line["run_ms"]) == ("r1", 1500, 7000, 8500)
    assert logbook.durations(flow="stock").empty


def test_of_many_runs_the_longest_of_each_day_are_told(logbook: Logbook, events: Events) -> None:
    events.tell(*[Event(event="plan_ready", run=f"r{ms}", flow=f"f{ms % 2}", ms=ms) for ms in range(6)])
    logbook.drain(events)
    assert len(logbook.durations(most=6)) == 6
    assert sorted(logbook.durations(most=5)["run"]) == ["r4", "r5"]


def test_the_time_of_a_change_is_told_by_day_and_flow(told: Logbook) -> None:
    (line,) = told.change_paces().to_dict("records")
    assert (line["flow"], line["changes"]) == ("products", 1)
    assert (line["half_ms"], line["most_ms"]) == pytest.approx((80, 80), rel=0.02)


def test_half_and_nine_of_ten_changes_took_no_longer(logbook: Logbook, events: Events) -> None:
    events.tell(*[Event(event="proven", flow="stock", ms=ms) for ms in range(1, 1001)])
    logbook.drain(events)
    (line,) = logbook.change_paces().to_dict("records")
    assert (line["half_ms"], line["most_ms"]) == pytest.approx((500, 900), rel=0.03)


def test_proven_stock_levels_are_told_by_article_and_branch(events: Events, logbook: Logbook) -> None:
    wanted = {"1/amount": "5", "2/amount": "0.5", "managed": "yes"}
    events.tell(Event(event="planned", run="r1", flow="stock", kind="stock", key="1001", title="Bel", after=wanted))
    events.tell(Event(event="planned", run="r1", flow="stock", kind="stock", key="1002", after={"1/amount": "7"}))
    events.tell(Event(event="proven", run="r1", flow="stock", kind="stock", key="1001"))
    logbook.drain(events)
    levels = logbook.stock_levels()
    assert levels[["article", "branch", "amount"]].astype(str).to_numpy().tolist() == [
        ["1001", "1", "5.0"], ["1001", "2", "0.5"],
    ]  # fmt: skip
    assert logbook.stock_levels("1002").empty, "what was not proven is no level"


def test_answers_about_stock_are_kept_until_levels_come_in(events: Events, logbook: Logbook) -> None:
    def level(article: str, amount: str) -> None:
        planned = Event(event="planned", run="r1", flow="stock", kind="stock", key=article, after={"1/amount": amount})
        events.tell(planned, Event(event="proven", run="r1", flow="stock", kind="stock", key=article))
        logbook.drain(events)

    def in_all() -> list[float]:
        return [float(amount) for amount in logbook.stock_over_time(StockScope())["amount"]]

    level("1001", "3")
    told = logbook.stock_over_time(StockScope())
    told["amount"] = 0  # what one page does to its answer is no other's business
    assert in_all() == [3]
    level("1002", "4")
    assert in_all() == [7]


def test_how_long_stock_lasts_is_told_alike_for_an_hour_and_anew_once_levels_come_in(
    database: Database, logbook: Logbook
) -> None:
    clock = Clock()
    events = Events(database, clock)

    def level(run: str, found: str, amount: str) -> None:
        plan = Event(
            event="planned", run=run, flow="stock", kind="stock", key="1001", before={"1/amount": found},
            after={"1/amount": amount},
        )  # fmt: skip
        events.tell(plan, Event(event="proven", run=run, flow="stock", kind="stock", key="1001"))
        clock.advance(60)
        logbook.drain(events)

    scope, hour = StockScope(), clock().replace(minute=0)
    early, late = hour + timedelta(minutes=1), hour + timedelta(minutes=59)
    level("r1", "0", "40")
    assert logbook.stock_sums(scope, early) == logbook.stock_sums(scope, late)
    level("r2", "30", "20")
    (line,) = logbook.stock_outlook(scope, early).to_dict("records")
    assert (line["amount"], line["fell_a_day"], line["days_left"]) == (20, 20, 1)
    assert logbook.stock_outlook(scope, late).equals(logbook.stock_outlook(scope, early))
    assert logbook.stock_sums(scope, late).soon == 1


def test_every_query_is_named_and_explained_in_a_line() -> None:
    named = queries(QUERIES.read_text(encoding="utf-8"))
    assert len(named) >= 7
    assert all(text.startswith("-- ") for text in named.values())


# ---- questions of an analyst ----------------------------------------------------------------------------------------


def test_a_question_is_answered_and_says_when_it_was_cut(told: Logbook) -> None:
    answer = told.ask("SELECT event, count(*) AS n FROM events GROUP BY event ORDER BY event; -- all of them", rows=3)
    assert list(answer["event"]) == ["parked", "plan_ready", "planned"]
    assert answer.attrs["cut"]
    assert not told.ask("FROM events", rows=7).attrs["cut"]


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
def test_anything_but_one_select_is_refused(told: Logbook, sql: str) -> None:
    with pytest.raises(QuestionError) as caught:
        told.ask(sql)
    assert caught.value.code in ("question_refused", "question_wrong", "question_wrong_at")
    assert told.found() == 7


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')", "SELECT * FROM read_blob('/etc/hostname')",
        "SELECT * FROM '/etc/hostname'", "SELECT * FROM 'x.csv'", "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM read_json('/etc/passwd')", "SELECT * FROM parquet_scan('/etc/passwd')",
        "SELECT * FROM read_csv('http://127.0.0.1/x.csv')", "SELECT * FROM read_parquet('s3://x/y.parquet')",
        "SELECT * FROM sqlite_scan('/tmp/x', 'y')", "SELECT * FROM duckdb_secrets()", "SELECT getenv('HOME')",
        "SELECT * FROM told", "SELECT * FROM query('DROP TABLE events')", "SELECT * FROM enable_logging()",
    ],
)  # fmt: skip
def test_neither_files_nor_network_nor_the_program_can_be_read(told: Logbook, sql: str) -> None:
    with pytest.raises(QuestionError) as caught:
        told.ask(sql)
    assert caught.value.code in ("question_wrong", "question_wrong_at")


@pytest.mark.parametrize(
    ("sql", "function"),
    [
        ("SELECT repeat('x', 1000000000)", "repeat"),
        ("SELECT length(lpad('x', 1000000000, 'y'))", "lpad"),
        ("SELECT array_to_string(range(100000000), ',')", "range"),
        ("WITH a AS (SELECT 1) SELECT * FROM events WHERE key IN (SELECT rpad('', 100) FROM a)", "rpad"),
        ("SELECT * FROM checkpoint()", "checkpoint"),
    ],
)
def test_functions_that_know_no_limit_or_do_something_are_refused_by_name(
    told: Logbook, sql: str, function: str
) -> None:
    with pytest.raises(QuestionError) as caught:
        told.ask(sql)
    assert (caught.value.code, caught.value.facts) == ("question_function", {"function": function})


def test_a_table_of_numbers_may_be_read(told: Logbook) -> None:
    assert len(told.ask("SELECT * FROM range(5)")) == 5


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT list(range) FROM range(1000000000)",
        "WITH RECURSIVE r(s) AS (SELECT 'xxxxxxxx' UNION ALL SELECT s || s FROM r) SELECT max(length(s)) FROM r",
    ],
)
def test_a_question_that_needs_more_memory_than_the_log_has_is_stopped(told: Logbook, sql: str) -> None:
    with pytest.raises(QuestionError) as caught:
        told.ask(sql)
    assert (caught.value.code, caught.value.facts) == ("question_large", {"memory": "256MB"})
    assert told.found() == 7


def test_a_recursion_without_an_end_is_stopped_in_time(told: Logbook) -> None:
    with pytest.raises(QuestionError) as caught:
        told.ask("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r", seconds=0.3)
    assert (caught.value.code, caught.value.facts) == ("question_slow", {"seconds": "0.3"})


def test_a_wrong_question_is_told_what_is_wrong_and_where_in_one_line(told: Logbook) -> None:
    long = "SELECT 1 FROM events WHERE title = '?' AND key === 3".replace("?", "x" * 200)
    for sql, reason, line, column in (
        ("SELECT * FROM evnts", "evnts", 1, 15), ("SELEC 1", "syntax error", 1, 1),
        ("SELECT key\nFROM events\nWHERE keyy = 'x'", "keyy", 3, 7), (long, "===", 1, long.index("key") + 1),
    ):  # fmt: skip
        with pytest.raises(QuestionError, match=reason) as caught:
            told.ask(sql)
        told_where = caught.value.facts
        assert caught.value.code == "question_wrong_at"
        assert (told_where["line"], told_where["column"]) == (str(line), str(column))
        assert "\n" not in told_where["reason"]


def test_the_tables_are_told_with_their_columns(told: Logbook) -> None:
    tables = told.tables()
    assert next(iter(tables)) == "events"
    assert tables["records"] == ["flow", "kind", "key", "title", "sources", "words"]
    assert {"levels", "movements", "article_groups"} < tables.keys()
    assert "drained" not in tables


def test_days_ago_are_counted_from_now(told: Logbook) -> None:
    (line,) = told.ask("SELECT date_diff('hour', ago(2), now() AT TIME ZONE 'UTC') AS hours")["hours"]
    assert line == 48


def test_a_slow_question_is_stopped_and_the_log_goes_on(told: Logbook, events: Events) -> None:
    started = time.monotonic()
    with pytest.raises(QuestionError) as caught:
        told.ask(
            "SELECT count(*) FROM range(10000000000) a, range(1000) b WHERE a.range * b.range % 7 = 3", seconds=0.3
        )
    assert caught.value.code == "question_slow"
    assert time.monotonic() - started < 3
    events.tell(Event(event="checked"))
    assert told.drain(events) == 1


def test_threads_may_ask_at_once(told: Logbook) -> None:
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(len(told.ask("FROM events")))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [7] * 8


# ---- export, life ---------------------------------------------------------------------------------------------------


def test_the_log_is_exported_as_csv_and_parquet(told: Logbook, tmp_path: Path) -> None:
    assert told.export(tmp_path / "log.csv", "csv") == 7
    with (tmp_path / "log.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["event"] for row in rows][:2] == ["run_started", "planned"]
    assert rows[1]["sources"] == "A1 A2"
    assert told.export(tmp_path / "log.parquet") == 7
    assert pq.read_table(tmp_path / "log.parquet").column("title").to_pylist()[2] == "Köffie 100%"


def test_an_empty_log_answers_and_exports(logbook: Logbook, tmp_path: Path) -> None:
    assert logbook.search().empty
    assert logbook.durations().empty
    assert logbook.export(tmp_path / "log.parquet", "parquet") == 0


@pytest.mark.processes
def test_a_file_that_another_process_holds_is_named_with_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "log.duckdb"
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "open\n"
        with pytest.raises(ConfigurationError) as caught:
            Logbook(path).open()
        owner.communicate()
    assert caught.value.code == "log_owned_elsewhere"
    assert caught.value.facts["process"] == str(owner.pid)


def test_a_file_that_is_no_log_is_a_setting(tmp_path: Path) -> None:
    (tmp_path / "log.duckdb").write_bytes(b"something else" * 1000)
    with pytest.raises(ConfigurationError) as caught:
        Logbook(tmp_path / "log.duckdb").open()
    assert caught.value.code == "setting_invalid"


def test_the_background_brings_events_in_and_a_stop_leaves_none_behind(logbook: Logbook, events: Events) -> None:
    logbook.start(events)
    events.tell(Event(event="first"))
    deadline = time.monotonic() + 10
    while not logbook.found() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert logbook.found() == 1
    events.tell(Event(event="second"))
    logbook.stop()
    assert events.count() == 0
    assert list(logbook.search()["event"]) == ["second", "first"]


def test_databases_with_the_same_ids_are_told_apart(logbook: Logbook, events: Events, database: Database) -> None:
    class Elsewhere:
        """Another database whose event happens to have the id of the first."""

        instance = "elsewhere"

        def __init__(self) -> None:
            self.rows = events.waiting(1)

        def waiting(self, _limit: int) -> list[dict[str, object]]:
            return self.rows

        def forget(self, _ids: object) -> None:
            self.rows = []

    events.tell(Event(event="checked"))
    other = Elsewhere()
    assert logbook.drain(other) == 1
    assert logbook.drain(events) == 1
    assert sorted(logbook.ask("SELECT instance FROM events")["instance"]) == sorted([database.instance, "elsewhere"])
