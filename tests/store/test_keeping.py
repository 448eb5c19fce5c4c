"""Settings, mappings, tables, cursors, heartbeats, events and the values of records."""

import json
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.plan import Action, Change
from integration.core.records import Kind, Record
from integration.store.columns import Moment
from integration.store.cursors import Cursors
from integration.store.database import Database
from integration.store.events import Event, Events, values_of
from integration.store.heartbeats import Heartbeats
from integration.store.rules import Rules
from integration.store.settings import StoredSettings
from integration.store.shapes import change_from_json, change_to_json
from tests.store.conftest import Clock

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.text(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.datetimes(),
    st.lists(st.text(), max_size=3).map(tuple),
)
RECORDS = st.builds(
    Record, st.sampled_from(Kind), st.text(), st.dictionaries(st.text(), VALUES, max_size=5), source=st.text()
)


@given(wanted=RECORDS, before=st.none() | RECORDS, agreed=RECORDS, kept=st.lists(st.text()).map(tuple))
def test_a_change_comes_back_as_it_was_kept(
    wanted: Record, before: Record | None, agreed: Record, kept: tuple[str, ...]
) -> None:
    change = Change(
        action=Action.UPDATE, kind=wanted.kind, key=wanted.key, title="t", sources=("a",), wanted=wanted,
        before=before, agreed=agreed, kept=kept,
    )  # fmt: skip
    again = change_from_json(json.loads(json.dumps(change_to_json(change))))
    assert again == change
    assert again.digest() == change.digest()


def test_values_of_a_record_are_shown_as_texts_by_path() -> None:
    part = Record(Kind.ARTICLE, "200", {"price": Decimal("1.10"), "active": True, "tags": ("a", "b")})
    values = {"name": None, "from": date(2026, 1, 2), "at": datetime(2026, 1, 2, 3)}  # noqa: DTZ001
    record = Record(Kind.PRODUCT, "P", values, (part,))
    assert values_of(record) == {
        "name": "", "from": "2026-01-02", "at": "2026-01-02T03:00:00", "200/price": "1.10", "200/active": "yes",
        "200/tags": "a, b",
    }  # fmt: skip
    assert values_of(None) is None


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        Moment().process_bind_param(datetime(2026, 1, 1), None)  # type: ignore[arg-type]  # noqa: DTZ001


def test_settings_are_kept_by_name(database: Database, clock: Clock) -> None:
    stored = StoredSettings(database, clock)
    assert stored.get("flow:products") is None
    stored.put("flow:products", {"on": True}, "anna")
    stored.put("flow:products", {"on": False}, "ben")
    assert stored.get("flow:products") == {"on": False}


def test_mappings_are_published_as_numbered_versions(database: Database, clock: Clock) -> None:
    rules = Rules(database, clock)
    assert rules.published("products") is None
    assert rules.publish("products", {"rules": [1]}, "anna", "first") == 1
    assert rules.publish("products", {"rules": [2]}, "ben", "second") == 2
    assert rules.published("products") == (2, {"rules": [2]})
    assert rules.body("products", 1) == {"rules": [1]}
    assert [(one.version, one.by, one.note) for one in rules.history("products")] == [
        (2, "ben", "second"), (1, "anna", "first"),
    ]  # fmt: skip
    with pytest.raises(KeyError):
        rules.body("products", 3)


def test_value_tables_are_kept_whole_and_their_change_is_told(database: Database, clock: Clock) -> None:
    rules = Rules(database, clock)
    rules.set_table("vat_codes", {"1": "21", "2": "9"}, "anna")
    rules.set_table("vat_codes", {"1": "21"}, "ben")
    assert rules.tables() == {"vat_codes": {"1": "21"}}
    last = Events(database, clock).waiting(10)[-1]
    assert (last["event"], last["before"], last["after"]) == ("table_changed", {"1": "21", "2": "9"}, {"1": "21"})


def test_cursors_are_kept_by_flow_and_side(database: Database, clock: Clock) -> None:
    cursors = Cursors(database, clock)
    cursors.put("products", "source:article", "1")
    cursors.put("products", "source:article", "2")
    assert cursors.get("products", "source:article") == "2"
    assert cursors.get("stock", "source:article") is None
    cursors.forget("products")
    assert cursors.get("products", "source:article") is None


def test_a_process_that_stopped_beating_is_dead_until_it_is_forgotten(database: Database, clock: Clock) -> None:
    heartbeats = Heartbeats(database, clock)
    heartbeats.beat("server-1")
    heartbeats.beat("worker-1")
    clock.advance(20)
    heartbeats.beat("server-1")
    assert heartbeats.dead(15) == ["worker-1"]
    heartbeats.forget("worker-1")
    assert heartbeats.dead(15) == []


def test_events_wait_in_order_until_they_are_forgotten_and_ids_never_come_back(
    database: Database, clock: Clock
) -> None:
    events = Events(database, clock)
    events.tell(Event(event="checked", key="mplus", facts={"ok": "yes"}, ms=12), Event(event="checked", key="books"))
    first, second = events.waiting(10)
    assert (first["key"], first["facts"], first["ms"], first["happened_at"]) == ("mplus", {"ok": "yes"}, 12, clock())
    assert events.waiting(1) == [first]
    events.forget([int(str(one["id"])) for one in (first, second)])
    assert events.count() == 0
    events.tell(Event(event="checked"))
    assert int(str(events.waiting(1)[0]["id"])) > int(str(second["id"]))
    assert events.instance == database.instance
