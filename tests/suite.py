"""Run the tests: all of them side by side, each file that failed once more and alone, and what they cost.

`scripts/test` runs all but the long ones, `scripts/test long [ROOM]` those alone. Green means that every test passed,
or passed at the second try; the latter are named at the end as unsteady, and belong into `tests/unsteady.csv`.
"""

import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
PASSED, FAILED, NONE_CHOSEN = 0, 1, 5  # how pytest ends
UNSTEADY = Path("tests/unsteady.csv")
KEPT = timedelta(days=14)  # how long a test may stand among the unsteady ones
MOST_UNSTEADY = 5  # files in one run: with more of them it is not the machine
PYTEST = [sys.executable, "-m", "pytest"]
OPTIONS = ["-o", "junit_family=xunit1", "-o", "tmp_path_retention_policy=failed"]
WITHOUT = ("-p", "no:playwright")  # where no browser is driven: each process would read it
SECONDS_TO_END = 10
ROOM_IN_MEMORY = 4 * 2**30  # bytes that must be free for the files of the tests to be kept in memory
MEMORY = Path("/dev/shm")  # noqa: S108  a file system, not a file
SPENT = "TESTS_SPENT"  # the folder in which each process notes what its files cost: tests/conftest.py

FINAL = (
    "tests/core/*", "tests/flows/*", "tests/lab/*", "tests/runner/*", "tests/connectors/*/codec/*",
    "*/test_secrets.py", "*/test_hostile.py", "tests/test_*_stories.py", "tests/test_stories.py",
    "tests/test_erasure_kills.py", "tests/test_hash_stories.py", "tests/test_changed_documents.py",
)  # fmt: skip
"""Files about loss, doubles, cents and secrets, and those that ask no other process: what fails there has failed."""

ROOMS = {
    "fidelity": ("tests/test_fidelity.py",),
    "browser": ("tests/browser/*", "tests/pages/*", "tests/web/*"),
    "lab": ("tests/lab/*", "tests/test_alerts_of_faults.py"),
    "books": (
        "tests/core/*", "tests/flows/*", "tests/connectors/*", "tests/sandbox/*", "tests/test_*_stories.py",
        "tests/test_stories.py", "tests/test_changed_documents.py", "tests/test_moved_*.py", "tests/test_reasons.py",
    ),
    "runner": ("tests/*",),
}  # fmt: skip
"""Which long tests a room has. A file belongs to the first room that names it."""


class RedError(Exception):
    """The tests have failed for good, for the reason in its text."""


@dataclass(frozen=True)
class Failure:
    """A test that failed: its file, its name with its class, and what it said first."""

    file: str
    name: str
    message: str


def room_of(file: str) -> str:
    """Return the room that a file of tests belongs to."""
    return next(room for room, patterns in ROOMS.items() if any(fnmatch(file, pattern) for pattern in patterns))


def is_final(file: str) -> bool:
    """Tell whether what fails in this file gets no second try."""
    return any(fnmatch(file, pattern) for pattern in FINAL)


def failures(report: Path) -> list[Failure]:
    """Return the tests that failed by a report of pytest, in their order."""
    failed_tests = []
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  pytest wrote it
        elements = [*case.findall("failure"), *case.findall("error")]
        if elements:
            message = next(iter(elements[0].get("message", "").splitlines()), "")
            failed_tests.append(Failure(case.get("file", ""), case.get("name", ""), message[:300]))
    return failed_tests


def overdue(table: Path, today: date) -> list[str]:
    """Return the tests that stand among the unsteady ones for too long.

    Raises:
        ValueError: a row of the table has no date.

    """
    with table.open(encoding="utf-8", newline="") as file:
        return [row["test"] for row in csv.DictReader(file) if today - date.fromisoformat(row["date"]) > KEPT]


def spent(folder: Path) -> dict[str, float]:
    """Return the seconds of processor by file of tests, as the processes noted them."""
    seconds: dict[str, float] = defaultdict(float)
    for notes in folder.iterdir():
        for line in notes.read_text(encoding="utf-8").splitlines():
            file, _, number = line.rpartition(" ")
            seconds[file] += float(number)
    return seconds


def told(seconds: dict[str, float]) -> str:
    """Return what the tests cost as text: in all, by folder, and the ten files that cost most."""
    folders: dict[str, float] = defaultdict(float)
    for file, number in seconds.items():
        folders["/".join(file.split("/")[:2]) if file.count("/") > 1 else "tests"] += number
    total = f"{sum(seconds.values()):.0f} s of processor"
    return "\n".join([total, *_columns(folders), "the ten costliest files", *_columns(seconds)[:10]])


def _columns(seconds: dict[str, float]) -> list[str]:
    return [f"{seconds[name]:8.1f}  {name}" for name in sorted(seconds, key=seconds.__getitem__, reverse=True)]


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder for all that the tests write, in memory where there is room, and remove it.

    A database waits for the disk at each of its changes, for when the machine fails. No test is about that, and what is
    kept in memory outlives a killed process all the same.
    """
    folder = Path(tempfile.mkdtemp(prefix="tests-", dir=MEMORY if _has_room(MEMORY) else None))
    folder.chmod(0o711)  # a database server among the tests has a user of its own
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_room(memory: Path) -> bool:
    if not os.access(memory, os.W_OK):
        return False
    free = min(shutil.disk_usage(memory).free, int(psutil.virtual_memory().available))
    return free > ROOM_IN_MEMORY


@dataclass(frozen=True)
class Suite:
    """The tests of a folder under one choice of marks, run in processes that end with it."""

    root: Path
    folder: Path
    which: str

    def begin(self, name: str, *arguments: str, output: Path | None = None) -> "subprocess.Popen[bytes]":
        """Begin pytest in a process group of its own; its report is `NAME.xml`."""
        command = [*PYTEST, "-m", self.which, f"--junitxml={self._report(name)}", *OPTIONS, *arguments]
        with output.open("wb") if output else nullcontext() as file:
            return subprocess.Popen(
                command, cwd=self.root, env=self._environment(), process_group=0, stdout=file, stderr=file
            )

    def failed(self, name: str, status: int) -> list[Failure]:
        """Return the tests that failed.

        Raises:
            RedError: pytest itself failed, or names no test that did.

        """
        if status not in {PASSED, FAILED, NONE_CHOSEN}:
            raise RedError(f"pytest ended with status {status}.")
        failed_tests = failures(self._report(name))
        if status == FAILED and not failed_tests:
            raise RedError("pytest failed and names no test.")
        return failed_tests

    def end(self) -> None:
        """End every process that was begun here and those that it left, which have its folder in their environment."""
        processes = [process for process in psutil.process_iter() if self._is_own_process(process)]
        for process in processes:
            _send(process, signal.SIGTERM)
        for process in psutil.wait_procs(processes, SECONDS_TO_END)[1]:
            _send(process, signal.SIGKILL)

    def _is_own_process(self, process: psutil.Process) -> bool:
        try:
            folder: str | None = process.environ().get("TMPDIR")
        except psutil.Error:
            return False  # it has ended, or is somebody else's
        return folder == str(self.folder) and process.pid != os.getpid()

    def _environment(self) -> dict[str, str]:
        """Return the environment of the tests.

        Hundreds of processes are begun, each of which would compile the program anew.
        """
        costs = self.folder / "spent"
        costs.mkdir(exist_ok=True)
        return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "TMPDIR": str(self.folder), SPENT: str(costs)}

    def _report(self, name: str) -> Path:
        return self.folder / f"{name}.xml"


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return  # it has ended meanwhile


def first_try(suite: Suite, files: list[str], beside: int, browsers: int) -> list[Failure]:
    """Run all files side by side, those of the browser in processes of their own, and return what failed.

    A process that drove a browser has a loop at work from then on, which the engine takes for its caller's.
    """
    browser = [file for file in files if file.startswith("tests/browser/")]
    others = [file for file in files if file not in browser]
    is_read = (suite.root / "tests" / "__pycache__").is_dir()
    output = suite.folder / "browser.txt"
    by_file = ("--dist", "loadfile", "--no-loadscope-reorder")
    spread = ("-n", str(browsers), *by_file) if browsers > 1 else ("-n", "0")
    browser_process = (
        suite.begin("browser", *spread, *browser, output=output) if browser else None
    )  # which mostly waits
    if not is_read:
        # pytest rewrites each test the first time that it is read: once, and not in every process
        suite.begin("read", "--collect-only", "-qq", *WITHOUT, *others, output=suite.folder / "read.txt").wait()
    failed_tests: list[Failure] = []
    if others:
        rest = suite.begin("others", "-n", str(beside), *by_file, *WITHOUT, *others)
        status = rest.wait()
        failed_tests += suite.failed("others", status)
    if browser_process:
        status = browser_process.wait()
        print(output.read_text(encoding="utf-8", errors="replace"), flush=True)
        failed_tests += suite.failed("browser", status)
    return failed_tests


def second_try(suite: Suite, failed: list[Failure]) -> None:
    """Run each file that failed once more, alone.

    Raises:
        RedError: a file failed again, gets no second try, or too many failed.

    """
    files = sorted({failure.file for failure in failed})
    final = [file for file in files if is_final(file)]
    if final:
        raise RedError(f"No second try where a loss, a double, a cent or a secret is at stake: {', '.join(final)}")
    if len(files) > MOST_UNSTEADY:
        raise RedError(
            f"No second try for {len(files)} files: where more than {MOST_UNSTEADY} fail it is not the machine."
        )
    for number, file in enumerate(files):
        print(f"Once more, alone: {file}", flush=True)
        if suite.begin(f"again-{number}", "-n", "0", file).wait() != PASSED:
            raise RedError(f"Failed twice: {file}")


def run(root: Path, marks: str, files: list[str], beside: int, browsers: int) -> int:
    """Run the tests of these files, tell what they cost and which are unsteady, and return the exit status."""
    began = time.monotonic()
    failed: list[Failure] = []
    red = [
        f"Unsteady for more than {KEPT.days} days: {test}"
        for test in overdue(root / UNSTEADY, datetime.now(UTC).date())
    ]
    with scratch() as folder:
        suite = Suite(root, folder, marks)
        try:
            failed = first_try(suite, files, beside, browsers)
            second_try(suite, failed)
        except RedError as reason:
            red.append(str(reason))
        finally:
            suite.end()
        print(told(spent(folder / "spent")))
    print(f"{time.monotonic() - began:.0f} s by the clock")
    for failure in failed:
        print(f"{'failed' if red else 'unsteady'}: {failure.file}::{failure.name}: {failure.message}")
    print("\n".join(red), end="\n" if red else "")
    return FAILED if red else PASSED


def main(arguments: list[str]) -> int:
    """Run what the command line asks for: nothing, or `long` with the name of a room or without."""
    every = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("tests/**/test_*.py"))]
    match arguments:
        case []:
            return run(ROOT, "not long", every, beside=3, browsers=1)
        case ["long"]:
            return run(ROOT, "long", every, beside=2, browsers=2)
        case ["long", room] if room in ROOMS:
            return run(ROOT, "long", [file for file in every if room_of(file) == room], beside=2, browsers=2)
    print(f"usage: scripts/test [long [{'|'.join(ROOMS)}]]", file=sys.stderr)
    return 2


def _stop(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _stop)
    raise SystemExit(main(sys.argv[1:]))
