"""Stored mappings and value tables."""

import pytest

from integration.store.database import Database
from integration.store.outbox_reader import OutboxReader
from integration.store.rules import MappingStore
from integration.store.settings import StoredSettings
from tests.clocks import Clock


def test_mappings_are_published_as_numbered_versions(database: Database, clock: Clock) -> None:
    rules = MappingStore(database, clock)
    assert rules.published("products") is None
    assert rules.publish("products", {"rules": [1]}, "anna", "first") == 1
    assert rules.publish("products", {"rules": [2]}, "ben", "second") == 2
    assert rules.published("products") == (2, {"rules": [2]})
    assert rules.body("products", 1) == {"rules": [1]}
    assert [(version.version, version.by, version.note) for version in rules.history("products")] == [
        (2, "ben", "second"), (1, "anna", "first"),
    ]  # fmt: skip
    with pytest.raises(KeyError):
        rules.body("products", 3)


def test_value_tables_are_kept_whole_and_their_change_is_reported(database: Database, clock: Clock) -> None:
    rules = MappingStore(database, clock)
    rules.set_table("vat_codes", {"1": "21", "2": "9"}, "anna")
    rules.set_table("vat_codes", {"1": "21"}, "ben")
    assert rules.tables() == {"vat_codes": {"1": "21"}}
    last = OutboxReader(database, clock).waiting(10)[-1]
    assert (last["event"], last["before"], last["after"]) == ("table_changed", {"1": "21", "2": "9"}, {"1": "21"})


def test_what_decides_about_a_flow_is_found_at_one_look_as_it_is_found_one_by_one(
    database: Database, clock: Clock
) -> None:
    rules, settings = MappingStore(database, clock), StoredSettings(database, clock)
    flow_rules = rules.current_rules("products")
    assert (flow_rules.mapping(), flow_rules.settings(), flow_rules.tables()) == (None, {}, {})
    for body in ({"rules": [1]}, {"rules": ["é"]}):
        rules.publish("products", body, "anna", "")
    rules.set_table("vat_codes", {"1": "21"}, "anna")
    settings.put("flow:products", {"on": True}, "anna")
    flow_rules = rules.current_rules("products")
    assert flow_rules.mapping() == rules.published("products") == (2, {"rules": ["é"]})
    assert (flow_rules.settings(), flow_rules.tables()) == ({"on": True}, {"vat_codes": {"1": "21"}})
    rules.publish("orders", {}, "anna", "")
    settings.put("flow:orders", {"on": True}, "anna")
    assert rules.current_rules("products") == flow_rules
