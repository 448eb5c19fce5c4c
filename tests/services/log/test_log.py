"""Queries on the log: events, the history of a record, volumes and times."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Literal

import duckdb
import pytest

from integration.core.records import Kind
from integration.log.logbook import Logbook
from integration.services.log.log import Log, LogPeriod, LogSearch, days_until
from integration.services.log.log_access import LogAccess
from integration.store.database import Database
from integration.store.events import Event
from integration.store.outbox_reader import OutboxReader
from tests.consoles import open_application
from tests.log.conftest import NOW, fill_logbook


@pytest.fixture
def log(logbook: Logbook, events: OutboxReader) -> Log:
    """The questions to an empty log."""
    return Log(logbook, events, is_drained=True)


@pytest.fixture
def log_of_run(shared_logbook: Logbook, events: OutboxReader) -> Log:
    """The questions to the log of one run, which tests only ask."""
    return Log(shared_logbook, events, is_drained=True)


def event_count(log: Log, criteria: LogSearch | None = None) -> int:
    """Return how many events match."""
    return int(log.search(criteria).attrs["found"])


def test_the_life_of_a_record_is_reported_from_first_to_last_also_by_its_source(log_of_run: Log) -> None:
    history = log_of_run.history("products", "P1")
    assert list(history["event"]) == ["planned", "proven"]
    assert history["after"][0] == '{"name":"Thee"}'
    assert history["happened_at"][0].to_pydatetime() == NOW.replace(tzinfo=None)
    assert list(log_of_run.history("products", "A2")["event"]) == ["planned", "proven"]
    assert log_of_run.history("stock", "P1").empty


def test_events_are_searched_by_text_flow_and_event(log_of_run: Log) -> None:
    assert list(log_of_run.search(LogSearch("köffie 100%"))["key"]) == ["A3"]
    assert list(log_of_run.search(LogSearch("PRICE missing"))["key"]) == ["A3"]
    assert list(log_of_run.search(LogSearch("a1", event="proven"))["key"]) == ["P1"]
    assert log_of_run.search(LogSearch("thee", flow="stock")).empty
    assert list(log_of_run.search(limit=1, offset=1)["event"]) == ["run_done"]
    assert event_count(log_of_run, LogSearch("thee")) == 2


def test_events_are_searched_by_run_and_by_period(log_of_run: Log) -> None:
    assert event_count(log_of_run, LogSearch(run="r1")) == 6
    assert log_of_run.search(LogSearch(since=NOW + timedelta(seconds=1))).empty
    assert event_count(log_of_run, LogSearch(since=NOW, until=NOW + timedelta(seconds=1))) == 7
    assert log_of_run.search(LogSearch(until=NOW)).empty


def test_what_is_known_of_a_record_is_found_although_it_is_in_no_title(
    log: Log, logbook: Logbook, events: OutboxReader
) -> None:
    facts = {"key": "A3", "value": "8719980000087"}
    events.record(Event(event="parked", flow="products", key="A3", code="ean_check_digit", facts=facts))
    logbook.drain(events)
    assert list(log.search(LogSearch("998000"))["key"]) == ["A3"]


def test_each_event_of_a_document_has_the_customer_and_total_of_its_plan(
    log: Log, logbook: Logbook, events: OutboxReader
) -> None:
    document = Event(event="proven", flow="orders", kind=Kind.SALES_ORDER, key="k-1", title="2026.1")
    for run, total in (("r1", "12.50"), ("r2", "13.00")):
        plan_facts = {"customer": "Anna", "total": total}
        events.record(replace(document, event="planned", run=run, facts=plan_facts))
        events.record(replace(document, run=run, facts={"reference": "V1"}))
    events.record(replace(document, run="r3", facts={"reference": "V2"}))
    logbook.drain(events)
    assert [json.loads(facts) for facts in log.search(LogSearch(event="proven"))["facts"]] == [
        {"reference": "V2"},
        {"customer": "Anna", "total": "13.00", "reference": "V1"},
        {"customer": "Anna", "total": "12.50", "reference": "V1"},
    ]


def test_each_event_of_a_page_has_the_total_of_its_plan(log: Log, logbook: Logbook, events: OutboxReader) -> None:
    page = Event(event="planned", flow="days", kind=Kind.DAY_PAGE, key="d-1", run="r1", facts={"total": "12.50"})
    events.record(page)
    events.record(replace(page, event="sent", facts={}))
    logbook.drain(events)
    assert [json.loads(facts) for facts in log.search(LogSearch(event="sent"))["facts"]] == [
        {"customer": "", "total": "12.50"}
    ]


def test_a_search_says_how_many_there_are_and_that_there_are_more(log_of_run: Log) -> None:
    page = log_of_run.search(limit=3, max_count=5)
    assert (len(page), page.attrs) == (3, {"found": 5, "more": True})
    assert log_of_run.search(limit=3, max_count=7).attrs == {"found": 7, "more": False}
    assert log_of_run.search(LogSearch("nowhere"), limit=3).attrs == {"found": 0, "more": False}
    assert log_of_run.search(offset=6, limit=3).attrs["found"] == 7


def test_what_is_old_is_found_like_what_is_new(log: Log, logbook: Logbook, database: Database) -> None:
    for days, key in ((0, "old"), (700, "new")):
        reader = OutboxReader(database, lambda days=days: NOW - timedelta(days=700 - days))  # type: ignore[misc]
        reader.record(*[Event(event="proven", flow="stock", key=f"{key}{number}", title="Bel") for number in range(3)])
        logbook.drain(reader)
    assert list(log.search(LogSearch("bel"), limit=4)["key"]) == ["new2", "new1", "new0", "old2"]
    assert list(log.search(LogSearch("old"), limit=2)["key"]) == ["old2", "old1"]
    assert list(log.search(LogSearch("bel"), offset=4, limit=4)["key"]) == ["old1", "old0"]


def test_a_run_is_reported_as_a_whole_the_newest_first(log_of_run: Log) -> None:
    assert list(log_of_run.of_run("r1")["event"]) == ["run_done", "plan_ready", "run_started"]


@pytest.mark.parametrize("unit", ["hour", "day"])
def test_volume_counts_results_by_period(logbook: Logbook, events: OutboxReader, unit: Literal["hour", "day"]) -> None:
    log_service = Log(fill_logbook(logbook, events), events, is_drained=True)
    events.record(Event(event="unchanged", run="r1", flow="products", facts={"records": "40"}))
    log_service.catch_up()
    volume = log_service.volume(LogPeriod(flow="products", unit=unit))
    assert dict(zip(volume["event"], volume["events"], strict=True)) == {"parked": 1, "proven": 1, "unchanged": 40}
    assert volume["period"][0].hour == (9 if unit == "hour" else 0)
    assert log_service.volume(LogPeriod(NOW + timedelta(seconds=1))).empty


def test_a_day_is_that_of_the_clock_on_the_wall(log_of_run: Log) -> None:
    ahead = log_of_run.volume(LogPeriod(unit="day", shift=timedelta(hours=15)))
    assert set(ahead["period"].dt.day) == {NOW.day + 1}


def test_errors_are_counted_by_cause(log_of_run: Log) -> None:
    errors = log_of_run.errors(LogPeriod())
    assert list(errors["code"]) == ["price_missing"]
    assert list(errors["events"]) == [1]
    assert log_of_run.errors(LogPeriod(flow="stock")).empty


def test_the_wait_for_approval_is_no_work(log: Log, logbook: Logbook, database: Database) -> None:
    run = partial(Event, run="r1", flow="products")
    for second, event in ((0, run(event="run_started")), (2, run(event="plan_ready", ms=1500)),
                          (3600, run(event="approved")), (3607, run(event="run_done", ms=3607000))):  # fmt: skip
        reader = OutboxReader(database, lambda second=second: NOW + timedelta(seconds=second))  # type: ignore[misc]
        reader.record(event)
        logbook.drain(reader)
    (line,) = log.durations(LogPeriod()).to_dict("records")
    assert (line["run"], line["preview_ms"], line["commit_ms"], line["run_ms"]) == ("r1", 1500, 7000, 8500)
    assert log.durations(LogPeriod(flow="stock")).empty


def test_of_many_runs_the_longest_of_each_day_are_reported(log: Log, logbook: Logbook, events: OutboxReader) -> None:
    events.record(*[Event(event="plan_ready", run=f"r{ms}", flow=f"f{ms % 2}", ms=ms) for ms in range(6)])
    logbook.drain(events)
    assert len(log.durations(LogPeriod(), max_runs=6)) == 6
    assert sorted(log.durations(LogPeriod(), max_runs=5)["run"]) == ["r4", "r5"]


def test_the_time_of_a_change_is_reported_by_day_and_flow(log_of_run: Log) -> None:
    (line,) = log_of_run.change_paces(LogPeriod()).to_dict("records")
    assert (line["flow"], line["changes"]) == ("products", 1)
    assert (line["half_ms"], line["most_ms"]) == pytest.approx((80, 80), rel=0.02)


def test_half_and_nine_of_ten_changes_took_no_longer(log: Log, logbook: Logbook, events: OutboxReader) -> None:
    events.record(*[Event(event="proven", flow="stock", ms=ms) for ms in range(1, 1001)])
    logbook.drain(events)
    (line,) = log.change_paces(LogPeriod()).to_dict("records")
    assert (line["half_ms"], line["most_ms"]) == pytest.approx((500, 900), rel=0.03)


def test_the_tables_are_reported_with_their_columns(log_of_run: Log) -> None:
    tables = log_of_run.tables()
    assert next(iter(tables)) == "events"
    assert tables["records"] == ["flow", "kind", "key", "title", "sources", "words"]
    assert {"levels", "movements", "article_groups"} < tables.keys()
    assert "drained" not in tables


def test_a_question_brings_in_what_waits_where_no_server_does(logbook: Logbook, events: OutboxReader) -> None:
    events.record(Event(event="checked"))
    assert Log(logbook, events, is_drained=True).answer("SELECT event FROM events")["rows"] == []
    assert Log(logbook, events, is_drained=False).answer("SELECT event FROM events") == {
        "columns": ["event"],
        "rows": [["checked"]],
        "cut": False,
    }


def test_an_empty_log_answers(log: Log) -> None:
    assert log.search().empty
    assert log.durations(LogPeriod()).empty


@pytest.mark.parametrize(
    ("days", "since", "unit"),
    [(7, datetime(2026, 11, 18, 8, tzinfo=UTC), "hour"), (30, datetime(2026, 10, 26, 23, tzinfo=UTC), "day")],
)
def test_few_days_are_counted_by_the_hour_and_more_by_whole_days_of_the_clock(
    days: int, since: datetime, unit: str
) -> None:
    local_now = datetime(2026, 11, 25, 9, 30, tzinfo=timezone(timedelta(hours=1)))
    period = days_until(days, local_now, "orders")
    assert (period.since, period.unit) == (since, unit)
    assert period.bounds(local_now)[1] > local_now.replace(tzinfo=None)


def test_the_log_is_answered_only_with_the_token_of_this_start(tmp_path: Path) -> None:
    with open_application(tmp_path) as application:
        assert application.log_access.answer(b"{}", "")[0] == 403
        application.log_access.announce("http://127.0.0.1:1")
        assert application.log_access.answer(b"{}", "guess")[0] == 403
        token = json.loads((tmp_path / "server.json").read_text(encoding="utf-8"))["token"]
        assert application.log_access.answer(b'{"sql": "SELECT 1 AS one", "rows": 1}', token) == (
            200, b'{"columns": ["one"], "rows": [[1]], "cut": false}',
        )  # fmt: skip
        assert application.log_access.answer(b'{"sql": "SELECT", "rows": 1}', token)[0] == 422
        assert application.log_access.answer(b"no question", token)[0] == 400
        assert application.log_access.answer(b"[]", token)[0] == 400
    assert not (tmp_path / "server.json").exists()


def test_a_program_with_the_token_has_the_log_copied_for_a_copy_of_the_database(
    logbook: Logbook, events: OutboxReader, tmp_path: Path
) -> None:
    access = LogAccess(Log(logbook, events, is_drained=True), tmp_path, "")
    access.announce("http://127.0.0.1:1")
    token = json.loads((tmp_path / "server.json").read_text(encoding="utf-8"))["token"]
    for number in range(4):
        events.record(Event(event="page_opened", key=str(number)))
    assert logbook.drain(events) == 4
    request = {
        "copy": str(tmp_path / "copy.duckdb"),
        "instance": events.instance,
        "until": 3,
        "waiting": [[2, 2], [9, 9]],
    }

    assert access.answer(json.dumps(request).encode(), "another") == (403, b'{"error": "token"}')
    assert not (tmp_path / "copy.duckdb").exists()
    assert access.answer(json.dumps(request).encode(), token) == (200, b'{"events": 3}')
    with duckdb.connect(str(tmp_path / "copy.duckdb"), read_only=True) as copy:
        assert copy.execute("SELECT id, key FROM events").fetchall() == [(1, "0"), (2, "1"), (3, "2")]
        assert copy.execute("SELECT id FROM drained").fetchall() == [(2,)]
    assert access.answer(json.dumps({**request, "waiting": 1}).encode(), token)[0] == 400
    access.close()
