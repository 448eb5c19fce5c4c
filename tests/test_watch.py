"""Real processes that keep watch over one folder: killed, suspended by nobody, and counted from outside."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from integration.alerts.channels import Channels
from integration.alerts.heartbeat_pings import WHOLE, Pings
from integration.alerts.transport.post import ChannelRoute, Post
from integration.application.stores import Stores, stores_of
from integration.core.clocks import now
from integration.core.issues import Issue, IssueOccurrence
from integration.core.states import RunState
from integration.process.child_environment import network_environment
from integration.settings import load_settings
from integration.store.database import open_database
from integration.store.secrets import ConnectionStore
from tests.alerts.transport.receivers import Hook, web_server
from tests.people import make_actor
from tests.process_suspension import suspend_between_writes
from tests.servers import environment, serve_console
from tests.store.samples import a_preview
from tests.timeouts import LONGEST, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.long, pytest.mark.timeout(LONGEST)]

ROOT = Path(__file__).parent.parent
NOTHING: dict[str, str] = {"CONSOLE_SANDBOX": "false"}


@contextmanager
def worker(data: Path) -> "Iterator[subprocess.Popen[str]]":
    """Run a worker on a folder, which may be killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "integration", "worker", "--json"], cwd=ROOT, env=environment(data, NOTHING),
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert "worker-1" in process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


PERIOD = 40.0  # seconds in which somebody outside expects a sign of life, with what they grant beyond it
SETTLED = 3 * 15.0  # in which every process looked again


def prove_run(stores: Stores) -> None:
    """End a run with proven records."""
    run = a_preview(stores.runs, unchanged=2)
    stores.previews.finish(run, "print", [], RunState.DONE, 2)


@contextmanager
def console_with_hook(data: Path) -> Iterator[tuple[Hook, Stores]]:
    """Run a console that reports everything to one webhook; yield the webhook and the stores."""
    with web_server() as hook, serve_console(data, settings=NOTHING):
        database = open_database(f"sqlite:///{data / 'console.sqlite'}")
        stores = stores_of(database, now)
        sealed = ConnectionStore(database, now, key_file=data / "console.key")
        Channels(stores.settings, sealed, stores.deliveries, Post(ChannelRoute(network_environment()))).save(
            {"name": "Hook"}, make_actor("anna"), address=hook.address
        )
        yield hook, stores
        database.close()


def is_all_sent(stores: Stores) -> bool:
    """Return True if every notification was sent and recorded as sent."""
    return all(delivery.sent_at for delivery in stores.deliveries.latest())


class HealthChecks:
    """Somebody outside who expects signs of life, as healthchecks.io does: late is down."""

    def __init__(self, hook: Hook) -> None:
        self.hook = hook
        self.begun = time.monotonic()

    def is_up(self) -> bool:
        """Return True if a heartbeat came in time."""
        well = [
            at
            for at, path in zip(self.hook.moments, self.hook.paths, strict=True)
            if path.partition("?")[0] == "/ping/whole"
        ]
        return time.monotonic() - max(well, default=self.begun) < PERIOD


def test_somebody_outside_notices_that_the_console_was_killed(tmp_path: Path) -> None:
    with web_server() as hook, serve_console(tmp_path, settings=NOTHING) as server, worker(tmp_path) as beside:
        database = open_database(f"sqlite:///{tmp_path / 'console.sqlite'}")
        stores = stores_of(database, now)
        sealed = ConnectionStore(database, now, key_file=tmp_path / "console.key")
        Pings(stores.deliveries, stores.runs, stores.settings, sealed, now, load_settings(data=tmp_path)).change(
            WHOLE, hook.address_of("/ping/whole"), make_actor("anna")
        )
        outside = HealthChecks(hook)
        for number in range(3):  # it lives for longer than a period
            prove_run(stores)
            wait_until(lambda count=number + 1: len(hook.paths) == count, "a sign of life", pause=0.1)  # type: ignore[misc]
            assert outside.is_up()
            time.sleep(PERIOD / 2)
        for process in (server.process, beside):
            process.kill()
            process.wait()
        prove_run(stores)  # by somebody who keeps no watch: nobody is there to say so
        wait_until(lambda: not outside.is_up(), "the end of a period", PERIOD + 5, pause=0.5)
        assert [path.partition("?")[0] for path in hook.paths] == ["/ping/whole"] * 3
        database.close()


def test_a_console_and_a_worker_tell_each_incident_once_between_them(tmp_path: Path) -> None:
    with console_with_hook(tmp_path) as (hook, stores):
        with worker(tmp_path) as process:
            met = [
                IssueOccurrence(Issue("vat_code_unmapped", f"O{number}", facts={"code": "7", "sold": "1.00"}))
                for number in range(300)
            ]
            stores.issues.open("orders", "run", met)
            wait_until(lambda: len(hook.titles) == 1, "the message", pause=0.2)
            time.sleep(SETTLED)
            assert len(hook.titles) == 1
            issues = stores.issues.list("orders", "vat_code_unmapped", limit=1000)
            assert stores.issues.dismiss_all({open_issue.id: {} for open_issue in issues}, "known", "anna") == 300
            wait_until(lambda: len(hook.titles) == 2, "the recovery", pause=0.2)
            wait_until(lambda: is_all_sent(stores), "that this is noted", pause=0.2)
            process.kill()
            process.wait()
            wait_until(lambda: len(hook.titles) == 3, "that the worker stopped", pause=0.2)
            time.sleep(SETTLED)
        titles = [title.split(" · ")[:2] for title in hook.titles]
        assert titles == [["Warning", "Orders"], ["Resolved", "Orders"], ["Critical", "Missing activity"]]


def test_a_worker_that_is_held_still_or_killed_is_reported_once_and_once_when_it_is_back(tmp_path: Path) -> None:
    with console_with_hook(tmp_path) as (hook, stores):
        with worker(tmp_path) as process:
            suspend_between_writes(process.pid, tmp_path)
            wait_until(lambda: len(hook.titles) == 1, "that the worker is silent", pause=0.2)
            time.sleep(SETTLED)
            process.send_signal(signal.SIGCONT)
            wait_until(lambda: len(hook.titles) == 2, "that it goes on", pause=0.2)
            wait_until(
                lambda: is_all_sent(stores), "that this was told", pause=0.2
            )  # else whoever is killed may have told it
            process.kill()
            process.wait()
            wait_until(lambda: len(hook.titles) == 3, "that the worker stopped", pause=0.2)
        with worker(tmp_path):
            wait_until(lambda: len(hook.titles) == 4, "that it is back", pause=0.2)
            time.sleep(SETTLED)
        titles = [title.split(" · ")[:2] for title in hook.titles]
        assert titles == [["Critical", "Missing activity"], ["Resolved", "Missing activity"]] * 2
