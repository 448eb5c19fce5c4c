"""Manages the keys that seal credentials and the audit log, and replaces the key in use.

A row of the settings holds the id of the key in use. It changes in the same transaction that seals everything with the
new key. A key is written to the file before the row refers to it, and removed only after the row refers to another. So
everything can be opened at any moment.
"""

import base64
import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken

from integration.core.errors import ConfigurationError
from integration.core.masking import register_secrets
from integration.store.database import Clock, Database, upsert
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.tables import audit_head, connections, settings

SHORTEST_KEY = 16
KEY_IDS_SETTING = "key"  # the setting with the ids of the key in use and of replaced keys
LOCK = 7_264_518_302  # arbitrary, but different from our other locks


class KeyRing:
    """The keys of a console: the previous and current key of the settings, and the keys in the key file.

    A key of the settings has at least 16 characters. Raises ConfigurationError `setting_invalid` for a shorter one, and
    `key_file_unusable` if the file is needed and holds no key.
    """

    def __init__(self, key: str, before: str, key_file: Path | None, salt: str) -> None:
        register_secrets(key, before)
        self.file = key_file
        self.given = _derive_key(key, "CONSOLE_KEY", salt)
        of_settings = (_derive_key(before, "CONSOLE_PREVIOUS_KEY", salt), self.given)
        self.of_settings = [candidate for candidate in of_settings if candidate is not None]
        self.keys: Sequence[bytes] = ()
        self.reload()

    def reload(self) -> None:
        """Read the key file again, because another process may have changed it."""
        file_keys = [] if self.file is None else keys_in(self.file, is_required=self.given is None)
        self.keys = [*self.of_settings, *file_keys]

    def create_key(self) -> None:
        """Create a key in the file if there is no key. Two processes that start at once use the same one."""
        if not self.keys and self.file is not None:
            write_keys(self.file, [Fernet.generate_key()], anew=False)
            self.reload()
        self._first_key()

    def add_key(self) -> bytes:
        """Add a new key to the file and return it. The file is durable on return."""
        if self.file is None:
            raise ConfigurationError("setting_invalid", setting="CONSOLE_KEY", expected="expected_key")
        fresh = Fernet.generate_key()
        write_keys(self.file, [*keys_in(self.file, is_required=True), fresh])
        return fresh

    def key_with_id(self, name: str) -> bytes | None:
        """Return the key with this id, or None. Reads the file again if the key is not known yet."""
        if all(id_of(key) != name for key in self.keys):
            self.reload()
        return next((key for key in self.keys if id_of(key) == name), None)

    def decrypt(self, sealed: bytes) -> bytes | None:
        """Return the decrypted value, or None if no key opens it."""
        for key in self.keys:
            with suppress(InvalidToken):
                return Fernet(key).decrypt(sealed)
        return None

    def in_use(self, connection: sa.Connection) -> bytes:
        """Return the key to seal with. It cannot be replaced before the current transaction ends.

        If the key in use is not known here and another key was never replaced, that key becomes the key in use.
        Credentials sealed with the lost key must be entered again. Raises ConfigurationError `secret_key_wrong` if only
        replaced keys are known.
        """
        hold(connection, alone=False)
        row = _row(connection)
        if row is None:
            return self._first_key()
        key = self.key_with_id(row.id)
        if key is not None:
            return key
        fresh = next((candidate for candidate in self.keys if id_of(candidate) not in row.before), None)
        if fresh is None:
            raise ConfigurationError("secret_key_wrong", system="")
        connection.execute(settings.update().where(settings.c.name == KEY_IDS_SETTING).values(value=row.naming(fresh)))
        return fresh

    def _first_key(self) -> bytes:
        if not self.keys:
            raise ConfigurationError("setting_invalid", setting="CONSOLE_KEY", expected="expected_key")
        return self.keys[0]


@dataclass(frozen=True, slots=True)
class _Row:
    """The id of the key in use, and the ids of replaced keys. Replaced keys do not seal any more."""

    id: str
    before: Sequence[str]

    def naming(self, key: bytes) -> dict[str, Any]:
        return {"id": id_of(key), "before": list(self.before)}


def reseal(ring: KeyRing, database: Database, clock: Clock, by: str) -> int:
    """Seal all credentials with a new key, and return their number.

    The new key is that of the settings, or a generated one in the file. Afterwards the former key is removed from the
    file. After an interruption, the next call completes the change. Raises ConfigurationError `secret_key_wrong`, with
    nothing changed, if a credential cannot be opened, and `setting_invalid` if the key of the settings is in use
    already.
    """
    with database.write() as connection:
        hold(connection, alone=True)
        ring.reload()
        fresh = _next_key(ring, connection, _row(connection))
        sealed = _reseal_connections(ring, connection, fresh)
        _set_in_use(connection, clock(), fresh, ring, by)
        append_events(connection, clock(), [Event(event="key_changed", facts={"by": by, "count": str(sealed)})])
    with database.write() as connection:
        hold(connection, alone=True)
        _drop_other_keys(ring, connection)
    return sealed


def _next_key(ring: KeyRing, connection: sa.Connection, row: _Row | None) -> bytes:
    """Return the key that replaces the one in use."""
    if ring.given is None:
        return ring.add_key()
    sealed = connection.execute(sa.select(connections.c.sealed)).scalars()
    if (row is None or row.id == id_of(ring.given)) and all(can_open(bytes(secret), ring.given) for secret in sealed):
        raise ConfigurationError("setting_invalid", setting="CONSOLE_KEY", expected="expected_other_key")
    return ring.given


def _reseal_connections(ring: KeyRing, connection: sa.Connection, fresh: bytes) -> int:
    rows = connection.execute(sa.select(connections)).all()
    for row in rows:
        opened = ring.decrypt(bytes(row.sealed))
        if opened is None:
            raise ConfigurationError("secret_key_wrong", system=row.system)
        sealed = Fernet(fresh).encrypt(opened)
        connection.execute(connections.update().where(connections.c.system == row.system).values(sealed=sealed))
    return len(rows)


def _set_in_use(connection: sa.Connection, at: datetime, key: bytes, ring: KeyRing, by: str) -> None:
    """Store the key as the one in use, and all other known keys as replaced."""
    row = _row(connection)
    before = {*(() if row is None else (row.id, *row.before)), *map(id_of, ring.keys)} - {id_of(key)}
    value = {"id": id_of(key), "before": sorted(before)}
    upsert(connection, settings, [{"name": KEY_IDS_SETTING, "value": value, "by": by, "changed_at": at}])


def _drop_other_keys(ring: KeyRing, connection: sa.Connection) -> None:
    """Remove all keys but the one in use from the file. Deletes the file if the key in use is in the settings."""
    row = _row(connection)
    if ring.file is None or row is None or not ring.file.exists():
        return
    remaining_keys = [key for key in keys_in(ring.file, is_required=False) if id_of(key) == row.id]
    if remaining_keys:
        write_keys(ring.file, remaining_keys)
    elif ring.given is not None and id_of(ring.given) == row.id:
        ring.file.unlink()


def hold(connection: sa.Connection, *, alone: bool) -> None:
    """Lock the key in use until the transaction ends: shared, or exclusively (`alone`) to replace it."""
    if connection.dialect.name == "postgresql":  # SQLite already holds its only write lock
        lock = sa.func.pg_advisory_xact_lock if alone else sa.func.pg_advisory_xact_lock_shared
        connection.execute(sa.select(lock(LOCK)))


def _row(connection: sa.Connection) -> _Row | None:
    value = connection.execute(sa.select(settings.c.value).where(settings.c.name == KEY_IDS_SETTING)).scalar()
    return None if value is None else _Row(value["id"], tuple(value["before"]))


def id_in_use(connection: sa.Connection) -> str:
    """Return the id of the key in use, or an empty string if the key was never changed."""
    row = _row(connection)
    return "" if row is None else row.id


def has_sealed(connection: sa.Connection) -> bool:
    """Return True if a credential or the audit log is sealed."""
    credentials = sa.select(connections.c.system).limit(1)
    head = sa.select(audit_head.c.key).where(audit_head.c.key != "")
    return connection.execute(credentials).first() is not None or connection.execute(head).first() is not None


def key_in_use(ring: KeyRing, database: Database) -> bytes:
    """Return the key in use, and create one if there is none. The key may be replaced as soon as this returns.

    Raises ConfigurationError `key_file_missing` if something is sealed and there is no key, because a new key could not
    open it.
    """
    with database.read() as connection:
        name, is_sealed = id_in_use(connection), has_sealed(connection)
    if is_sealed and not ring.keys and ring.file is not None:
        raise ConfigurationError("key_file_missing", file=str(ring.file.absolute()))
    ring.create_key()
    return (ring.key_with_id(name) if name else None) or ring.keys[0]


# ---- keys and their file ---------------------------------------------------------------------------------------------


def id_of(key: bytes) -> str:
    """Return the id of a key, from which the key cannot be derived."""
    return hashlib.sha256(b"the id of a key: " + key).hexdigest()[:16]


def keys_in(path: Path, *, is_required: bool) -> list[bytes]:
    """Return the keys in a file, one per line, or an empty list if there is no file.

    Raises ConfigurationError if a required file has no keys, or anything else than keys.
    """
    try:
        keys = path.read_bytes().split()
        for key in keys:
            Fernet(key)
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        keys = []
    if is_required and not keys:
        raise ConfigurationError("key_file_unusable", file=str(path.absolute()))
    return keys


def write_keys(path: Path, keys: Sequence[bytes], *, anew: bool = True) -> None:
    """Write keys to a file that only its owner can read. The write is atomic, and durable on return.

    Without `anew` an existing file is kept, so that two processes that start at once use the same key.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - sets the mode on creation
        file.write(b"\n".join(keys))
        file.flush()
        os.fsync(file.fileno())
    if anew:
        fresh.replace(path)
    else:
        with suppress(FileExistsError):  # another process was first
            os.link(fresh, path)
        fresh.unlink()
    _keep_folder(path.parent)


def _keep_folder(folder: Path) -> None:
    """Flush a folder to disk, so that a new file name in it survives a crash. Windows needs no such call."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def can_open(sealed: bytes, key: bytes | None) -> bool:
    """Return True if a key opens a credential."""
    if key is None:
        return False
    try:
        Fernet(key).decrypt(sealed)
    except (InvalidToken, ValueError):
        return False
    return True


def _derive_key(key: str, setting: str, salt: str) -> bytes | None:
    if not key:
        return None
    if len(key) < SHORTEST_KEY:
        raise ConfigurationError(
            "setting_invalid", setting=setting, expected="expected_signs_least", min_length=SHORTEST_KEY
        )
    derived = hashlib.scrypt(key.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=32)
    return base64.urlsafe_b64encode(derived)
