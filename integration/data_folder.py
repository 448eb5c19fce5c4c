"""Files of the data folder of a console: which they are, and what must be there before the database is opened."""

from integration.core.errors import ConfigurationError
from integration.settings import DATABASE, ENGINE, Settings
from integration.store.keys import KeyRing

OTHERS = 0o077  # mask of the permissions that only the owner may have
FILES = ("console.*", "engine.*", "log.duckdb*", "sandbox.journal")


def key_ring(settings: Settings, instance: str) -> KeyRing:
    """Return the keys of the console with this id. Creates none."""
    return KeyRing(settings.key.get_secret_value(), settings.key_before.get_secret_value(), settings.key_file, instance)


def require_database_file(settings: Settings) -> None:
    """Raise ConfigurationError `database_file_missing` where the engine's file is there and the database file is not.

    A new database would not know what was written already.
    """
    data = settings.data.absolute()
    file = data / DATABASE
    if not settings.database_url.get_secret_value() and not file.exists() and (data / ENGINE).exists():
        raise ConfigurationError("database_file_missing", file=str(file), folder=str(data))
