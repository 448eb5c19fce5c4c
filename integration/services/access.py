"""How both systems are reached: what was entered, overruled by the environment; and the built-in ones."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from integration.background import again_and_again
from integration.connectors.accountview.client import AccountViewClient
from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.protocol import Connector
from integration.connectors.systems import SYSTEMS
from integration.core.connections import Token
from integration.core.errors import ConfigurationError
from integration.services.work import SLOT_SECONDS, OwnLeases
from integration.settings import PREFIX, Settings, refused
from integration.store.database import Clock
from integration.store.environments import change_environment
from integration.store.leases import Leases
from integration.store.secrets import Connections, StoredTokens
from integration.store.stores import Stores

if TYPE_CHECKING:  # imported where it is started: most commands of a terminal start none
    from integration.sandbox.server import Sandbox


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
        settings = _settings_of(known.settings, self._on_the_road(given, known.usual_address), system.upper())
        return known.connects(settings, self.tokens())

    def _on_the_road(self, given: Mapping[str, Any], usual: str) -> dict[str, Any]:
        return {**given, **self._settings.road(str(given.get("url") or usual))}

    @contextmanager
    def client(self) -> Iterator[AccountViewClient]:
        """A conversation for the log-in alone: the connection proper needs a company, which nobody has chosen yet."""
        given = self._on_the_road(self.of("accountview"), SYSTEMS["accountview"].usual_address)
        client = AccountViewClient(_settings_of(AccountViewSettings, given, "ACCOUNTVIEW"), self.tokens())
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


# ---- the built-in systems -------------------------------------------------------------------------------------------


REFRESH = "sandbox-refresh"
TILL = {"ident": "sandbox", "secret": "sandbox-secret"}
CLIENT = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "company": "7f3c"}
WAREHOUSES = {
    "object": "K9V",
    "table": "K9_STOCK",
    "article": "ART_CODE",
    "warehouse": "K9_BRANCH",
    "quantity": "K9_QTY",
}
PACE = {"per_second": 100_000}  # nobody else is to be spared there
START_SECONDS = 30.0
LEASE = "sandbox"


class BuiltIn:
    """Both systems in a box. They run in one process of those that share a database, the first that asks."""

    def __init__(
        self,
        settings: Settings,
        access: Access,
        held: OwnLeases,
        stores: Stores,
        clock: Clock,
        *,
        flows: Iterable[str],
        closing: ExitStack,
    ) -> None:
        """`closing` ends them with the console."""
        self.running: Sandbox | None = None  # while they are connected and run in this process
        self._settings = settings
        self._access = access
        self._held = held
        self._stores = stores
        self._clock = clock
        self._flows = tuple(flows)
        self._closing = closing
        self._box: Sandbox | None = None  # in this process, connected or not
        self._known = ""  # where they answered when it was looked last
        self._minder: threading.Thread | None = None
        self._ending = threading.Event()

    @property
    def is_connected(self) -> bool:
        """Tell whether both systems are the built-in ones, in whichever process they run."""
        return self._access.sandboxed

    def is_chosen(self) -> bool:
        """Tell whether somebody chose them in the console and nobody has left them since."""
        return (self._stores.settings.get("sandbox") or {}).get("on") is True

    def is_asked_for(self) -> bool:
        """Tell whether a setting or the console says that they are to be used from the start."""
        return self._settings.sandbox or (self.is_chosen() and not self._access.real_settings())

    def use(self, by: str, *, keep: bool) -> None:
        """Connect to them, and `keep` that they were chosen; nothing of a real system is touched.

        Raises ConfigurationError while settings name a real system: a sample shop must not end up in a real till.
        """
        for name in self._access.real_settings():
            raise ConfigurationError("setting_invalid", setting=name, expected="expected_no_value")
        with self._access.lock:
            self._switch(sandboxed=True, by=by)
            self._share(by)
            if keep:
                self._stores.settings.put("sandbox", {"on": True}, by)
        self._until_they_answer()

    def leave(self, by: str) -> None:
        """Go back to the real systems; those in the box go on for other processes."""
        with self._access.lock:
            if self.is_chosen():
                self._stores.settings.put("sandbox", {"on": False}, by)
            self.running = None
            self._switch(sandboxed=False, by=by)

    def pass_a_day(self) -> None:
        """Let the shop sell for a day; nothing where another process runs it."""
        if self.running is not None:
            self.running.advance_day()

    def _switch(self, *, sandboxed: bool, by: str) -> None:
        """Change between sandbox and real systems: each has settings, tables, links and issues of its own."""
        if self._access.sandboxed != sandboxed:
            self._access.sandboxed = sandboxed
            self._access.reconnect(*SYSTEMS)
        here, there = ("sandbox", "real") if sandboxed else ("real", "sandbox")
        if (self._stores.settings.get("tables") or {"of": "real"})["of"] != here:
            change_environment(self._stores.database, self._clock, leaving=there, entering=here, by=by)
            ours, theirs = self._stores.rules.tables(), self._stores.settings.get(f"tables:{here}") or {}
            self._stores.settings.put(f"tables:{there}", ours, by)
            for name in {**ours, **theirs}:
                self._stores.rules.set_table(name, theirs.get(name, {}), by)
            for flow in self._flows:
                mine, others = self._kept(flow), self._kept(f"{flow}:{here}")
                self._stores.settings.put(f"flow:{flow}:{there}", mine, by)
                self._stores.settings.put(f"flow:{flow}", others, by)
            self._stores.settings.put("tables", {"of": here}, by)

    def _kept(self, flow: str) -> dict[str, Any]:
        return self._stores.settings.get(f"flow:{flow}") or {}

    def _share(self, by: str) -> None:
        """Run them here, unless another process does: they keep one journal, which has one writer."""
        if self._box is None and self._held.takes(LEASE):
            self._access.forget(by)
            self._closing.callback(self._held.release, LEASE)
            self._box = self._start()
            expired = self._clock() - timedelta(seconds=1)
            self._access.tokens().save(Token("", REFRESH, expired))  # good once after a start
            office = {"url": self._box.accountview_url, "warehouses": WAREHOUSES}
            self._access.keep("accountview", {**office, **CLIENT, **PACE}, by)
            self._access.keep("mplus", {"url": self._box.mplus_url, **TILL, **PACE}, by)
        self.running = self._box
        if self._minder is None:
            self._known = self._address()
            self._minder = threading.Thread(
                target=again_and_again,
                args=(self._mind,),
                kwargs={"every": SLOT_SECONDS / 12, "until": self._ending},
                name="sandbox-minder",
                daemon=True,
            )
            self._minder.start()
            self._closing.callback(self._minder.join)
            self._closing.callback(self._ending.set)

    def _start(self) -> "Sandbox":
        from integration.sandbox.server import running  # noqa: PLC0415 - as said at the top

        journal = self._settings.data / "sandbox.journal"
        return self._closing.enter_context(running(articles=self._settings.sandbox_articles, journal=journal))

    def _mind(self) -> None:
        """Keep the right to run them, or take it over from a process that has ended."""
        with self._access.lock:
            if self._box is not None:
                self._held.takes(LEASE)
            elif self._access.sandboxed:
                self._share(by="sandbox")
                address = self._address()
                if address and address != self._known:
                    self._known = address
                    self._access.reconnect(*SYSTEMS)

    def _until_they_answer(self) -> None:
        """Wait until the process that starts them has said where."""
        until = time.monotonic() + START_SECONDS
        while not self._address() and time.monotonic() < until:
            time.sleep(0.1)

    def _address(self) -> str:
        return str(self._access.of("mplus").get("url") or "")
