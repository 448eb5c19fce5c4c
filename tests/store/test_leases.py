import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from integration.core.errors import UnavailableError
from integration.store.cursors import Cursors
from integration.store.database import Database
from integration.store.leases import Leases
from tests.clocks import Clock
from tests.timeouts import SECONDS


def _now() -> datetime:
    return datetime.now(UTC)


def test_a_lease_has_one_owner_until_it_ends(database: Database, clock: Clock) -> None:
    leases = Leases(database, clock)
    assert leases.try_take("slot", "one", 60)
    assert not leases.try_take("slot", "two", 60)
    assert leases.try_take("slot", "one", 60)
    clock.advance(61)
    assert leases.try_take("slot", "two", 60)
    leases.release("slot", "one")
    assert not leases.try_take("slot", "one", 60)
    leases.release("slot", "two")
    assert leases.try_take("slot", "one", 60)


def test_threads_of_one_owner_exclude_each_other(database: Database) -> None:
    leases, inside, max_inside = Leases(database, _now), [0], [0]

    def work() -> None:
        with leases.hold("refresh", "server", 60):
            inside[0] += 1
            max_inside[0] = max(max_inside[0], inside[0])
            inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max_inside == [1]


def test_waiting_for_a_lease_may_have_an_end(database: Database) -> None:
    leases = Leases(database, _now)
    with leases.hold("refresh", "one", 60), pytest.raises(UnavailableError, match="lease_taken"):  # noqa: SIM117
        with leases.hold("refresh", "two", 60, wait=0.1):
            pass


COUNT = """
import sys
from datetime import UTC, datetime
from integration.store.cursors import Cursors
from integration.store.database import open_database
from integration.store.leases import Leases
database = open_database(sys.argv[1])
now = lambda: datetime.now(UTC)
cursors = Cursors(database, now)
for _ in range(10):
    with Leases(database, now).hold("count", "process", 60):
        cursors.put("count", "n", str(int(cursors.get("count", "n") or 0) + 1))
"""


@pytest.mark.processes
def test_processes_exclude_each_other(url: str, database: Database, clock: Clock) -> None:
    started = [subprocess.Popen([sys.executable, "-c", COUNT, url]) for _ in range(2)]
    assert [process.wait(timeout=SECONDS) for process in started] == [0, 0]
    assert Cursors(database, clock).get("count", "n") == "20"
