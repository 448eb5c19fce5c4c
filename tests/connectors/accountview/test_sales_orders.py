"""Sales orders and trade invoices."""

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Literal

import pytest

from integration.connectors.accountview.connector import AccountView
from integration.core.errors import RejectedError
from integration.core.plan import differences
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from tests.connectors.accountview.samples import (
    INVOICES,
    TODAY,
    a_line,
    an_order,
    calls_since,
    connected,
    created,
    held,
    newest_call,
)
from tests.fakes import Links, MemoryKeeper


def test_every_field_of_an_order_that_the_dictionary_shows_can_be_written(books: AccountView, links: Links) -> None:
    line = a_line(1, discount_percent=Decimal(10), text="Fiets, rood", vat_code="1", delivery_date=date(2026, 12, 1))
    wanted = an_order(
        "605", (line,), invoice_date=TODAY, delivery_date=date(2026, 12, 1), note="intern", salesperson="jan",
        payment_condition="14", payment_reference="ref", shipping_method="post", price_list="web", currency="EUR",
    )  # fmt: skip
    created(books, wanted, links)
    assert differences(wanted, held(books, wanted, links).record) == ()


def test_fifty_orders_are_looked_up_in_a_handful_of_calls(sandbox: Sandbox, links: Links) -> None:
    with connected(sandbox) as accountview:
        wanted = [an_order(str(1000 + place)) for place in range(50)]
        start = newest_call(sandbox)
        assert accountview.lookup(wanted, links) == {}
        learned = Counter({"dictionary": 2, "AR1 GET": 2, "SO1 GET": 2, "ALH GET": 2})
        looked = Counter({"dictionary": 3, "AR1 GET": 2, "SO1 GET": 3, "ALH GET": 3})
        assert calls_since(sandbox, start) == learned + looked
        for record in wanted[:25]:
            created(accountview, record, links, keep=False)
        start = newest_call(sandbox)
        assert accountview.lookup(wanted, links).keys() == {record.key for record in wanted[:25]}
        assert calls_since(sandbox, start) == {"SO1 GET": 3, "ALH GET": 2}


def test_a_trade_invoice_goes_to_its_own_object(
    shared_sandbox: Sandbox, shared_keeper: MemoryKeeper, links: Links
) -> None:
    wanted = an_order("680", trade_invoice=True)
    with connected(shared_sandbox, shared_keeper, objects=INVOICES) as accountview:
        written = created(accountview, wanted, links)
        found = held(accountview, wanted, links)
    (row,) = (one for one in shared_sandbox.state("K9_INV") if one["COMMENT1"] == "MPLUS-680")
    assert found.reference == written.reference == str(row["EXT_KEY"])
    assert differences(wanted, found.record) == ()
    assert "ORD_DATE" not in row


@pytest.mark.parametrize("numbers", ["added", "printed"])
def test_a_trade_invoice_is_found_whether_or_not_it_has_a_number(
    numbers: Literal["added", "printed"], links: Links
) -> None:
    wanted = an_order("682", trade_invoice=True)
    with (
        running(articles=60, conventions=Conventions(invoice_numbers=numbers)) as other,
        connected(other, objects=INVOICES) as accountview,
    ):
        created(accountview, wanted, links)
        (row,) = other.state("K9_INV")
        assert held(accountview, wanted, links).reference == str(row.get("INV_NR") or row["EXT_KEY"])
        other.accountview.edit("K9_INV", str(row["REC_ID"]), {"INV_NR": "2600000007"})
        assert held(accountview, wanted, links).reference == "2600000007"


def test_without_an_object_for_trade_invoices_none_is_written(books: AccountView, links: Links) -> None:
    with pytest.raises(RejectedError, match="object_missing"):
        created(books, an_order("681", trade_invoice=True), links)
