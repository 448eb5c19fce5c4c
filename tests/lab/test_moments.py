"""Faults at each call of a run in turn, because a series of seeds reaches these calls only by chance.

A console is killed at each read and at each write, which is lost, arrives, or arrives and shows late, while answers get
lost around it; and it is suspended at writes of either end of a page, on both databases. Where documents are taken back
and booked again it is killed at each write, with every fate, and at every seventh read: a trial takes eight seconds of
processor, so the 34 take less than five minutes, and with all seventy reads they would take more than twelve.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from integration.lab.report import OperatorSettings, Series
from integration.lab.schedule import (
    FIRST_SHOP,
    LATE,
    OF_THE_KILLED,
    WAIT_SECONDS,
    Calls,
    FaultSchedule,
    Hazard,
    PlannedFault,
    ProcessFault,
)
from integration.lab.trial import TrialResult
from integration.lab.trials import SeriesRunner
from tests.postgres import postgres_server

__all__ = ["postgres_server"]

pytestmark = [pytest.mark.long, pytest.mark.processes]

AT_ONCE = 2
LOST = (
    Hazard.CUT_BEFORE, Hazard.CUT_AFTER, Hazard.HALF, Hazard.GARBAGE, Hazard.UNAVAILABLE, Hazard.TOO_MANY, Hazard.LATE,
)  # fmt: skip
DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
Recorded = Callable[[str, object], None]
Made = Callable[[Calls], Iterator[tuple[PlannedFault, ...]]]


def run_trials(folder: Path, flow: str, database: str, make_faults: Made, *, further: bool = False) -> int:
    """Run trials of a flow, require that each fault occurred and did no harm, and return their number.

    Those that go `further` strike once documents have changed that are booked.
    """
    bench = SeriesRunner(
        folder, Series((flow,), mapping="shipped", databases=(database,)), OperatorSettings(further=further)
    )
    baseline = bench.baseline(flow, FIRST_SHOP)
    assert baseline is not None
    assert (baseline.first != baseline.calls) == further
    later = Calls(baseline.calls.reads - baseline.first.reads, baseline.calls.writes - baseline.first.writes)
    every = make_faults(later if further else baseline.calls)
    faults = [tuple(_shift_fault(baseline.first, fault) for fault in group) if further else group for group in every]
    schedules = [FaultSchedule(at, flow, database, FIRST_SHOP, group) for at, group in enumerate(faults)]
    try:
        with ThreadPoolExecutor(AT_ONCE) as side_by_side:
            results = [result for result in side_by_side.map(bench.trial, schedules) if result is not None]
    finally:
        bench.fixtures.close()
    assert [result.schedule for result in results] == schedules
    assert [describe_result(result) for result in results if not result.harm.is_none] == []
    assert [
        describe_result(result) for result in results if not result.triggered[result.schedule.faults[0].hazard]
    ] == []
    return len(results)


def _shift_fault(first: Calls, fault: PlannedFault) -> PlannedFault:
    """Return a strike that comes as many calls after the first act as it would come after the beginning."""
    return replace(fault, nth=fault.nth + (first.writes if fault.write else first.reads))


def describe_result(result: TrialResult) -> str:
    return f"{result.schedule}: {result.harm}; {result.messages}"


def kills(calls: Calls) -> Iterator[tuple[PlannedFault, ...]]:
    """Yield a kill at each call; fates of a write, and the answers that get lost around it, take turns."""
    for nth in range(1, calls.writes + 1):
        yield kill_at(nth, OF_THE_KILLED[nth % len(OF_THE_KILLED)])
    for nth in range(1, calls.reads + 1):
        yield PlannedFault(Hazard.KILL, write=False, nth=nth), losing(nth, 1 + nth % calls.writes)


def every_kill(calls: Calls) -> Iterator[tuple[PlannedFault, ...]]:
    """Yield a kill at each call, with every fate that a write can have."""
    yield from kills(calls)
    for nth in range(1, calls.writes + 1):
        yield from (kill_at(nth, fate) for fate in OF_THE_KILLED if fate is not OF_THE_KILLED[nth % len(OF_THE_KILLED)])


def kills_between(calls: Calls) -> Iterator[tuple[PlannedFault, ...]]:
    """Yield a kill at each write, with every fate, and at some of the reads before, between and after them."""
    for nth in range(1, calls.writes + 1):
        yield from (kill_at(nth, fate) for fate in OF_THE_KILLED)
    for nth in range(1, calls.reads + 1, 7):
        yield PlannedFault(Hazard.KILL, write=False, nth=nth), losing(nth, 1 + nth % calls.writes)


def kill_at(nth: int, fate: ProcessFault) -> tuple[PlannedFault, ...]:
    turn = nth * len(OF_THE_KILLED) + OF_THE_KILLED.index(fate)
    return PlannedFault(Hazard.KILL, write=True, nth=nth, seconds=LATE[0], fate=fate), losing(turn, max(1, nth - 1))


def losing(turn: int, nth: int) -> PlannedFault:
    return PlannedFault(LOST[turn % len(LOST)], write=True, nth=nth, times=2, seconds=LATE[0])


def suspensions(calls: Calls) -> Iterator[tuple[PlannedFault, ...]]:
    """Yield a suspension at the first, a middle and the last write, which arrives or has to wait."""
    for nth in (1, calls.writes // 2, calls.writes):
        for fate in (ProcessFault.ARRIVES, ProcessFault.HAS_TO_WAIT):
            yield (PlannedFault(Hazard.SUSPEND, write=True, nth=nth, seconds=WAIT_SECONDS, fate=fate),)


@pytest.mark.parametrize(("flow", "make_faults"), [("products", kills), ("orders", every_kill)])
def test_a_kill_at_any_call_loses_and_doubles_nothing(
    tmp_path: Path, flow: str, make_faults: Made, record_property: Recorded
) -> None:
    record_property("cases", f"{run_trials(tmp_path, flow, 'sqlite', make_faults)} kills at a call of {flow}")


def test_a_kill_between_a_credit_and_what_is_booked_again_loses_and_doubles_nothing(
    tmp_path: Path, record_property: Recorded
) -> None:
    many = run_trials(tmp_path, "orders", "sqlite", kills_between, further=True)

    record_property("cases", f"{many} kills between a credit and what is booked again")


@pytest.mark.parametrize("database", DATABASES)
def test_what_another_process_took_over_is_not_sent_by_the_one_that_wakes(
    tmp_path: Path, database: str, request: pytest.FixtureRequest, record_property: Recorded
) -> None:
    server = "sqlite" if database == "sqlite" else str(request.getfixturevalue("postgres_server"))

    record_property("cases", f"{run_trials(tmp_path, 'orders', server, suspensions)} suspensions on {database}")


def test_what_is_suspended_in_the_middle_of_a_write_to_a_file_keeps_others_waiting_and_loses_nothing(
    tmp_path: Path,
) -> None:
    def plan_suspension(_: Calls) -> Iterator[tuple[PlannedFault, ...]]:
        yield (PlannedFault(Hazard.SUSPEND, write=True, nth=2, seconds=WAIT_SECONDS, fate=ProcessFault.ARRIVES),)

    with lock_while_suspended(tmp_path) as locked_files:
        assert run_trials(tmp_path, "orders", "sqlite", plan_suspension) == 1
    assert {file.name for file in locked_files} == {"console.sqlite", "engine.sqlite"}


@contextmanager
def lock_while_suspended(folder: Path) -> Iterator[set[Path]]:
    """Hold the SQLite locks of each suspended process; yield the locked files."""
    locked_files: set[Path] = set()
    over = threading.Event()

    def hold() -> None:
        while not over.wait(0.005):
            if processes := [process for process in psutil.Process().children(recursive=True) if is_suspended(process)]:
                with ExitStack() as locks:
                    for file in folder.rglob("*.sqlite"):
                        lock = locks.enter_context(closing(sqlite3.connect(file, isolation_level=None)))
                        lock.execute("BEGIN IMMEDIATE")
                        locked_files.add(file)
                    while is_suspended(processes[0]) and not over.is_set():
                        time.sleep(0.005)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        yield locked_files
    finally:
        over.set()
        holder.join()


def is_suspended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False
