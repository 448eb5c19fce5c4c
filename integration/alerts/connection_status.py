"""Status of both connections, from actual calls and from the latest connection check."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from integration.alerts.incidents import CONNECTION_CAUSES
from integration.connectors.call_health import HealthSnapshot
from integration.connectors.protocol import HealthCheckable
from integration.core.authorization import requires
from integration.core.errors import IntegrationError
from integration.core.people import Right
from integration.core.system_roles import SystemRole, assigned_systems
from integration.process.periodic import run_periodically
from integration.services.connections.connections import Connections
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.database import Clock

POLL_SECONDS = 15.0
IDLE = timedelta(minutes=1)  # a system without calls for this long is called
CHECKED_AGAIN = timedelta(minutes=5)  # a failed check is repeated after this time


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """Current status of one connection. `ok` is None if it is unknown: not connected, or never called."""

    system: str
    connected: bool
    about: str = ""  # name of what it is connected to
    ok: bool | None = None
    since: datetime | None = None  # when this status began
    answered_at: datetime | None = None
    milliseconds: int | None = None
    silent: bool = False  # True if the problem is that the system does not answer
    cause: str = ""  # code of the problem in `errors.csv`
    facts: Mapping[str, str] = field(default_factory=dict)


class ConnectionMonitor:
    """Reports the status of both connections, and calls systems that were not called for a while."""

    def __init__(self, access: ConnectorFactory, connections: Connections, clock: Clock) -> None:
        self._access = access
        self._connections = connections
        self._clock = clock
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    @requires(Right.SEE)
    def statuses(self) -> list[ConnectionStatus]:
        """Return the status of both connections."""
        return [self.status_of(system) for system in assigned_systems()]

    @requires(Right.SEE)
    def status_of(self, system: str) -> ConnectionStatus:
        """Return the status of a connection.

        Recent calls override the latest check, but only for causes that concern the connection itself.
        """
        checked, call_health = self._connections.last_check(system), self._call_health(system)
        if not checked.connected:
            return ConnectionStatus(system, connected=False)
        connection = ConnectionStatus(
            system,
            connected=True,
            about=checked.about,
            answered_at=call_health.answered_at,
            milliseconds=call_health.milliseconds,
        )
        if call_health.cause:
            return replace(
                connection,
                ok=False,
                since=call_health.since,
                silent=True,
                cause=call_health.cause,
                facts=call_health.facts,
            )
        wrong = next((finding for finding in checked.findings if finding.ok is False), None)
        if wrong and not (wrong.cause in CONNECTION_CAUSES and _is_later(call_health.answered_at, checked.checked_at)):
            return replace(connection, ok=False, since=checked.checked_at, cause=wrong.cause, facts=wrong.facts)
        return replace(connection, ok=None if call_health.since is None else True, since=call_health.since)

    def _call_health(self, system: str) -> HealthSnapshot:
        connector = self._access.existing_connector(system)
        return connector.health_snapshot() if isinstance(connector, HealthCheckable) else HealthSnapshot()

    # ---- in the background

    def start(self) -> None:
        """Start the background checks: one thread for each system, because an unreachable system blocks for long."""
        for role in SystemRole:
            pace = {"every": POLL_SECONDS, "until": self._stop}
            thread = threading.Thread(
                target=run_periodically, args=(self._check_task(role),), kwargs=pace, name=f"look-{role}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stop the background checks."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=1)

    def _check_task(self, role: SystemRole) -> Callable[[], None]:
        return lambda: self.check(role.system)

    def check(self, system: str) -> None:
        """Call a system that is unreachable or idle, and repeat a failed check."""
        if not self._access.is_connected(system):
            return
        now, call_health = self._clock(), self._call_health(system)
        if call_health.cause or call_health.called_at is None or now - call_health.called_at >= IDLE:
            with suppress(IntegrationError):  # the call itself has recorded the error
                connector = self._access.connector(system)
                if isinstance(connector, HealthCheckable):
                    connector.probe()
        checked = self._connections.last_check(system)
        if checked.ok is False and checked.checked_at and now - checked.checked_at >= CHECKED_AGAIN:
            self._connections.check(system)


def _is_later(moment: datetime | None, other: datetime | None) -> bool:
    return moment is not None and (other is None or moment > other)
