"""What goes wrong in a trial, and when: decided by its seed alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from integration.sandbox.faults import ErrorAnswer

PATIENCE = 2.0  # seconds: longer than anything that is on its way, or accepted and not shown while answers are lost
LATE = (1.0, 1.7)  # what is accepted shows so many seconds later
SLOWER = 4.0  # so many times that without a safeguard, patience too: harm has to show where a restart takes seconds
SHOPS = 2  # sample shops that trials take turns in
FIRST_SHOP = 2026
TURNS = 2 * SHOPS  # through all hazards, before a flow that is tried in several ways is set in the next
JUMPS = (-3600.0, -40.0, 40.0, 3600.0)
MOST_MORE = 2  # hazards beside the first
HALF = 0.5
OFTEN = 0.75
VISIBLE_AFTER = (0.0, PATIENCE, 4 * PATIENCE)  # seconds until reads show a write that got an error for an answer


class Hazard(StrEnum):
    """What can go wrong."""

    KILL = "kill"
    SUSPEND = "suspend"
    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"
    HALF = "half"
    GARBAGE = "garbage"
    DELAY = "delay"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"
    LATE = "late"
    ERROR_ANSWER = "error_answer"
    FULL_DISK = "full_disk"
    CLOCK = "clock"


class ProcessFault(StrEnum):
    """What becomes of the call at which a console is killed or suspended."""

    LOST = "lost"
    ARRIVES = "arrives"
    SHOWS_LATE = "shows_late"
    HAS_TO_WAIT = "has_to_wait"  # refused, to be sent again in a moment


ERROR_OUTCOMES = ((ProcessFault.LOST, 0.0), *((ProcessFault.ARRIVES, seconds) for seconds in VISIBLE_AFTER))
"""What becomes of a write that gets an error for an answer, and after how many seconds reads show it."""

OF_THE_KILLED = (ProcessFault.LOST, ProcessFault.ARRIVES, ProcessFault.SHOWS_LATE)
OF_THE_SUSPENDED = (ProcessFault.ARRIVES, ProcessFault.HAS_TO_WAIT, ProcessFault.HAS_TO_WAIT)
WAIT_SECONDS = 1.0


ON_A_FILE = frozenset({Hazard.FULL_DISK, Hazard.CLOCK})  # disk and clock of a server are not ours to spoil
ON_WRITES = frozenset({Hazard.SUSPEND, Hazard.LATE, Hazard.CUT_AFTER, Hazard.ERROR_ANSWER})
APART = {
    Hazard.CLOCK: frozenset(
        {Hazard.KILL, Hazard.SUSPEND, Hazard.LATE, Hazard.DELAY, Hazard.ERROR_ANSWER, Hazard.CLOCK}
    ),
    Hazard.FULL_DISK: frozenset({Hazard.SUSPEND, Hazard.FULL_DISK}),
    Hazard.SUSPEND: frozenset({Hazard.SUSPEND}),
}
"""What does not go together. A clock that jumps ahead is the end of all patience: what is on its way then, or not shown
yet, no program can tell from what never came."""


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """One thing that goes wrong: at which call, counted among the writes or the reads, and for how many of them.

    `seconds` is how long it lasts, or how far a clock jumps. `answer` is what an `ERROR_ANSWER` says; its `fate` tells
    whether the work was carried out.
    """

    hazard: Hazard
    write: bool
    nth: int
    times: int = 1
    seconds: float = 0.0
    fate: ProcessFault = ProcessFault.ARRIVES
    answer: ErrorAnswer = ErrorAnswer.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class FaultSchedule:
    """Everything about one trial."""

    seed: int
    flow: str
    database: str
    shop: int
    faults: tuple[PlannedFault, ...] = ()
    way: int = 0  # in which of the ways that it is tried the flow is set

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """Return what is to happen, each once."""
        return tuple(dict.fromkeys(one.hazard for one in self.faults))


def slowed(made: FaultSchedule) -> FaultSchedule:
    """Return a schedule in which what was accepted shows `SLOWER`."""
    late = (Hazard.KILL, Hazard.LATE)
    faults = (replace(one, seconds=one.seconds * SLOWER) if one.hazard in late else one for one in made.faults)
    return replace(made, faults=tuple(faults))


@dataclass(frozen=True, slots=True)
class Calls:
    """How many calls a calm run takes."""

    reads: int
    writes: int


def schedule(
    seed: int,
    flows: Sequence[str],
    databases: Sequence[str],
    hazards: Sequence[Hazard],
    calls: Callable[[str, int, int], Calls],
    ways: Callable[[str], int],
) -> FaultSchedule:
    """Return the schedule of a seed. Hazards, flows and databases take turns, so that none is left out by chance.

    `ways` returns in how many ways a flow is tried; `calls` is told flow, shop and way.
    """
    turn, first = divmod(seed, len(hazards))
    dice = Random(seed)  # noqa: S311 - it has to be the same each time
    flow, shop = flows[(turn + first) % len(flows)], FIRST_SHOP + turn % SHOPS
    way = turn // TURNS % ways(flow)
    database = databases[(turn // len(flows) + first) % len(databases)]
    chosen = _chosen(hazards[first], hazards, dice)
    if ON_A_FILE & set(chosen):
        database = next((one for one in databases if one == "sqlite"), database)
    taken = calls(flow, shop, way)
    alone = len(chosen) == 1
    faults = tuple(_planned(one, taken, dice, alone=alone) for one in chosen)
    return FaultSchedule(seed, flow, database, shop, faults, way)


def _chosen(first: Hazard, hazards: Sequence[Hazard], dice: Random) -> list[Hazard]:
    chosen = [first]
    for _ in range(dice.randint(0, MOST_MORE)):
        more = dice.choice(hazards)
        if not any(more in APART.get(one, ()) or one in APART.get(more, ()) for one in chosen):
            chosen.append(more)
    return chosen


def _planned(hazard: Hazard, calls: Calls, dice: Random, *, alone: bool) -> PlannedFault:
    """Return when and how a hazard happens; three times of four at a write, where the harm is."""
    write = calls.writes > 0 and (hazard in ON_WRITES or dice.random() < OFTEN)
    nth = dice.randint(1, max(1, calls.writes if write else calls.reads))
    times, seconds, fate, answer = 1, 0.0, ProcessFault.ARRIVES, ErrorAnswer.UNAVAILABLE
    match hazard:
        case Hazard.KILL:
            fate, seconds = dice.choice(OF_THE_KILLED), dice.uniform(*LATE)
        case Hazard.SUSPEND:
            nth = dice.randint(1, max(1, calls.writes // 2))  # with something of the page left to do
            fate, seconds = dice.choice(OF_THE_SUSPENDED), WAIT_SECONDS
        case Hazard.DELAY:
            times, seconds = dice.randint(1, 3), dice.uniform(0.2, 0.8)
        case Hazard.LATE:
            times = dice.randint(1, 4)
            seconds = dice.uniform(PATIENCE, 2 * PATIENCE) if alone and dice.random() < HALF else dice.uniform(*LATE)
        case Hazard.ERROR_ANSWER:
            times, answer = dice.randint(1, 3), dice.choice(tuple(ErrorAnswer))
            fate, seconds = dice.choice(ERROR_OUTCOMES)
        case Hazard.CLOCK:
            seconds = dice.choice(JUMPS)
        case Hazard.FULL_DISK:
            seconds = dice.uniform(0.5, 1.5)
        case _:
            times = dice.randint(1, 3)
    return PlannedFault(hazard, write, nth, times, round(seconds, 2), fate, answer)
