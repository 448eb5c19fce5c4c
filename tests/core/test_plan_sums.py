"""Sums of the changes of a plan."""

from dataclasses import replace
from decimal import Decimal

from integration.core.plan import Action, Change
from integration.core.plan_sums import PlanSums, change_sums, total_sums
from integration.core.records import Kind, Record


def change(kind: Kind, action: Action, values: dict[str, object], before: dict[str, object] | None = None) -> Change:
    record = Record(kind, "1", values)  # type: ignore[arg-type]
    previous = None if before is None else Record(kind, "1", before)  # type: ignore[arg-type]
    return Change(
        action=action, kind=kind, key="1", title="", sources=(), desired=record, before=previous, agreed=record
    )


def test_changes_are_counted_by_kind_with_the_money_that_they_book_and_prices_up_and_down() -> None:
    up, down = (
        change(Kind.PRODUCT, Action.UPDATE, {"price_incl": Decimal(new)}, {"price_incl": Decimal(2)}) for new in (3, 1)
    )
    same = change(Kind.PRODUCT, Action.UPDATE, {"price_incl": Decimal(2), "name": "x"}, {"price_incl": Decimal(2)})
    page = change(Kind.DAY_PAGE, Action.CREATE, {"debit": Decimal("12.10")})
    retired = replace(page, action=Action.RETIRE)
    sums = total_sums(map(change_sums, (up, down, down, same, page, retired)))
    assert sums == PlanSums({Kind.PRODUCT: 4, Kind.DAY_PAGE: 2}, Decimal("12.10"), 1, 2)
    assert total_sums([]) == PlanSums()
