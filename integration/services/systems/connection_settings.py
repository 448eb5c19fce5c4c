"""Access data of both systems: entered in the console, overridden by the environment; and those of the sandbox."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.protocol import Connector, SourceTable
from integration.connectors.registration import System
from integration.connectors.systems import SYSTEMS, default_systems
from integration.core.connections import parse_address
from integration.core.errors import ConfigurationError
from integration.core.system_roles import SystemRole, assign_roles, assigned_systems
from integration.services.systems.object_name_settings import RECORD, ObjectNameSettings
from integration.services.systems.system_choice import SystemChoice
from integration.settings import PREFIX, Settings, setting_error
from integration.store.database import Clock
from integration.store.leases import Leases
from integration.store.secrets import ConnectionStore, StoredTokens

if TYPE_CHECKING:  # httpx is imported for the first call
    from integration.connectors.accountview.client import AccountViewClient

ISSUED_TOKENS = "accountview-tokens"
INSTALLATION_FACTS = "learned"  # facts that a connection learned about the installation
GIVEN_TOKENS = "accountview-given"  # the system of each refresh token of the settings, by hash
ELSEWHERE_SECONDS = 2.0  # how long another process may use outdated access data

S = TypeVar("S", bound=BaseModel)


class ConnectorFactory:
    """The access data of both systems, and one connection to each, opened at its first use.

    The access data of the sandbox are stored separately, so that a try of the sandbox never replaces a real connection.
    """

    def __init__(
        self,
        settings: Settings,
        connected: ConnectionStore,
        leases: Leases,
        clock: Clock,
        names: ObjectNameSettings,
        reads: Mapping[SystemRole, Sequence[SourceTable]],
        choice: SystemChoice,
    ) -> None:
        """Store the dependencies. `names` has the object names of the books, which override those in the access data.

        `reads` has, for each system role, the source tables of the record kinds that flows read from it.
        """
        self.sandboxed = False  # True if both systems are the built-in ones, in whichever process they run
        self.lock = threading.RLock()
        self.connected = connected
        self._settings = settings
        self._leases = leases
        self._clock = clock
        self._names = names
        self._reads = reads
        self._choice = choice
        self._connectors: dict[str, Connector] = {}
        self._old_connectors: list[Connector] = []  # may still be in use; closed at the end
        self._hashes: dict[str, tuple[float, str]] = {}  # hashes of the access data, because they contain secrets
        self._changes: dict[str, int] = {}

    def assign_systems(self) -> None:
        """Give each role to the chosen system, or to the built-in one while the sandbox is connected."""
        assign_roles(default_systems() if self.sandboxed else self._choice.chosen_systems())

    def close(self) -> None:
        """Close all connections, including replaced ones."""
        for connector in [*self._connectors.values(), *self._old_connectors]:
            connector.close()

    def connector(self, system: str) -> Connector:
        """Return the connection to a system. Raises ConfigurationError if it is not connected."""
        with self.lock:
            self._reconnect_if_changed(system)
            if system not in self._connectors:
                self._connectors[system] = self._make_connector(system, self.access_data(system), ISSUED_TOKENS)
            return self._connectors[system]

    def existing_connector(self, system: str) -> Connector | None:
        """Return the connection to a system if this process has opened one, or None."""
        return self._connectors.get(system)

    def _reconnect_if_changed(self, system: str) -> None:
        """Reconnect if another process has changed the access data, field names or role of a system."""
        at, known_access = self._hashes.get(system, (0.0, ""))
        if not known_access or time.monotonic() - at > ELSEWHERE_SECONDS:
            self.assign_systems()
            access = text_hash(json.dumps(self.access_data(system), sort_keys=True, default=str))
            if known_access and access != known_access:
                self.reconnect(system)
            self._hashes[system] = (time.monotonic(), access)

    def _make_connector(self, system: str, access_data: Mapping[str, Any], tokens: str) -> Connector:
        definition = SYSTEMS[system]
        if not definition.can_be_asked(access_data):
            raise ConfigurationError(
                definition.unconnected if definition.is_connected(access_data) else "not_connected",
                system=definition.caption,
            )
        folders = {name: self._settings.data / name for name in definition.folders}
        access_data = {**self._with_route(access_data, definition.usual_address), **folders}
        settings = _settings_of(definition.settings, access_data, system.upper())
        learned = StoredInstallationFacts(
            self.connected, self.name(f"{system}-{INSTALLATION_FACTS}"), definition.secret_recipient(access_data)
        )
        return definition.connects(
            settings, self.tokens(access_data, tokens), learned, self._reads.get(definition.role, ())
        )

    def _with_token(self, access_data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the access data without the refresh token of the settings if it was first used for another system."""
        refresh = access_data.get("refresh_token")
        if not refresh:
            return access_data
        recipients, given_for = (
            self.connected.get(GIVEN_TOKENS) or {},
            SYSTEMS[SystemRole.BOOKS.system].secret_recipient(access_data),
        )
        if text_hash(refresh) not in recipients:
            self.connected.renew(GIVEN_TOKENS, {**recipients, text_hash(refresh): given_for})
        elif recipients[text_hash(refresh)] != given_for:
            return {name: value for name, value in access_data.items() if name != "refresh_token"}
        return access_data

    def _with_route(self, access_data: Mapping[str, Any], usual: str) -> dict[str, Any]:
        return {**self._with_token(access_data), **self._settings.route(str(access_data.get("url") or usual))}

    @contextmanager
    def on_trial(self, system: str, entered: Mapping[str, Any], tokens: str = ISSUED_TOKENS) -> Iterator[Connector]:
        """Yield a connection with the entered data, in addition to the one in force.

        `tokens` names the tokens of its log-in.
        """
        connector = self._make_connector(system, self.with_entered(system, entered), tokens)
        try:
            yield connector
        finally:
            connector.close()

    @contextmanager
    def client(self, entered: Mapping[str, Any], tokens: str = ISSUED_TOKENS) -> Iterator["AccountViewClient"]:
        """Yield a client for the log-in only. A full connection needs a company, which nobody has chosen yet."""
        from integration.connectors.accountview.client import AccountViewClient  # noqa: PLC0415 - as said at the top

        access_data = self.with_entered(SystemRole.BOOKS.system, entered)
        route = self._with_route(access_data, SYSTEMS[SystemRole.BOOKS.system].usual_address)
        client = AccountViewClient(
            _settings_of(AccountViewSettings, route, SystemRole.BOOKS.system.upper()), self.tokens(access_data, tokens)
        )
        try:
            yield client
        finally:
            client.close()

    def tokens(self, access_data: Mapping[str, Any] | None = None, name: str = ISSUED_TOKENS) -> StoredTokens:
        """Return the stored tokens of the connected books, or of the books that `access_data` names.

        Tokens of other books are ignored.
        """
        access_data = self.access_data(SystemRole.BOOKS.system) if access_data is None else access_data
        return StoredTokens(
            self.connected,
            self._leases,
            self.name(name) if name == ISSUED_TOKENS else name,
            given_for=SYSTEMS[SystemRole.BOOKS.system].secret_recipient(access_data),
            clock=self._clock,
        )

    def name(self, name: str) -> str:
        """Return the name under which a record is stored, with a prefix while the sandbox is connected."""
        return f"sandbox-{name}" if self.sandboxed else name

    def access_data(self, system: str) -> dict[str, Any]:
        """Return the access data of a system: stored by the set-up, overridden by the environment."""
        return self.with_entered(system, {})

    def with_entered(self, system: str, entered: Mapping[str, Any]) -> dict[str, Any]:
        """Return the access data of a system, supplemented by data just entered. Stores nothing."""
        access = _merge_access(SYSTEMS[system], self._entered_access(system), entered)
        if not self.sandboxed:
            access = _merge_access(SYSTEMS[system], access, self._environment(system))
        if not SYSTEMS[system].has_log_in:
            return access
        if address := parse_address(access.get("url", "")):  # the API and the log-in page have the same host
            inside = address.path.rstrip("/").removesuffix("/api/v3")
            access.setdefault("authorize_url", str(replace(address, path=f"{inside}/ams/authorize.aspx")))
        return self._names.with_object_names(access, self.name(RECORD))

    def _entered_access(self, system: str) -> dict[str, Any]:
        return dict(self.connected.get(self.name(system)) or {})

    def is_same(self, system: str, entered: Mapping[str, Any]) -> bool:
        """Return True if the entered data name the connected system and the same account in it."""
        given_for = SYSTEMS[system].secret_recipient
        return given_for(self.with_entered(system, entered)) == given_for(self.access_data(system))

    def require_own_address(self, system: str, entered: Mapping[str, Any]) -> None:
        """Raise ConfigurationError if a secret of the settings would be sent to another address or account.

        A person who may configure the console must not redirect secrets that the administrator of the machine has set.
        Who sets a secret sets its address as well.
        """
        environment, definition, now = self._environment(system), SYSTEMS[system], self.access_data(system)
        if not environment.keys() & set(definition.secrets):
            return
        for name, usual in (("url", definition.usual_address), (definition.who, "")):
            current = "" if name in environment else now.get(name) or usual  # the environment overrides entered data
            if current and definition.secret_recipient(
                {name: entered.get(name) or current}
            ) != definition.secret_recipient({name: current}):
                setting = f"{PREFIX}{system.upper()}__{name.upper()}"
                raise ConfigurationError("setting_invalid", setting=setting, expected="expected_beside_secret")

    def address(self, system: str) -> str:
        """Return the address of a system, or its usual address if no own system is connected."""
        usual = SYSTEMS[system].usual_address
        url = usual if self.sandboxed else str(self.access_data(system).get("url") or usual)
        return str(parse_address(url) or url)

    def is_connected(self, system: str) -> bool:
        """Return True if all access data of a system are known. Does not test whether the system answers."""
        return SYSTEMS[system].is_connected(self.access_data(system))

    def is_entered(self) -> bool:
        """Return True if somebody has entered access data of a real system."""
        return not self.sandboxed and any(_identity() & self._entered_access(system).keys() for system in SYSTEMS)

    def _environment(self, system: str) -> dict[str, Any]:
        values = self._settings.access(system).model_dump(exclude={"names"})
        plain = {
            name: value.get_secret_value() if hasattr(value, "get_secret_value") else value
            for name, value in values.items()
        }
        return {name: value for name, value in plain.items() if value}

    def real_settings(self) -> list[str]:
        """Return the names of the settings that identify a real system or our account in it."""
        return [
            f"{PREFIX}{system.upper()}__{name.upper()}"
            for system in SYSTEMS
            for name in self._environment(system)
            if name in _identity()
        ]

    def keep(self, system: str, values: Mapping[str, Any], by: str, *, moved: Mapping[str, str] | None = None) -> None:
        """Store more access data of a system, and reconnect. See `ConnectionStore.replace` for `moved`."""
        with self.lock:
            access = _merge_access(SYSTEMS[system], self._entered_access(system), values)
            self.connected.replace(self.name(system), access, by, moved=moved or {})
            self.reconnect(system)

    def forget(self, by: str) -> None:
        """Delete the access data of both systems."""
        for system in assigned_systems():
            self.connected.forget(self.name(system), by)
            self.reconnect(system)

    def reconnect(self, *systems: str) -> None:
        """Make the next call use the current access data. The previous connection may still be in use."""
        with self.lock:
            for system in systems:
                if system in self._connectors:
                    self._old_connectors.append(self._connectors.pop(system))
                self._hashes.pop(system, None)
                self._changes[system] = self.changes(system) + 1

    def changes(self, system: str) -> int:
        """Return how often a system was reconnected. Earlier findings do not apply to the current connection."""
        return self._changes.get(system, 0)


class Connectors(dict[str, Connector]):
    """Looks up the connection to a system at each access, and caches none, so that a run need not have both at once."""

    def __init__(self, access: ConnectorFactory) -> None:
        self._access = access

    def __missing__(self, system: str) -> Connector:
        """Return the connection to a system. Raises ConfigurationError if it is not connected."""
        return self._access.connector(system)


class StoredInstallationFacts:
    """Facts learned about one installation. For another system or account there are none."""

    def __init__(self, connected: ConnectionStore, name: str, given_for: str) -> None:
        self._connected = connected
        self._name = name
        self._given_for = given_for

    def get(self) -> Mapping[str, str]:
        """Return the stored facts; see `InstallationFacts`."""
        record = self._connected.get(self._name) or {}
        return record.get("values", {}) if record.get("given_for") == self._given_for else {}

    def put(self, values: Mapping[str, str]) -> None:
        """Store the facts without a log event."""
        self._connected.renew(self._name, {"given_for": self._given_for, "values": dict(values)})


def _identity() -> frozenset[str]:
    """Return the names of settings that identify a system or our account in it."""
    return frozenset(
        {"url", "company", *(name for system in SYSTEMS.values() for name in (system.who, *system.secrets))}
    )


def text_hash(state: str) -> str:
    """Return the SHA-256 hash of a text."""
    return hashlib.sha256(state.encode()).hexdigest()


def _merge_access(system: System, entered: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entered data, overridden by `values`. A secret is dropped if the address or account changes."""
    access = {**entered, **values}
    if system.secret_recipient(access) != system.secret_recipient(entered):
        for name in set(system.secrets) - values.keys():
            access.pop(name, None)
    return access


def usable_access(system: str, access_data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the access data with a normalized address. Raises ConfigurationError for unusable data."""
    settings = _settings_of(SYSTEMS[system].settings, access_data, system.upper())
    return {**access_data, **({"url": settings.model_dump()["url"]} if "url" in access_data else {})}


def _settings_of(model: type[S], access_data: Mapping[str, Any], group: str) -> S:
    """Return validated settings of a system.

    Raises ConfigurationError with the environment name of a rejected setting.
    """
    try:
        return model(**access_data)
    except ValidationError as error:
        raise setting_error(error, f"{PREFIX}{group}__") from None
