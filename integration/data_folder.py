"""Files of the data folder, the key ring of a console, and a check before the database is opened."""

from pathlib import Path

from integration.core.errors import ConfigurationError
from integration.settings import ENGINE, Settings
from integration.store.keys import KeyRing

FILES = ("console.*", "engine.*", "log.duckdb*", "sandbox.journal")
SQLITE = "sqlite:///"
MADE_LATER = (ENGINE, "log.duckdb")  # files that a console makes only after its database


def key_ring(settings: Settings, instance: str) -> KeyRing:
    """Return the key ring of the console instance with this id. Creates no key."""
    return KeyRing(settings.key.get_secret_value(), settings.key_before.get_secret_value(), settings.key_file, instance)


def require_database_file(settings: Settings) -> None:
    """Raise ConfigurationError `database_file_missing` if files made beside the database exist, but the database not.

    A new database would not know what was already written.
    """
    data, address = settings.data.absolute(), settings.operational_url()
    file = Path(address.removeprefix(SQLITE))
    if address.startswith(SQLITE) and not file.exists() and any((data / name).exists() for name in MADE_LATER):
        raise ConfigurationError("database_file_missing", file=str(file), folder=str(data))
