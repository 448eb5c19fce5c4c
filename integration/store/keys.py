"""The keys that seal what is kept: which there are, which of them is in use, and another one in its place.

A row of the settings names the key in use by its id, and changes in the transaction that seals everything anew. Keys
are there before the row names them, and stay until it names another, so that everything opens at any moment between.
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
from integration.core.masking import remember
from integration.store.database import Clock, Database, upsert
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.tables import audit_head, connections, settings

SHORTEST_KEY = 16
IN_USE = "key"  # the setting that names the key in use, and those that were
LOCK = 7_264_518_302  # any number that no other lock of ours has


class KeyRing:
    """The keys of a console: the one `before` that of the settings, that of the settings, and what its key file holds.

    A key of the settings has 16 characters or more. Raises ConfigurationError `setting_invalid` for one that is too
    short, and `key_file_unusable` for a file that is needed and holds no key.
    """

    def __init__(self, key: str, before: str, key_file: Path | None, salt: str) -> None:
        remember(key, before)
        self.file = key_file
        self.given = _derived(key, "CONSOLE_KEY", salt)
        of_settings = (_derived(before, "CONSOLE_KEY_BEFORE", salt), self.given)
        self.of_settings = [one for one in of_settings if one is not None]
        self.keys: Sequence[bytes] = ()
        self.read_anew()

    def read_anew(self) -> None:
        """Take the keys as they are now: another process may have changed them."""
        kept = [] if self.file is None else keys_in(self.file, needed=self.given is None)
        self.keys = [*self.of_settings, *kept]

    def make_one(self) -> None:
        """Make a key in the file where there is none at all. Two processes that start at once agree on one."""
        if not self.keys and self.file is not None:
            write_keys(self.file, [Fernet.generate_key()], anew=False)
            self.read_anew()
        self._first()

    def grow(self) -> bytes:
        """Return a fresh key that is in the file, and on the disk, when this returns."""
        if self.file is None:
            raise ConfigurationError("setting_invalid", setting="CONSOLE_KEY", expected="expected_key")
        fresh = Fernet.generate_key()
        write_keys(self.file, [*keys_in(self.file, needed=True), fresh])
        return fresh

    def named(self, name: str) -> bytes | None:
        """Return the key with this id, read anew where it was not there before."""
        if all(id_of(one) != name for one in self.keys):
            self.read_anew()
        return next((one for one in self.keys if id_of(one) == name), None)

    def opened(self, sealed: bytes) -> bytes | None:
        """Return what was sealed, or None where no key opens it."""
        for key in self.keys:
            with suppress(InvalidToken):
                return Fernet(key).decrypt(sealed)
        return None

    def in_use(self, connection: sa.Connection) -> bytes:
        """Return the key to seal with, as part of a transaction in which no other takes its place.

        Where somebody started with a key that was never replaced, it is in use from now on: what the lost one sealed is
        entered anew. Raises ConfigurationError `secret_key_wrong` where there are only keys that others replaced.
        """
        hold(connection, alone=False)
        row = _row(connection)
        if row is None:
            return self._first()
        found = self.named(row.id)
        if found is not None:
            return found
        fresh = next((one for one in self.keys if id_of(one) not in row.before), None)
        if fresh is None:
            raise ConfigurationError("secret_key_wrong", system="")
        connection.execute(settings.update().where(settings.c.name == IN_USE).values(value=row.naming(fresh)))
        return fresh

    def _first(self) -> bytes:
        if not self.keys:
            raise ConfigurationError("setting_invalid", setting="CONSOLE_KEY", expected="expected_key")
        return self.keys[0]


@dataclass(frozen=True, slots=True)
class _Row:
    """The id of the key in use, and the ids of those that were replaced: who has no other seals nothing any more."""

    id: str
    before: Sequence[str]

    def naming(self, key: bytes) -> dict[str, Any]:
        return {"id": id_of(key), "before": list(self.before)}


def reseal(ring: KeyRing, database: Database, clock: Clock, by: str) -> int:
    """Seal everything with another key, that of the settings or else a fresh one in the file, and return how much.

    The key of before is taken out of the file afterwards. A change that was cut short is finished by the next one.
    Raises ConfigurationError: `secret_key_wrong`, with nothing changed, where something cannot be opened, and
    `setting_invalid` where the key of the settings is in use already.
    """
    with database.write() as connection:
        hold(connection, alone=True)
        ring.read_anew()
        fresh = _next(ring, connection, _row(connection))
        sealed = _seal_anew(ring, connection, fresh)
        _name(connection, clock(), fresh, ring, by)
        append_events(connection, clock(), [Event(event="key_changed", facts={"by": by, "count": str(sealed)})])
    with database.write() as connection:
        hold(connection, alone=True)
        _drop_others(ring, connection)
    return sealed


def _next(ring: KeyRing, connection: sa.Connection, row: _Row | None) -> bytes:
    """Return the key that comes next."""
    if ring.given is None:
        return ring.grow()
    sealed = connection.execute(sa.select(connections.c.sealed)).scalars()
    if (row is None or row.id == id_of(ring.given)) and all(opens_one(bytes(one), ring.given) for one in sealed):
        raise ConfigurationError("setting_invalid", setting="CONSOLE_KEY", expected="expected_other_key")
    return ring.given


def _seal_anew(ring: KeyRing, connection: sa.Connection, fresh: bytes) -> int:
    found = connection.execute(sa.select(connections)).all()
    for one in found:
        opened = ring.opened(bytes(one.sealed))
        if opened is None:
            raise ConfigurationError("secret_key_wrong", system=one.system)
        sealed = Fernet(fresh).encrypt(opened)
        connection.execute(connections.update().where(connections.c.system == one.system).values(sealed=sealed))
    return len(found)


def _name(connection: sa.Connection, at: datetime, key: bytes, ring: KeyRing, by: str) -> None:
    """Name the key in use from now on, and all others that are known as replaced."""
    row = _row(connection)
    before = {*(() if row is None else (row.id, *row.before)), *map(id_of, ring.keys)} - {id_of(key)}
    value = {"id": id_of(key), "before": sorted(before)}
    upsert(connection, settings, [{"name": IN_USE, "value": value, "by": by, "changed_at": at}])


def _drop_others(ring: KeyRing, connection: sa.Connection) -> None:
    """Take every key out of the file but the one in use; where that is in the settings, no file is left."""
    row = _row(connection)
    if ring.file is None or row is None or not ring.file.exists():
        return
    kept = [one for one in keys_in(ring.file, needed=False) if id_of(one) == row.id]
    if kept:
        write_keys(ring.file, kept)
    elif ring.given is not None and id_of(ring.given) == row.id:
        ring.file.unlink()


def hold(connection: sa.Connection, *, alone: bool) -> None:
    """Keep the key in use as it is until the transaction ends, or have it `alone` to change it."""
    if connection.dialect.name == "postgresql":  # SQLite holds the one write lock there is
        lock = sa.func.pg_advisory_xact_lock if alone else sa.func.pg_advisory_xact_lock_shared
        connection.execute(sa.select(lock(LOCK)))


def _row(connection: sa.Connection) -> _Row | None:
    value = connection.execute(sa.select(settings.c.value).where(settings.c.name == IN_USE)).scalar()
    return None if value is None else _Row(value["id"], tuple(value["before"]))


def id_in_use(connection: sa.Connection) -> str:
    """Return the id of the key in use, empty where no key was ever changed."""
    row = _row(connection)
    return "" if row is None else row.id


def has_sealed(connection: sa.Connection) -> bool:
    """Tell whether credentials are sealed, or the audit is."""
    credentials = sa.select(connections.c.system).limit(1)
    head = sa.select(audit_head.c.key).where(audit_head.c.key != "")
    return connection.execute(credentials).first() is not None or connection.execute(head).first() is not None


def key_in_use(ring: KeyRing, database: Database) -> bytes:
    """Return the key in use, made where there is none; which one that is may change as soon as this returns.

    Raises ConfigurationError `key_file_missing` where something is sealed already and there is no key: a new one would
    open nothing of it.
    """
    with database.read() as connection:
        name, is_sealed = id_in_use(connection), has_sealed(connection)
    if is_sealed and not ring.keys and ring.file is not None:
        raise ConfigurationError("key_file_missing", file=str(ring.file.absolute()))
    ring.make_one()
    return (ring.named(name) if name else None) or ring.keys[0]


# ---- keys and their file ---------------------------------------------------------------------------------------------


def id_of(key: bytes) -> str:
    """Return what a key is called, which says nothing of it."""
    return hashlib.sha256(b"the id of a key: " + key).hexdigest()[:16]


def keys_in(path: Path, *, needed: bool) -> list[bytes]:
    """Return the keys in a file, one a line, and none where there is no file.

    Raises ConfigurationError where it is `needed` and holds something else.
    """
    try:
        keys = path.read_bytes().split()
        for one in keys:
            Fernet(one)
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        keys = []
    if needed and not keys:
        raise ConfigurationError("key_file_unusable", file=str(path.absolute()))
    return keys


def write_keys(path: Path, keys: Sequence[bytes], *, anew: bool = True) -> None:
    """Put keys into a file that is its owner's alone, whole or not at all; they are on the disk when this returns.

    Where the file is not to be written `anew`, one that is there stays: two processes that start at once agree.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - mode at birth
        file.write(b"\n".join(keys))
        file.flush()
        os.fsync(file.fileno())
    if anew:
        fresh.replace(path)
    else:
        with suppress(FileExistsError):  # the other process was first
            os.link(fresh, path)
        fresh.unlink()
    _keep_folder(path.parent)


def _keep_folder(folder: Path) -> None:
    """See to it that the disk knows of a new name in a folder; Windows does so by itself."""
    if os.name == "posix":
        known = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(known)
        finally:
            os.close(known)


def opens_one(sealed: bytes, key: bytes | None) -> bool:
    """Tell whether a key opens one credential."""
    if key is None:
        return False
    try:
        Fernet(key).decrypt(sealed)
    except (InvalidToken, ValueError):
        return False
    return True


def _derived(key: str, setting: str, salt: str) -> bytes | None:
    if not key:
        return None
    if len(key) < SHORTEST_KEY:
        raise ConfigurationError(
            "setting_invalid", setting=setting, expected="expected_signs_least", min_length=SHORTEST_KEY
        )
    derived = hashlib.scrypt(key.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=32)
    return base64.urlsafe_b64encode(derived)
