"""How both systems are reached: what was entered, overruled by the environment; and the built-in ones."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from integration.connectors.accountview.client import AccountViewClient
from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.protocol import Connector, SourceTable
from integration.connectors.systems import SYSTEMS, System
from integration.core.connections import parse_address
from integration.core.errors import ConfigurationError
from integration.services.systems.object_name_settings import RECORD, ObjectNameSettings
from integration.settings import PREFIX, Settings, refused
from integration.store.database import Clock
from integration.store.leases import Leases
from integration.store.secrets import ConnectionStore, StoredTokens

IDENTITY = frozenset({"url", "company", *(name for one in SYSTEMS.values() for name in (one.who, *one.secrets))})
KEPT_TOKENS = "accountview-tokens"
LEARNED = "learned"  # what a connection found out of the installation
GIVEN_TOKENS = "accountview-given"  # where the refresh tokens of the settings were used first, by their marks
ELSEWHERE_SECONDS = 2.0  # how long another process may go on with what was changed

S = TypeVar("S", bound=BaseModel)


class ConnectorFactory:
    """What is known of both connections, and a connection to each, made when it is first needed.

    Access to the sandbox is kept apart, so that trying it costs nobody the connection to a real system.
    """

    def __init__(
        self,
        settings: Settings,
        connected: ConnectionStore,
        leases: Leases,
        clock: Clock,
        names: ObjectNameSettings,
        reads: Mapping[str, Sequence[SourceTable]],
    ) -> None:
        """Take what is entered, and the names that are laid over what is known of the connection to AccountView.

        `reads` says by system where it has kinds of record that flows bring.
        """
        self.sandboxed = False  # whether both systems are the built-in ones, in whichever process they run
        self.lock = threading.RLock()
        self.connected = connected
        self._settings = settings
        self._leases = leases
        self._clock = clock
        self._names = names
        self._reads = reads
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

    def made(self, system: str) -> Connector | None:
        """Return the connection to a system where this process has made one already."""
        return self._connectors.get(system)

    def _notice(self, system: str) -> None:
        """Connect anew where another process has changed how a system is reached, or what it calls its fields."""
        at, known = self._seen.get(system, (0.0, ""))
        if not known or time.monotonic() - at > ELSEWHERE_SECONDS:
            access = mark_of_text(json.dumps(self.of(system), sort_keys=True, default=str))
            if known and access != known:
                self.reconnect(system)
            self._seen[system] = (time.monotonic(), access)

    def _connect(self, system: str) -> Connector:
        return self._connected(system, self.of(system), KEPT_TOKENS)

    def _connected(self, system: str, given: Mapping[str, Any], tokens: str) -> Connector:
        known = SYSTEMS[system]
        if not known.can_be_asked(given):
            raise ConfigurationError(
                known.unconnected if known.is_connected(given) else "not_connected", system=known.caption
            )
        folders = {name: self._settings.data / name for name in known.folders}
        given = {**self._with_route(given, known.usual_address), **folders}
        settings = _settings_of(known.settings, given, system.upper())
        learned = StoredInstallationFacts(self.connected, self.name(f"{system}-{LEARNED}"), known.given_for(given))
        return known.connects(settings, self.tokens(given, tokens), learned, self._reads.get(system, ()))

    def _with_token(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return access without the refresh token of the settings where that was used elsewhere before."""
        refresh = given.get("refresh_token")
        if not refresh:
            return given
        known, given_for = self.connected.get(GIVEN_TOKENS) or {}, SYSTEMS["accountview"].given_for(given)
        if mark_of_text(refresh) not in known:
            self.connected.renew(GIVEN_TOKENS, {**known, mark_of_text(refresh): given_for})
        elif known[mark_of_text(refresh)] != given_for:
            return {name: value for name, value in given.items() if name != "refresh_token"}
        return given

    def _with_route(self, given: Mapping[str, Any], usual: str) -> dict[str, Any]:
        return {**self._with_token(given), **self._settings.route(str(given.get("url") or usual))}

    @contextmanager
    def on_trial(self, system: str, entered: Mapping[str, Any], tokens: str = KEPT_TOKENS) -> Iterator[Connector]:
        """Yield a connection with what was entered, beside the one in force; `tokens` names those of its log-in."""
        connector = self._connected(system, self.with_entered(system, entered), tokens)
        try:
            yield connector
        finally:
            connector.close()

    @contextmanager
    def client(self, entered: Mapping[str, Any], tokens: str = KEPT_TOKENS) -> Iterator[AccountViewClient]:
        """A conversation for the log-in alone: the connection proper needs a company, which nobody has chosen yet."""
        given = self.with_entered("accountview", entered)
        route = self._with_route(given, SYSTEMS["accountview"].usual_address)
        client = AccountViewClient(_settings_of(AccountViewSettings, route, "ACCOUNTVIEW"), self.tokens(given, tokens))
        try:
            yield client
        finally:
            client.close()

    def tokens(self, given: Mapping[str, Any] | None = None, name: str = KEPT_TOKENS) -> StoredTokens:
        """Return the tokens of the AccountView that is connected, or `given`: those that were got there, no others."""
        given = self.of("accountview") if given is None else given
        given_for, entered = SYSTEMS["accountview"].given_for, self._entered("accountview")
        return StoredTokens(
            self.connected,
            self._leases,
            self.name(name) if name == KEPT_TOKENS else name,
            given_for=given_for(given),
            assumed=given_for(entered or given),
            clock=self._clock,
        )

    def name(self, name: str) -> str:
        """Return the name of a record, which is another one while the sandbox is connected."""
        return f"sandbox-{name}" if self.sandboxed else name

    def of(self, system: str) -> dict[str, Any]:
        """Return what is known of a connection: stored by the set-up, overruled by the environment."""
        return self.with_entered(system, {})

    def with_entered(self, system: str, entered: Mapping[str, Any]) -> dict[str, Any]:
        """Return the same if this were entered as well; nothing is kept."""
        access = _laid_over(SYSTEMS[system], self._entered(system), entered)
        if not self.sandboxed:
            access = _laid_over(SYSTEMS[system], access, self._environment(system))
        if system != "accountview":
            return access
        if address := parse_address(access.get("url", "")):  # one host serves both
            inside = address.path.rstrip("/").removesuffix("/api/v3")
            access.setdefault("authorize_url", str(replace(address, path=f"{inside}/ams/authorize.aspx")))
        return self._names.laid_over(access, self.name(RECORD))

    def _entered(self, system: str) -> dict[str, Any]:
        return dict(self.connected.get(self.name(system)) or {})

    def is_same(self, system: str, entered: Mapping[str, Any]) -> bool:
        """Tell whether what was entered names the system that is connected, and who we are there already."""
        given_for = SYSTEMS[system].given_for
        return given_for(self.with_entered(system, entered)) == given_for(self.of(system))

    def expect_unbound(self, system: str, entered: Mapping[str, Any]) -> None:
        """Raise ConfigurationError for an address or a name that a secret of the settings would go to.

        Whoever may set the console up may not send elsewhere what others have set: they set its address as well.
        """
        given, known, now = self._environment(system), SYSTEMS[system], self.of(system)
        if not given.keys() & set(known.secrets):
            return
        for name, usual in (("url", known.usual_address), (known.who, "")):
            kept = "" if name in given else now.get(name) or usual  # what is set there wins over what is entered
            if kept and known.given_for({name: entered.get(name) or kept}) != known.given_for({name: kept}):
                setting = f"{PREFIX}{system.upper()}__{name.upper()}"
                raise ConfigurationError("setting_invalid", setting=setting, expected="expected_beside_secret")

    def address(self, system: str) -> str:
        """Return where a system is, or where it usually is while none of one's own is connected."""
        usual = SYSTEMS[system].usual_address
        url = usual if self.sandboxed else str(self.of(system).get("url") or usual)
        return str(parse_address(url) or url)

    def is_connected(self, system: str) -> bool:
        """Tell whether there is what it takes to speak to a system; says nothing about whether it answers."""
        return SYSTEMS[system].is_connected(self.of(system))

    def is_entered(self) -> bool:
        """Tell whether somebody has entered here how a system of their own is reached."""
        return not self.sandboxed and any(IDENTITY & self._entered(one).keys() for one in SYSTEMS)

    def _environment(self, system: str) -> dict[str, Any]:
        given = self._settings.access(system).model_dump(exclude={"names"})
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

    def keep(self, system: str, values: Mapping[str, Any], by: str, *, moved: Mapping[str, str] | None = None) -> None:
        """Keep more of how a system is reached, and connect anew with it; see `Connections.replace` for `moved`."""
        with self.lock:
            access = _laid_over(SYSTEMS[system], self._entered(system), values)
            self.connected.replace(self.name(system), access, by, moved=moved or {})
            self.reconnect(system)

    def forget(self, by: str) -> None:
        """Forget how both systems are reached."""
        for system in SYSTEMS:
            self.connected.forget(self.name(system), by)
            self.reconnect(system)

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


class Connectors(dict[str, Connector]):
    """Connections to both systems, asked for when they are needed and not kept: a run must not need both at once."""

    def __init__(self, access: ConnectorFactory) -> None:
        self._access = access

    def __missing__(self, system: str) -> Connector:
        """Return the connection to a system. Raises ConfigurationError while it is not connected."""
        return self._access.connector(system)


class StoredInstallationFacts:
    """What was found out of one installation: of another, or by another name, nothing is known."""

    def __init__(self, connected: ConnectionStore, name: str, given_for: str) -> None:
        self._connected = connected
        self._name = name
        self._given_for = given_for

    def get(self) -> Mapping[str, str]:
        """Return what was found out; see `Learned`."""
        kept = self._connected.get(self._name) or {}
        return kept.get("values", {}) if kept.get("given_for") == self._given_for else {}

    def put(self, values: Mapping[str, str]) -> None:
        """Keep it, without a word in the log."""
        self._connected.renew(self._name, {"given_for": self._given_for, "values": dict(values)})


def mark_of_text(state: str) -> str:
    """Return a mark of a text, which says nothing of what is in it."""
    return hashlib.sha256(state.encode()).hexdigest()


def _laid_over(system: System, entered: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was entered, overruled by `values`: a secret stays with the address and the name it came with."""
    access = {**entered, **values}
    if system.given_for(access) != system.given_for(entered):
        for name in set(system.secrets) - values.keys():
            access.pop(name, None)
    return access


def usable_access(system: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return access to a system with its address as it is called. Raises ConfigurationError for what can be none."""
    settings = _settings_of(SYSTEMS[system].settings, given, system.upper())
    return {**given, **({"url": settings.model_dump()["url"]} if "url" in given else {})}


def _settings_of(model: type[S], given: Mapping[str, Any], group: str) -> S:
    """Return the settings of a system; what it refuses is told by its name in the environment."""
    try:
        return model(**given)
    except ValidationError as error:
        raise refused(error, f"{PREFIX}{group}__") from None
