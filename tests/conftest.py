"""What all tests share."""

import gc
import os
import sys
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

from tests.suite import SPENT
from tests.timeouts import LONGEST

gc.disable()
TESTS = Path(__file__).parent
WAITING = ("browser", "processes")
FAILED = pytest.StashKey[bool]()

settings.register_profile("patient", deadline=None)
settings.register_profile("the same each time", deadline=None, derandomize=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests of each file be run from the last to the first: none may need what another leaves behind."""
    parser.addoption("--backwards", action="store_true", help="run the tests of each file in reverse order")


def pytest_configure(config: pytest.Config) -> None:
    """Take the same cases each time where every change has to pass; other runs look for new ones."""
    settings.load_profile("the same each time" if config.option.markexpr == "not long" else "patient")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what starts processes or has the whole application at work: it takes longest, and mostly waits."""
    items.sort(key=lambda item: item.path.parent != TESTS and item.get_closest_marker("processes") is None)
    if config.option.backwards:
        files = list(dict.fromkeys(item.path for item in items))
        items.reverse()
        items.sort(key=lambda item: files.index(item.path))
    for item in items:
        if any(item.get_closest_marker(name) for name in WAITING):
            item.add_marker(pytest.mark.timeout(LONGEST))


def pytest_collection_finish() -> None:
    """Leave out what is loaded by now whenever garbage is looked for, and look for it less often."""
    gc.enable()
    gc.freeze()
    gc.set_threshold(20_000, 10, 20)
    cost.note("reading the tests")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """Note what a file cost once its last test is over."""
    yield
    if nextitem is None or nextitem.path != item.path:
        cost.note(item.nodeid.partition("::")[0])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let nothing that a failed test left open fail another."""
    result = yield
    if item.stash.get(FAILED, False):
        close_what_it_left()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a test failed."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


def close_what_it_left() -> None:
    """Drop what the frames of a failed test hold, without a word: it has failed already."""
    for name in (
        "last_type",
        "last_value",
        "last_traceback",
        "last_exc",
    ):  # where Python keeps the last one for debuggers
        setattr(sys, name, None)
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        gc.collect()
    finally:
        sys.unraisablehook = hook


class Cost:
    """What this process and its children take of the processor, noted by file where `tests/suite.py` asks for it."""

    def __init__(self) -> None:
        """Begin before anything was taken."""
        self._last_seconds = 0.0

    def note(self, label: str) -> None:
        """Add a line: what it was, and the seconds since the last one."""
        folder = os.environ.get(SPENT)
        if folder is None:
            return
        seconds = _cpu_seconds()
        with (Path(folder) / str(os.getpid())).open("a", encoding="utf-8") as notes:
            notes.write(f"{label} {max(0.0, seconds - self._last_seconds):.2f}\n")
        self._last_seconds = seconds


def _cpu_seconds() -> float:
    """Return the seconds of processor of this process and of all children, of those that have ended too."""
    current = psutil.Process()
    seconds = 0.0
    for process in [current, *current.children(recursive=True)]:
        try:
            seconds += sum(process.cpu_times()[:4])
        except psutil.Error:
            continue  # it has ended meanwhile, and counts with whoever began it
    return seconds


cost = Cost()
