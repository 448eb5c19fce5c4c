"""Decides from the seed alone which faults happen in a trial, and when."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from integration.sandbox.faults import ErrorAnswer

PATIENCE = 2.0  # seconds; visibility timeout, longer than any delay of a call or of its visibility after a lost answer
LATE = (1.0, 1.7)  # seconds until an accepted write becomes visible
SHOPS = 2  # sample shops that trials alternate between
FIRST_SHOP = 2026
TURNS = 2 * SHOPS  # rounds through all hazards before a flow gets its next variant of settings
JUMPS = (-3600.0, -40.0, 40.0, 3600.0)
MAX_MORE = 2  # additional hazards
HALF = 0.5
OFTEN = 0.75
VISIBLE_AFTER = (0.0, PATIENCE, 4 * PATIENCE)  # seconds until a write that got an error answer becomes visible


class Hazard(StrEnum):
    """Faults that can happen."""

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
    """Fate of the call during which a console is killed or suspended."""

    LOST = "lost"
    ARRIVES = "arrives"
    SHOWS_LATE = "shows_late"
    HAS_TO_WAIT = "has_to_wait"  # refused, to be sent again later


ERROR_OUTCOMES = ((ProcessFault.LOST, 0.0), *((ProcessFault.ARRIVES, seconds) for seconds in VISIBLE_AFTER))
"""Fates of a write that gets an error answer, with the seconds until it becomes visible."""

OF_THE_KILLED = (ProcessFault.LOST, ProcessFault.ARRIVES, ProcessFault.SHOWS_LATE)
OF_THE_SUSPENDED = (ProcessFault.ARRIVES, ProcessFault.HAS_TO_WAIT, ProcessFault.HAS_TO_WAIT)
WAIT_SECONDS = 1.0


ON_A_FILE = frozenset({Hazard.FULL_DISK, Hazard.CLOCK})  # the lab cannot change disk and clock of a database server
ON_WRITES = frozenset({Hazard.SUSPEND, Hazard.LATE, Hazard.CUT_AFTER, Hazard.ERROR_ANSWER})
EXCLUSIVE_HAZARDS = {
    Hazard.CLOCK: frozenset(
        {Hazard.KILL, Hazard.SUSPEND, Hazard.LATE, Hazard.DELAY, Hazard.ERROR_ANSWER, Hazard.CLOCK}
    ),
    Hazard.FULL_DISK: frozenset({Hazard.SUSPEND, Hazard.FULL_DISK}),
    Hazard.SUSPEND: frozenset({Hazard.SUSPEND}),
}
"""Hazards that exclude each other. A clock that jumps ahead ends every visibility timeout: no program can then tell a
call in progress, or a write that is not visible yet, from one that never arrived."""


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """One planned fault: the call at which it happens, counted among writes or reads, and for how many calls.

    `seconds` is its duration, or the offset of a clock. `answer` is the answer of an `ERROR_ANSWER`; its `fate` tells
    whether the write was carried out.
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
    """All parameters of one trial."""

    seed: int
    flow: str
    database: str
    shop: int
    faults: tuple[PlannedFault, ...] = ()
    way: int = 0  # number of the flow's variant of settings

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """Return the planned hazards, each once."""
        return tuple(dict.fromkeys(fault.hazard for fault in self.faults))


@dataclass(frozen=True, slots=True)
class Calls:
    """Number of calls of a run without faults."""

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
    """Return the schedule of a seed. Hazards, flows and databases rotate, so that chance leaves none out.

    `ways` returns the number of variants of a flow. `calls` takes flow, shop and variant.
    """
    turn, first = divmod(seed, len(hazards))
    dice = Random(seed)  # noqa: S311 - it has to be the same each time
    flow, shop = flows[(turn + first) % len(flows)], FIRST_SHOP + turn % SHOPS
    way = turn // TURNS % ways(flow)
    database = databases[(turn // len(flows) + first) % len(databases)]
    chosen = _chosen(hazards[first], hazards, dice)
    if ON_A_FILE & set(chosen):
        database = next((name for name in databases if name == "sqlite"), database)
    flow_calls = calls(flow, shop, way)
    alone = len(chosen) == 1
    faults = tuple(_planned(hazard, flow_calls, dice, alone=alone) for hazard in chosen)
    return FaultSchedule(seed, flow, database, shop, faults, way)


def _chosen(first: Hazard, hazards: Sequence[Hazard], dice: Random) -> list[Hazard]:
    chosen = [first]
    for _ in range(dice.randint(0, MAX_MORE)):
        more = dice.choice(hazards)
        if not any(
            more in EXCLUSIVE_HAZARDS.get(hazard, ()) or hazard in EXCLUSIVE_HAZARDS.get(more, ()) for hazard in chosen
        ):
            chosen.append(more)
    return chosen


def _planned(hazard: Hazard, calls: Calls, dice: Random, *, alone: bool) -> PlannedFault:
    """Return when and how a hazard happens: in three of four cases at a write, where harm can occur."""
    write = calls.writes > 0 and (hazard in ON_WRITES or dice.random() < OFTEN)
    nth = dice.randint(1, max(1, calls.writes if write else calls.reads))
    times, seconds, fate, answer = 1, 0.0, ProcessFault.ARRIVES, ErrorAnswer.UNAVAILABLE
    match hazard:
        case Hazard.KILL:
            fate, seconds = dice.choice(OF_THE_KILLED), dice.uniform(*LATE)
        case Hazard.SUSPEND:
            nth = dice.randint(1, max(1, calls.writes // 2))  # so that part of the page is left
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
