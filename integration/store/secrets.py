"""Credentials and tokens, sealed: in the database they are unreadable without the key."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import Fernet

from integration.core.connections import Token
from integration.core.errors import ConfigurationError
from integration.store.database import Beside, Clock, Database, upsert
from integration.store.events import Event
from integration.store.keys import KeyRing, opens_one, reseal
from integration.store.leases import Leases
from integration.store.outbox import append_events
from integration.store.prepared_statements import PreparedStatement
from integration.store.tables import connections

REFRESH_SECONDS = 60.0  # a refresh takes two calls at most; a process that died in it is overtaken after this
_SEALED = PreparedStatement(sa.select(connections.c.sealed).where(connections.c.system == sa.bindparam("system")))


class ConnectionStore:
    """How both systems are reached, by system.

    Sealed with `key` (16 characters or more), or with a key that is made once and kept in `key_file`, readable by its
    owner alone. Where `key` is to replace another, that is the one `before`. Raises ConfigurationError
    `setting_invalid` for a key that is too short, and `key_file_unusable` for a file that holds none.
    """

    def __init__(
        self, database: Database, clock: Clock, *, key: str = "", before: str = "", key_file: Path | None = None
    ) -> None:
        self.database = database
        self.clock = clock
        self._ring = KeyRing(key, before, key_file, database.instance)
        self._ring.make_one()

    def put(self, system: str, values: Mapping[str, Any], by: str = "") -> None:
        """Keep a connection whole. The log is told that it changed, never what it holds."""
        with self.database.write() as connection:
            seal(connection, self._ring, self.clock(), system, values)
            append_events(connection, self.clock(), [Event(event="connection_changed", key=system, facts={"by": by})])

    def get(self, system: str) -> dict[str, Any] | None:
        """Return a connection, or None when there is none. Raises ConfigurationError `secret_key_wrong`."""
        before = None
        while found := self.database.ready(_SEALED, {"system": system}):
            sealed = bytes(found[0].sealed)
            opened = self._ring.opened(sealed)
            if opened is not None:
                return dict(json.loads(opened))
            if sealed == before:  # the same as before the keys were read anew: nobody changes them just now
                raise ConfigurationError("secret_key_wrong", system=system)
            before = sealed
            self._ring.read_anew()
        return None

    def change_key(self, by: str) -> int:
        """Seal everything with another key and return how much that is; see `keys.reseal`."""
        return reseal(self._ring, self.database, self.clock, by)

    def forget(self, system: str, by: str = "") -> None:
        """Drop a connection and its secrets."""
        with self.database.write() as connection:
            connection.execute(connections.delete().where(connections.c.system == system))
            append_events(connection, self.clock(), [Event(event="connection_forgotten", key=system, facts={"by": by})])

    def renew(self, name: str, values: Mapping[str, Any]) -> None:
        """Keep what changes by itself, such as tokens, without a word in the log."""
        with self.database.write() as connection:
            seal(connection, self._ring, self.clock(), name, values)

    def keeping(self, stem: str, values: Mapping[str, Any]) -> Beside:
        """Return what keeps values, in the transaction under way, under `stem` and a name."""
        return lambda connection, name: seal(connection, self._ring, self.clock(), f"{stem}{name}", values)

    def dropping(self, stem: str) -> Beside:
        """Return what drops, in the transaction under way, what is kept under `stem` and a name."""

        def drop(connection: sa.Connection, name: str) -> None:
            connection.execute(connections.delete().where(connections.c.system == f"{stem}{name}"))

        return drop

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
            seal(connection, self._ring, self.clock(), system, values)
            for name, to in moved.items():
                found = waited[name]
                if to and found is not None:
                    seal(connection, self._ring, self.clock(), to, found)
            connection.execute(connections.delete().where(connections.c.system.in_(moved)))
            append_events(connection, self.clock(), [Event(event="connection_changed", key=system, facts={"by": by})])


def seal(connection: sa.Connection, ring: KeyRing, at: datetime, system: str, values: Mapping[str, Any]) -> None:
    """Keep values sealed, as part of the transaction under way."""
    sealed = Fernet(ring.in_use(connection)).encrypt(json.dumps(dict(values)).encode())
    upsert(connection, connections, [{"system": system, "sealed": sealed, "changed_at": at}])


def opens(database: Path, key: bytes) -> bool:
    """Tell whether a key opens every credential that a copy of a SQLite database has."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?immutable=1", uri=True)) as connection:
        sealed = [one for (one,) in connection.execute("SELECT sealed FROM connections")]
    return all(opens_one(one, key) for one in sealed)


class StoredTokens:
    """The tokens of one connection, shared by all processes: a `TokenKeeper`.

    They are sealed together with whom they were `given_for`, and for anybody else they are not there. `assumed` is whom
    tokens of an earlier version were given for, which do not say.
    """

    def __init__(
        self, stored: ConnectionStore, leases: Leases, name: str, *, given_for: str, assumed: str = "", clock: Clock
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
