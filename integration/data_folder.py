"""Files of the data folder, the key ring of a console, and a check before the database is opened."""

from integration.core.errors import ConfigurationError
from integration.settings import DATABASE, ENGINE, Settings
from integration.store.keys import KeyRing

FILES = ("console.*", "engine.*", "log.duckdb*", "sandbox.journal")


def key_ring(settings: Settings, instance: str) -> KeyRing:
    """Return the key ring of the console instance with this id. Creates no key."""
    return KeyRing(settings.key.get_secret_value(), settings.key_before.get_secret_value(), settings.key_file, instance)


def require_database_file(settings: Settings) -> None:
    """Raise ConfigurationError `database_file_missing` if the engine's file exists and the database file does not.

    A new database would not know what was already written.
    """
    data = settings.data.absolute()
    file = data / DATABASE
    if not settings.database_url.get_secret_value() and not file.exists() and (data / ENGINE).exists():
        raise ConfigurationError("database_file_missing", file=str(file), folder=str(data))
