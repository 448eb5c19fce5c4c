"""Runs: the stored data of a run, its counts, its progress and its speed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from integration.core.basis import Basis
from integration.core.issues import Issue
from integration.core.people import Actor
from integration.core.plan import Approval, Brake, chosen_mark
from integration.core.position import START, Position
from integration.core.states import WAITING_PHASES, RunState, Step

LONGEST_NOTE = 2_000  # characters of a person's note on a plan
EARLIEST_SECONDS = 2.0  # seconds before a speed is meaningful


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of source records by outcome. `difference` is 0 if every record read has an outcome."""

    read_count: int = 0
    proven: int = 0
    accepted: int = 0
    unchanged: int = 0
    skipped: int = 0
    parked: int = 0
    in_doubt: int = 0
    planned: int = 0
    reached: int = field(default=0, compare=False)  # changes in the target, including pictures (no records)

    @property
    def difference(self) -> int:
        """Return the number of records without an outcome. Anything but 0 is a defect of the program."""
        settled = self.proven + self.accepted + self.unchanged + self.skipped + self.parked
        return self.read_count - settled - self.in_doubt - self.planned


class Mode(StrEnum):
    """Extent of a run's reading."""

    CHANGES = "changes"  # what changed since the last run
    COMPLETE = "complete"  # everything; only this mode detects records missing from the source
    CHOSEN = "chosen"  # the records with given source keys, such as parked records that are retried
    UNDO = "undo"  # restore the values before an earlier run


# Modes whose plans cover a whole flow, so that the newest plan replaces those before.
ALL_FOR = "all_for"  # name of the run note that lists changed inputs of the logic, for which everything must be read
PARKED_FOR = "parked_for"  # name of the run note that lists changed inputs for which parked records are read again
PLANS_OF_ALL = (Mode.CHANGES, Mode.COMPLETE)


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """Request for a preview. `keys` selects the records in mode `CHOSEN`.

    `notes` are stored with the run. `version` selects an earlier mapping version.
    """

    flow: str
    by: Actor
    mode: Mode = Mode.CHANGES
    keys: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a phase in records or changes. A total of 0 means unknown."""

    phase: str
    done_count: int
    total: int


@dataclass(frozen=True, slots=True)
class Phase:
    """A time span of a run. `ended_at` is None while the phase lasts.

    The name is `extract`, `plan`, `approve` (waits for a person), `write`, `hold` (waits for a system) or `stopped`.
    """

    name: str
    started_at: datetime
    ended_at: datetime | None = None
    done_before: int = 0  # progress of the run when the phase began


@dataclass(frozen=True, slots=True)
class Speed:
    """Speed of an active run in records per second, and the seconds left. Both are 0 if it is too early to estimate."""

    per_second: float = 0.0
    seconds_left: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one change: the new step of its line, and the reference for the link if it is proven.

    `interrupted` says that the process ended after a repeatable change was marked. Its call may never have begun, so
    the attempt does not count as unanswered.
    """

    seq: int
    step: Step
    reference: str = ""
    marker: str = ""
    issue: Issue | None = None
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One preview and, if approved, its commit."""

    id: str
    flow: str
    state: RunState
    mode: Mode
    by: str
    started_at: datetime
    ended_at: datetime | None = None
    mapping_version: int = 0
    fingerprint: str = ""
    brakes: tuple[Brake, ...] = ()
    approval: Approval | None = None
    mapping_version_at_start: int = 0  # the mapping version in force when the run began
    basis: Basis = field(default_factory=dict)  # marks of the plan's other inputs; see `core/basis.py`
    undo_of: str = ""  # the run whose changes this run reverses
    notes: Mapping[str, str] = field(default_factory=dict)  # from the request
    position: Position = START
    progress_done: int = 0
    progress_total: int = 0
    phase: str = ""  # extract, plan, write
    error: str = ""  # catalogue code of the error that stopped the run
    facts: Mapping[str, str] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    approvals: int = 0  # number of approvals by persons or schedules
    excluded: Mapping[int, str] = field(default_factory=dict)  # digests of the excluded lines, by sequence number
    pruned_at: datetime | None = None  # time when its lines were removed

    @property
    def had_no_effect(self) -> bool:
        """True if the run completed without a write although it was approved, or all records it read are parked.

        Parked records that it read again are still parked: they do not count.
        """
        counts = self.counts
        parked_all = counts.parked > self.position.retried and not counts.proven + counts.accepted + counts.unchanged
        return self.state is RunState.DONE and not counts.reached and (self.approval is not None or parked_all)

    @property
    def is_proof(self) -> bool:
        """True if the run proved something: a change was read back, or compared records were equal in both systems."""
        counts = self.counts
        proved = counts.proven + counts.unchanged > 0 or (counts.reached > 0 and not counts.accepted)
        return self.state is RunState.DONE and not self.error and counts.difference == 0 and proved

    @property
    def parses_everything(self) -> bool:
        """True if the run parses every source record. Otherwise it knows the values of changed records only."""
        return self.mode is Mode.COMPLETE and not self.position.trusting

    @property
    def mark(self) -> str:
        """The mark that an approval refers to: the plan's fingerprint, including its excluded lines."""
        return chosen_mark(self.fingerprint, self.excluded.values())

    @property
    def has_earlier_mapping(self) -> bool:
        """True if the request named a mapping version other than the one in force."""
        return self.mapping_version != self.mapping_version_at_start


def speed(run: Run, phase: Phase | None, now: datetime) -> Speed:
    """Return the speed of a run since its phase began, and the seconds left at this speed."""
    if phase is None or phase.ended_at is not None or phase.name in WAITING_PHASES:
        return Speed()
    passed, records_done = (now - phase.started_at).total_seconds(), run.progress_done - phase.done_before
    if passed < EARLIEST_SECONDS or records_done <= 0:
        return Speed()
    records_left = max(0, run.progress_total - run.progress_done)
    return Speed(records_done / passed, records_left * passed / records_done)
