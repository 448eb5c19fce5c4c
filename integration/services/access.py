"""How both systems are reached: what was entered in the console, overruled by the environment; and the connections."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from integration.connectors.accountview.client import AccountViewClient
from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.protocol import Connector
from integration.connectors.systems import SYSTEMS
from integration.core.errors import ConfigurationError
from integration.settings import PREFIX, Settings, refused
from integration.store.database import Clock
from integration.store.leases import Leases
from integration.store.secrets import Connections, StoredTokens

IDENTITY = frozenset({"url", "client_id", "client_secret", "refresh_token", "company", "ident", "secret"})
ELSEWHERE_SECONDS = 2.0  # how long another process may go on with what was changed

Overlay = Callable[[Mapping[str, Any]], dict[str, Any]]
S = TypeVar("S", bound=BaseModel)


class Access:
    """What is known of both connections, and a connection to each, made when it is first needed.

    Access to the sandbox is kept apart, so that trying it costs nobody the connection to a real system.
    """

    def __init__(
        self, settings: Settings, connected: Connections, leases: Leases, clock: Clock, *, named: Overlay
    ) -> None:
        """`named` lays the names in force over what is known of the connection to AccountView."""
        self.sandboxed = False  # whether both systems are the built-in ones, in whichever process they run
        self.lock = threading.RLock()
        self.connected = connected
        self._settings = settings
        self._leases = leases
        self._clock = clock
        self._named = named
        self._connectors: dict[str, Connector] = {}
        self._replaced: list[Connector] = []  # may still be at work; closed at the end
        self._seen: dict[str, tuple[float, str]] = {}  # by its mark: secrets stand nowhere in the clear
        self._changes: dict[str, int] = {}

    def close(self) -> None:
        """Close every connection there has been."""
        for connector in [*self._connectors.values(), *self._replaced]:
            connector.close()

    def connector(self, system: str) -> Connector:
        """Return the connection to a system. Raises ConfigurationError while it is not connected."""
        with self.lock:
            self._notice(system)
            if system not in self._connectors:
                self._connectors[system] = self._connect(system)
            return self._connectors[system]

    def _notice(self, system: str) -> None:
        """Connect anew where another process has changed how a system is reached, or what it calls its fields."""
        at, known = self._seen.get(system, (0.0, ""))
        if not known or time.monotonic() - at > ELSEWHERE_SECONDS:
            access = mark(json.dumps(self.of(system), sort_keys=True, default=str))
            if known and access != known:
                self.reconnect(system)
            self._seen[system] = (time.monotonic(), access)

    def _connect(self, system: str) -> Connector:
        given, known = self.of(system), SYSTEMS[system]
        if not known.can_be_asked(given):
            raise ConfigurationError(known.unconnected, system=known.caption)
        return known.connects(_settings_of(known.settings, given, system.upper()), self.tokens())

    @contextmanager
    def client(self) -> Iterator[AccountViewClient]:
        """A conversation for the log-in alone: the connection proper needs a company, which nobody has chosen yet."""
        client = AccountViewClient(
            _settings_of(AccountViewSettings, self.of("accountview"), "ACCOUNTVIEW"), self.tokens()
        )
        try:
            yield client
        finally:
            client.close()

    def tokens(self) -> StoredTokens:
        """Return the tokens of the AccountView that is connected, or is being connected."""
        return StoredTokens(self.connected, self._leases, self.name("accountview-tokens"), clock=self._clock)

    def name(self, name: str) -> str:
        """Return the name of a record, which is another one while the sandbox is connected."""
        return f"sandbox-{name}" if self.sandboxed else name

    def of(self, system: str) -> dict[str, Any]:
        """Return what is known of a connection: stored by the set-up, overruled by the environment."""
        access = dict(self.connected.get(self.name(system)) or {})
        if not self.sandboxed:
            access |= self._environment(system)
        address = str(access.get("url", ""))
        if system == "accountview" and address.endswith("/api/v3"):  # one host serves both
            access.setdefault("authorize_url", address.removesuffix("/api/v3") + "/ams/authorize.aspx")
        return self._named(access) if system == "accountview" else access

    def address(self, system: str) -> str:
        """Return where a system is, or where it usually is while none of one's own is connected."""
        usual = SYSTEMS[system].usual_address
        return usual if self.sandboxed else str(self.of(system).get("url") or usual)

    def is_connected(self, system: str) -> bool:
        """Tell whether there is what it takes to speak to a system; says nothing about whether it answers."""
        return SYSTEMS[system].is_connected(self.of(system))

    def is_entered(self) -> bool:
        """Tell whether somebody has entered here how a system of their own is reached."""
        return not self.sandboxed and any(IDENTITY & (self.connected.get(one) or {}).keys() for one in SYSTEMS)

    def _environment(self, system: str) -> dict[str, Any]:
        settings = self._settings.accountview if system == "accountview" else self._settings.mplus
        given = settings.model_dump(exclude={"names"})
        plain = {
            name: value.get_secret_value() if hasattr(value, "get_secret_value") else value
            for name, value in given.items()
        }
        return {name: value for name, value in plain.items() if value}

    def real_settings(self) -> list[str]:
        """Return the settings that name a system or who we are there; others only say how to speak to it."""
        return [
            f"{PREFIX}{system.upper()}__{name.upper()}"
            for system in SYSTEMS
            for name in self._environment(system)
            if name in IDENTITY
        ]

    def keep(self, system: str, values: Mapping[str, Any], by: str) -> None:
        """Keep more of how a system is reached, and connect anew with it."""
        with self.lock:
            name = self.name(system)
            self.connected.put(name, {**(self.connected.get(name) or {}), **values}, by)
            self.reconnect(system)

    def forget(self, by: str) -> None:
        """Forget how both systems are reached."""
        for system in SYSTEMS:
            self.connected.forget(self.name(system), by)

    def reconnect(self, *systems: str) -> None:
        """Let the next call use the access as it is now; the connection before may still be at work."""
        with self.lock:
            for system in systems:
                if system in self._connectors:
                    self._replaced.append(self._connectors.pop(system))
                self._seen.pop(system, None)
                self._changes[system] = self.changes(system) + 1

    def changes(self, system: str) -> int:
        """Return how often a system has been connected anew: what was learnt before is not said of it now."""
        return self._changes.get(system, 0)


def mark(state: str) -> str:
    """Return a mark of a text, which says nothing of what is in it."""
    return hashlib.sha256(state.encode()).hexdigest()


def expect_usable(system: str, given: Mapping[str, Any]) -> None:
    """Raise ConfigurationError, naming the setting, for access to a system that can be none."""
    _settings_of(SYSTEMS[system].settings, given, system.upper())


def _settings_of(model: type[S], given: Mapping[str, Any], group: str) -> S:
    """Return the settings of a system; what it refuses is told by its name in the environment."""
    try:
        return model(**given)
    except ValidationError as error:
        raise refused(error, f"{PREFIX}{group}__") from None
