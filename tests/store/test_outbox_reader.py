"""Events that wait to be drained, and the values of records in them."""

from datetime import date, datetime
from decimal import Decimal

from integration.core.records import Kind, Record
from integration.store.database import Database
from integration.store.events import Event, values_of
from integration.store.outbox_reader import OutboxReader
from tests.clocks import Clock


def test_values_of_a_record_are_shown_as_texts_by_path() -> None:
    part = Record(Kind.ARTICLE, "200", {"price": Decimal("1.10"), "active": True, "tags": ("a", "b")})
    values = {"name": None, "from": date(2026, 1, 2), "at": datetime(2026, 1, 2, 3)}  # noqa: DTZ001
    record = Record(Kind.PRODUCT, "P", values, (part,))
    assert values_of(record) == {
        "name": "", "from": "2026-01-02", "at": "2026-01-02T03:00:00", "200/price": "1.10", "200/active": "yes",
        "200/tags": "a, b",
    }  # fmt: skip
    assert values_of(None) is None


def test_events_wait_in_order_until_they_are_forgotten_and_ids_never_come_back(
    database: Database, clock: Clock
) -> None:
    events = OutboxReader(database, clock)
    events.record(Event(event="checked", key="mplus", facts={"ok": "yes"}, ms=12), Event(event="checked", key="books"))
    first, second = events.waiting(10)
    assert (first["key"], first["facts"], first["ms"], first["happened_at"]) == ("mplus", {"ok": "yes"}, 12, clock())
    assert events.waiting(1) == [first]
    events.forget([int(str(event["id"])) for event in (first, second)])
    assert events.count() == 0
    events.record(Event(event="checked"))
    assert int(str(events.waiting(1)[0]["id"])) > int(str(second["id"]))
    assert events.instance == database.instance
