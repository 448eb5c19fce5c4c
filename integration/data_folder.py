"""Files of the data folder, the key ring of a console, and the opening of its operational database."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from integration.core.errors import ConfigurationError
from integration.process.permissions import OTHERS
from integration.settings import ENGINE, Settings
from integration.store.database import Database, open_database
from integration.store.files import remove_leftovers

if TYPE_CHECKING:  # imported when it is used: it loads a library that a list of runs does not need
    from integration.store.keys import KeyRing

FILES = ("console.*", "engine.*", "log.duckdb*", "sandbox.journal")
SQLITE = "sqlite:///"
MADE_LATER = (ENGINE, "log.duckdb")  # files that a console makes only after its database


def key_ring(settings: Settings, instance: str) -> "KeyRing":
    """Return the key ring of the console instance with this id. Creates no key."""
    from integration.store.keys import KeyRing  # noqa: PLC0415 - as said at the top

    return KeyRing(
        settings.key.get_secret_value(), settings.previous_key.get_secret_value(), settings.key_file, instance
    )


def require_database_file(settings: Settings) -> None:
    """Raise ConfigurationError `database_file_missing` if only files exist that are made after the database.

    The database is then missing or empty, as after a copy that was broken off. A new database would not know what was
    already written.
    """
    data, address = settings.data.absolute(), settings.operational_url()
    file = Path(address.removeprefix(SQLITE))
    is_missing = address.startswith(SQLITE) and not (file.exists() and file.stat().st_size)
    if is_missing and any((data / name).exists() for name in MADE_LATER):
        raise ConfigurationError("database_file_missing", file=str(file), folder=str(data))


def open_operational_database(settings: Settings) -> Database:
    """Return the operational database.

    First removes what a killed process left behind, and restricts files that other users could read to their owner.
    """
    remove_leftovers(settings.data)
    for file in (file for pattern in FILES for file in settings.data.glob(pattern)):
        with suppress(OSError):  # deleted meanwhile, or owned by another user
            if file.is_file() and file.stat().st_mode & OTHERS:
                file.chmod(0o600)
    require_database_file(settings)
    return open_database(settings.operational_url())
