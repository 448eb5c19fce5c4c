"""Runs the tests in parallel, repeats each failed file once and alone, and reports the processor time.

`scripts/test` runs all but the long tests, `scripts/test long [GROUP]` the long ones. The result is green if every test
passed, or passed at the second try. The latter are listed as unsteady, and belong into `tests/unsteady.csv`.
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

from tests.seeds import fresh_seeds, today

ROOT = Path(__file__).parent.parent
PASSED, FAILED, NONE_CHOSEN = 0, 1, 5  # exit status of pytest
UNSTEADY = Path("tests/unsteady.csv")
COMPILED = Path("tests/__pycache__/compiled")  # exists once pytest has compiled all test files
MAX_UNSTEADY_AGE = timedelta(days=14)  # how long a test may be listed as unsteady
MAX_UNSTEADY_FILES = 5  # in one run; if more fail, the machine is not the cause
PYTEST = [sys.executable, "-m", "pytest"]
OPTIONS = ["-o", "junit_family=xunit1", "-o", "tmp_path_retention_policy=failed"]
WITHOUT = ("-p", "no:playwright")  # where no browser is driven: each process would read it
SECONDS_TO_END = 10
MIN_FREE_MEMORY = 4 * 2**30  # bytes that must be free for the files of the tests to be kept in memory
MEMORY = Path("/dev/shm")  # noqa: S108  a file system, not a file
COSTS_FOLDER = (
    "TESTS_COSTS"  # environment variable with the folder of the processor seconds per file: tests/conftest.py
)

FINAL = (
    "tests/core/*", "tests/flows/*", "tests/lab/*", "tests/runner/*", "tests/connectors/*/codec/*",
    "*/test_secrets.py", "*/test_hostile.py", "tests/test_*_stories.py", "tests/test_stories.py",
    "tests/test_erasure_kills.py", "tests/test_hash_stories.py", "tests/test_changed_documents.py",
)  # fmt: skip
"""Files about lost, doubled and wrong records and secrets, and files that use no other process: no second try."""

GROUPS = {
    "fidelity": ("tests/test_fidelity.py",),
    "browser": ("tests/browser/*", "tests/pages/*", "tests/web/*"),
    "lab": ("tests/lab/*", "tests/test_alerts_of_faults.py"),
    "books": (
        "tests/core/*", "tests/flows/*", "tests/connectors/*", "tests/sandbox/*", "tests/test_*_stories.py",
        "tests/test_stories.py", "tests/test_changed_documents.py", "tests/test_moved_*.py", "tests/test_reasons.py",
    ),
    "runner": ("tests/*",),
}  # fmt: skip
"""The long tests of each group. A file belongs to the first group whose pattern matches."""


class RedError(Exception):
    """The tests have failed, with the reason as its text."""


@dataclass(frozen=True)
class Failure:
    """A failed test: its file, its name with its class, and the first line of its message."""

    file: str
    name: str
    message: str


def group_of(file: str) -> str:
    """Return the group of a test file."""
    return next(group for group, patterns in GROUPS.items() if any(fnmatch(file, pattern) for pattern in patterns))


def is_final(file: str) -> bool:
    """Return True if a failed test of this file gets no second try."""
    return any(fnmatch(file, pattern) for pattern in FINAL)


def failures(report: Path) -> list[Failure]:
    """Return the failed tests of a report of pytest, in order."""
    failed_tests = []
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  pytest wrote it
        elements = [*case.findall("failure"), *case.findall("error")]
        if elements:
            message = next(iter(elements[0].get("message", "").splitlines()), "")
            failed_tests.append(Failure(case.get("file", ""), case.get("name", ""), message[:300]))
    return failed_tests


def overdue_tests(table: Path, today: date) -> list[str]:
    """Return the tests that have been listed as unsteady for too long.

    Raises:
        ValueError: a row of the table has no date.

    """
    with table.open(encoding="utf-8", newline="") as file:
        return [
            row["test"] for row in csv.DictReader(file) if today - date.fromisoformat(row["date"]) > MAX_UNSTEADY_AGE
        ]


def read_costs(folder: Path) -> dict[str, float]:
    """Return the processor seconds of each test file."""
    seconds: dict[str, float] = defaultdict(float)
    for notes in folder.iterdir():
        for line in notes.read_text(encoding="utf-8").splitlines():
            file, _, number = line.rpartition(" ")
            seconds[file] += float(number)
    return seconds


def cost_report(seconds: dict[str, float]) -> str:
    """Return the processor seconds as text: the total, each folder, and the ten most expensive files."""
    folders: dict[str, float] = defaultdict(float)
    for file, number in seconds.items():
        folders["/".join(file.split("/")[:2]) if file.count("/") > 1 else "tests"] += number
    total = f"{sum(seconds.values()):.0f} s of processor"
    return "\n".join([total, *_columns(folders), "the ten most expensive files", *_columns(seconds)[:10]])


def _columns(seconds: dict[str, float]) -> list[str]:
    return [f"{seconds[name]:8.1f}  {name}" for name in sorted(seconds, key=seconds.__getitem__, reverse=True)]


@contextmanager
def scratch() -> Iterator[Path]:
    """Provide a folder for all files of the tests, in memory if enough is free, and remove it afterwards.

    A database waits for the disk at each change, so that it survives a failure of the machine. No test is about that,
    and a file in memory survives a killed process too.
    """
    folder = Path(tempfile.mkdtemp(prefix="tests-", dir=MEMORY if _has_free_memory(MEMORY) else None))
    folder.chmod(0o711)  # a database server among the tests has a user of its own
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_free_memory(memory: Path) -> bool:
    if not os.access(memory, os.W_OK):
        return False
    free = min(shutil.disk_usage(memory).free, int(psutil.virtual_memory().available))
    return free > MIN_FREE_MEMORY


@dataclass(frozen=True)
class Suite:
    """The tests of a folder with one choice of marks. Their processes end with it."""

    root: Path
    folder: Path
    marks: str

    def begin(self, name: str, *arguments: str, output: Path | None = None) -> "subprocess.Popen[bytes]":
        """Start pytest in its own process group; its report is `NAME.xml`."""
        command = [*PYTEST, "-m", self.marks, f"--junitxml={self._report(name)}", *OPTIONS, *arguments]
        with output.open("wb") if output else nullcontext() as file:
            return subprocess.Popen(
                command, cwd=self.root, env=self._environment(), process_group=0, stdout=file, stderr=file
            )

    def failed_tests(self, name: str, status: int) -> list[Failure]:
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
        """End all processes that this suite started, and their children. They have its folder in their environment."""
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

        They start hundreds of processes, and each would compile the program again.
        """
        costs = self.folder / "costs"
        costs.mkdir(exist_ok=True)
        return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "TMPDIR": str(self.folder), COSTS_FOLDER: str(costs)}

    def _report(self, name: str) -> Path:
        return self.folder / f"{name}.xml"


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return  # it has ended


def first_try(suite: Suite, files: list[str], beside: int, browsers: int) -> list[Failure]:
    """Run all files in parallel, those of the browser in separate processes, and return the failed tests.

    A process that drove a browser keeps a running event loop, which the engine would take for that of its caller.
    """
    browser = [file for file in files if file.startswith("tests/browser/")]
    others = [file for file in files if file not in browser]
    output = suite.folder / "browser.txt"
    by_file = ("--dist", "loadfile", "--no-loadscope-reorder")
    spread = ("-n", str(browsers), *by_file) if browsers > 1 else ("-n", "0")
    browser_process = suite.begin("browser", *spread, *browser, output=output) if browser else None  # it mostly waits
    if not (suite.root / COMPILED).exists():
        # pytest rewrites each test the first time that it is read: once, and not in every process
        reading = ("-p", "tests.reading", "--collect-only", "-qq", *WITHOUT)
        suite.begin("read", *reading, *others, output=suite.folder / "read.txt").wait()
        (suite.root / COMPILED).touch()
    failed_tests: list[Failure] = []
    if others:
        rest = suite.begin("others", "-n", str(beside), *by_file, *WITHOUT, *others)
        status = rest.wait()
        failed_tests += suite.failed_tests("others", status)
    if browser_process:
        status = browser_process.wait()
        print(output.read_text(encoding="utf-8", errors="replace"), flush=True)
        failed_tests += suite.failed_tests("browser", status)
    return failed_tests


def second_try(suite: Suite, failed: list[Failure]) -> None:
    """Run each failed file once more, alone.

    Raises:
        RedError: a file failed again, gets no second try, or too many failed.

    """
    files = sorted({failure.file for failure in failed})
    final = [file for file in files if is_final(file)]
    if final:
        raise RedError(f"No second try for tests of loss, doubles, cents or secrets: {', '.join(final)}")
    if len(files) > MAX_UNSTEADY_FILES:
        raise RedError(
            f"No second try for {len(files)} files: where more than {MAX_UNSTEADY_FILES} fail it is not the machine."
        )
    for number, file in enumerate(files):
        print(f"Once more, alone: {file}", flush=True)
        if suite.begin(f"again-{number}", "-n", "0", file).wait() != PASSED:
            raise RedError(f"Failed twice: {file}")


def run(root: Path, marks: str, files: list[str], beside: int, browsers: int) -> int:
    """Run the tests of these files, report their cost and the unsteady ones, and return the exit status."""
    began = time.monotonic()
    failed: list[Failure] = []
    red = [
        f"Unsteady for more than {MAX_UNSTEADY_AGE.days} days: {test}"
        for test in overdue_tests(root / UNSTEADY, datetime.now(UTC).date())
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
        print(cost_report(read_costs(folder / "costs")))
    print(f"{time.monotonic() - began:.0f} s by the clock")
    for failure in failed:
        print(f"{'failed' if red else 'unsteady'}: {failure.file}::{failure.name}: {failure.message}")
    print("\n".join(red), end="\n" if red else "")
    return FAILED if red else PASSED


def main(arguments: list[str]) -> int:
    """Run the tests that the command line names: none, or `long` with or without a group."""
    every = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("tests/**/test_*.py"))]
    match arguments:
        case []:
            return run(ROOT, "not long", every, beside=3, browsers=1)
        case ["long"]:
            print(f"fresh seeds: {fresh_seeds(today())}")
            return run(ROOT, "long", every, beside=2, browsers=2)
        case ["long", group] if group in GROUPS:
            return run(ROOT, "long", [file for file in every if group_of(file) == group], beside=2, browsers=2)
    print(f"usage: scripts/test [long [{'|'.join(GROUPS)}]]", file=sys.stderr)
    return 2


def _stop(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    for stop_signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop_signal, _stop)
    raise SystemExit(main(sys.argv[1:]))
