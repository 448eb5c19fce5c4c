"""A run: what is kept of it, what it came to so far, and how fast it goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from integration.core.basis import Basis
from integration.core.issues import Issue
from integration.core.people import Actor
from integration.core.plan import Approval, Brake, chosen_mark
from integration.core.position import START, Position
from integration.core.states import RESTING, RunState, Step

LONGEST_NOTE = 2_000  # signs of what somebody writes on a plan
EARLIEST_SECONDS = 2.0  # before that a speed says nothing


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the records a run read, counted in source records. Nothing is lost when `difference` is 0."""

    read: int = 0
    proven: int = 0
    accepted: int = 0
    unchanged: int = 0
    skipped: int = 0
    parked: int = 0
    in_doubt: int = 0
    planned: int = 0
    reached: int = field(default=0, compare=False)  # changes that are there, also those of what is no record: a picture

    @property
    def difference(self) -> int:
        """Return how many records are unaccounted for; anything but 0 is a defect of ours."""
        settled = self.proven + self.accepted + self.unchanged + self.skipped + self.parked
        return self.read - settled - self.in_doubt - self.planned


class Mode(StrEnum):
    """How much a run reads."""

    CHANGES = "changes"  # what changed since the last run
    COMPLETE = "complete"  # everything; only this can tell that something vanished
    CHOSEN = "chosen"  # the records under given source keys: parked ones tried again
    UNDO = "undo"  # what an earlier run wrote, back to what was before


# Modes whose plans speak for a whole flow, so that the newest has all that still holds of those before.
ALL_FOR = "all_for"  # the note of a run with what is new of what its logic is made of, so that everything is read
PLANS_OF_ALL = (Mode.CHANGES, Mode.COMPLETE)


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """A preview that somebody asks for: of the records under `keys` alone where the mode is `CHOSEN`.

    `notes` stay with the run; `version` asks for a mapping that was in force before.
    """

    flow: str
    by: Actor
    mode: Mode = Mode.CHANGES
    keys: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come in a phase, in records or in changes; a total of 0 is not known yet."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a run, which has not ended while the run is still at it.

    Its name is `extract`, `plan`, `approve` (it waits for a person), `write`, `hold` (for a system) or `stopped`.
    """

    name: str
    began_at: datetime
    ended_at: datetime | None = None
    done_before: int = 0  # how far the run had come when it began


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a run at work goes: records a second, and the seconds left. Both are 0 while it is too early to tell."""

    per_second: float = 0.0
    seconds_left: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one change ended: what its line becomes, and the link it leaves when it is proven."""

    seq: int
    step: Step
    reference: str = ""
    marker: str = ""
    issue: Issue | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One preview and, perhaps, its commit."""

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
    in_force: int = 0  # the version of the mapping that was in force when the run was begun
    basis: Basis = field(default_factory=dict)  # marks of what else decided it; see `core/basis.py`
    undo_of: str = ""  # the run whose changes it puts back
    notes: Mapping[str, str] = field(default_factory=dict)  # of whoever asked for it
    position: Position = START
    progress_done: int = 0
    progress_total: int = 0
    phase: str = ""  # extract, plan, write
    error: str = ""  # code of the catalogue of what stopped it
    facts: Mapping[str, str] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    approvals: int = 0  # how often a person, or a schedule, said yes to it
    excluded: Mapping[int, str] = field(default_factory=dict)  # lines that are not chosen, with their digests
    pruned_at: datetime | None = None  # since then its lines are no longer kept

    @property
    def came_to_nothing(self) -> bool:
        """Whether it went through and wrote nothing, though it was approved, or read nothing but what is parked."""
        counts = self.counts
        parked_all = counts.parked > 0 and not counts.proven + counts.accepted + counts.unchanged
        return self.state is RunState.DONE and not counts.reached and (self.approval is not None or parked_all)

    @property
    def is_proof(self) -> bool:
        """Whether it proved something: a change was read back, or what it compared was equal in both systems."""
        counts = self.counts
        proved = counts.proven + counts.unchanged > 0 or (counts.reached > 0 and not counts.accepted)
        return self.state is RunState.DONE and not self.error and counts.difference == 0 and proved

    @property
    def mark(self) -> str:
        """What a person says yes to: the fingerprint of the plan, with what is left out of it."""
        return chosen_mark(self.fingerprint, self.excluded.values())

    @property
    def has_earlier_mapping(self) -> bool:
        """Whether it was asked for with a mapping that was in force before."""
        return self.mapping_version != self.in_force


def speed(run: Run, phase: Phase | None, now: datetime) -> Speed:
    """Return how fast a run has gone since its phase began, and how long it still takes at that speed."""
    if phase is None or phase.ended_at is not None or phase.name in RESTING:
        return Speed()
    passed, done = (now - phase.began_at).total_seconds(), run.progress_done - phase.done_before
    if passed < EARLIEST_SECONDS or done <= 0:
        return Speed()
    left = max(0, run.progress_total - run.progress_done)
    return Speed(done / passed, left * passed / done)
