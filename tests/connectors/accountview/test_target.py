"""Results of refused writes."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest

from integration.connectors.accountview.connector import AccountView
from integration.core.errors import RejectedError
from integration.core.records import Kind, Record
from tests.connectors.accountview.samples import a_line, a_posting, an_order, create_record
from tests.fakes import Links


@pytest.mark.parametrize(
    ("desired", "code", "facts"),
    [
        (an_order("660", debtor_number="20060"), "debtor_blocked", {"debtor": "20060", "document": "MPLUS-660"}),
        (a_posting("660", debtor_number="20060"), "debtor_blocked", {"debtor": "20060"}),
        (an_order("660", (a_line(1, article="404"),)), "article_missing", {"article": "404"}),
        (a_posting("660", daybook="799"), "ledger_account_unusable", {"account": "799"}),
        (
            a_posting("660", (Record(Kind.LINE, "1", {"account": "8999", "amount": Decimal(1)}),)),
            "ledger_account_unusable",
            {"account": "8999"},
        ),
        (an_order("660", date=date(2026, 1, 31)), "period_closed", {"date": "2026-01-31", "period": "1"}),
        (an_order("660", date=date(1999, 12, 31)), "period_closed", {"date": "1999-12-31", "document": "MPLUS-660"}),
        (an_order("660", (a_line(1, vat_code="9"),)), "accountview_rejected", {}),
    ],
)
def test_a_refusal_of_the_books_has_its_cause(
    desired: Record, code: str, facts: Mapping[str, str], accountview_with_closed_periods: AccountView, links: Links
) -> None:
    assert accountview_with_closed_periods.lookup([desired], links) == {}
    with pytest.raises(RejectedError) as caught:
        create_record(accountview_with_closed_periods, desired, links)
    assert caught.value.code == code
    assert facts.items() <= caught.value.facts.items()
    assert caught.value.facts["message"]
