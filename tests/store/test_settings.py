"""Settings that a person changed in the console, stored by name."""

from integration.store.database import Database
from integration.store.settings import StoredSettings
from tests.clocks import Clock


def test_settings_are_kept_by_name(database: Database, clock: Clock) -> None:
    settings_store = StoredSettings(database, clock)
    assert settings_store.get("flow:products") is None
    settings_store.put("flow:products", {"on": True}, "anna")
    settings_store.put("flow:products", {"on": False}, "ben")
    assert settings_store.get("flow:products") == {"on": False}


def test_a_setting_that_was_changed_in_the_meantime_is_not_replaced(database: Database, clock: Clock) -> None:
    settings_store = StoredSettings(database, clock)
    assert settings_store.replace("flow:products", {}, {"on": True}, "anna")
    assert not settings_store.replace("flow:products", {}, {"zero_price": "park"}, "ben")
    assert settings_store.get("flow:products") == {"on": True}
