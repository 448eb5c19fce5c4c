"""Credentials and tokens, sealed: in the database they are unreadable without the key."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken

from integration.core.connections import Token
from integration.core.errors import ConfigurationError
from integration.core.masking import remember
from integration.store.database import Clock, Database, upsert
from integration.store.events import Event, tell
from integration.store.leases import Leases
from integration.store.tables import connections

SHORTEST_KEY = 16
REFRESH_SECONDS = 60.0  # a refresh takes two calls at most; a process that died in it is overtaken after this


class Connections:
    """How both systems are reached, by system.

    Sealed with `key` (16 characters or more), or with a key that is made once and kept in `key_file`, readable by its
    owner alone. Raises ConfigurationError `setting_invalid` for a key that is too short or a file that is none.
    """

    def __init__(self, database: Database, clock: Clock, *, key: str = "", key_file: Path | None = None) -> None:
        self.database = database
        self.clock = clock
        self._fernet = _fernet(key, key_file, database.instance)

    def put(self, system: str, values: Mapping[str, Any], by: str = "") -> None:
        """Keep a connection whole. The log is told that it changed, never what it holds."""
        with self.database.write() as connection:
            seal(connection, self._fernet, self.clock(), system, values)
            tell(connection, self.clock(), [Event(event="connection_changed", key=system, facts={"by": by})])

    def get(self, system: str) -> dict[str, Any] | None:
        """Return a connection, or None when there is none. Raises ConfigurationError `secret_key_wrong`."""
        sealed = self.database.scalar(sa.select(connections.c.sealed).where(connections.c.system == system))
        if sealed is None:
            return None
        try:
            return dict(json.loads(self._fernet.decrypt(sealed)))
        except InvalidToken:
            raise ConfigurationError("secret_key_wrong", system=system) from None

    def forget(self, system: str, by: str = "") -> None:
        """Drop a connection and its secrets."""
        with self.database.write() as connection:
            connection.execute(connections.delete().where(connections.c.system == system))
            tell(connection, self.clock(), [Event(event="connection_forgotten", key=system, facts={"by": by})])

    def renew(self, name: str, values: Mapping[str, Any]) -> None:
        """Keep what changes by itself, such as tokens, without a word in the log."""
        with self.database.write() as connection:
            seal(connection, self._fernet, self.clock(), name, values)

    def drop(self, *names: str) -> None:
        """Drop what came by itself, without a word in the log."""
        with self.database.write() as connection:
            connection.execute(connections.delete().where(connections.c.system.in_(names)))

    def replace(self, system: str, values: Mapping[str, Any], by: str, *, moved: Mapping[str, str]) -> None:
        """Keep a connection whole and, in the same moment, what came with it: `moved` tells under which name it waits.

        What waited under a name that goes to none is dropped.
        """
        waited = {name: self.get(name) for name in moved}
        with self.database.write() as connection:
            seal(connection, self._fernet, self.clock(), system, values)
            for name, to in moved.items():
                found = waited[name]
                if to and found is not None:
                    seal(connection, self._fernet, self.clock(), to, found)
            connection.execute(connections.delete().where(connections.c.system.in_(moved)))
            tell(connection, self.clock(), [Event(event="connection_changed", key=system, facts={"by": by})])


def seal(connection: sa.Connection, fernet: Fernet, at: datetime, system: str, values: Mapping[str, Any]) -> None:
    """Keep values sealed, as part of the transaction under way."""
    sealed = fernet.encrypt(json.dumps(dict(values)).encode())
    upsert(connection, connections, [{"system": system, "sealed": sealed, "changed_at": at}])


def _fernet(key: str, key_file: Path | None, salt: str) -> Fernet:
    remember(key)
    if key:
        if len(key) < SHORTEST_KEY:
            raise ConfigurationError(
                "setting_invalid", setting="CONSOLE_KEY", expected="expected_signs_least", min_length=SHORTEST_KEY
            )
        derived = hashlib.scrypt(key.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=32)
        return Fernet(base64.urlsafe_b64encode(derived))
    if key_file is None:
        raise ConfigurationError("setting_invalid", setting="CONSOLE_KEY", expected="expected_key")
    try:
        return Fernet(_key_from(key_file))
    except (OSError, ValueError):
        raise ConfigurationError("setting_invalid", setting=str(key_file), expected="expected_key_file") from None


def _key_from(path: Path) -> bytes:
    """Return the key in a file; make both when there is none. Two processes that start at once agree on one key."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - mode at birth
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)  # fails when the other process was first
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_bytes().strip()


class StoredTokens:
    """The tokens of one connection, shared by all processes: a `TokenKeeper`.

    They are sealed together with whom they were `given_for`, and for anybody else they are not there. `assumed` is whom
    tokens of an earlier version were given for, which do not say.
    """

    def __init__(
        self, stored: Connections, leases: Leases, name: str, *, given_for: str, assumed: str = "", clock: Clock
    ) -> None:
        self.stored = stored
        self.leases = leases
        self.name = name
        self.given_for = given_for
        self.assumed = assumed
        self.clock = clock

    def load(self) -> Token | None:
        """Return the pair kept last, or None before the first log-in here."""
        kept = self.stored.get(self.name)
        if kept is None or kept.get("given_for", self.assumed) != self.given_for:
            return None
        return Token(kept["access"], kept["refresh"], datetime.fromisoformat(kept["expires_at"]))

    def save(self, token: Token) -> None:
        """Keep a new pair; it is on disk when this returns."""
        shape = {"access": token.access, "refresh": token.refresh, "expires_at": token.expires_at.isoformat()}
        self.stored.renew(self.name, {**shape, "given_for": self.given_for})

    def alone(self) -> AbstractContextManager[None]:
        """Hold the right to refresh: one at a time, across all processes."""
        return self.leases.hold(f"tokens:{self.name}", "refresh", REFRESH_SECONDS)
