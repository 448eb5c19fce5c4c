"""Summary of a new record in one line."""

from decimal import Decimal

import pytest

from integration.core.plan import Change
from integration.core.records import Kind, Record, Value
from pages.components.shared.changes import NEW, _new_record_text
from tests.builders import a_create


def new_record_text(kind: Kind, *parts: Record, **values: Value) -> str:
    change: Change = a_create(Record(kind, "1", values, parts))
    return NEW.get(kind.type, _new_record_text)(change)


@pytest.mark.parametrize("price", [None, Decimal("12.10")])
def test_what_is_not_known_of_something_new_is_left_out(price: Decimal | None) -> None:
    priced: dict[str, Value] = {} if price is None else {"price_incl": price}
    articles = [Record(Kind.ARTICLE, number, priced) for number in "12"]
    variants = new_record_text(Kind.PRODUCT, *articles, name="Jas")
    assert ("price" in variants, "2 articles" in variants) == (price is not None, True)
    assert new_record_text(Kind.DEBTOR, city="Utrecht") == "New · Utrecht"
    summaries = [
        variants,
        new_record_text(Kind.DEBTOR, name="Anna"),
        new_record_text(Kind.SALES_ORDER, Record(Kind.LINE, "1", {})),
    ]
    assert not [summary for summary in summaries if "–" in summary]
