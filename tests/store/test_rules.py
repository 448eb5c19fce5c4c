"""Mappings and value tables as they are kept."""

import pytest

from integration.store.database import Database
from integration.store.outbox_reader import OutboxReader
from integration.store.rules import Rules
from tests.clocks import Clock


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
    last = OutboxReader(database, clock).waiting(10)[-1]
    assert (last["event"], last["before"], last["after"]) == ("table_changed", {"1": "21", "2": "9"}, {"1": "21"})
