"""Stores credentials and tokens, encrypted with a key that is not in the database."""

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
from integration.store.database import Clock, ConnectionWrite, Database, upsert
from integration.store.events import Event
from integration.store.keys import KeyRing, can_open, reseal
from integration.store.leases import Leases
from integration.store.outbox import append_events
from integration.store.prepared_statements import PreparedStatement
from integration.store.tables import connections

REFRESH_SECONDS = 60.0  # a refresh takes at most two calls; after this time a crashed process loses the lease
_SEALED = PreparedStatement(sa.select(connections.c.sealed).where(connections.c.system == sa.bindparam("system")))


class ConnectionStore:
    """Stores the connection settings of both systems, by system.

    They are sealed with `key` (16 characters or more), or with a generated key in `key_file`, readable only by its
    owner. `before` is the key that `key` replaces. Raises ConfigurationError `setting_invalid` for a key that is too
    short, and `key_file_unusable` for a file that holds no key.
    """

    def __init__(
        self, database: Database, clock: Clock, *, key: str = "", before: str = "", key_file: Path | None = None
    ) -> None:
        self.database = database
        self.clock = clock
        self._ring = KeyRing(key, before, key_file, database.instance)
        self._ring.create_key()

    def put(self, system: str, values: Mapping[str, Any], by: str = "") -> None:
        """Store a connection. The event in the log does not contain its values."""
        with self.database.write() as connection:
            seal(connection, self._ring, self.clock(), system, values)
            append_events(connection, self.clock(), [Event(event="connection_changed", key=system, facts={"by": by})])

    def get(self, system: str) -> dict[str, Any] | None:
        """Return a connection, or None if there is none. Raises ConfigurationError `secret_key_wrong`."""
        before = None
        while rows := self.database.prepared_rows(_SEALED, {"system": system}):
            sealed = bytes(rows[0].sealed)
            opened = self._ring.decrypt(sealed)
            if opened is not None:
                return dict(json.loads(opened))
            if sealed == before:  # unchanged since the keys were read again, so no change of keys is in progress
                raise ConfigurationError("secret_key_wrong", system=system)
            before = sealed
            self._ring.reload()
        return None

    def change_key(self, by: str) -> int:
        """Seal all credentials with another key and return their number; see `keys.reseal`."""
        return reseal(self._ring, self.database, self.clock, by)

    def forget(self, system: str, by: str = "") -> None:
        """Delete a connection with its secrets."""
        with self.database.write() as connection:
            connection.execute(connections.delete().where(connections.c.system == system))
            append_events(connection, self.clock(), [Event(event="connection_forgotten", key=system, facts={"by": by})])

    def renew(self, name: str, values: Mapping[str, Any]) -> None:
        """Store values that change by themselves, such as tokens, without an event."""
        with self.database.write() as connection:
            seal(connection, self._ring, self.clock(), name, values)

    def store_function(self, stem: str, values: Mapping[str, Any]) -> ConnectionWrite:
        """Return a function that stores values under `stem` and a name, in the current transaction."""
        return lambda connection, name: seal(connection, self._ring, self.clock(), f"{stem}{name}", values)

    def delete_function(self, stem: str) -> ConnectionWrite:
        """Return a function that deletes the values under `stem` and a name, in the current transaction."""

        def drop(connection: sa.Connection, name: str) -> None:
            connection.execute(connections.delete().where(connections.c.system == f"{stem}{name}"))

        return drop

    def drop(self, *names: str) -> None:
        """Delete values that `renew` stored, without an event."""
        with self.database.write() as connection:
            connection.execute(connections.delete().where(connections.c.system.in_(names)))

    def replace(self, system: str, values: Mapping[str, Any], by: str, *, moved: Mapping[str, str]) -> None:
        """Store a connection and rename values that belong to it, in one transaction. `moved` maps old to new names.

        Values whose new name is empty are deleted.
        """
        waited = {name: self.get(name) for name in moved}
        with self.database.write() as connection:
            seal(connection, self._ring, self.clock(), system, values)
            for name, to in moved.items():
                credentials = waited[name]
                if to and credentials is not None:
                    seal(connection, self._ring, self.clock(), to, credentials)
            connection.execute(connections.delete().where(connections.c.system.in_(moved)))
            append_events(connection, self.clock(), [Event(event="connection_changed", key=system, facts={"by": by})])


def seal(connection: sa.Connection, ring: KeyRing, at: datetime, system: str, values: Mapping[str, Any]) -> None:
    """Store sealed values, in the current transaction."""
    sealed = Fernet(ring.in_use(connection)).encrypt(json.dumps(dict(values)).encode())
    upsert(connection, connections, [{"system": system, "sealed": sealed, "changed_at": at}])


def opens(database: Path, key: bytes) -> bool:
    """Return True if a key opens every credential in a copy of a SQLite database."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?immutable=1", uri=True)) as connection:
        sealed = [secret for (secret,) in connection.execute("SELECT sealed FROM connections")]
    return all(can_open(secret, key) for secret in sealed)


class StoredTokens:
    """Stores the tokens of one connection for all processes; implements `TokenStore`.

    Tokens are stored with the login they were `given_for`. They are not returned for another one.
    """

    def __init__(
        self,
        connection_store: ConnectionStore,
        leases: Leases,
        name: str,
        *,
        given_for: str,
        clock: Clock,
    ) -> None:
        self.stored = connection_store
        self.leases = leases
        self.name = name
        self.given_for = given_for
        self.clock = clock

    def load(self) -> Token | None:
        """Return the stored tokens, or None before the first log-in."""
        values = self.stored.get(self.name)
        if values is None or values["given_for"] != self.given_for:
            return None
        return Token(values["access"], values["refresh"], datetime.fromisoformat(values["expires_at"]))

    def save(self, token: Token) -> None:
        """Store new tokens. They are durable on return."""
        shape = {"access": token.access, "refresh": token.refresh, "expires_at": token.expires_at.isoformat()}
        self.stored.renew(self.name, {**shape, "given_for": self.given_for})

    def refresh_lock(self) -> AbstractContextManager[None]:
        """Hold the lease for a refresh, so that one process refreshes at a time."""
        return self.leases.hold(f"tokens:{self.name}", "refresh", REFRESH_SECONDS)
