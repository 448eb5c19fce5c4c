"""Fields that a change clears."""

from dataclasses import replace
from decimal import Decimal

from integration.core.cleared_fields import EMPTIED, cleared_count
from integration.core.plan import Action
from integration.core.records import Kind, Record, Value
from tests.builders import an_update_at


def test_each_field_that_held_something_and_would_hold_nothing_counts() -> None:
    current_values: dict[str, Value] = {
        "name": "Trui",
        "text": "",
        "groups": ("1",),
        "price": Decimal(5),
        "colour": "rood",
    }
    current = Record(Kind.PRODUCT, "1", current_values, (Record(Kind.ARTICLE, "1", {"barcode": "871"}, source="1"),))
    desired_values: dict[str, Value] = {
        "name": None,
        "text": None,
        "groups": (),
        "price": Decimal(0),
        "colour": "blauw",
        "1/barcode": "",
    }
    change = an_update_at(current, desired_values)
    assert cleared_count(change) == EMPTIED.counts(change, None) == 3
    assert cleared_count(replace(change, action=Action.RETIRE)) == 0
    assert cleared_count(replace(change, before=None)) == 0


def test_a_value_that_stands_for_none_counts_as_empty() -> None:
    nothing: dict[str, Value] = {"price_group": "0", "credit_limit": Decimal(0)}
    before: dict[str, Value] = {"price_group": "3", "credit_limit": Decimal(5000), "discount_percent": Decimal(5)}
    relation = Record(Kind.RELATION, "20001", before)
    change = an_update_at(relation, {**nothing, "discount_percent": Decimal(0)})
    assert (cleared_count(change, nothing), cleared_count(change)) == (2, 0)
    without = Record(Kind.RELATION, "20001", nothing)
    assert cleared_count(an_update_at(without, {"price_group": "", "credit_limit": None}), nothing) == 0
