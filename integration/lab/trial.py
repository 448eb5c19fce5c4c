"""One trial: runs a flow to its end under faults, and compares the result with the baseline."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue

from integration.application.stores import Stores, stores_of
from integration.core.clocks import now
from integration.core.errors import IntegrationError
from integration.core.people import LAB
from integration.core.plan import Approval
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import ACTIVE, RunState
from integration.flows.registry import FLOWS, mirrors_of
from integration.lab import console_operator
from integration.lab.console import Clock, Console, GoneError
from integration.lab.console_operator import TillDocument
from integration.lab.fault_plan import FaultPlan
from integration.lab.fixture import LabPlace, shop_of
from integration.lab.outcome import LabOutcome, current_outcome
from integration.lab.report import Harm
from integration.lab.schedule import PATIENCE, Calls, FaultSchedule, Hazard, PlannedFault, ProcessFault
from integration.lab.verdict import differences_from_baseline, unaccounted_runs
from integration.sandbox.server import Sandbox
from integration.store.database import open_database

TRIAL_SECONDS = 180.0  # then the trial counts as stuck; an idle machine needs 1/40 of it, a busy one half
ELSEWHERE_SECONDS = 30.0  # time for another console to take over from a suspended one
LOCKED_SECONDS = 3.0  # the same if the suspended console holds a write lock, so that none can take over
AWAKE_SECONDS = 0.8  # after this time without a call, a resumed console has sent the rest of its page
STILL_SECONDS = 0.4  # within this time, calls of a suspended console arrive
POLL_SECONDS = 0.03
MAX_ROUNDS = 10
ROUND_SECONDS = 1.0  # between two attempts of the operator; what a system shows late is there after ten of them
LONGEST_FULL_SECONDS = 10.0
FULL = ("disk_full", "database or disk is full", "No space left")
_opening = threading.Lock()  # migrations are not thread-safe


@dataclass
class TrialResult:
    """Result of a trial."""

    schedule: FaultSchedule
    harm: Harm
    messages: list[str] = field(default_factory=list)
    triggered: Counter[Hazard] = field(default_factory=Counter)
    seconds: float = 0.0


@dataclass(frozen=True)
class Baseline:
    """Result of a run without faults, and the number of its calls."""

    outcome: LabOutcome
    calls: Calls
    parked: int  # records parked for reasons other than faults
    first: Calls  # calls before booked documents were changed in the till
    documents: tuple[TillDocument, ...]  # booked documents that were changed in the till


class LabTrial:
    """A console, both systems, and the faults of one trial."""

    def __init__(
        self,
        place: LabPlace,
        schedule: FaultSchedule,
        given_up: threading.Event,
        *,
        further: bool = True,
    ) -> None:
        """`given_up` is set when the series stops; with `further`, booked documents are changed in the till."""
        self.place = place
        self.given_up = given_up
        self.schedule = schedule
        self.fault_plan = FaultPlan(schedule.faults, self._trigger)
        self.clock = Clock()
        self.parked = 0
        self.told: list[str] = []
        self._triggered_faults: SimpleQueue[PlannedFault] = SimpleQueue()
        self._consoles: list[Console] = []
        self._asked_issues: set[int] = set()
        self._killed = 0
        self.further = further
        self._changed_after = ""  # run after which booked documents were changed in the till
        self._first_calls: Calls | None = None
        self._documents: tuple[TillDocument, ...] | None = None  # documents to change; chosen by a run without faults

    def baseline(self) -> Baseline:
        """Run without faults. Raises IntegrationError if the flow cannot run with its settings."""
        with self._run_systems() as (sandbox, stores):
            at_first = current_outcome(sandbox).counts()
            if not self._operate_run(sandbox, stores, None):
                run = _newest_run(stores, self.schedule.flow)
                raise IntegrationError(run.error if run and run.error else "lab_failed", **(run.facts if run else {}))
            calls = _calls(sandbox)
            parked = stores.runs.latest(self.schedule.flow, limit=1)[0].counts.parked
            return Baseline(
                replace(current_outcome(sandbox), at_first=at_first),
                calls,
                parked,
                self._first_calls or calls,
                self._documents or (),
            )

    def run(self, baseline: Baseline) -> TrialResult:
        """Run under faults and return the result."""
        began = time.monotonic()
        self._documents = baseline.documents
        with self._run_systems() as (sandbox, stores):
            whole = self._operate_run(sandbox, stores, baseline.parked)
            harm, differences = differences_from_baseline(baseline.outcome, current_outcome(sandbox))
            unaccounted, more = unaccounted_runs(stores.runs, stores.plans, stores.events)
            differences += more + self.told
            if not whole:
                differences.append(f"stuck: {_run_status(stores, self.schedule.flow)}")
        self._count_bites()
        harm = replace(harm, unaccounted=unaccounted + len(self.told), stuck=int(not whole), parked=self.parked)
        return TrialResult(self.schedule, harm, differences, self.fault_plan.triggered, time.monotonic() - began)

    @contextmanager
    def _run_systems(self) -> Iterator[tuple[Sandbox, Stores]]:
        """Run both systems and a console within the block, and open the console's database from outside."""
        with shop_of(self.schedule.shop, self.place.journal, self.fault_plan) as sandbox:
            console = Console(self.place.start(sandbox, PATIENCE), self.clock)
            self._consoles = [console]
            console.start()
            with _opening:
                database = open_database(self.place.url_seen)
            try:
                yield sandbox, stores_of(database, now, mirrors=mirrors_of(FLOWS.values()))
            finally:
                for started_console in self._consoles:
                    started_console.end()
                database.close()

    # ---- operating the run to its end

    def _operate_run(self, sandbox: Sandbox, stores: Stores, parked: int | None) -> bool:
        """Act as the operator until nothing is left to do; return False if that takes too long.

        `parked` is the number of records parked for reasons other than faults.
        """
        self.fault_plan.begin()
        end, rounds = time.monotonic() + TRIAL_SECONDS, 0
        while time.monotonic() < end and rounds < MAX_ROUNDS and not self.given_up.is_set():
            self._handle_fault(sandbox, stores)
            run = _newest_run(stores, self.schedule.flow)
            if run is not None and run.state in ACTIVE:
                time.sleep(POLL_SECONDS)
                continue
            if parked is None and run is not None and run.state in (RunState.FAILED, RunState.INTERRUPTED):
                return False
            try:
                if run is not None and run.state is RunState.DONE and self._is_over(sandbox, stores, run, parked):
                    return True
                if run is not None and run.state is RunState.INTERRUPTED:
                    self._answer(sandbox, stores)
                begins = run is None or run.state is not RunState.READY
                self._advance_run(run)
                rounds += begins  # not counted if the console refuses, for example with a full disk
            except (GoneError, IntegrationError):  # killed, overtaken by another process, or a system is away
                time.sleep(POLL_SECONDS)
        return False

    def _advance_run(self, run: Run | None) -> None:
        """Handle a run that waits or has ended, as an operator does."""
        ask = self._consoles[0].ask
        if run is not None and run.state is RunState.READY:
            confirmed = {brake.code: brake.count for brake in run.brakes}
            ask("runs.commit", run.id, Approval(run.mark, LAB.ref, confirmed=confirmed))
        elif run is not None and run.state is RunState.INTERRUPTED:
            self.parked += 1
            ask("runs.resume", run.id, LAB)
        else:
            ask("runs.preview", PreviewRequest(self.schedule.flow, LAB, Mode.COMPLETE))

    def _is_over(self, sandbox: Sandbox, stores: Stores, run: Run, parked: int | None) -> bool:
        """Return True if nothing follows a finished run; otherwise start the next action."""
        if run.id == self._changed_after:  # no run since that change
            return False
        if asks := console_operator.undecided_documents(stores.issues, self.schedule.flow):
            self._consoles[0].ask("exceptions.decide", self.schedule.flow, asks, console_operator.AGAIN, LAB)
            return False
        if self._wants_more(sandbox, stores, run, parked):
            return False
        if self._changed_after or not self.further:
            return True
        if self._documents is None:
            self._documents = console_operator.documents_to_change(sandbox, stores.links, self.schedule.flow)
        if not self._documents:
            return True
        console_operator.rename_goods(sandbox, self._documents)
        self._changed_after, self._first_calls = run.id, _calls(sandbox)
        return False

    def _wants_more(self, sandbox: Sandbox, stores: Stores, run: Run, parked: int | None) -> bool:
        """Return True if another run must follow, because of open questions or records parked by faults."""
        asks = console_operator.open_questions(stores.issues, self.schedule.flow)
        if asks or (parked is not None and run.counts.parked > parked):
            self.fault_plan.end()  # a person acts when the faults are over
            self._answer(sandbox, stores)
            self.parked += not asks
            time.sleep(ROUND_SECONDS)
            return True
        return False

    def _answer(self, sandbox: Sandbox, stores: Stores) -> None:
        """Answer questions that are open for the second time; the first time, a person starts another run."""
        asks = console_operator.open_questions(stores.issues, self.schedule.flow)
        for issue in asks:
            if issue.id in self._asked_issues:
                number = console_operator.number_in_target(sandbox, stores.ledger, self.schedule.flow, issue)
                try:
                    self._consoles[0].ask("exceptions.answer", issue, number, LAB)
                except IntegrationError as error:
                    if error.code != "answered_meanwhile":  # the next plan reports that
                        raise
        fresh = {issue.id for issue in asks} - self._asked_issues
        self.parked += len(fresh)
        self._asked_issues |= fresh

    # ---- faults

    def _trigger(self, fault: PlannedFault) -> bool:
        """Apply a fault to the console. Called at the planned call, before it is carried out."""
        console, could = self._consoles[0], True
        match fault.hazard:
            case Hazard.KILL:
                could = console.kill()
                self._killed += could
                self.fault_plan.triggered[Hazard.KILL] += could
            case Hazard.SUSPEND:
                could = not console.is_suspended and console.suspend()
            case Hazard.FULL_DISK:
                could = self.place.fill()
            case Hazard.CLOCK:
                self.clock.shift.value = fault.seconds
            case _:
                raise ValueError(fault.hazard)
        if could:
            self._triggered_faults.put(fault)
        return could

    def _handle_fault(self, sandbox: Sandbox, stores: Stores) -> None:
        """Handle faults that have happened: restart a killed console, or have another one take over."""
        try:
            fault = self._triggered_faults.get_nowait()
        except Empty:
            fault = None
        if fault is not None and fault.hazard is Hazard.SUSPEND:
            self._take_over(sandbox, stores, fault.seconds if fault.fate is ProcessFault.HAS_TO_WAIT else 0)
        elif fault is not None and fault.hazard is Hazard.FULL_DISK:
            threading.Thread(target=self._make_room, args=(fault.seconds,), daemon=True).start()
        console = self._consoles[0]
        if not console.is_suspended and not console.is_alive:
            self._start_again(console)

    def _start_again(self, console: Console) -> None:
        """Restart a console that has ended. If nothing killed it and its disk was not full, that is a defect."""
        status = console.end()
        if self._killed:
            self._killed -= 1
        elif Hazard.FULL_DISK not in self.schedule.hazards or (status or 0) < 0:
            self.told.append(f"a console ended by itself: {status}")
        console.start()

    def _take_over(self, sandbox: Sandbox, stores: Stores, waits: float) -> None:
        """Let another console take over from a suspended one, then resume the suspended one.

        The resumed console sends its next call after a wait. If it was suspended while it held a write lock, the other
        console can do nothing until then.
        """
        console = self._consoles[0]
        other = console.second_console()
        self._consoles.append(other)
        time.sleep(STILL_SECONDS)
        is_locked = self.place.is_locked()
        before = len(sandbox.ledger.calls())  # later calls are from the other console
        other.start()
        end = time.monotonic() + (LOCKED_SECONDS if is_locked else ELSEWHERE_SECONDS)
        while time.monotonic() < end and other.is_alive and not self.given_up.is_set():
            run = _newest_run(stores, self.schedule.flow)
            if run is None or run.state not in ACTIVE:
                break
            time.sleep(POLL_SECONDS)
        self.fault_plan.triggered[Hazard.SUSPEND] += is_locked or len(sandbox.ledger.calls()) > before
        console.wake()
        time.sleep(waits)
        self._wait_until_idle(sandbox, console)
        other.end()

    @staticmethod
    def _wait_until_idle(sandbox: Sandbox, console: Console) -> None:
        """Wait until a resumed console has worked again and sends no more calls, however busy the machine is."""
        with suppress(GoneError, IntegrationError):
            console.ask("runs.count", None, None)
        end, call_count = time.monotonic() + ELSEWHERE_SECONDS, -1
        while call_count != (call_count := len(sandbox.ledger.calls())) and time.monotonic() < end:
            time.sleep(AWAKE_SECONDS)

    def _make_room(self, seconds: float) -> None:
        """Free the disk after a while, but only after the console found it full: a busy machine is slow."""
        end = time.monotonic() + LONGEST_FULL_SECONDS
        time.sleep(seconds)
        while not self._is_disk_full() and time.monotonic() < end and not self.given_up.is_set():
            time.sleep(POLL_SECONDS)
        self.place.free_disk()

    def _is_disk_full(self) -> bool:
        output = self.place.folder / "said"
        return output.exists() and any(sign in output.read_text(encoding="utf-8", errors="replace") for sign in FULL)

    def _count_bites(self) -> None:
        """Count faults that took effect according to the console: a disk found full, a clock that was read."""
        if any(fault.hazard is Hazard.FULL_DISK for fault in self.schedule.faults):
            self.fault_plan.triggered[Hazard.FULL_DISK] += self._is_disk_full()
        self.fault_plan.triggered[Hazard.CLOCK] += self.clock.was_read_after_jump


def _calls(sandbox: Sandbox) -> Calls:
    """Return the number of calls so far."""
    calls = [call for call in sandbox.ledger.calls() if call.operation != "token"]
    writes = sum(call.write for call in calls)
    return Calls(len(calls) - writes, writes)


def _newest_run(stores: Stores, flow: str) -> Run | None:
    return next(iter(stores.runs.latest(flow, limit=1)), None)


def _run_status(stores: Stores, flow: str) -> str:
    run = _newest_run(stores, flow)
    return f"{run.state} {run.error} {dict(run.facts)} {run.counts}" if run else "no run"
