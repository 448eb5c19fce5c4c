"""Opens the database of a console, builds the application on it, and holds the application of this process."""

import threading
import tomllib
from collections.abc import Callable
from contextlib import ExitStack, suppress

from integration.application.application import Application
from integration.application.stores import stores_of
from integration.core.clocks import now
from integration.core.people import SHIPPED
from integration.data_folder import key_ring, open_operational_database
from integration.flows.registry import FLOWS, Specs, mirrors_of
from integration.settings import Settings, load_settings
from integration.store.database import Clock, SharedClock
from integration.store.erasure_register import FILE as ERASED
from integration.store.heartbeats import DEFAULT_INTERVAL, HeartbeatInterval
from integration.store.keys import key_in_use
from integration.store.rules import MappingStore
from integration.store.sealing import sealer_of


def build(
    settings: Settings,
    *,
    executor: str = "server",
    serves: bool = True,
    owner: str = "",
    flows: Specs = FLOWS,
    machine: Clock = now,
    pulse: HeartbeatInterval = DEFAULT_INTERVAL,
) -> Application:
    """Return the application on the data that the settings name. It is not started yet.

    `executor` is the name of this process among those that share the work, and `owner` identifies this process
    uniquely. A process that `serves` writes the log. Only the fault lab passes its own clock as `machine`, or
    shortens the heartbeat interval `pulse`. Raises ConfigurationError, with the name of the setting, for an unusable
    value.
    """
    closing = ExitStack()
    _leave_no_core()
    try:
        database = open_operational_database(settings)
        closing.callback(database.close)
        database.sealer = sealer_of(key_in_use(key_ring(settings, database.instance), database))
        clock = SharedClock(database, machine)
        stores = stores_of(database, clock, mirrors=mirrors_of(flows.values()), erased=settings.data / ERASED)
        stores.audit.begin("shipped")
        stores.audit.record_restore()
        _publish_shipped(flows, stores.rules)
        return Application(
            settings, flows, stores, clock, closing,
            executor=executor, serves=serves, owner=owner, pulse=pulse,
        )  # fmt: skip
    except BaseException:
        closing.close()
        raise


def _leave_no_core() -> None:
    """Disable core dumps, so that secrets in memory never reach a file."""
    with suppress(ImportError):
        import resource  # noqa: PLC0415 - Windows has none

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _publish_shipped(flows: Specs, rules: MappingStore) -> None:
    for flow, spec in flows.items():
        if rules.published(flow) is None:
            body = tomllib.loads(spec.mapping.read_text(encoding="utf-8"))
            rules.publish(flow, body, by=SHIPPED.ref, note="")


_application: Application | None = None
_is_started = False
_lock = threading.RLock()  # held to build or close the application
_start_lock = threading.RLock()  # held to start it; whoever needs both takes this one first


def opened_application(flows: Specs = FLOWS, *, serves: bool = True) -> Application:
    """Return the application of this process, which may not be started yet: enough to look up a session.

    The first call builds it with these arguments.
    """
    global _application  # noqa: PLW0603 - one application per process
    with _lock:
        if _application is None:
            _application = build(load_settings(), flows=flows, serves=serves)
        return _application


def running_application(
    flows: Specs = FLOWS, *, serves: bool = True, on_start: Callable[[Application], None] | None = None
) -> Application:
    """Return the started application of this process. The first call builds it with these arguments and starts it.

    `on_start` is called with the application once it is started, before another caller receives it.
    """
    global _is_started  # noqa: PLW0603 - one application per process
    with _start_lock:
        application = opened_application(flows, serves=serves)
        if not _is_started:
            try:
                application.start()
                if on_start is not None:
                    on_start(application)
            except BaseException:
                shut_down()
                raise
            _is_started = True
        return application


def shut_down() -> None:
    """Stop the application of this process. The next call of `running_application` starts a new one."""
    global _application, _is_started  # noqa: PLW0603
    with _start_lock, _lock:
        _is_started = False
        if _application is not None:
            _application.close()
            _application = None
