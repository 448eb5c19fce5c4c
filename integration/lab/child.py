"""Console in a separate process: executes orders, and may be killed at any moment.

It is forked from a server that has imported everything, so a restart takes milliseconds. It shares only code with other
processes.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from operator import attrgetter
from pathlib import Path
from typing import Any

from integration.application.application import Application
from integration.application.bootstrap import build
from integration.connectors.accountview.settings import AccountViewAccess
from integration.connectors.mplus.client import interface_contract
from integration.connectors.mplus.settings import MplusAccess
from integration.core.clocks import now
from integration.core.errors import IntegrationError
from integration.core.people import LAB
from integration.flows.registry import FLOWS
from integration.flows.settings import BOOKS
from integration.lab.report import OperatorSettings
from integration.services.connections.sandbox_host import OBJECTS, WAREHOUSES
from integration.services.systems.connection_settings import GIVEN_TOKENS
from integration.settings import load_settings
from integration.store.heartbeats import HeartbeatInterval

interface_contract()  # reads the description of the till's interface once, before processes are forked
PULSE = HeartbeatInterval(apart=0.4, dead_after=1.6)  # short, so that other processes take over soon
EVERY_MINUTES = 15
WHEN_THE_PARENT_ENDS = 1  # PR_SET_PDEATHSIG of linux/prctl.h


@dataclass(frozen=True, slots=True)
class Start:
    """Parameters of a console: its data, its connections to both systems, and its visibility timeout."""

    data: Path
    output_file: Path
    database_url: str
    accountview: Mapping[str, Any]
    mplus: Mapping[str, Any]
    patience: float
    executor: str = "server"


class ShiftedClock:
    """Clock of this machine with an offset that the lab sets; records that it was read."""

    def __init__(self, shift: "Synchronized[float]", read_shift: "Synchronized[float]") -> None:
        self._shift = shift
        self._read_shift = read_shift

    def __call__(self) -> datetime:
        """Return the shifted time."""
        shift = self._shift.value
        self._read_shift.value = shift
        return now() + timedelta(seconds=shift)


def execute_orders(
    start: Start, shift: "Synchronized[float]", read_shift: "Synchronized[float]", orders: Connection
) -> None:
    """Run a console and execute orders until None arrives.

    An order is the name of a method of the application and its arguments.
    """
    application = _open_application(start, ShiftedClock(shift, read_shift))
    try:
        while (order := orders.recv()) is not None:
            orders.send(_answer(application, *order))
    except (EOFError, BrokenPipeError):  # the lab process has ended
        pass
    finally:
        application.close()


def prepare(start: Start, own_settings: OperatorSettings) -> None:
    """Set up a console with the operator's settings. Open questions are answered with their proposals."""
    application = _open_application(start, now)
    try:
        application.access.keep(BOOKS.system, {"warehouses": WAREHOUSES}, LAB.ref)
        _copy_settings(application, own_settings)
        application.proposals.fill(LAB.ref)
        if not any(own_settings.settings.values()):
            application.setup.choose(dict.fromkeys(application.flows, EVERY_MINUTES), LAB)
            for flow, spec in FLOWS.items():
                if own_settings.further and spec.lab_variants:
                    application.flows.change(flow, spec.lab_variants[0], LAB)
            application.setup.accept(LAB)
    finally:
        application.close()


def apply_settings_variant(start: Start, flow: str, way: int) -> None:
    """Give a flow of a console another variant of its settings, with all AccountView objects available."""
    application = _open_application(start, now)
    try:
        application.names.put(OBJECTS, LAB)
        application.flows.change(flow, FLOWS[flow].lab_variants[way], LAB)
    finally:
        application.close()


def _copy_settings(application: Application, own_settings: OperatorSettings) -> None:
    for flow, body in own_settings.mappings.items():
        published = application.rules.published(flow)
        if published is None or published[1] != body:
            application.rules.publish(flow, body, LAB.ref, "")
    for name, rows in own_settings.tables.items():
        application.rules.set_table(name, rows, LAB.ref)
    for flow, values in own_settings.settings.items():
        chosen = {name: value for name, value in values.items() if name not in ("on", "schedule_minutes")}
        if chosen:
            application.flows.change(flow, chosen, LAB)


def _open_application(start: Start, machine: Callable[[], datetime]) -> Application:
    _end_with_the_lab()
    _redirect_output(start.output_file)
    settings = load_settings(
        data=start.data, database_url=start.database_url, key="", sandbox=False, log="warning",
        patience_seconds=start.patience,
        accountview=AccountViewAccess(**start.accountview), mplus=MplusAccess(**start.mplus),
    )  # fmt: skip
    application = build(settings, executor=start.executor, serves=False, machine=machine, pulse=PULSE)
    application.access.connected.drop(
        GIVEN_TOKENS
    )  # the books of a trial have another address than those of its fixture
    application.system_identities.forget()  # the fixture was made with another shop
    if (copied := application.installation.status()).is_held:  # a copy of its fixture, which nothing else uses
        application.installation.confirm(copied.code, LAB)
    return application.start()


def _answer(application: Application, name: str, arguments: tuple[Any, ...]) -> object:
    try:
        return attrgetter(name)(application)(*arguments)
    except (IntegrationError, KeyError) as refusal:
        return refusal


def _end_with_the_lab() -> None:
    """End this console together with the lab, even if it is suspended, where the system supports that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(WHEN_THE_PARENT_ENDS, signal.SIGKILL)


def _redirect_output(file: Path) -> None:
    """Redirect standard output and standard error of this process to a file."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with suppress(OSError):
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
    os.close(descriptor)
