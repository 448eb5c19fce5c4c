"""Hosts the built-in systems, and switches between them and real systems."""

import os
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from integration.connectors.systems import SYSTEMS
from integration.core.authorization import requires
from integration.core.connections import Token
from integration.core.errors import ConfigurationError
from integration.core.people import SANDBOX, Right
from integration.core.system_roles import SystemRole
from integration.process.periodic import run_periodically
from integration.services.engine_lifecycle import SLOT_SECONDS, OwnLeases
from integration.services.systems.connection_settings import ConnectorFactory
from integration.settings import Settings
from integration.store.database import Clock, Database
from integration.store.environments import switch_environment
from integration.store.rules import MappingStore
from integration.store.settings import StoredSettings

if TYPE_CHECKING:  # imported where it is started: most terminal commands start no sandbox
    from integration.sandbox.server import Sandbox


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
# Objects of the sandbox books under invented names: no real installation is known to have them.
OBJECTS = {
    "objects.trade_invoices.code": "K9F",
    "objects.trade_invoices.table": "K9_INV",
    "objects.trade_invoices.detail": "K9_INVL",
    "objects.quotations.code": "K9Q",
    "objects.quotations.table": "K9_QUO",
    "objects.quotations.detail": "K9_QUOL",
    "quotation.reference": "K9_REF",
}
PRICES = {
    "object": "K9P",
    "table": "K9_PRICE",
    "article": "ART_CODE",
    "list": "K9_LIST",
    "branch": "K9_BRANCH",
    "debtor": "SUB_NR",
    "group": "K9_DGRP",
    "minimum": "K9_MINQ",
    "price": "K9_PX",
    "percent": "K9_PCT",
    "offer": "K9_OFFER",
    "start": "K9_FIRST",
    "end": "K9_LAST",
}
PACE = {"per_second": 100_000}  # the sandbox has no other users
START_SECONDS = 30.0
LEASE = "sandbox"


class SandboxHost:
    """The built-in systems. They run in one of the processes that share a database, the first that needs them."""

    def __init__(
        self,
        settings: Settings,
        access: ConnectorFactory,
        leases: OwnLeases,
        database: Database,
        rules: MappingStore,
        stored_settings: StoredSettings,
        clock: Clock,
        *,
        flows: Iterable[str],
        closing: ExitStack,
    ) -> None:
        """Store the dependencies. `closing` stops the built-in systems with the console."""
        self._running: Sandbox | None = None  # set while connected and running in this process
        self._settings = settings
        self._access = access
        self._leases = leases
        self._database = database
        self._rules = rules
        self._stored_settings = stored_settings
        self._clock = clock
        self._flows = tuple(flows)
        self._closing = closing
        self._box: Sandbox | None = None  # running in this process, connected or not
        self._last_address = ""  # their last known address
        self._lease_thread: threading.Thread | None = None
        self._stop = threading.Event()

    @property
    @requires(Right.TRY)
    def running(self) -> "Sandbox | None":
        """The built-in systems if they are connected and run in this process."""
        return self._running

    @property
    @requires(Right.SEE)
    def is_connected(self) -> bool:
        """Return True if both systems are the built-in ones, in whichever process they run."""
        return self._access.sandboxed

    @property
    @requires(Right.SEE)
    def runs_here(self) -> bool:
        """Return True if they are connected and run in this process."""
        return self._running is not None

    @requires(Right.SEE)
    def is_chosen(self) -> bool:
        """Return True if somebody chose the built-in systems in the console and nobody has left them since."""
        return (self._stored_settings.get("sandbox") or {}).get("on") is True

    @requires(Right.SEE)
    def is_asked_for(self) -> bool:
        """Return True if a setting or an earlier choice says to use them from the start."""
        return self._settings.sandbox or (self.is_chosen() and not self._access.real_settings())

    def use(self, by: str, *, keep: bool) -> None:
        """Connect to the built-in systems, and store that choice if `keep`. Real systems are not touched.

        Raises ConfigurationError if settings name a real system: a sample shop must not end up in a real till.
        """
        for name in self._access.real_settings():
            raise ConfigurationError("setting_invalid", setting=name, expected="expected_no_value")
        with self._access.lock:
            self._switch(sandboxed=True, by=by)
            self._start_unless_running(by)
            if keep:
                self._stored_settings.put("sandbox", {"on": True}, by)
        self._wait_for_address()

    def leave(self, by: str) -> None:
        """Return to the real systems. The built-in systems stay available to other processes."""
        with self._access.lock:
            if self.is_chosen():
                self._stored_settings.put("sandbox", {"on": False}, by)
            self._running = None
            self._switch(sandboxed=False, by=by)

    @requires(Right.TRY)
    def advance_day(self) -> None:
        """Simulate one day of sales. Does nothing if another process runs the built-in systems."""
        if self._running is not None:
            self._running.advance_day()

    def _switch(self, *, sandboxed: bool, by: str) -> None:
        """Switch between sandbox and real systems. Each has its own settings, value tables, links and issues."""
        if self._access.sandboxed != sandboxed:
            self._access.sandboxed = sandboxed
            self._access.assign_systems()
            self._access.reconnect(*SYSTEMS)
        new_env, old_env = ("sandbox", "real") if sandboxed else ("real", "sandbox")
        if (self._stored_settings.get("tables") or {"of": "real"})["of"] != new_env:
            switch_environment(self._database, self._clock, leaving=old_env, entering=new_env, by=by)
            old_tables, new_tables = self._rules.tables(), self._stored_settings.get(f"tables:{new_env}") or {}
            self._stored_settings.put(f"tables:{old_env}", old_tables, by)
            for name in {**old_tables, **new_tables}:
                self._rules.set_table(name, new_tables.get(name, {}), by)
            for flow in self._flows:
                old_values, new_values = self._flow_settings(flow), self._flow_settings(f"{flow}:{new_env}")
                self._stored_settings.put(f"flow:{flow}:{old_env}", old_values, by)
                self._stored_settings.put(f"flow:{flow}", new_values, by)
            self._stored_settings.put("tables", {"of": new_env}, by)

    def _flow_settings(self, flow: str) -> dict[str, Any]:
        return self._stored_settings.get(f"flow:{flow}") or {}

    def _start_unless_running(self, by: str) -> None:
        """Run the built-in systems here unless another process does: their journal can have only one writer."""
        if self._box is None and self._leases.take(LEASE):
            self._access.forget(by)
            self._closing.callback(self._leases.release, LEASE)
            self._box = self._start()
            expired = self._clock() - timedelta(seconds=1)
            office = {"url": self._box.accountview_url, "warehouses": WAREHOUSES, **CLIENT, **PACE}
            self._access.tokens(office).save(Token("", REFRESH, expired))  # valid once after a start
            self._access.keep(SystemRole.BOOKS.system, office, by)
            self._access.keep(SystemRole.TILL.system, {"url": self._box.mplus_url, **TILL, **PACE}, by)
        self._running = self._box
        if self._lease_thread is None:
            self._last_address = self._address()
            self._lease_thread = threading.Thread(
                target=run_periodically,
                args=(self._renew_lease,),
                kwargs={"every": SLOT_SECONDS / 12, "until": self._stop},
                name="sandbox-minder",
                daemon=True,
            )
            self._lease_thread.start()
            self._closing.callback(self._lease_thread.join)
            self._closing.callback(self._stop.set)

    def _start(self) -> "Sandbox":
        from integration.sandbox.server import opening_day, running  # noqa: PLC0415 - as said at the top

        journal = self._settings.data / "sandbox.journal"
        if journal.exists() and not (journal.is_file() and os.access(journal, os.R_OK | os.W_OK)):
            raise ConfigurationError("journal_file_unusable", file=str(journal.absolute()))
        today = opening_day(self._clock())
        try:
            return self._closing.enter_context(
                running(articles=self._settings.sandbox_articles, today=today, journal=journal)
            )
        except ValueError:  # `JournalError` is a ValueError
            raise ConfigurationError("journal_file_unusable", file=str(journal.absolute())) from None

    def _renew_lease(self) -> None:
        """Renew the lease on the built-in systems, or take it over from a process that has ended."""
        with self._access.lock:
            if self._box is not None:
                self._leases.take(LEASE)
            elif self._access.sandboxed:
                self._start_unless_running(by=SANDBOX.ref)
                address = self._address()
                if address and address != self._last_address:
                    self._last_address = address
                    self._access.reconnect(*SYSTEMS)

    def _wait_for_address(self) -> None:
        """Wait until the process that starts the built-in systems has published their address."""
        until = time.monotonic() + START_SECONDS
        while not self._address() and time.monotonic() < until:
            time.sleep(0.1)

    def _address(self) -> str:
        return str(self._access.access_data(SystemRole.TILL.system).get("url") or "")
