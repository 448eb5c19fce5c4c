"""The amount of money of a cause, and the place of its repair."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from integration.core.issues import CauseGroup
from integration.flows.registry import FLOWS
from integration.services.runs.exceptions import repair_address
from pages.components.shared.flows import at_stake

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
MARKED = {"source": "order", "mark": "m1"}


@pytest.mark.parametrize(
    ("cause", "facts", "expected"),
    [
        ("vat_code_unmapped", {"code": "7"}, "€12.10 incl. VAT not booked"),
        ("reference_of_another", {**MARKED, "amount": "12.10"}, "€12.10 incl. VAT not booked"),
        ("refund_before_order", MARKED, "€12.10 incl. VAT not booked"),
        ("document_changed_after_booking", {**MARKED, "difference": "12.10"}, "Off by €12.10"),
        ("document_cancelled_after_booking", {**MARKED, "amount": "12.10"}, "Off by €12.10"),
        ("document_without_reference", MARKED, ""),
    ],
)
def test_only_what_the_books_have_not_is_called_not_booked(cause: str, facts: Mapping[str, str], expected: str) -> None:
    group = CauseGroup("orders", cause, "", 1, NOW, NOW, facts, sold=Decimal("12.10"))
    assert at_stake(group) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"sold": "12.10", "amount": "3"}, "Revenue of €12.10 incl. VAT not booked"),
        ({"sold": "12.10", "amount": "12.10"}, "€12.10 incl. VAT not booked"),  # of a day without revenue
    ],
)
def test_the_revenue_of_days_is_called_revenue(facts: Mapping[str, str], expected: str) -> None:
    group = CauseGroup("days", "down_payment_account_missing", "", 1, NOW, NOW, facts, sold=Decimal("12.10"))
    assert at_stake(group) == expected


@pytest.mark.parametrize("cause", ["prefix_in_use", "brake_foreign_documents"])
@pytest.mark.parametrize("flow", ["orders", "days"])
def test_the_prefix_is_set_on_the_page_of_the_flow_of_documents(flow: str, cause: str) -> None:
    address = {"flow": "orders", "tab": "settings", "field": "reference_prefix"}
    assert repair_address(FLOWS[flow], cause, "", {}) == address
