"""Layout: the names that an installation gives to fields."""

from dataclasses import replace
from typing import Any

import pytest

from integration.connectors.accountview import layout
from integration.connectors.accountview.layout import Layouts
from integration.core.errors import RejectedError
from integration.core.plan import differences
from integration.core.records import Kind
from integration.sandbox.server import Sandbox, running
from tests.connectors.accountview.samples import (
    a_debtor,
    a_posting,
    an_address,
    an_order,
    calls_since,
    connect_accountview,
    create_record,
    look_up_record,
    newest_call,
)
from tests.fakes import Links


def test_other_names_for_fields_are_only_settings(links: Links) -> None:
    renamed = {
        "CONTACT.MAIL_BUS": "MAILADRES", "SO_HDR.COMMENT1": "OMSCHR", "SO_HDR.ORD_NR": "ORDERNR",
        "SO_LINE.ORD_QTY": "AANTAL", "DJ_PAGE.INV_NR": "FACTUURNR", "DEL_ADDR.ADDRESS1": "ADRES",
    }  # fmt: skip
    settings: dict[str, Any] = {
        "debtor": {"email": "mailadres"},
        "order_reference_field": "OMSCHR",
        "sales_order": {"order_number": "ORDERNR"},
        "sales_order_line": {"quantity": "AANTAL"},
        "posting": {"reference": "FACTUURNR"},
        "address": {"street": "ADRES"},
    }
    with (
        running(articles=60, trades=False, renamed=renamed) as other,
        connect_accountview(other, **settings) as accountview,
    ):
        for desired in (a_debtor("670"), an_address("670"), an_order("670"), a_posting("670")):
            create_record(accountview, desired, links)
            current = look_up_record(accountview, desired, links)
            assert differences(desired, current.record) == ()
            assert current.reference == links.references[desired.kind, desired.key]


def test_a_field_this_installation_does_not_have_is_never_written_silently(links: Links) -> None:
    renamed = {"SO_HDR.GROSS_FLG": "BRUTO", "SO_HDR.ORD_NR": "NR"}
    with running(articles=60, trades=False, renamed=renamed) as other, connect_accountview(other) as accountview:
        with pytest.raises(RejectedError, match="field_unknown") as caught:
            create_record(accountview, an_order("671"), links)
        assert caught.value.facts["field"] == "GROSS_FLG"
        values = {name: value for name, value in an_order("671").values.items() if name != "gross"}
        plain = replace(an_order("671"), values=values)
        result = create_record(accountview, plain, links)
        current = look_up_record(accountview, an_order("671"), links)
        assert "gross" not in current.record.values
        assert current.reference == result.reference  # the key of the answer, for want of a number


def test_the_dictionary_may_list_the_header_of_the_history_under_its_own_table(sandbox: Sandbox) -> None:
    with connect_accountview(sandbox, history={"header": "SO_HDR"}) as accountview:
        layout = Layouts(accountview.client, accountview.settings).history()
    assert layout.has_field("reference")
    assert layout.column("reference").name == "SO_HDR_COMMENT1"


def test_what_is_said_of_the_fields_of_a_kind_is_read_once_or_again_and_counts_then_for_what_is_written(
    links: Links,
) -> None:
    kinds = (Kind.DEBTOR, Kind.SALES_ORDER, Kind.RELATION)
    with running(articles=60, trades=False) as other, connect_accountview(other) as accountview:
        before = accountview.described(kinds)
        assert before.keys() == {"CONTACT", "SO_HDR", "SO_LINE", "HST_AL"}
        other.accountview.describe("CONTACT", "ACCT_NAME", length=8)
        start = newest_call(other)
        assert (accountview.described(kinds), calls_since(other, start)) == (before, {})
        with pytest.MonkeyPatch.context() as later:
            later.setattr(layout, "CACHE_SECONDS", 0.0)
            assert accountview.described((Kind.DEBTOR,)) != {"CONTACT": before["CONTACT"]}
        start = newest_call(other)
        other.accountview.describe("CONTACT", "ACCT_NAME", length=9)
        after = accountview.described(kinds, fresh=True)
        assert {table for table in before if after[table] != before[table]} == {"CONTACT"}
        assert calls_since(other, start) == {"dictionary": 5}  # four tables, and what follows on the longest one
        start = newest_call(other)
        with pytest.raises(RejectedError, match="too_long"):
            create_record(accountview, a_debtor("672"), links)
        assert "AR1 POST" not in calls_since(other, start)
