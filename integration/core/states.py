"""State machines: states of a run and steps of a change, with their allowed transitions."""

from enum import StrEnum


class RunState(StrEnum):
    """State of a run."""

    PREVIEWING = "previewing"
    READY = "ready"  # the plan waits for a person
    COMMITTING = "committing"
    INTERRUPTED = "interrupted"  # stopped by an unavailable system or a cancel; can be resumed
    DONE = "done"
    FAILED = "failed"
    DISCARDED = "discarded"


class Step(StrEnum):
    """State of one change."""

    PLANNED = "planned"
    SENT = "sent"  # stored before the call, so that a crash leaves a trace
    IN_DOUBT = "in_doubt"  # sent without a usable answer; a lookup settles it
    PROVEN = "proven"  # read back and equal to the plan
    ACCEPTED = "accepted"  # confirmed by the target's answer or by a person, and not read back
    PARKED = "parked"
    LEFT = "left"  # excluded when the plan was committed


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
    Step.IN_DOUBT: frozenset(  # in doubt again: the clock was set back after the time of doubt was stored
        {Step.PROVEN, Step.ACCEPTED, Step.PARKED, Step.LEFT, Step.IN_DOUBT, Step.PLANNED}
    ),
    Step.PROVEN: frozenset(),
    Step.ACCEPTED: frozenset(),
    Step.PARKED: frozenset({Step.PROVEN, Step.ACCEPTED, Step.LEFT}),  # a person answered the question
    Step.LEFT: frozenset(),
}


# At most one run of a flow may be in one of these states.
ACTIVE = frozenset({RunState.PREVIEWING, RunState.COMMITTING})


# Phases in which a run waits for a person or a system.
WAITING_PHASES = frozenset({"approve", "hold", "stopped"})


def may_follow(now: RunState | Step, next_state: RunState | Step) -> bool:
    """Return True if a run or a change may change from one state to the other."""
    return next_state in (RUN_STEPS[now] if isinstance(now, RunState) else CHANGE_STEPS[now])
