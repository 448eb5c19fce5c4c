"""A planned fault affects exactly its call, before that call is carried out."""

from integration.lab.fault_plan import FAULTS, FaultPlan
from integration.lab.schedule import Hazard, PlannedFault, ProcessFault
from integration.sandbox.faults import ErrorAnswer, Fault

WRITE, READ = ("accountview", "SO1 POST"), ("accountview", "SO1 GET")


def test_a_planned_fault_meets_its_call_and_as_many_more_as_it_says() -> None:
    fault_plan = FaultPlan([PlannedFault(Hazard.CUT_AFTER, write=True, nth=2, times=2)], lambda _: True)
    fault_plan.begin()

    met = [fault_plan.take(*call) for call in (WRITE, READ, WRITE, READ, WRITE, WRITE)]

    assert [planned_fault.fault if planned_fault else None for planned_fault in met] == [
        None,
        None,
        Fault.CUT_AFTER,
        None,
        Fault.CUT_AFTER,
        None,
    ]
    assert fault_plan.triggered == {Hazard.CUT_AFTER: 2}


def test_nothing_strikes_before_it_begins_and_after_it_ends() -> None:
    fault_plan = FaultPlan([PlannedFault(Hazard.HALF, write=False, nth=1, times=9)], lambda _: True)

    assert fault_plan.take(*READ) is None
    fault_plan.begin()
    assert fault_plan.take(*READ) is not None
    fault_plan.end()
    assert fault_plan.take(*READ) is None


def test_a_killed_console_s_call_arrives_shows_late_or_is_lost() -> None:
    killed: list[PlannedFault] = []
    fates = [PlannedFault(Hazard.KILL, write=True, nth=1, seconds=1.5, fate=fate) for fate in ProcessFault]
    fault_plan = FaultPlan(fates, lambda fault: not killed.append(fault))  # type: ignore[func-returns-value]
    fault_plan.begin()

    met = [fault_plan.take(*WRITE) for _ in fates]

    assert killed == fates
    assert [planned_fault.fault if planned_fault else None for planned_fault in met] == [
        Fault.CUT_BEFORE,
        None,
        Fault.LATE,
        Fault.TOO_MANY_WAIT,
    ]


def test_what_could_not_strike_leaves_its_call_alone() -> None:
    fault_plan = FaultPlan([PlannedFault(Hazard.KILL, write=True, nth=1, fate=ProcessFault.LOST)], lambda _: False)
    fault_plan.begin()

    assert fault_plan.take(*WRITE) is None


def test_every_hazard_is_done_to_a_call_or_to_the_console() -> None:
    assert set(Hazard) - FAULTS.keys() == {
        Hazard.KILL, Hazard.SUSPEND, Hazard.ERROR_ANSWER, Hazard.FULL_DISK, Hazard.CLOCK,
    }  # fmt: skip


def test_an_error_answer_comes_before_or_after_the_work_which_shows_late() -> None:
    planned = [
        PlannedFault(Hazard.ERROR_ANSWER, write=True, nth=1, seconds=8.0, fate=fate, answer=ErrorAnswer.BAD_GATEWAY)
        for fate in (ProcessFault.LOST, ProcessFault.ARRIVES)
    ]
    fault_plan = FaultPlan(planned, lambda _: True)
    fault_plan.begin()

    met = [fault_plan.take(*call) for call in (WRITE, ("mplus", "newArticleGroup"))]

    assert [armed and (armed.note, armed.seconds_hidden) for armed in met] == [
        ("error_before 502", 0.0), ("error_after 502", 8.0),
    ]  # fmt: skip
