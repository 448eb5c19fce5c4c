"""Options and hooks of all tests: order, repeatable cases, and processor time per file."""

import gc
import os
import sys
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

from tests.seeds import seeds_of
from tests.suite import COSTS_FOLDER
from tests.timeouts import LONGEST

gc.disable()
TESTS = Path(__file__).parent
WAITING = ("browser", "processes")
FAILED = pytest.StashKey[bool]()

settings.register_profile("patient", deadline=None)
settings.register_profile("the same each time", deadline=None, derandomize=True, max_examples=40)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options: the tests of each file in reverse order, as none may depend on another one, and other seeds."""
    parser.addoption("--backwards", action="store_true", help="run the tests of each file in reverse order")
    parser.addoption("--seeds", default="", help="seeds of random tests, such as 7,1000-1200")


def pytest_configure(config: pytest.Config) -> None:
    """Use the same generated cases in each run without long tests. Other runs generate new ones."""
    settings.load_profile("the same each time" if config.option.markexpr == "not long" else "patient")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a random test once with each of its seeds."""
    if marker := metafunc.definition.get_closest_marker("seeds"):
        metafunc.parametrize("seed", seeds_of(metafunc.config, marker.args))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run tests that start processes or the whole application first. They take longest, and mostly wait."""
    items.sort(key=lambda item: item.path.parent != TESTS and item.get_closest_marker("processes") is None)
    if config.option.backwards:
        files = list(dict.fromkeys(item.path for item in items))
        items.reverse()
        items.sort(key=lambda item: files.index(item.path))
    for item in items:
        if any(item.get_closest_marker(name) for name in WAITING):
            item.add_marker(pytest.mark.timeout(LONGEST))


def pytest_collection_finish() -> None:
    """Exclude all loaded objects from garbage collection, and collect less often."""
    gc.enable()
    gc.freeze()
    gc.set_threshold(100_000, 10, 20)
    cost.note("reading the tests")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Exclude all objects from garbage collection: pytest has collected them once, and would once more."""
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """Store the cost of a file after its last test."""
    yield
    if nextitem is None or nextitem.path != item.path:
        cost.note(item.nodeid.partition("::")[0])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Close the resources that a failed test left open, so that no other test fails."""
    result = yield
    if item.stash.get(FAILED, False):
        close_leftovers()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mark a test as failed."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


def close_leftovers() -> None:
    """Release the objects of a failed test's frames without warnings."""
    for name in (
        "last_type",
        "last_value",
        "last_traceback",
        "last_exc",
    ):  # where Python stores the last exception for debuggers
        setattr(sys, name, None)
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        gc.collect()
    finally:
        sys.unraisablehook = hook


class Cost:
    """Processor time of this process and its children per test file, stored if `tests/suite.py` sets a folder."""

    def __init__(self) -> None:
        """Start at zero."""
        self._last_seconds = 0.0

    def note(self, label: str) -> None:
        """Add a line with a label and the seconds since the last line."""
        folder = os.environ.get(COSTS_FOLDER)
        if folder is None:
            return
        seconds = _cpu_seconds()
        with (Path(folder) / str(os.getpid())).open("a", encoding="utf-8") as notes:
            notes.write(f"{label} {max(0.0, seconds - self._last_seconds):.2f}\n")
        self._last_seconds = seconds


def _cpu_seconds() -> float:
    """Return the processor seconds of this process and all its children, including ended ones."""
    current = psutil.Process()
    seconds = 0.0
    for process in [current, *current.children(recursive=True)]:
        try:
            seconds += sum(process.cpu_times()[:4])
        except psutil.Error:
            continue  # it has ended, and counts as part of its parent
    return seconds


cost = Cost()
