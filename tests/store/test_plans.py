"""Stored plans as people see them: filters of their lines, and the number of queries."""

from collections import Counter
from dataclasses import replace

import pytest

from integration.core.issues import Issue
from integration.core.plan import Action, Change
from integration.core.plan_lines import LineFilter, PlanRow
from integration.core.records import Kind, Record
from integration.core.run import Outcome
from integration.core.states import Step
from integration.store.ledger import Ledger
from integration.store.plans import PlanStore
from integration.store.runs import RunStore
from tests.store.samples import (
    a_commit,
    a_create,
    a_line,
    a_park,
    a_plan,
    a_product,
    a_skip,
)


def an_update(number: int, *fields: str, group: str = "DRANK", calls: int = 1) -> PlanRow:
    """A plan line that changes these fields of an existing product."""
    before, after = a_product(number), a_product(number, price="13.00")
    part = replace(after.parts[0], values={name: after.parts[0].values[name] for name in fields})
    change = Change(
        action=Action.UPDATE, kind=Kind.PRODUCT, key=f"P{number}", title=f"Thee {number}", group=group,
        sources=(f"A{number}",), desired=Record(Kind.PRODUCT, f"P{number}", {}, (part,)), before=before, agreed=after,
    )  # fmt: skip
    return replace(a_line(change), calls=calls)


def a_mixed_plan(runs: RunStore) -> str:
    """A plan with something of everything."""
    return a_plan(
        runs, a_create(1), an_update(2, "price_incl"), an_update(3, "price_incl", "ean", group="SNOEP"),
        an_update(4, "ean"), a_park(5), a_park(6, "ean_duplicate"), replace(a_skip(7), group="SNOEP"),
    )  # fmt: skip


def keys(plans: PlanStore, run: str, show: str = "all", find: str = "", among: LineFilter = LineFilter()) -> list[str]:  # noqa: B008
    """Return the keys of the lines shown, and make sure that they are counted alike."""
    row_keys = [row.key for row in plans.rows(run, show, find, among=among)]
    assert plans.count(run, show, find, among) == len(row_keys)
    return row_keys


def test_lines_are_found_by_a_field_that_changes(runs: RunStore, plans: PlanStore) -> None:
    run = a_mixed_plan(runs)
    assert keys(plans, run, among=LineFilter(field="article.price_incl")) == ["P2", "P3"]
    assert keys(plans, run, "update", among=LineFilter(field="article.ean")) == ["P3", "P4"]
    assert keys(plans, run, "create", among=LineFilter(field="article.ean")) == []
    assert keys(plans, run, among=LineFilter(field="article.price")) == []
    assert keys(plans, run, among=LineFilter(field="%")) == []


def test_lines_are_found_by_group_and_by_cause_and_by_both_with_a_search(runs: RunStore, plans: PlanStore) -> None:
    run = a_mixed_plan(runs)
    assert keys(plans, run, among=LineFilter(group="SNOEP")) == ["P3", "A7"]
    assert keys(plans, run, "skip", among=LineFilter(group="SNOEP")) == ["A7"]
    assert keys(plans, run, "park", among=LineFilter(cause="ean_duplicate")) == ["A6"]
    assert keys(plans, run, "skip", among=LineFilter(cause="filtered")) == ["A7"]
    assert keys(plans, run, "update", "thee 3", LineFilter(field="article.ean", group="SNOEP")) == ["P3"]
    assert keys(plans, run, "update", "thee 4", LineFilter(group="SNOEP")) == []


def test_every_value_is_counted_for_what_is_shown(runs: RunStore, plans: PlanStore) -> None:
    run = a_mixed_plan(runs)
    assert plans.facets(run) == {
        "field": {"article.ean": 2, "article.price_incl": 2},
        "group": {"DRANK": 2, "SNOEP": 2, "Dranken": 1},
        "cause": {"ean_duplicate": 1, "filtered": 1, "price_missing": 1},
        "kind": {"product": 7},
        "price": {"up": 2},
    }
    assert plans.facets(run, "update")["group"] == {"DRANK": 2, "SNOEP": 1}
    assert plans.facets(run, "park")["cause"] == {"ean_duplicate": 1, "price_missing": 1}
    assert plans.facets(run, "create")["field"] == {}
    assert plans.facets("nowhere") == {"field": {}, "group": {}, "cause": {}, "price": {}, "kind": {}}


def test_pages_of_a_filtered_list_follow_one_another(runs: RunStore, plans: PlanStore) -> None:
    run = a_plan(runs, *(an_update(number, "ean", group="A" if number % 2 else "B") for number in range(10)))
    only = LineFilter(group="A")
    pages = [[row.key for row in plans.rows(run, "update", "", offset, 2, only)] for offset in (0, 2, 4, 6)]
    assert pages == [["P1", "P3"], ["P5", "P7"], ["P9"], []]


def test_the_changes_of_all_pages_are_known_by_their_numbers(runs: RunStore, plans: PlanStore) -> None:
    run = a_mixed_plan(runs)
    assert plans.changes(run) == {1, 2, 3, 4}
    assert plans.changes(run, "update", among=LineFilter(group="SNOEP")) == {3}
    assert plans.changes(run, "park") == frozenset()


def test_every_change_tells_its_calls(runs: RunStore, plans: PlanStore) -> None:
    run = a_plan(runs, a_create(1), an_update(2, "ean", calls=3), a_park(3))
    assert plans.calls(run) == {1: 1, 2: 3}


def test_a_brake_shows_what_it_counted(runs: RunStore, plans: PlanStore) -> None:
    marked = [replace(an_update(number, "price_incl"), brakes=("brake_price",)) for number in range(3)]
    run = a_plan(runs, *marked, an_update(9, "ean"))
    first, count = plans.marked(run, "brake_price", 2)
    assert ([row.key for row in first], count) == (["P0", "P1"], 3)
    assert plans.marked(run, "brake", 2) == ([], 0)


def test_excluded_lines_are_counted_by_kind_and_direction_of_prices(runs: RunStore, plans: PlanStore) -> None:
    run = a_commit(runs, an_update(1, "price_incl"), an_update(2, "price_incl"), left_out=frozenset({2}))
    assert plans.facets(run, "changes")["price"] == {"up": 2}
    assert plans.excluded_facets(run) >= Counter({("kind", "product"): 1, ("price", "up"): 1})


def test_what_is_refused_in_a_commit_is_found_by_its_cause(runs: RunStore, plans: PlanStore, ledger: Ledger) -> None:
    run = a_commit(runs, an_update(1, "ean"), an_update(2, "ean"), a_park(3))
    ledger.mark_sent(run, [1, 2])
    moved = Issue("target_changed_since_plan", "P1")
    ledger.settle(run, [Outcome(1, Step.PARKED, issue=moved), Outcome(2, Step.PROVEN, "72", "1")])
    assert plans.facets(run, "parked")["cause"] == {"price_missing": 1, "target_changed_since_plan": 1}
    assert keys(plans, run, "parked", among=LineFilter(cause="target_changed_since_plan")) == ["P1"]
    assert keys(plans, run, "parked") == ["P1", "A3"]


def test_a_line_is_found_by_the_record_it_is_about(runs: RunStore, plans: PlanStore) -> None:
    run = a_mixed_plan(runs)
    line = plans.line_about(run, Kind.PRODUCT, "P3")
    assert line is not None
    assert line.seq == 3
    assert plans.line_about(run, Kind.GROUP, "P3") is None
    assert plans.titles(run, Kind.PRODUCT, ["P2", "P9"]) == {"P2": "Thee 2"}


def test_what_was_sent_is_distinguished_from_what_has_no_answer(
    runs: RunStore, plans: PlanStore, ledger: Ledger
) -> None:
    run = a_commit(runs, a_create(1), a_create(2), a_create(3))
    assert plans.unsettled(run) == {Step.SENT: 0, Step.IN_DOUBT: 0}
    ledger.mark_sent(run, [1, 2])
    ledger.settle(run, [Outcome(1, Step.IN_DOUBT)])
    assert plans.unsettled(run) == {Step.SENT: 1, Step.IN_DOUBT: 1}


def test_tallies_say_what_the_plan_adds_up_to(runs: RunStore, plans: PlanStore, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1), a_create(2), a_skip(3), a_park(4), unchanged=2, left_out=frozenset({2}))
    ledger.mark_sent(run, [1])
    tallies = plans.tallies(run)
    assert {name: number for name, number in tallies.items() if number} == {
        "read_count": 6, "unchanged": 2, "create": 2, "skip": 1, "park": 1, "sent": 1, "in_doubt": 1, "left": 1,
        "parked": 1, "changes": 2, "total": 4,
    }  # fmt: skip


SHOWN: tuple[tuple[str, str, list[str]], ...] = (
    ("all", "", ["P1", "P2", "A3", "A4"]),
    ("changes", "", ["P1", "P2"]),
    ("create", "", ["P1", "P2"]),
    ("update", "", []),
    ("skip", "", ["A3"]),
    ("park", "", ["A4"]),
    ("parked", "", ["A4"]),
    ("planned", "", ["P2"]),
    ("in_doubt", "", ["P1"]),
    ("left", "", []),
    ("all", "THEE 2", ["P2"]),
    ("all", "a1", ["P1"]),
    ("all", "dranken", ["P1", "P2"]),
    ("create", "thee", ["P1", "P2"]),
    ("all", "%", []),
    ("all", "_", []),
)


def test_lines_are_filtered_and_searched(runs: RunStore, plans: PlanStore, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1), a_create(2), a_skip(3), a_park(4))
    ledger.mark_sent(run, [1])
    for show, find, keys in SHOWN:
        assert [line.key for line in plans.rows(run, show, find)] == keys, (show, find)
        assert plans.count(run, show, find) == len(keys), (show, find)


def test_lines_are_paged(runs: RunStore, plans: PlanStore) -> None:
    run = a_plan(runs, *[a_create(number) for number in range(1, 8)])
    assert [line.seq for line in plans.rows(run, offset=2, limit=3)] == [3, 4, 5]


def test_what_cannot_be_shown_is_refused(plans: PlanStore) -> None:
    with pytest.raises(ValueError, match="nothing is shown as"):
        plans.rows("any", "everything")
