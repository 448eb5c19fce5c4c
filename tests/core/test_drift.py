"""Drift of a record: differing fields, and which system owns them."""

from decimal import Decimal

import pytest

from integration.core.drift import DriftCounts, Edit, adopted_values, own_edits
from integration.core.flow import Ownership
from integration.core.plan import Policy
from integration.core.records import Kind, Record, Value

ONCE, EQUAL, UNLESS = Ownership.ON_CREATE, Ownership.KEEP_EQUAL, Ownership.KEEP_UNLESS_CHANGED
DOCUMENT: Policy = {
    "sales_order.reference": ONCE, "sales_order.date": ONCE, "line.quantity": ONCE, "line.article": ONCE,
    "line.cost": Ownership.NEVER,
}  # fmt: skip
PRODUCT: Policy = {"product.name": UNLESS, "article.price_incl": EQUAL, "article.unit": ONCE}


PRICE = ("200101/price_incl", "article.price_incl", Decimal("9.95"))


def order(*lines: Record, **values: Value) -> Record:
    return Record(Kind.SALES_ORDER, "9", {"reference": "MP-2026.9", **values}, lines)


def line(key: str = "1", **values: Value) -> Record:
    return Record(Kind.LINE, key, {"article": "SLOT", "quantity": Decimal(2), **values})


def product(*parts: Record, name: str = "Trui") -> Record:
    return Record(Kind.PRODUCT, "10", {"name": name}, parts)


def article(key: str = "200101", **values: Value) -> Record:
    return Record(Kind.ARTICLE, key, {"price_incl": Decimal("9.95"), "unit": "ST", **values})


@pytest.mark.parametrize(
    ("current", "edits"),
    [
        (order(line()), ()),
        (order(line(quantity=Decimal("2.000"))), ()),
        (order(line(cost=Decimal(1)), remark="by hand"), ()),
        (order(line(quantity=Decimal(3))), (Edit("1/quantity", "line.quantity", Decimal(2), Decimal(3)),)),
        (order(line(quantity=None)), (Edit("1/quantity", "line.quantity", Decimal(2), None),)),
        (order(), (Edit("1", "line", "SLOT", None),)),
        (order(line(), line("2", article="BEL")), (Edit("2", "line", None, "BEL"),)),
        (order(line(), Record(Kind.LINE, "2", {"quantity": Decimal(1)})), (Edit("2", "line", None, "2"),)),
        (order(Record(Kind.LINE, "1", {"article": "SLOT"})), ()),  # as far as the target tells it
    ],
)
def test_of_a_document_every_value_that_was_written_is_ours(current: Record, edits: tuple[Edit, ...]) -> None:
    agreed = order(line(cost=Decimal(9)), sold_incl=Decimal(20))
    assert own_edits(agreed, current, DOCUMENT, once=True) == (edits, 0)


@pytest.mark.parametrize(
    ("current", "edits", "kept_count"),
    [
        (product(article()), (), 0),
        (product(article(), name="Sweater"), (), 1),
        (product(article(unit="DS")), (), 0),
        (product(article(price_incl=Decimal(9))), (Edit(*PRICE, Decimal(9)),), 0),
        (product(Record(Kind.ARTICLE, "200101", {})), (Edit(*PRICE, None),), 0),
        (product(), (Edit("200101", "article", "200101", None),), 0),
        (product(article(), article("7")), (), 0),
    ],
)  # fmt: skip
def test_of_any_other_record_what_is_kept_equal_is_ours(
    current: Record, edits: tuple[Edit, ...], kept_count: int
) -> None:
    assert own_edits(product(article()), current, PRODUCT, once=False) == (edits, kept_count)


def test_a_document_that_was_there_before_is_agreed_on_as_it_is_held() -> None:
    vat = Record(Kind.VAT, "2", {"vat": Decimal("1.05")})
    desired = Record(
        Kind.SALES_ORDER, "9", {"reference": "MP-2026.9", "date": None, "sold_incl": Decimal(20)}, (line(), vat), "s"
    )
    current = order(line(quantity=Decimal(7), cost=Decimal(1)), line("2"), remark="by hand")
    agreed = adopted_values(desired, current, DOCUMENT)
    assert agreed.values == {"reference": "MP-2026.9", "sold_incl": Decimal(20)}
    assert agreed.parts == (line(quantity=Decimal(7)), line("2"), vat)
    assert agreed.source == "s"
    assert own_edits(agreed, current, DOCUMENT, once=True) == ((), 0)


def test_what_we_alone_know_of_a_line_is_agreed_on_where_it_is_held_as_we_would_write_it() -> None:
    desired = order(line(method="CASH"), line("2", quantity=Decimal(1), method="PIN"), line("3", method="CARD"))
    current = order(line(cost=Decimal(1)), line("2", quantity=Decimal(5)))
    assert adopted_values(desired, current, DOCUMENT).parts == (line(method="CASH"), line("2", quantity=Decimal(5)))


def test_counts_add_up() -> None:
    counts = DriftCounts(compared=3, equal=1, different=1, unknown=1).plus(DriftCounts(compared=2, missing=1, edited=1))
    assert counts == DriftCounts(5, 1, 1, 1, 1, 1)
