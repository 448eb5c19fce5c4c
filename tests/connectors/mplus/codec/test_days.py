"""Journals, counts and payment reports, parsed element by element."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree

from integration.connectors.mplus.codec import days
from integration.core.records import Kind, Record, WrongValueError, unreadable

DATE = "<financialDate><day>17</day><mon>10</mon><year>2026</year></financialDate>"


def element(name: str, content: str) -> Any:
    return etree.fromstring(f'<{name} xmlns="urn:mplusqapi">{content}</{name}>')


def groups(content: str) -> list[Record]:
    group_list = f"<turnoverGroupList><turnoverGroup>{content}</turnoverGroup></turnoverGroupList>"
    return list(days.decode_journal(element("journal", group_list), "receipt"))


def test_a_group_says_its_type_in_a_word_its_amounts_in_euros_and_nothing_for_an_account_of_nought() -> None:
    (group,) = groups(
        "<turnoverGroupType>TURNOVER-GROUP-TYPE-REFUNDABLE-DEPOSIT</turnoverGroupType><turnoverGroup>90</turnoverGroup>"
        "<turnoverGroupName> Statiegeld </turnoverGroupName><inclAmount>-2505</inclAmount>"
        "<accountNumber>0</accountNumber><turnoverCostCenterNumber>W1</turnoverCostCenterNumber>"
    )
    assert (group.kind, group.key) == (Kind.TURNOVER, "journal:receipt:90")
    assert group.values == {
        "book": "journal", "source": "receipt", "group": "90", "name": "Statiegeld", "type": "refundable-deposit",
        "account": "", "cost_centre": "W1", "incl": Decimal("-25.05"),
    }  # fmt: skip


@pytest.mark.parametrize("rate", ["2100", "21"])
def test_a_rate_is_a_percentage_in_whichever_unit_it_comes(rate: str) -> None:
    vat_group = f"<vatCode>2</vatCode><vatPercentage>{rate}</vatPercentage><exclAmount>100</exclAmount>"
    journal = element("journal", f"<vatGroupList><vatGroup>{vat_group}</vatGroup></vatGroupList>")
    (vat,) = days.decode_journal(journal, "invoice")
    assert vat.values == {"source": "invoice", "code": "2", "percent": Decimal(21), "excl": Decimal(1)}


FINANCIAL = (
    "<financialGroupType>FINANCIAL-GROUP-TYPE-SUSPENSE-ACCOUNT</financialGroupType>"
    "<financialGroupSource>FINANCIAL-GROUP-SOURCE-INVOICE</financialGroupSource>"
    "<financialGroupNumber>80</financialGroupNumber><financialGroupName>Bonnen</financialGroupName>"
    "<accountNumber>1560</accountNumber><inclAmount>300</inclAmount><exclAmount>250</exclAmount>"
)


def test_a_group_of_the_financial_journal_without_vat_codes_is_reported_once() -> None:
    (group,) = days.decode_financial(element("financialGroup", FINANCIAL))
    assert group.key == "financial:invoice:suspense-account:80:"
    assert (group.values["incl"], group.values["excl"], "vat_code" in group.values) == (
        Decimal(3),
        Decimal("2.5"),
        False,
    )


def test_a_group_of_the_financial_journal_is_reported_for_each_vat_code() -> None:
    vat = "<vatGroup><vatCode>{}</vatCode><vatPercentage>0</vatPercentage><exclAmount>{}</exclAmount>{}</vatGroup>"
    vat_groups = vat.format(1, 100, "<vatAmount>9</vatAmount>") + vat.format(3, 150, "")
    low, zero = days.decode_financial(
        element("financialGroup", f"{FINANCIAL}<vatGroupList>{vat_groups}</vatGroupList>")
    )
    assert (low.key, low.values["incl"], low.values["vat"]) == (
        "financial:invoice:suspense-account:80:1", Decimal("1.09"), Decimal("0.09"),
    )  # fmt: skip
    assert (zero.values["excl"], "incl" in zero.values) == (Decimal("1.5"), False)


GOODS_ACCOUNTS = "<purchaseAccountNumber>7000</purchaseAccountNumber><stockAccountNumber>3000</stockAccountNumber>"


@pytest.mark.parametrize(
    ("cost_xml", "cost"),
    [
        ("", None),  # not told
        ("<purchaseAmount/>", None),
        ('<purchaseAmount xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>', None),
        ("<purchaseAmount>0</purchaseAmount>", {"account": "", "stock_account": "", "cost": Decimal(0)}),
        (
            f"<purchaseAmount>-205</purchaseAmount>{GOODS_ACCOUNTS}",
            {"account": "7000", "stock_account": "3000", "cost": Decimal("-2.05")},
        ),
        ("<purchaseAmount>veel</purchaseAmount>", {"field": "purchaseAmount", "found": "veel"}),
        (
            "<purchaseAmount>5</purchaseAmount><stockAccountNumber>x</stockAccountNumber>",
            {"field": "stockAccountNumber", "found": "x"},
        ),
    ],
)
def test_what_goods_were_bought_for_is_reported_not_told_or_cannot_be_read(
    cost_xml: str, cost: dict[str, object] | None
) -> None:
    vat_groups = (
        "<vatGroupList><vatGroup><vatCode>2</vatCode><vatPercentage>0</vatPercentage></vatGroup></vatGroupList>"
    )
    parts = list(days.decode_financial(element("financialGroup", f"{FINANCIAL}{cost_xml}{vat_groups}")))
    costs = [part for part in parts if part.values["book"] == "cost"]
    about = {
        "book": "cost", "source": "invoice", "type": "suspense-account", "group": "80", "name": "Bonnen",
        "vat_codes": ("2",),
    }  # fmt: skip
    assert [part.values for part in costs] == ([] if cost is None else [about | cost])
    rest = [part for part in parts if part not in costs]
    assert days.day_digest(parts) == days.day_digest(rest)  # a page without it is none the newer for it


@pytest.mark.parametrize(("text", "closed"), [("true", True), ("0", False), ("", None)])
def test_whether_a_period_is_closed_is_reported_or_not(text: str, closed: bool | None) -> None:
    flag = f"<financialPeriodClosed>{text}</financialPeriodClosed>" if text else ""
    assert days.period_closed_flag(element("answer", flag)) is closed


@pytest.mark.parametrize(
    ("field", "content"),
    [
        ("inclAmount", "<turnoverGroup>1</turnoverGroup><inclAmount>veel</inclAmount>"),
        ("inclAmount", f"<turnoverGroup>1</turnoverGroup><inclAmount>{'9' * 20}</inclAmount>"),
        ("turnoverGroup", "<turnoverGroup>x</turnoverGroup>"),
    ],
)
def test_what_cannot_be_read_says_which_field_it_is(field: str, content: str) -> None:
    with pytest.raises(WrongValueError) as caught:
        groups(content)
    assert caught.value.field == field


def test_other_fields_that_cannot_be_read_say_so_too() -> None:
    with pytest.raises(WrongValueError, match="financialPeriodClosed"):
        days.period_closed_flag(element("answer", "<financialPeriodClosed>misschien</financialPeriodClosed>"))
    with pytest.raises(WrongValueError, match="financialDate"):
        days.journal_place(element("journal", "<branchNumber>1</branchNumber>"))
    with pytest.raises(WrongValueError, match="vatPercentage"):
        list(
            days.decode_journal(
                element("j", "<vatGroupList><vatGroup><vatCode>1</vatCode></vatGroup></vatGroupList>"), "x"
            )
        )


def a_count(number: int, *, version: int = 1, end: int = 0, start: int = 0, times: int = 1) -> days.CashCount:
    cents_by_name = {"start": start, "added": 0, "counted": end, "deposited": 0, "difference": 0, "end": end}
    amounts = "".join(f"<{name}Amount>{cents}</{name}Amount>" for name, cents in cents_by_name.items())
    line = f"<cashCountLine><paymentMethod>CASH</paymentMethod>{amounts}</cashCountLine>"
    return days.decode_count(
        element(
            "cashCount",
            f"{DATE}<branchNumber>1</branchNumber><workplaceNumber>2</workplaceNumber>"
            f"<cashCountNumber><year>2026</year><number>{number}</number></cashCountNumber>"
            f"<versionNumber>{version}</versionNumber><cashCountLineList>{line * times}</cashCountLineList>",
        )
    )


def test_a_count_with_two_lines_of_one_method_cannot_be_read() -> None:
    with pytest.raises(WrongValueError, match="paymentMethod"):
        a_count(7, times=2)


def test_of_a_count_the_newest_version_counts_and_what_it_left_is_what_the_next_one_finds() -> None:
    chain = list(days.in_chains([a_count(8, start=90), a_count(7, end=90, version=2), a_count(7, end=80)]))
    (first, second) = (part for _, part in chain)
    assert {place for place, _ in chain} == {(date(2026, 10, 17), "1")}
    assert (first.key, first.values["version"], "before" in first.values) == ("2/2026.7/CASH", "2", False)
    assert (second.key, second.values["before"]) == ("2/2026.8/CASH", Decimal("0.90"))
    assert "finalized" not in second.values


def test_a_report_names_invoices_and_orders_and_nothing_else() -> None:
    sorts = ("RECEIPT", "DIRECT-INVOICE", "EXTERNAL-SALES-ORDER", "CASH-OUTFLOW", "UNKNOWN")
    rows_xml = "".join(
        f"<paymentSourceList><paymentSourceDetails><id>id-{sort}</id>"
        f"<paymentSourceType>PAYMENT-SOURCE-TYPE-{sort}</paymentSourceType></paymentSourceDetails></paymentSourceList>"
        for sort in sorts
    )
    assert list(days.paid_documents(element("answer", rows_xml))) == [
        (Kind.INVOICE, "id-DIRECT-INVOICE"), (Kind.ORDER, "id-EXTERNAL-SALES-ORDER"),
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["", "2026-10-17", "2026-10-17/", "2026-10-17/x", "17-10-2026/1"])
def test_what_is_no_key_of_a_day_names_no_day(key: str) -> None:
    assert days.day_place(key) is None
    assert days.day_place(days.day_key((date(2026, 10, 17), "12"))) == (date(2026, 10, 17), "12")


def test_a_digest_says_nothing_of_names_and_order_and_all_of_amounts_and_payments() -> None:
    group = Record(Kind.TURNOVER, "journal:receipt:10", {"name": "Fietsen", "incl": Decimal("1.10")})
    paid = Record(Kind.PAYMENT, "payment:1", {"method": "PIN", "amount": Decimal(5)})
    receipt = Record(Kind.RECEIPT, "r1", {"digest": "d", "marker": "7"}, (paid,))
    digest = days.day_digest([group, receipt])
    renamed = replace(group, values={"name": "Rijwielen", "incl": Decimal("1.1")})
    assert days.day_digest([receipt, renamed]) == digest
    assert days.day_digest([group, replace(receipt, values={"digest": "d", "marker": "8"})]) == digest
    others = (
        [group],
        [replace(group, values={**group.values, "incl": Decimal("1.11")}), receipt],
        [group, replace(receipt, values={"digest": "e"})],
        [group, replace(receipt, parts=(replace(paid, values={**paid.values, "method": "CASH"}),))],
        [group, unreadable(Kind.RECEIPT, "r1", WrongValueError("x", "y"), "<receipt/>")],
    )
    assert len({digest, *map(days.day_digest, others)}) == len(others) + 1
