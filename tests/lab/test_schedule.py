"""What goes wrong follows from the seed alone, meets every flow, and asks nothing that no program can decide."""

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


def ways(flow: str) -> int:
    return 2 if flow == "orders" else 1


def schedules(number: int, databases: tuple[str, ...] = DATABASES) -> list[FaultSchedule]:
    return [schedule(seed, FLOWS, databases, ALL, calls, ways) for seed in range(number)]


def test_the_command_offers_what_the_lab_has() -> None:
    assert [str(one) for one in Hazard] == list(HAZARDS)


def test_the_same_seed_makes_the_same_faults() -> None:
    assert schedules(60) == schedules(60)
    assert all(one.faults != other.faults for one, other in pairwise(schedules(60)))


def test_every_flow_database_and_hazard_has_its_turn() -> None:
    made = schedules(200)

    for hazard in Hazard:
        met = [one for one in made if hazard in one.hazards]
        assert len(met) >= 16
        assert {one.flow for one in met} == set(FLOWS)
        assert {one.database for one in met} == ({"sqlite"} if hazard in ON_A_FILE else set(DATABASES))


def test_a_flow_that_is_tried_in_several_ways_is_set_in_each_with_every_shop() -> None:
    made = schedules(200)

    assert {(one.way, one.shop) for one in made if one.flow == "orders"} == {
        (way, FIRST_SHOP + shop) for way in (0, 1) for shop in range(SHOPS)
    }
    assert {one.way for one in made if one.flow != "orders"} == {0}
    assert {one.way for one in made[: len(ALL) * TURNS]} == {0}  # the fixed dozen costs what it did


def test_what_does_not_go_together_is_kept_apart() -> None:
    for one in schedules(400):
        kinds = [fault.hazard for fault in one.faults]
        assert not [(a, b) for i, a in enumerate(kinds) for b in kinds[i + 1 :] if b in EXCLUSIVE_HAZARDS.get(a, ())]


def test_what_shows_later_than_the_patience_comes_alone() -> None:
    made = schedules(400)
    late = [one for one in made for fault in one.faults if fault.hazard is Hazard.LATE and fault.seconds > PATIENCE]
    lost = [fault.seconds for one in made for fault in one.faults if fault.fate is ProcessFault.SHOWS_LATE]

    assert late
    assert all(len(one.faults) == 1 for one in late)
    assert lost
    assert max(lost) <= LATE[1] < PATIENCE
