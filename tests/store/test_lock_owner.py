"""Only a suspended process that holds the write lock is named as its owner."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from integration.core.errors import UnavailableError
from integration.store.database import Clock, Database, open_database
from integration.store.lock_owner import STOPPED, suspended_holder
from integration.store.settings import StoredSettings
from tests.timeouts import SECONDS

pytestmark = pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux tells who holds a lock")
HOLDS = """
import sys
from integration.store.database import open_database
with open_database(sys.argv[1]).write():
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "console.sqlite"


@pytest.fixture
def database(file: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{file}", patience=0.1)
    yield database
    database.close()


@contextmanager
def holder(file: Path) -> Iterator[int]:
    """Run a process that holds the write lock until it receives input."""
    command = [sys.executable, "-c", HOLDS, f"sqlite:///{file}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield process.pid
        finally:
            process.kill()


def suspend(process: int) -> None:
    os.kill(process, signal.SIGSTOP)
    until = time.monotonic() + SECONDS
    while Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in STOPPED:
        assert time.monotonic() < until
        time.sleep(0.01)


def refusal_of(database: Database, clock: Clock) -> UnavailableError:
    with pytest.raises(UnavailableError) as caught:
        StoredSettings(database, clock).put("one", {}, "anna")
    return caught.value


def test_a_suspended_holder_is_named_and_frees_the_file_when_it_ends(
    file: Path, database: Database, clock: Clock
) -> None:
    with holder(file) as process:
        assert (refusal_of(database, clock).code, database.suspended_lock_holder()) == ("database_locked", None)
        suspend(process)
        error = refusal_of(database, clock)
        assert (error.code, error.facts) == ("database_held", {"process": str(process)})
        assert database.suspended_lock_holder() == process
        os.kill(process, signal.SIGCONT)
        os.kill(process, signal.SIGTERM)
    StoredSettings(database, clock).put("one", {}, "anna")
    assert database.suspended_lock_holder() is None


def test_whoever_only_reads_or_holds_another_file_is_not_named(file: Path, database: Database, tmp_path: Path) -> None:
    other = open_database(f"sqlite:///{tmp_path / 'other.sqlite'}")
    with holder(tmp_path / "other.sqlite") as process, database.read():
        suspend(process)
        assert suspended_holder(file) is None
        assert suspended_holder(tmp_path / "other.sqlite") == process
    other.close()
    assert suspended_holder(tmp_path / "not-there.sqlite") is None
