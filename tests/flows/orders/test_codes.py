"""Under which VAT code and on which account something is booked."""

from decimal import Decimal

import pytest

from integration.flows.orders.logic import OrdersLogic
from integration.flows.orders.settings import OrderSettings
from tests.flows.orders.tills import (
    BODY,
    BOOKS,
    TILL,
    TOLD,
    VAT_NUMBER,
    Questions,
    a_customer,
    a_line,
    an_order,
    booking,
    line_of,
    lines_of,
    parked_issue,
    with_tables,
)


@pytest.mark.parametrize(
    ("vat_number", "table", "expected"),
    [
        ("", {"2": "1"}, "1"),
        ("", {"2": "1", "NL:2": "6"}, "6"),
        ("", {"2": "1", "NL:2": "6", "NL:2:no": "7", "NL:2:yes": "8"}, "7"),
        (VAT_NUMBER, {"2": "1", "NL:2": "6", "NL:2:no": "7", "NL:2:yes": "8"}, "8"),
    ],
)
def test_the_vat_code_goes_by_country_and_vat_number(vat_number: str, table: dict[str, str], expected: str) -> None:
    order = an_order(customer=a_customer(vat_number=vat_number))
    questions = Questions()
    rates = {**BOOKS, "6": Decimal(21), "7": Decimal(21), "8": Decimal(21)}
    chosen = OrderSettings(collective_account="1300")
    logic = OrdersLogic(
        chosen,
        BODY,
        1,
        with_tables(vat_codes_sales=table),
        rates,
        TILL,
        questions.existing_articles,
        questions.find_links,
        TOLD,
    )
    assert lines_of(booking(order, logic))[0].values["vat_code"] == expected


def test_reverse_charge_asks_for_a_code_of_its_own_first() -> None:
    line = a_line("1", "10.00", "10.00", vat_percent=Decimal(0))
    order = an_order(lines=(line,), vat_method="shifted")
    tables = with_tables(vat_codes_sales={"2": "1", "NL:2": "1", "2:shifted": "5"})
    document = booking(order, tables=tables)
    assert lines_of(document)[0].values["vat_code"] == "5"
    assert document.values["gross"] is False


def test_a_vat_code_without_a_counterpart_parks_the_document() -> None:
    issue = parked_issue(an_order(), tables=with_tables(vat_codes_sales={"1": "2"}))
    assert issue.cause == "vat_code_unmapped"
    assert (issue.facts["code"], issue.facts["rate"], issue.facts["country"]) == ("2", "21%", "NL")


def test_a_row_with_a_code_that_the_books_lack_is_named() -> None:
    table = {"2": "1", "BE:2": ""}  # as a run gets a row whose code the books do not have
    issue = parked_issue(an_order(country="BE"), becomes="posting", tables=with_tables(vat_codes_sales=table))
    assert (issue.cause, issue.facts["row"]) == ("vat_row_impossible", "BE:2")
    assert booking(an_order(), becomes="posting", tables=with_tables(vat_codes_sales=table))


def test_the_revenue_account_goes_by_country() -> None:
    assert line_of(an_order(country="BE"), becomes="posting")["account"] == "8200"
    issue = parked_issue(an_order(), becomes="posting", tables=with_tables(revenue_accounts={"BE:1": "8200"}))
    assert issue.cause == "revenue_account_unmapped"
    assert (issue.facts["country"], issue.facts["code"]) == ("NL", "1")
    assert line_of(an_order(), becomes="posting", tables=with_tables(revenue_accounts={"*": "8"}))["account"] == "8"


# ---- what was sold is read from the lines and the split of the till


@pytest.mark.parametrize("becomes", ["order", "posting"])
def test_a_document_under_a_code_without_a_percentage_waits(becomes: str) -> None:
    questions, rates = Questions(), {code: rate for code, rate in BOOKS.items() if code != "1"}
    chosen = OrderSettings.model_validate({"orders": becomes, "daybook": "700", "collective_account": "1300"})
    logic = OrdersLogic(
        chosen, BODY, 7, with_tables(), rates, TILL, questions.existing_articles, questions.find_links, TOLD
    )
    issue = parked_issue(an_order(), logic)
    assert (issue.cause, issue.facts["vat"]) == ("vat_rate_unknown", "accountview - 1")
