"""Scheduled faults follow from the seed alone, reach every flow, and need no answer that only a person can give."""

from itertools import pairwise

from integration.lab.report import HAZARDS
from integration.lab.schedule import (
    EXCLUSIVE_HAZARDS,
    FIRST_SHOP,
    LATE,
    ON_A_FILE,
    PATIENCE,
    SHOPS,
    TURNS,
    Calls,
    FaultSchedule,
    Hazard,
    ProcessFault,
    schedule,
)

FLOWS = ("products", "stock", "customers", "orders")
DATABASES = ("sqlite", "postgresql://somewhere")
ALL = tuple(Hazard)


def calls(flow: str, shop: int, way: int) -> Calls:
    return Calls(40 + len(flow) + way, 20 + shop % 2)


def variant_count(flow: str) -> int:
    return 2 if flow == "orders" else 1


def schedules(number: int, databases: tuple[str, ...] = DATABASES) -> list[FaultSchedule]:
    return [schedule(seed, FLOWS, databases, ALL, calls, variant_count) for seed in range(number)]


def test_the_command_offers_what_the_lab_has() -> None:
    assert [str(hazard) for hazard in Hazard] == list(HAZARDS)


def test_the_same_seed_makes_the_same_faults() -> None:
    assert schedules(60) == schedules(60)
    assert all(fault_schedule.faults != other.faults for fault_schedule, other in pairwise(schedules(60)))


def test_every_flow_database_and_hazard_has_its_turn() -> None:
    all_schedules = schedules(200)

    for hazard in Hazard:
        met = [fault_schedule for fault_schedule in all_schedules if hazard in fault_schedule.hazards]
        assert len(met) >= 16
        assert {fault_schedule.flow for fault_schedule in met} == set(FLOWS)
        assert {fault_schedule.database for fault_schedule in met} == (
            {"sqlite"} if hazard in ON_A_FILE else set(DATABASES)
        )


def test_a_flow_that_is_tried_in_several_ways_is_set_in_each_with_every_shop() -> None:
    all_schedules = schedules(200)

    assert {
        (fault_schedule.way, fault_schedule.shop) for fault_schedule in all_schedules if fault_schedule.flow == "orders"
    } == {(way, FIRST_SHOP + shop) for way in (0, 1) for shop in range(SHOPS)}
    assert {fault_schedule.way for fault_schedule in all_schedules if fault_schedule.flow != "orders"} == {0}
    assert {fault_schedule.way for fault_schedule in all_schedules[: len(ALL) * TURNS]} == {
        0
    }  # the fixed dozen costs what it did


def test_what_does_not_go_together_is_kept_apart() -> None:
    for fault_schedule in schedules(400):
        kinds = [fault.hazard for fault in fault_schedule.faults]
        assert not [(a, b) for i, a in enumerate(kinds) for b in kinds[i + 1 :] if b in EXCLUSIVE_HAZARDS.get(a, ())]


def test_what_shows_later_than_the_patience_comes_alone() -> None:
    all_schedules = schedules(400)
    late = [
        fault_schedule
        for fault_schedule in all_schedules
        for fault in fault_schedule.faults
        if fault.hazard is Hazard.LATE and fault.seconds > PATIENCE
    ]
    lost = [
        fault.seconds
        for fault_schedule in all_schedules
        for fault in fault_schedule.faults
        if fault.fate is ProcessFault.SHOWS_LATE
    ]

    assert late
    assert all(len(fault_schedule.faults) == 1 for fault_schedule in late)
    assert lost
    assert max(lost) <= LATE[1] < PATIENCE
