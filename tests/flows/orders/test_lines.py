"""Lines of an order have the sold totals, with agreed prices."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from integration.core.records import Kind
from integration.flows.orders.sold import line_contradiction
from tests.flows.orders.tills import (
    ADDRESSES,
    DEBTORS,
    HAGGLED,
    PAPERS,
    Questions,
    a_line,
    an_order,
    booking,
    line_of,
    lines_of,
    orders,
    parked_issue,
    with_rules,
    with_tables,
    without_values,
)


def test_a_discount_is_sent_with_its_line() -> None:
    line = a_line("1", "9.08", "7.50", price_incl=Decimal("12.10"), discount_percent=Decimal(25))
    order_line = line_of(an_order(lines=(line,)))
    assert (order_line["price"], order_line["discount_percent"]) == (Decimal("12.10"), Decimal(25))


def test_books_without_a_field_for_discounts_get_the_price_net_of_it() -> None:
    line = a_line("1", "9.08", "7.50", price_incl=Decimal("12.10"), discount_percent=Decimal(25))
    order_line = line_of(an_order(lines=(line,)), body=with_rules(without=["line.discount_percent"]))
    assert order_line["price"] == Decimal("9.08")
    assert "discount_percent" not in order_line


def test_the_basis_of_prices_is_that_of_the_till_or_as_set() -> None:
    order = an_order(vat_method="exclusive")
    assert line_of(order)["price"] == Decimal("10.00")
    assert line_of(order, price_basis="incl")["price"] == Decimal("12.10")
    assert booking(an_order(), price_basis="excl").values["gross"] is False


def test_a_difference_within_the_limit_is_a_line_on_the_rounding_article() -> None:
    document = booking(an_order(lines=(HAGGLED,)), rounding_article="9099")
    assert [(part.key, part.values["article"], part.values["price"]) for part in lines_of(document)] == [
        ("1", "1001", Decimal("10.08")),
        ("2", "9099", Decimal("0.01")),
    ]
    assert (document.values["rounding"], document.values["rounding_rule"]) == (Decimal("0.01"), "price_decimals")
    assert document.values["booked_incl"] == document.values["sold_incl"] == Decimal("30.25")


def test_prices_with_more_decimals_need_no_rounding() -> None:
    assert "rounding" not in booking(an_order(lines=(HAGGLED,)), price_places=4).values


def test_a_gift_card_on_an_order_is_an_article_like_any_other() -> None:
    card = a_line("1", "25.00", "25.00", vat_code="4", price_type="gift-card")
    assert line_of(an_order(lines=(card,)))["vat_code"] == "4"


def test_a_posting_has_a_line_for_each_vat_code_and_account() -> None:
    low = a_line("3", "10.90", "10.00", vat_code="1")
    document = booking(an_order(lines=(a_line("1"), a_line("2"), low)), becomes="posting")
    assert document.kind is Kind.POSTING
    assert (document.values["daybook"], document.values["period"], document.values["gross"]) == (
        "700",
        Decimal(11),
        False,
    )
    assert document.values["text"] == "2026.1 Els de Wit"
    names = ("account", "vat_code", "amount", "vat")
    assert [tuple(part.values[name] for name in names) for part in lines_of(document)] == [
        ("8000", "1", Decimal("20.00"), Decimal("4.20")),
        ("8100", "2", Decimal("10.00"), Decimal("0.90")),
    ]


def test_a_posting_can_carry_amounts_with_vat() -> None:
    document = booking(an_order(), becomes="posting", price_basis="incl")
    assert (document.values["gross"], lines_of(document)[0].values["amount"]) == (True, Decimal("12.10"))


@pytest.mark.parametrize("account", ["", "4400"])
def test_vat_that_the_till_rounds_on_every_line_is_posted_as_it_is_reported(account: str) -> None:
    order = an_order(lines=tuple(a_line(key, "1.00", "0.83") for key in "123"))
    document = booking(order, becomes="posting", rounding_account=account)
    assert [(part.values["account"], part.values["amount"], part.values["vat"]) for part in lines_of(document)] == [
        ("8000", Decimal("2.49"), Decimal("0.51"))
    ]
    assert "rounding" not in document.values
    assert document.values["booked_incl"] == document.values["sold_incl"] == Decimal("3.00")


def test_a_split_that_is_not_what_lines_come_to_waits_whatever_rounding_may_take() -> None:
    order = an_order()
    parts = tuple(
        replace(part, values={**part.values, "excl": Decimal("10.02")}) if part.kind is Kind.VAT else part
        for part in order.parts
    )
    odd = without_values(replace(order, parts=parts), "total_incl", "total_excl")
    issue = parked_issue(odd, becomes="posting", rounding_account="4400", rounding_limit=100)
    assert (issue.cause, issue.facts["difference"], issue.facts["expected"]) == ("totals_differ", "0.02", "12.12")


def test_a_document_with_articles_the_books_do_not_have_waits_as_a_whole_and_names_all() -> None:
    lines = (a_line("1"), a_line("2", code="9"), a_line("3", code="", article="77"), a_line("4", code="L" * 16))
    issue = parked_issue(an_order(lines=lines), questions=Questions(articles=["1001", "L" * 16]))
    assert issue.cause == "article_missing"
    assert issue.facts["article"] == f"9, 77, {'L' * 16}"
    assert issue.facts["document"] == "2026.1"


def test_articles_of_the_till_without_a_code_are_named_as_not_linked() -> None:
    lines = (a_line("1"), a_line("2", code="", article="77"), a_line("3", code="", article="", text="Bell, red"))
    issue = parked_issue(an_order(lines=lines), questions=Questions(articles=["1001"]))
    assert (issue.cause, issue.facts["article"]) == ("article_not_linked", "77, Bell red")


def test_the_collective_article_takes_what_the_books_do_not_have() -> None:
    lines = (a_line("1"), a_line("2", code="9"), a_line("3", code="", article=""))
    questions = Questions(articles=["1001"])
    document = booking(an_order(lines=lines), questions=questions, collective_article="9002")
    assert [part.values["article"] for part in lines_of(document)] == ["1001", "9002", "9002"]


def test_articles_are_asked_for_once_for_a_page_and_what_is_known_is_not_asked_again() -> None:
    questions = Questions(articles=["1001"])
    logic = orders(questions=questions)
    page = [an_order("order-1"), an_order("order-2", lines=(a_line(code="9"),))]
    for stage in (DEBTORS, ADDRESSES, PAPERS):
        logic.stage(stage, page)
    assert questions.asked == [{"1001", "9"}]
    logic.stage(PAPERS, [*page])
    assert questions.asked == [{"1001", "9"}, {"9"}]


def test_postings_know_no_articles() -> None:
    questions = Questions(articles=[])
    assert booking(an_order(), questions=questions, becomes="posting")
    assert questions.asked == []


def test_the_payment_method_is_off_without_a_table_and_parks_when_it_is_not_in_it() -> None:
    paid = an_order(payment_method="IDEAL")
    assert "payment_condition" not in booking(paid).values
    tables = with_tables(payment_methods={"IDEAL": "14"})
    assert booking(paid, tables=tables).values["payment_condition"] == "14"
    issue = parked_issue(an_order(payment_method="PIN"), tables=tables)
    assert (issue.cause, issue.facts["method"]) == ("payment_method_unmapped", "PIN")
    assert "payment_condition" not in booking(an_order(), tables=tables).values  # not paid yet


def test_a_difference_is_never_smoothed_over() -> None:
    settled: tuple[dict[str, Any], ...] = ({}, {"rounding_article": "9099", "rounding_limit": "0"})
    for given_settings in settled:
        issue = parked_issue(an_order(lines=(HAGGLED,)), **given_settings)
        assert issue.cause == "totals_differ"
        expected = {
            "document": "2026.1", "code": "2", "expected": "30.25", "computed": "30.24", "found": "30.24",
            "difference": "0.01", "rule": "price_decimals",
        }  # fmt: skip
        assert expected.items() <= issue.facts.items()


def test_a_till_that_contradicts_itself_is_never_corrected() -> None:
    issue = parked_issue(an_order(total_incl=Decimal("12.11")), rounding_article="9099", rounding_limit=100)
    assert issue.facts["rule"] == "till_lines_do_not_add_up"


def test_a_rate_that_is_not_that_of_the_books_is_named() -> None:
    issue = parked_issue(an_order(), tables=with_tables(vat_codes_sales={"2": "2"}))
    assert (issue.cause, issue.facts["rule"]) == ("totals_differ", "vat_rate_differs")


def test_codes_that_are_one_in_the_books_are_rounded_as_one() -> None:
    lines = tuple(a_line(str(place), "1.00", "0.83", vat_code=code) for place, code in enumerate(("2", "6"), start=1))
    tables = with_tables(vat_codes_sales={"2": "1", "6": "1"})
    issue = parked_issue(an_order(lines=lines, vat_method="exclusive"), tables=tables)
    assert (issue.facts["code"], issue.facts["rule"]) == ("2, 6", "other_rounding")


def test_a_rule_cannot_make_other_amounts() -> None:
    rule = {"target": "line.price", "source": "books_price", "functions": [["percentage", 50]]}
    issue = parked_issue(an_order(), body=with_rules(rule))
    assert (issue.cause, issue.facts["rule"]) == ("totals_differ", "mapping")
    rule = {"target": "line.amount", "source": "books_amount", "functions": [["percentage", 50]]}
    assert parked_issue(an_order(), body=with_rules(rule), becomes="posting").facts["rule"] == "mapping"


SIXTEEN = {"price_incl": Decimal("16.95"), "price_excl": Decimal("14.01")}
TOTALS = {"amount_incl": Decimal("16.95"), "amount_excl": Decimal("14.01")}


@pytest.mark.parametrize(
    ("quantity", "more", "is_read"),
    [
        ("1", {}, True),
        ("0.001", {}, False),
        ("1000", {}, False),
        ("1000", {"discount_percent": Decimal("99.9")}, True),
        ("1000", {"discount_percent": Decimal(10)}, False),
        ("1000", {"discountAmount": Decimal("1.69"), "discountAmountExcl": Decimal("1.40")}, False),
        ("1000", {"discount_type": "sales-price"}, True),
        ("2", {"discount_percent": Decimal(10)}, True),
        ("0.001", {"discount_percent": Decimal("99.9")}, False),
        ("0.001", {"composed": True}, True),
        ("0.001", {"discount_percent": Decimal(-50)}, True),
        ("2", {}, False),
        ("2", {"discountAmount": Decimal("16.95")}, True),
        ("0.1", {}, False),
        ("-1", {}, False),
        ("-1", {name: -value for name, value in (*SIXTEEN.items(), *TOTALS.items())}, True),
        ("-1", {name: -value for name, value in TOTALS.items()}, True),
        ("0.99", {}, False),
        ("1.01", {}, False),
        ("1.002", {}, True),
        ("1.5", {"discount_type": "none"}, False),
        ("1.5", {"discount_type": "sales-price"}, True),
        ("1.5", {"discountAmount": Decimal("0.01")}, True),
        ("0.6", {"discount_percent": Decimal(10)}, True),
        ("0.6", {"discountAmount": Decimal("-6.78")}, True),
        ("100", {"pricePerQuantity": Decimal(100)}, True),
        ("50", {"price_incl": Decimal("0.34"), "price_excl": Decimal("0.28")}, True),
        ("60", {"price_incl": Decimal("0.34"), "price_excl": Decimal("0.28")}, False),
        ("1", {"price_excl": Decimal(99)}, True),
    ],
)
def test_a_line_that_contradicts_itself_parks_its_document(
    quantity: str, more: dict[str, Any], *, is_read: bool
) -> None:
    line = a_line("1", "16.95", "14.01", **{**SIXTEEN, "quantity": Decimal(quantity), **more})
    assert (line_contradiction(line) is None) == is_read
    for becomes in () if is_read else ("order", "posting"):
        issue = parked_issue(an_order(lines=(line,)), becomes=becomes)
        price = str(line.values["price_incl"])
        figures = (issue.facts["price"], issue.facts["line_total"])
        assert (issue.cause, *figures) == ("line_contradicts_itself", price, "16.95")
