"""What cannot be booked is parked, and its issue names why."""

from decimal import Decimal
from typing import Any

from tests.flows.orders.tills import (
    HAGGLED,
    a_line,
    an_order,
    booking,
    parked,
    with_rules,
    with_tables,
)


def test_the_payment_method_is_off_without_a_table_and_parks_when_it_is_not_in_it() -> None:
    paid = an_order(payment_method="IDEAL")
    assert "payment_condition" not in booking(paid).values
    tables = with_tables(payment_methods={"IDEAL": "14"})
    assert booking(paid, tables=tables).values["payment_condition"] == "14"
    issue = parked(an_order(payment_method="PIN"), tables=tables)
    assert (issue.cause, issue.facts["method"]) == ("payment_method_unmapped", "PIN")
    assert "payment_condition" not in booking(an_order(), tables=tables).values  # not paid yet


def test_a_difference_is_never_smoothed_over() -> None:
    settled: tuple[dict[str, Any], ...] = ({}, {"rounding_article": "9099", "rounding_limit": "0"})
    for given_settings in settled:
        issue = parked(an_order(lines=(HAGGLED,)), **given_settings)
        assert issue.cause == "totals_differ"
        expected = {
            "document": "2026.1", "code": "2", "expected": "30.25", "computed": "30.24", "found": "30.24",
            "difference": "0.01", "rule": "price_decimals",
        }  # fmt: skip
        assert expected.items() <= issue.facts.items()


def test_a_till_that_contradicts_itself_is_never_corrected() -> None:
    issue = parked(an_order(total_incl=Decimal("12.11")), rounding_article="9099", rounding_limit=100)
    assert issue.facts["rule"] == "till_lines_do_not_add_up"


def test_a_rate_that_is_not_that_of_the_books_is_named() -> None:
    issue = parked(an_order(), tables=with_tables(vat_codes_sales={"2": "2"}))
    assert (issue.cause, issue.facts["rule"]) == ("totals_differ", "vat_rate_differs")


def test_codes_that_are_one_in_the_books_are_rounded_as_one() -> None:
    lines = tuple(a_line(str(place), "1.00", "0.83", vat_code=code) for place, code in enumerate(("2", "6"), start=1))
    tables = with_tables(vat_codes_sales={"2": "1", "6": "1"})
    issue = parked(an_order(lines=lines, vat_method="exclusive"), tables=tables)
    assert (issue.facts["code"], issue.facts["rule"]) == ("2, 6", "other_rounding")


def test_a_rule_cannot_make_other_amounts() -> None:
    rule = {"target": "line.price", "source": "books_price", "functions": [["percentage", 50]]}
    issue = parked(an_order(), body=with_rules(rule))
    assert (issue.cause, issue.facts["rule"]) == ("totals_differ", "mapping")
    rule = {"target": "line.amount", "source": "books_amount", "functions": [["percentage", 50]]}
    assert parked(an_order(), body=with_rules(rule), becomes="posting").facts["rule"] == "mapping"
