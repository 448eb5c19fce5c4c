"""A disk that is full for a while in the middle of a commit, and has room again."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.application.bootstrap import build
from integration.core.errors import UnavailableError
from integration.core.states import RunState
from integration.sandbox.faults import Fault
from integration.settings import load_settings
from tests.runner.crash_matrix import a_case, approve, assert_all_booked_once, plan
from tests.runner.processes import Ledger
from tests.runner.test_suspended import orders_accepted
from tests.timeouts import wait_until

pytestmark = [pytest.mark.long, pytest.mark.processes]

DAYS = 25
SIZE = "64m"
FULL_SECONDS = 10.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, which only root can have."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["/usr/bin/mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    process = subprocess.run(mount, check=False, capture_output=True)
    if process.returncode:
        pytest.skip(f"no disk of one's own: {process.stderr.decode().strip()}")
    yield folder
    subprocess.run(["/usr/bin/umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Fill the disk, and return the file that fills it."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                os.write(file.fileno(), b"\0" * 4096)
        except OSError:
            return filler


def test_a_commit_goes_on_by_itself_when_the_disk_has_room_again(
    tmp_path: Path, small_disk: Path, till_journal: Path
) -> None:
    with a_case(till_journal, tmp_path / "case", "order", data=small_disk / "data") as (console, ledger):
        plan(console, ledger, "order", DAYS)
        with console.sandbox.switches.armed(
            Fault.DELAY, system="accountview", operation="SO1 POST", times=None, seconds=0.2
        ):
            approve(console, ledger)
            wait_until(lambda: orders_accepted(console.sandbox) >= 3, "some orders accepted")
            filler = fill(small_disk)
            time.sleep(FULL_SECONDS)
            filler.unlink()
        wait_until_done(ledger)
        assert_all_booked_once(console.sandbox, ledger, "order", DAYS)


@pytest.mark.parametrize("was_here", [False, True], ids=["the first start", "a later one"])
def test_a_disk_that_is_full_at_the_start_is_reported_as_such(small_disk: Path, *, was_here: bool) -> None:
    settings = load_settings(data=small_disk / "data")
    if was_here:
        build(settings).start().close()
    filler = fill(small_disk)

    with pytest.raises(UnavailableError) as caught:
        build(settings).start()
    filler.unlink()

    assert caught.value.code == "disk_full"
    build(settings).start().close()


def wait_until_done(ledger: Ledger) -> None:
    """Wait until the newest run has ended well."""

    def is_done() -> bool:
        run = ledger.run()
        return run is not None and run.state is RunState.DONE

    wait_until(is_done, "the end of the run", 120)
