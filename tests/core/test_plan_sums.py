"""Directions in which a change moves prices."""

from decimal import Decimal

import pytest

from integration.core.plan import Action, Change
from integration.core.plan_sums import price_moves
from integration.core.records import Kind, Record


@pytest.mark.parametrize(
    ("action", "before", "after", "moves"),
    [
        (Action.UPDATE, "2", "3", ["up"]),
        (Action.UPDATE, "2", "1", ["down"]),
        (Action.UPDATE, "2", "2.00", []),
        (Action.CREATE, None, "2", []),
    ],
)
def test_a_change_raises_or_lowers_a_price(action: Action, before: str | None, after: str, moves: list[str]) -> None:
    desired = Record(Kind.PRODUCT, "1", {"price_incl": Decimal(after), "weight": Decimal(9)})
    previous = Record(Kind.PRODUCT, "1", {"price_incl": Decimal(before), "weight": Decimal(1)}) if before else None
    change = Change(
        action=action, kind=Kind.PRODUCT, key="1", title="", sources=(), desired=desired, before=previous,
        agreed=desired,
    )  # fmt: skip

    assert list(price_moves(change)) == moves
