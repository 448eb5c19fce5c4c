"""A run: what may follow what, as tables, what is kept of it and of each of its changes, and where it goes on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from integration.core.basis import Basis
from integration.core.issues import Issue, Skip
from integration.core.people import Actor
from integration.core.plan import Action, Approval, Brake, Change, chosen_mark
from integration.core.records import Kind, Record

LONGEST_NOTE = 2_000  # signs of what somebody writes on a plan


class RunState(StrEnum):
    """Where a run stands."""

    PREVIEWING = "previewing"
    READY = "ready"  # the plan waits for a person
    COMMITTING = "committing"
    INTERRUPTED = "interrupted"  # stopped by an unavailable system or a cancel; can be resumed
    DONE = "done"
    FAILED = "failed"
    DISCARDED = "discarded"


class Step(StrEnum):
    """Where one change stands."""

    PLANNED = "planned"
    SENT = "sent"  # kept before the call, so that a crash leaves a trace
    IN_DOUBT = "in_doubt"  # sent, and no answer seen; settled by looking
    PROVEN = "proven"  # read back and equal to the plan
    ACCEPTED = "accepted"  # the target said yes, or a person that it is there; read back by nobody
    PARKED = "parked"
    LEFT = "left"  # not chosen when the plan was committed


RUN_STEPS: dict[RunState, frozenset[RunState]] = {
    RunState.PREVIEWING: frozenset({RunState.READY, RunState.DONE, RunState.FAILED, RunState.DISCARDED}),
    RunState.READY: frozenset({RunState.COMMITTING, RunState.DISCARDED}),
    RunState.COMMITTING: frozenset({RunState.DONE, RunState.INTERRUPTED, RunState.FAILED}),
    RunState.INTERRUPTED: frozenset({RunState.COMMITTING, RunState.DISCARDED}),
    RunState.DONE: frozenset(),
    RunState.FAILED: frozenset({RunState.COMMITTING}),
    RunState.DISCARDED: frozenset(),
}

CHANGE_STEPS: dict[Step, frozenset[Step]] = {
    Step.PLANNED: frozenset({Step.SENT, Step.PARKED, Step.LEFT}),
    Step.SENT: frozenset({Step.PROVEN, Step.ACCEPTED, Step.PARKED, Step.IN_DOUBT, Step.PLANNED}),
    Step.IN_DOUBT: frozenset(  # in doubt again: since when was told by a clock that was set back
        {Step.PROVEN, Step.ACCEPTED, Step.PARKED, Step.LEFT, Step.IN_DOUBT, Step.PLANNED}
    ),
    Step.PROVEN: frozenset(),
    Step.ACCEPTED: frozenset(),
    Step.PARKED: frozenset({Step.PROVEN, Step.ACCEPTED, Step.LEFT}),  # what was a question is answered
    Step.LEFT: frozenset(),
}

# One run of a flow at a time may be in one of these.
ACTIVE = frozenset({RunState.PREVIEWING, RunState.COMMITTING})

# Phases in which a run waits for a person or a system.
RESTING = frozenset({"approve", "hold", "stopped"})

EARLIEST_SECONDS = 2.0  # before that a speed says nothing


def may_follow(now: RunState | Step, wanted: RunState | Step) -> bool:
    """Tell whether a run or a change may go from one state to another."""
    return wanted in (RUN_STEPS[now] if isinstance(now, RunState) else CHANGE_STEPS[now])


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
class Staged:
    """One record as read and mapped, kept until its plan line is made.

    `parent` groups what becomes one record of the target; `number` and `mark` are what must be unique in the target
    (article number and EAN). Exactly one of `record`, `issue` and `skip` is filled; none of what is the `same` as when
    both systems agreed, of which nothing was read.
    """

    key: str
    parent: str
    title: str
    number: str = ""
    mark: str = ""
    record: Record | None = None
    issue: Issue | None = None
    skip: Skip | None = None
    group: str = ""  # what people sort it by, as the source has it
    beside: str = ""  # what it was made of beside the record read, as far as that may differ from run to run
    source_hash: str = ""  # of all it was made of; empty where that is not known
    same: bool = False


@dataclass(frozen=True, slots=True)
class Unstaged:
    """What is known of a record before it is read.

    `wanted` has what it is looked up by in the target; `number` and `beside` are those that it would be staged with.
    """

    wanted: Record
    number: str
    beside: str


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Values that must be unique in the target and are not, with the keys of the records read that share them."""

    numbers: Mapping[str, tuple[str, ...]]
    marks: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One line of a kept plan, with where it stands; `stage` is that of the flow, by its order.

    `weight` is how many records read it accounts for, `calls` how many write calls its change takes. `cause` names the
    issue of a parked line or the reason of a skipped one, `facts` fill its sentences.
    """

    seq: int
    stage: int
    action: Action
    kind: Kind
    key: str
    title: str
    group: str = ""
    weight: int = 1
    change: Change | None = None
    digest: str = ""
    brakes: tuple[str, ...] = ()
    cause: str = ""
    cause_field: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    step: Step = Step.PLANNED
    attempts: int = 0
    sent_at: datetime | None = None
    accepted: bool = False  # the target said yes
    reference: str = ""
    calls: int = 1
    run: str = ""  # whose line it is
    about: Mapping[str, str] = field(default_factory=dict, compare=False)  # of what is parked; only the log is told


@dataclass(frozen=True, slots=True)
class Among:
    """What some lines of a plan have in common: a field they change, their group, their cause. Empty says nothing."""

    field: str = ""
    group: str = ""
    cause: str = ""


EVERY_LINE = Among()


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


Hashes = tuple[str, str]  # of a record of the source and of the target, as they came
NO_HASHES: Hashes = ("", "")


@dataclass(frozen=True, slots=True)
class Link:
    """The pair of keys of one record in both systems, and what both last agreed on."""

    kind: Kind
    key: str
    reference: str
    agreed: Record | None = None
    marker: str = ""
    mark: str = ""
    retired: bool = False
    unproven: bool = False  # nobody could read the record back
    owner: str = ""  # the key of the record that a part was in when both agreed on it
    hashes: Hashes = field(default=NO_HASHES, compare=False)  # of source and target as they were when they agreed


class Task(StrEnum):
    """What a preview is at. A plan is made by those before `UNDO` in their order, or by undoing, and then finished."""

    EXTRACT = "extract"
    TOUCHED = "touched"  # what was edited in the target is read again from the source
    CARRY = "carry"  # and what the plan that waits would change
    SIBLINGS = "siblings"  # and the other variants of what changed
    COMPARE = "compare"
    VANISHED = "vanished"  # what the source no longer has
    UNDO = "undo"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a preview goes on: the task, the stage of the flow by its order, and where the next page begins.

    `keys`, `most` and `since` say what is read: the records under these keys, so many at most, and per kind of the
    source what changed since a stamp.
    """

    task: Task = Task.EXTRACT
    stage: int = 0
    after: str | None = None
    keys: tuple[str, ...] = ()
    most: int | None = None
    since: Mapping[Kind, str] = field(default_factory=dict)
    stamps: Mapping[Kind, str] = field(default_factory=dict)  # the highest of each kind read
    marker: str | None = None  # where the target stood before anything was compared; None: not asked yet
    read: int = 0
    expected: int = 0  # about as many records are to be read; 0: nobody knows
    planned: int = 0  # of what was read, in records
    changes: int = 0
    retirements: int = 0
    watched: Mapping[str, int] = field(default_factory=dict)  # changes that each brake counts by itself
    undone: int = 0  # the last line of the other run that was turned around
    trusting: bool = False  # what hashes say to be as it was when both systems agreed is not read any more

    @property
    def has_enough(self) -> bool:
        """Whether as many records are read as may be."""
        return self.most is not None and self.read >= self.most

    @property
    def remaining(self) -> int | None:
        """How many records may still be read; None for any number."""
        return None if self.most is None else max(self.most - self.read, 1)

    def at(self, task: Task) -> "Position":
        """Return the beginning of another task."""
        return replace(self, task=task, stage=0, after=None)

    def counting(self, changes: int, retirements: int, guard_counts: Mapping[str, int]) -> "Position":
        """Return the position with so many more lines of a plan."""
        codes = (*self.watched, *guard_counts)
        sums = {code: self.watched.get(code, 0) + guard_counts.get(code, 0) for code in codes}
        return replace(self, changes=self.changes + changes, retirements=self.retirements + retirements, watched=sums)


START = Position()


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
        """Whether its plan was approved and went through, and none of its changes came to the target."""
        return self.state is RunState.DONE and self.approval is not None and not self.counts.reached

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


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a flow runs by itself: cron with seconds first, in the till's wall clock."""

    flow: str
    cron: str
    mode: Mode
