"""Guards hold a plan until a person types the number that was counted."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from integration.core.guards import (
    CHANGES,
    CHANGES_PERCENT,
    RETIREMENTS,
    SIZE,
    Guard,
    Limit,
    Measure,
    brakes,
    made_inactive,
    price_jumps,
    records_changed,
    typed_guards,
)
from integration.core.plan import Action, Brake, retire
from integration.core.records import Kind, Record
from tests.builders import a_create, a_part, a_product, an_update_at

PRICES = frozenset({"price_incl"})
EACH = Guard("jumps", "brake_jumps", Decimal(25), measure=Measure.EACH)
SHARE = Guard("gone_percent", "brake_gone", Decimal(25), measure=Measure.SHARE)
HALF = {"changes_percent": Decimal(50)}


def with_article(**values: object) -> Record:
    return a_product("10", (a_part("200101", **values),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("counts", "limits", "expected"),
    [
        ({"changes": 500}, {}, None),
        ({"changes": 501}, {}, ("brake_changes", 501, "500")),
        ({"changes": 501}, {"changes": None}, None),
        ({"changes": 6, "changes_percent": 6}, HALF, ("brake_changes", 6, "50 %")),
        ({"changes": 5, "changes_percent": 5}, HALF, None),
        ({"changes": 1, "changes_percent": 6}, HALF, ("brake_changes", 1, "50 %")),
        ({"changes": 1, "changes_percent": 6}, {**HALF, "changes": None}, ("brake_changes", 1, "50 %")),
        ({"changes": 6, "changes_percent": 6}, {**HALF, "changes": 5}, ("brake_changes", 6, "5")),
        ({"changes": 6, "changes_percent": 1}, HALF, None),
        ({"changes": 1, "source_empty": 7}, {}, ("brake_source_empty", 7, "0")),
        ({"changes": 1, "foreign_documents": 2}, {}, ("brake_foreign_documents", 2, "0")),
        ({"jumps": 2}, {}, ("brake_jumps", 2, "25 %")),
        ({"jumps": 2}, {"jumps": None}, None),
        ({"gone_percent": 3}, {}, ("brake_gone", 3, "25 %")),
        ({"gone_percent": 2}, {"gone_percent": Decimal(20)}, None),
        ({"retirements": 1}, {}, ("brake_retirements", 1, "0")),
        ({"retirements": 1}, {"retirements": 1}, None),
    ],
)
def test_a_guard_holds_a_plan_beyond_its_limit(
    counts: Mapping[str, int], limits: Mapping[str, Limit | None], expected: tuple[str, int, str] | None
) -> None:
    guards = (*SIZE, EACH, SHARE, RETIREMENTS)
    limits = {"changes_percent": None, **limits}
    assert brakes(guards, limits, counts, 10) == ((Brake(*expected),) if expected else ())


def test_no_share_is_taken_of_nothing() -> None:
    assert brakes((SHARE,), {}, {"gone_percent": 3}, 0) == ()


def test_the_first_plan_of_a_flow_is_not_measured_by_its_size() -> None:
    counts = {"changes": 501, "changes_percent": 501, "retirements": 1}
    result = brakes((*SIZE, RETIREMENTS), {}, counts, 501, is_first=True)
    assert [brake.code for brake in result] == ["brake_retirements"]


def test_of_guards_with_one_code_the_count_of_the_first_is_typed() -> None:
    assert typed_guards((*SIZE, RETIREMENTS)) == {"brake_changes": CHANGES, "brake_retirements": RETIREMENTS}


def test_a_guard_that_the_runner_counts_counts_nothing_of_a_change() -> None:
    assert EACH.counts(a_create(with_article()), None) == 0


@pytest.mark.parametrize(
    ("before", "after", "jumps"),
    [
        ("10", "12.5", False),
        ("10", "12.51", True),
        ("10", "7.49", True),
        ("0", "5", False),  # there was no price to jump from
    ],
)
def test_a_price_jumps_when_it_moves_by_more_than_the_limit(before: str, after: str, jumps: bool) -> None:
    current = with_article(price_incl=Decimal(before), name="x")
    change = an_update_at(current, {"200101/price_incl": Decimal(after), "200101/name": "y"})
    assert price_jumps(change, 25, PRICES) == jumps
    assert not price_jumps(change, 25, frozenset({"purchase_price"}))


def test_a_price_that_everything_has_and_that_is_not_reported_may_jump() -> None:
    """A price that not every article has, such as that of a price group, may be new."""
    unreported = an_update_at(with_article(price_incl=None), {"200101/price_incl": Decimal(10)})
    assert (price_jumps(unreported, 25, PRICES, everywhere=PRICES), price_jumps(unreported, 25, PRICES)) == (1, 0)
    emptied = an_update_at(with_article(), {"200101/price_incl": None})
    assert price_jumps(emptied, 25, PRICES, everywhere=PRICES) == 0
    added = replace(unreported, before=a_product("10", (a_part("200102"),)))
    assert price_jumps(added, 25, PRICES, everywhere=PRICES) == 0


def test_what_is_created_has_no_price_to_jump_from() -> None:
    assert not price_jumps(a_create(with_article(price_incl=Decimal(9))), 25, PRICES)


def test_what_is_made_inactive_is_counted_article_by_article() -> None:
    parts = tuple(Record(Kind.ARTICLE, key, {"active": True}, source=key) for key in ("1", "2", "3"))
    change = retire(a_product("10", parts), frozenset({"1", "3"}), a_product("10", parts), title="Trui")
    assert made_inactive(change) == RETIREMENTS.counts(change, None) == 2
    assert made_inactive(a_create(with_article(active=False))) == 0
    unreported = an_update_at(with_article(active=None), {"200101/active": False})
    assert made_inactive(unreported) == 1
    assert made_inactive(replace(unreported, before=a_product("10", (a_part("200102"),)))) == 0
    assert made_inactive(an_update_at(with_article(active=False), {"200101/active": None})) == 0


def test_what_goes_off_sale_is_a_retirement_where_it_undoes_what_a_run_added() -> None:
    off = an_update_at(with_article(active=True), {"200101/active": False}, Action.UPDATE)
    assert [RETIREMENTS.counts(change, None) for change in (off, replace(off, undoes=True))] == [0, 1]


def test_the_records_a_change_is_about_are_those_of_its_articles_or_all_of_it() -> None:
    parts = tuple(a_part(key, name="Trui") for key in ("1", "2", "3"))
    whole = replace(a_create(a_product("10", parts)), sources=("1", "2", "3"))
    assert (records_changed(whole), CHANGES.counts(whole, None), CHANGES_PERCENT.counts(whole, None)) == (3, 1, 3)
    assert records_changed(replace(whole, desired=Record(Kind.PRODUCT, "10", {}, parts[:2]))) == 2
    assert records_changed(retire(a_product("10", parts), frozenset({"1"}), a_product("10", parts), title="Trui")) == 0


def test_a_brake_has_the_details_of_its_guard_beside_count_and_limit() -> None:
    (brake,) = brakes((RETIREMENTS,), {}, {"retirements": 2}, 9, details={"retirements": {"field": "active"}})
    assert brake.facts == {"count": "2", "limit": "0", "field": "active"}


@pytest.mark.parametrize(("with_target", "count"), [(True, 2), (False, 1)])
def test_a_guard_counts_the_values_of_the_target_only_if_it_asks_for_them(*, with_target: bool, count: int) -> None:
    guard = Guard(
        "values", "brake_values", 0, lambda change, _settings: len(change.agreed.values), with_target=with_target
    )
    change = a_create(Record(Kind.RELATION, "1", {"name": "Anna"}))
    assert guard.count(change, None, Record(Kind.RELATION, "1", {"city": "Zeist"})) == count
    assert guard.count(change, None, None) == 1
