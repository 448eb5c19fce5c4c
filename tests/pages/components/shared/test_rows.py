"""Display of the value of a record."""

from decimal import Decimal
from typing import cast

import pytest

from integration.application.application import Application
from integration.core.records import Kind
from pages.components.logs.history import named_field
from pages.components.shared.rows import field_text

ASKED_NOTHING = cast("Application", None)


@pytest.mark.parametrize(
    ("kind", "path", "value", "expected"),
    [
        (Kind.SETTLEMENT, "amount", "121.0000", "121.00"),
        (Kind.POSTING, "1/amount", "100", "100.00"),
        (Kind.POSTING, "open", "0", "0.00"),
        (Kind.QUOTATION, "rounding", "0.1", "0.10"),
        (Kind.SALES_ORDER, "1/price", "12.3456", "12.3456"),
        (Kind.SALES_ORDER, "1/quantity", "3.000", "3"),
        (Kind.POSTING, "period", "11", "11"),
        (Kind.STOCK, "2/amount", "5.000", "5"),
        (Kind.ARTICLE, "article.price_group_percent:1:2", "46.50", "46.5%"),
    ],
)
def test_an_amount_has_cents_a_percentage_its_sign_and_a_number_neither(
    kind: Kind, path: str, value: str, expected: str
) -> None:
    assert field_text(ASKED_NOTHING, "mplus", named_field(kind, path), Decimal(value)) == expected
