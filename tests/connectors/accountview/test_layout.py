"""What an installation calls its fields."""

from dataclasses import replace
from typing import Any

import pytest

from integration.connectors.accountview.layout import Layouts
from integration.core.errors import RejectedError
from integration.core.plan import differences
from integration.sandbox.server import Sandbox, running
from tests.connectors.accountview.samples import a_debtor, a_posting, an_address, an_order, connected, created, held
from tests.fakes import Links


def test_other_names_for_fields_are_only_settings(links: Links) -> None:
    renamed = {
        "CONTACT.MAIL_BUS": "MAILADRES", "SO_HDR.COMMENT1": "OMSCHR", "SO_HDR.ORD_NR": "ORDERNR",
        "SO_LINE.ORD_QTY": "AANTAL", "DJ_PAGE.INV_NR": "FACTUURNR", "DEL_ADDR.ADDRESS1": "ADRES",
    }  # fmt: skip
    named: dict[str, Any] = {
        "debtor": {"email": "mailadres"},
        "order_reference_field": "OMSCHR",
        "sales_order": {"order_number": "ORDERNR"},
        "sales_order_line": {"quantity": "AANTAL"},
        "posting": {"reference": "FACTUURNR"},
        "address": {"street": "ADRES"},
    }
    with running(articles=60, trades=False, renamed=renamed) as other, connected(other, **named) as accountview:
        for wanted in (a_debtor("670"), an_address("670"), an_order("670"), a_posting("670")):
            created(accountview, wanted, links)
            found = held(accountview, wanted, links)
            assert differences(wanted, found.record) == ()
            assert found.reference == links.known[wanted.kind, wanted.key]


def test_a_field_this_installation_does_not_have_is_never_written_silently(links: Links) -> None:
    renamed = {"SO_HDR.GROSS_FLG": "BRUTO", "SO_HDR.ORD_NR": "NR"}
    with running(articles=60, trades=False, renamed=renamed) as other, connected(other) as accountview:
        with pytest.raises(RejectedError, match="field_unknown") as caught:
            created(accountview, an_order("671"), links)
        assert caught.value.facts["field"] == "GROSS_FLG"
        values = {name: value for name, value in an_order("671").values.items() if name != "gross"}
        plain = replace(an_order("671"), values=values)
        written = created(accountview, plain, links)
        found = held(accountview, an_order("671"), links)
        assert "gross" not in found.record.values
        assert found.reference == written.reference  # the key of the answer, for want of a number


def test_the_dictionary_may_list_the_header_of_the_history_under_its_own_table(sandbox: Sandbox) -> None:
    with connected(sandbox, history={"header": "SO_HDR"}) as accountview:
        layout = Layouts(accountview.client, accountview.settings).history()
    assert layout.has("reference")
    assert layout.column("reference").name == "SO_HDR_COMMENT1"
