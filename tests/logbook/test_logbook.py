import csv
import subprocess
import sys
import threading
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from integration.core.errors import ConfigurationError
from integration.logbook import QUERIES, Logbook, QuestionError, queries
from integration.store.database import Database
from integration.store.events import Event, Events
from tests.logbook.conftest import NOW


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
    assert list(told.search("köffie 100%")["key"]) == ["A3"]
    assert list(told.search("price_missing")["key"]) == ["A3"]
    assert list(told.search("a1", event="proven")["key"]) == ["P1"]
    assert told.search("thee", flow="stock").empty
    assert list(told.search(limit=1, offset=1)["event"]) == ["run_done"]
    assert told.found("thee") == 2


def test_the_events_of_a_run_are_told_in_order(told: Logbook) -> None:
    names = ["run_started", "planned", "parked", "plan_ready", "proven", "run_done"]
    assert list(told.run_events("r1")["event"]) == names
    assert list(told.run_events("r1", offset=4, limit=1)["event"]) == ["proven"]


@pytest.mark.parametrize("unit", ["hour", "day"])
def test_volume_counts_records_by_period(told: Logbook, unit: str) -> None:
    volume = told.volume(unit, flow="products")  # type: ignore[arg-type]
    assert dict(zip(volume["event"], volume["events"], strict=True)) == {"parked": 1, "planned": 1, "proven": 1}
    assert volume["period"][0].hour == (9 if unit == "hour" else 0)
    assert told.volume("hour", since=NOW + timedelta(seconds=1)).empty


def test_errors_are_counted_by_cause(told: Logbook) -> None:
    errors = told.errors()
    assert list(errors["code"]) == ["price_missing"]
    assert list(errors["events"]) == [1]
    assert told.errors(flow="stock").empty


def test_durations_of_runs_and_changes_are_told(told: Logbook) -> None:
    (run,) = told.durations().to_dict("records")
    assert (run["run"], run["preview_ms"], run["run_ms"], run["change_ms"], run["proven"]) == ("r1", 1500, 9000, 80, 1)


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
        "ATTACH '/tmp/x.db'", "SET threads = 1", "CREATE TABLE x (i INT)", "CALL pragma_version()", "INSTALL httpfs",
        "WITH gone AS (SELECT 1) DELETE FROM events", "PREPARE q AS SELECT 1", "CHECKPOINT",
    ],
)  # fmt: skip
def test_anything_but_one_select_is_refused(told: Logbook, sql: str) -> None:
    with pytest.raises(QuestionError) as caught:
        told.ask(sql)
    assert caught.value.code in ("question_refused", "question_wrong")
    assert told.found() == 7


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')", "SELECT * FROM '/etc/hostname'", "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_csv('http://127.0.0.1/x.csv')", "SELECT * FROM told",
        "SELECT * FROM query('DROP TABLE events')",
    ],
)  # fmt: skip
def test_neither_files_nor_network_nor_the_program_can_be_read(told: Logbook, sql: str) -> None:
    with pytest.raises(QuestionError) as caught:
        told.ask(sql)
    assert caught.value.code == "question_wrong"


def test_a_wrong_question_is_told_what_is_wrong_with_it(told: Logbook) -> None:
    with pytest.raises(QuestionError, match="evnts"):
        told.ask("SELECT * FROM evnts")
    with pytest.raises(QuestionError, match="syntax error"):
        told.ask("SELEC 1")


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
