"""Events rebuilt from the rows of the database."""

from collections.abc import Mapping

from integration.core.issues import Issue
from integration.core.run import Outcome
from integration.core.states import Step
from integration.store.database import Database
from integration.store.events import Event
from integration.store.ledger import Ledger
from integration.store.outbox_reader import OutboxReader
from integration.store.rules import MappingStore
from integration.store.runs import RunStore
from integration.store.settings import StoredSettings
from tests.clocks import Clock
from tests.store.samples import a_commit, a_create, a_park, a_plan, a_skip

MARKS = ("run", "event", "kind", "key", "code", "title", "sources", "before", "after")
UNKNOWN = ("sent", "issue_closed")  # what nothing in the database tells of any more once it is over


def marks(events: list[dict[str, object]]) -> list[Mapping[str, object]]:
    """Return the distinguishing values of events in a fixed order, without time and id."""
    event_marks = [{name: event[name] for name in MARKS} for event in events if event["event"] not in UNKNOWN]
    for mark in event_marks:
        mark["run"] = "" if mark["event"] == "matched" else mark["run"]  # a link no longer knows which run met it
    return sorted(event_marks, key=lambda mark: str([mark["run"], mark["event"], mark["key"]]))


def take_events(events: OutboxReader) -> list[dict[str, object]]:
    """Return the waiting events, removed as a log does."""
    waiting = events.waiting(10_000)
    events.forget([int(str(event["id"])) for event in waiting])
    return waiting


def a_life(runs: RunStore, clock: Clock) -> None:
    """One run with every kind of end a record can have, one that waits, and one that failed."""
    ledger = Ledger(runs.database, clock)
    run = a_commit(runs, *map(a_create, range(1, 6)), a_skip(8), a_park(9), unchanged=3, left_out=frozenset({5}))
    clock.advance(5)
    ledger.mark_sent(run, [1, 2, 3, 4])
    clock.advance(5)
    parked = Issue("mplus_rejected", "P2", facts={"message": "no"})
    ends = (Outcome(1, Step.PROVEN, "71"), Outcome(2, Step.PARKED, issue=parked), Outcome(3, Step.PROVEN, "73"))
    ledger.settle(run, [*ends, Outcome(4, Step.ACCEPTED, "74")])
    ledger.finish(run)
    a_plan(runs, a_create(6))
    runs.fail(runs.begin("stock", runs.get(run).mode, "anna", 1).id, "source_empty", {"kind": "article"})


def test_what_the_database_knows_of_runs_is_reported_as_before(
    database: Database, runs: RunStore, clock: Clock
) -> None:
    events = OutboxReader(database, clock)
    a_life(runs, clock)
    before = take_events(events)

    events.recreate_events("log.duckdb.broken-1")

    first, *replayed_events = take_events(events)
    assert (first["event"], first["facts"]) == ("log_replaced", {"file": "log.duckdb.broken-1"})
    assert marks(replayed_events) == marks(before)
    facts = [{str(event["event"]): event["facts"] for event in event_list} for event_list in (before, replayed_events)]
    assert all(
        facts[0][name] == facts[1][name] for name in ("parked", "skipped", "unchanged", "run_done", "run_failed")
    )
    moments = [
        {str(event["event"]): event["happened_at"] for event in event_list} for event_list in (before, replayed_events)
    ]
    assert all(moments[0][name] == moments[1][name] for name in ("run_started", "plan_ready", "approved", "run_done"))


def test_what_people_decided_is_reported_again_once_and_without_their_own_words(
    database: Database, clock: Clock
) -> None:
    events, settings_store, rules = (
        OutboxReader(database, clock),
        StoredSettings(database, clock),
        MappingStore(database, clock),
    )
    settings_store.put("flow:products", {"on": True}, "anna")
    clock.advance(5)
    rules.set_table("vat_codes", {"1": "2"}, "ben")
    rules.publish("products", {"fields": []}, by="anna", note="for Mrs Jansen")
    before = take_events(events)
    clock.advance(5)
    settings_store.put("flow:products", {"on": False}, "anna")

    events.recreate_events("log.duckdb.broken-1")

    replayed_events = [event for event in events.waiting(100) if event["event"] != "log_replaced"]
    assert [(event["event"], event["key"], event["flow"], event["happened_at"]) for event in replayed_events[1:]] == [
        (event["event"], event["key"], event["flow"], event["happened_at"]) for event in before
    ]
    assert [event["event"] for event in replayed_events].count("setting_changed") == 2  # the second one still waits
    assert replayed_events[1]["after"] == {"on": "true"}
    assert {dict(event["facts"])["by"] for event in replayed_events} == {"anna", "ben"}  # type: ignore[call-overload]
    assert "Jansen" not in str(replayed_events)


def test_what_still_waits_is_not_reported_twice(database: Database, runs: RunStore, clock: Clock) -> None:
    events = OutboxReader(database, clock)
    a_life(runs, clock)
    before = events.waiting(10_000)
    events.recreate_events("log.duckdb.broken-1")
    events.recreate_events("log.duckdb.broken-1")  # whoever was killed in between does it again
    waiting_events = events.waiting(10_000)
    assert [event["event"] for event in waiting_events[len(before) :]] == ["log_replaced", "log_replaced"]


def test_where_nothing_ran_only_the_loss_is_reported(database: Database, clock: Clock) -> None:
    events = OutboxReader(database, clock)
    events.recreate_events("log.duckdb.broken-1")
    assert events.waiting(10) == [
        {**events.waiting(1)[0], "event": "log_replaced", "facts": {"file": "log.duckdb.broken-1"}}
    ]
    events.record(Event(event="checked"))
    assert events.count() == 2
