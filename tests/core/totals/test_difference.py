"""Documents to the cent: sold and booked amounts are equal, corrected by name, or the document is parked."""

import doctest
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.money import from_cents
from integration.core.totals.booked import BookLine, book_lines, booked_totals, posting_totals
from integration.core.totals.difference import (
    RULES,
    UNEXPLAINED,
    Verdict,
    compare_totals,
    correction,
    posting_verdict,
    rounding_lines,
)
from integration.core.totals.sold import Basis, Rounding, Sale, SoldLine, VatSum, basis_of
from integration.sandbox.faults import CallLedger, Switches
from integration.sandbox.mplus.app import Till
from integration.sandbox.shop.shop import make_shop
from tests.core.totals.sales import (
    BASES,
    RATES,
    ROUNDINGS,
    SALES,
    accounts,
    add_sums,
    awkward,
    euros,
    line,
    quick,
    rates_of,
    reverse_sale,
    sale,
    vat_sums_by_code,
)

PAGE = Path(__file__).parents[3] / "docs" / "to-the-cent.md"
LIMITS = st.sampled_from([Decimal(0), Decimal("0.01"), Decimal("0.05"), Decimal(1), Decimal(10**6)])
PLACES = st.sampled_from([2, 4])


def expected_totals(  # noqa: C901  # one branch for each rule
    rule: str, facts: Mapping[str, str], sold: Sale, basis: Basis, rounding: Rounding, places: int
) -> Any:
    """Return the totals of the books under the rule, computed again from its facts."""
    rates = rates_of(sold.method)
    lines = list(book_lines(sold, basis, rates, places))
    names = facts.get("lines", "").split(", ")
    match rule:
        case "other_rounding":
            assert facts["rounding"] != rounding
            return booked_totals(lines, rates, basis, "document" if rounding == "line" else "line")
        case "cash_rounding":
            cents = Decimal(facts["rounding"])
            assert abs(cents) == abs(sold.rounding)
            if facts["vat"] == "without":
                return add_sums(booked_totals(lines, rates, basis, rounding), {facts["vat_code"]: VatSum(cents)})
            lines.append(BookLine("cash", Decimal(1), cents, vat_code=facts["vat_code"]))
        case "price_already_discounted":
            lines = [
                replace(sold_line, discount_percent=Decimal(0)) if sold_line.key in names else sold_line
                for sold_line in lines
            ]
        case "line_without_vat_code":
            assert {sold_line.key for sold_line in lines if not sold_line.vat_code} == set(names)
            lines = [replace(sold_line, vat_code=sold_line.vat_code or facts["vat_code"]) for sold_line in lines]
        case "vat_rate_differs":
            assert Decimal(facts["till"]) != rates[facts["vat_code"]] == Decimal(facts["books"])
            rates = {**rates, facts["vat_code"]: Decimal(facts["till"])}
        case "other_basis":
            assert facts["basis"] != basis
            basis = "excl" if basis == "incl" else "incl"
            rounding = "line" if facts["rounding"] == "line" else "document"
            lines = list(book_lines(sold, basis, rates, places))
        case "price_decimals":
            lines = list(book_lines(sold, basis, rates, 8))
        case "document_discount":
            return with_discount(facts["discount"], sold, lines, basis, rounding)
        case "till_lines_do_not_add_up":
            return with_own_split(facts, sold, booked_totals(lines, rates, basis, rounding), basis, rounding)
        case "" | "unexplained":
            return sold.sold
    return booked_totals(lines, rates, basis, rounding)


def with_own_split(facts: Mapping[str, str], sold: Sale, totals: Any, basis: Basis, rounding: Rounding) -> Any:
    """Return the sold totals, after a check that lines and split have the same sum and differ under this code."""
    own = [
        BookLine("", Decimal(1), sold_line.amount(basis) or Decimal(0), vat_code=sold_line.vat_code)
        for sold_line in sold.lines
    ]
    theirs = booked_totals(own, rates_of(sold.method), basis, rounding)
    lines_say, split_says = (
        split.get(facts["vat_code"], VatSum()).amount_on_basis(basis) for split in (theirs, sold.sold)
    )

    assert add_sums(theirs) == add_sums(totals)
    assert (str(lines_say), str(split_says)) == (facts["lines"], facts["split"])
    assert lines_say != split_says
    return sold.sold


def with_discount(discount: str, sold: Sale, lines: list[BookLine], basis: Basis, rounding: Rounding) -> Any:
    """Return the totals of the books with a discount on the whole document."""
    rates = rates_of(sold.method)
    totals = booked_totals(lines, rates, basis, rounding)
    whole, sold_sum = (
        sum((vat_sum.amount_on_basis(basis) for vat_sum in sums.values()), Decimal(0)) for sums in (totals, sold.sold)
    )
    if discount == "lines":
        prices = [
            (book_line.price(basis) or Decimal(0), book_line.discount_percent or Decimal(0)) for book_line in sold.lines
        ]
        discounted_lines = [
            replace(book_line, price=price, discount_percent=less)
            for book_line, (price, less) in zip(lines, prices, strict=True)
        ]
        return booked_totals(discounted_lines, rates, basis, rounding)
    if discount.endswith("%"):
        remaining_share = (100 - Decimal(discount[:-1])) / 100
        assert abs(sold_sum - whole * remaining_share) <= Decimal("0.005") * (len(lines) + len(sold.sold))
    else:
        assert whole - sold_sum == Decimal(discount)
        assert abs(whole - sold_sum) > Decimal("0.01") * len(lines)
    return sold.sold


@quick
@given(SALES)
def test_books_that_count_as_the_till_does_come_to_what_was_sold(sold: Sale) -> None:
    assert compare_totals(sold, rates_of(sold.method), basis_of(sold.method), "document") == Verdict()


@quick
@given(SALES)
def test_a_till_that_rounds_vat_on_every_line_is_believed(sold: Sale) -> None:
    rates, basis = rates_of(sold.method), basis_of(sold.method)
    split = booked_totals(book_lines(sold, basis, rates, 4), rates, basis, "line")
    by_line = replace(
        sold, vat={code: vat_sum for code, vat_sum in split.items() if vat_sum}, total_incl=None, total_excl=None
    )
    assert posting_verdict(by_line, rates) == Verdict()


@quick
@given(awkward(), BASES, ROUNDINGS, PLACES, LIMITS)
def test_what_is_posted_is_what_was_sold_or_nothing_is_posted(
    sold: Sale, basis: Basis, rounding: Rounding, places: int, limit: Decimal
) -> None:
    rates = rates_of(sold.method)
    verdict = compare_totals(sold, rates, basis, rounding, places)
    totals = booked_totals(book_lines(sold, basis, rates, places), rates, basis, rounding)
    moved = correction(verdict, limit)

    assert add_sums(totals, verdict.differences) == add_sums(sold.sold)
    assert bool(verdict.rule) == bool(verdict.differences) == bool(verdict.amount)
    assert verdict.rule in {"", *RULES, UNEXPLAINED}
    if moved is None:
        assert verdict.amount > limit
    else:
        assert add_sums(totals, moved) == add_sums(sold.sold)
        assert all(abs(amount) <= limit for sum_ in moved.values() for amount in (sum_.excl, sum_.vat, sum_.incl))


@quick
@given(awkward(), BASES, ROUNDINGS, LIMITS)
def test_lines_on_the_rounding_account_make_books_that_compute_vat_come_to_what_was_sold(
    sold: Sale, basis: Basis, rounding: Rounding, limit: Decimal
) -> None:
    rates = rates_of(sold.method)
    lines = book_lines(sold, basis, rates)
    extra = rounding_lines(compare_totals(sold, rates, basis, rounding), lines, rates, basis, rounding, limit)

    if extra is not None:
        assert add_sums(booked_totals([*lines, *extra], rates, basis, rounding)) == add_sums(sold.sold)
        assert sum(abs(line.amount) for line in extra) <= limit


@quick
@given(awkward(), BASES, ROUNDINGS, PLACES)
def test_an_explanation_is_true(sold: Sale, basis: Basis, rounding: Rounding, places: int) -> None:
    verdict = compare_totals(sold, rates_of(sold.method), basis, rounding, places)
    totals = expected_totals(verdict.rule, verdict.facts, sold, basis, rounding, places)

    assert add_sums(totals) == add_sums(sold.sold)


@quick
@given(awkward(), BASES, ROUNDINGS)
def test_a_return_is_the_opposite_of_its_sale(sold: Sale, basis: Basis, rounding: Rounding) -> None:
    rates, back = rates_of(sold.method), reverse_sale(sold)
    sold_totals, returned_totals = (
        booked_totals(book_lines(document, basis, rates), rates, basis, rounding) for document in (sold, back)
    )
    verdict, opposite = (compare_totals(document, rates, basis, rounding) for document in (sold, back))

    assert add_sums(sold_totals, returned_totals) == {}
    assert add_sums(verdict.differences, opposite.differences) == {}
    assert (verdict.amount, verdict.rule) == (opposite.amount, opposite.rule)
    assert add_sums(vat_sums_by_code(sold), vat_sums_by_code(back)) == {}
    assert {place: -vat_sum.excl for place, vat_sum in posting_totals(sold, accounts(sold)).items()} == {
        place: vat_sum.excl for place, vat_sum in posting_totals(back, accounts(back)).items()
    }


NET = sale(line("1", "2", "10.00", "1", "10", None), vat={"2": ("8.26", "1.74")})
TWO_RATES = (line("1", "2", "12.10"), line("2", "1", "10.90"))


@pytest.mark.parametrize(
    ("rule", "sold", "facts"),
    [
        ("", sale(line("1", "2", "12.10"), vat={"2": ("10.00", "2.10")}), {}),
        (
            "other_rounding",
            sale(*(line(key, "2", "0.07") for key in "123"), vat={"2": ("0.18", "0.03")}),
            {"rounding": "line"},
        ),
        (
            "cash_rounding",
            sale(line("1", "2", "12.12"), vat={"2": ("10.02", "2.10"), "3": ("-0.02", "0")}, rounding=euros("0.02")),
            {"rounding": "-0.02", "vat_code": "3", "vat": "without"},
        ),
        ("price_already_discounted", NET, {"lines": "1"}),
        (
            "document_discount",
            sale(*TWO_RATES, vat={"2": ("9.00", "1.89"), "1": ("9.00", "0.81")}),
            {"discount": "10%"},
        ),
        (
            "document_discount",
            sale(*TWO_RATES, vat={"2": ("9.56", "2.01"), "1": ("9.57", "0.86")}),
            {"discount": "1.00"},
        ),
        (
            "document_discount",
            sale(line("1", "2", "12.10", "1", "50", "12.10"), vat={"2": ("5.00", "1.05")}),
            {"discount": "lines"},
        ),
        (
            "line_without_vat_code",
            sale(line("1", "2", "12.10"), line("2", "", "1.21"), vat={"2": ("11.00", "2.31")}),
            {"lines": "2", "vat_code": "2"},
        ),
        (
            "vat_rate_differs",
            sale(line("1", "2", "11.90"), vat={"2": ("10.00", "1.90")}),
            {"vat_code": "2", "till": "19", "books": "21"},
        ),
        (
            "vat_rate_differs",
            sale(replace(line("1", "2", "0.28"), vat_percent=euros("19")), vat={"2": ("0.24", "0.04")}),
            {"vat_code": "2", "till": "19", "books": "21"},
        ),
        (
            "till_lines_do_not_add_up",
            sale(line("1", "2", "12.10"), vat={"2": ("20.00", "4.20")}),
            {"vat_code": "2", "lines": "12.10", "split": "24.20"},
        ),
        (
            "price_decimals",
            sale(line("1", "2", "10.10", "3", "0", "30.25"), vat={"2": ("25.00", "5.25")}),
            {"lines": "1", "decimals": "2"},
        ),
        ("unexplained", sale(line("1", "2", "12.10"), vat={"2": ("10.01", "2.09")}), {}),
        ("unexplained", sale(line("1", "2", "12.10", total=None), vat={"2": ("10.01", "2.09")}), {}),
        (
            "line_without_vat_code",
            sale(
                line("1", "2", "12.10"),
                line("2", "", "1.21"),
                vat={"": ("0", "0"), "2": ("11.00", "2.31")},
            ),
            {"lines": "2", "vat_code": "2"},
        ),
    ],
)
def test_a_difference_is_explained_by_the_first_rule_that_gives_it_exactly(
    rule: str, sold: Sale, facts: Mapping[str, str]
) -> None:
    verdict = compare_totals(sold, RATES, "incl", "document")

    assert verdict.rule == rule
    assert {name: verdict.facts[name] for name in facts} == facts


def test_the_other_basis_explains_what_prices_without_vat_lose() -> None:
    sold_line = replace(line("1", "2", "10.00", "3"), price_excl=euros("8.26"), amount_excl=euros("24.79"))
    verdict = compare_totals(sale(sold_line, vat={"2": ("24.79", "5.21")}), RATES, "excl", "document")

    assert (verdict.rule, verdict.facts["basis"], verdict.amount) == ("other_basis", "incl", euros("0.02"))


def test_reverse_charge_booked_as_taxed_is_a_rate_that_differs() -> None:
    sold_line = SoldLine("1", "2", euros("1"), euros("100"), euros("100"), euros("0"), euros("100"), euros("100"))
    sold = sale(sold_line, vat={"2": ("100.00", "0.00")}, method="shifted")

    assert compare_totals(sold, RATES, "excl", "document").rule == "vat_rate_differs"
    assert compare_totals(sold, {"2": euros("0")}, "excl", "document") == Verdict()


THREE = tuple(line(key, "2", "1.00") for key in "123")


@pytest.mark.parametrize(
    ("sold", "rule", "amount"),
    [
        (sale(*THREE, vat={"2": ("2.49", "0.51")}), "", "0"),  # a cent of three; a document has 0.52
        (sale(*THREE, vat={"2": ("2.53", "0.47")}), "vat_rate_differs", "0.05"),
        (sale(*THREE, vat={"2": ("2.50", "0.51")}), "till_lines_do_not_add_up", "0.02"),
        (sale(line("1", "3", "1.00"), vat={"3": ("0.99", "0.01")}), "unexplained", "0.01"),
        (sale(replace(line("1", "2", "0.10"), vat_percent=euros("9")), vat={"2": ("0.09", "0.01")}),
         "vat_rate_differs", "0.01"),
        (sale(SoldLine("1", "2", euros("1"), None, euros("0.02"), amount_excl=euros("0.02")),
              vat={"2": ("0.02", "0.01")}), "", "0"),
        # what rounding makes under one code hides nothing under another
        (sale(*THREE, line("4", "1", "10.90"), vat={"2": ("2.49", "0.51"), "1": ("9.01", "1.89")}),
         "vat_rate_differs", "0.99"),
    ],
)  # fmt: skip
def test_a_sale_is_posted_with_vat_that_rounding_can_make_of_its_lines_and_no_other(
    sold: Sale, rule: str, amount: str
) -> None:
    verdict = posting_verdict(sold, RATES)
    assert (verdict.rule, verdict.amount) == (rule, euros(amount))


def test_a_till_that_contradicts_itself_is_not_posted() -> None:
    verdict = posting_verdict(sale(*THREE, vat={"2": ("2.49", "0.51")}, total_incl=euros("3.01")), RATES)
    assert (verdict.rule, verdict.is_certain) == ("till_lines_do_not_add_up", False)


def test_differences_of_several_codes_do_not_cancel_out() -> None:
    verdict = compare_totals(
        sale(*TWO_RATES, vat={"2": ("10.01", "2.10"), "1": ("9.99", "0.90")}), RATES, "incl", "document"
    )

    assert verdict.amount == euros("0.02")
    assert correction(verdict, euros("0.01")) is None
    assert correction(verdict, euros("0.02")) == {"2": VatSum(euros("0.01")), "1": VatSum(euros("-0.01"))}


def test_vat_alone_cannot_be_put_on_an_order() -> None:
    sold = sale(line("1", "2", "12.10"), vat={"2": ("10.01", "2.09")})
    lines, verdict = book_lines(sold, "incl", RATES), compare_totals(sold, RATES, "incl", "document")

    assert correction(verdict, euros("0.05")) == {"2": VatSum(euros("0.01"), euros("-0.01"))}
    assert rounding_lines(verdict, lines, RATES, "incl", "document", euros("0.05")) is None


def test_a_price_with_too_few_decimals_is_made_up_for_on_the_rounding_account() -> None:
    sold = sale(line("1", "2", "10.10", "3", "0", "30.25"), vat={"2": ("25.00", "5.25")})
    lines, verdict = book_lines(sold, "incl", RATES), compare_totals(sold, RATES, "incl", "document")
    extra = rounding_lines(verdict, lines, RATES, "incl", "document", euros("0.05"))

    assert [(book_line.price, book_line.amount) for book_line in lines] == [(euros("10.08"), euros("30.24"))]
    assert extra == (BookLine("", euros("1"), euros("0.01"), vat_code="2"),)


@pytest.mark.parametrize(("total", "is_certain"), [("12.10", True), ("12.12", True), ("12.08", True), ("12.11", False)])
def test_only_cash_rounding_may_stand_between_a_total_and_its_split(total: str, is_certain: bool) -> None:
    vat = {"2": ("10.00", "2.10")}
    sold = sale(line("1", "2", "12.10"), vat=vat, total_incl=euros(total), rounding=euros("0.02"))
    verdict = compare_totals(sold, RATES, "incl", "document")

    assert verdict.is_certain == is_certain
    assert (correction(verdict, euros("5")) is None) != is_certain
    assert verdict.rule == ("" if is_certain else "till_lines_do_not_add_up")


def test_a_document_that_does_not_tell_what_was_sold_is_not_corrected() -> None:
    verdict = compare_totals(sale(line("1", "2", "0.01"), vat={}), RATES, "incl", "document")

    assert not verdict.is_certain
    assert correction(verdict, euros("1")) is None


def sample_sales() -> Iterator[Sale]:
    """Yield the sales of the sample shop's tills."""
    till = Till(make_shop(200), Switches(), CallLedger())
    for kind in ("orders", "receipts", "invoices"):
        for paper in till.state(kind):
            payments = (paper["paymentList"] or {}).get("payment", [])
            groups = paper["vatGroupList"].get("vatGroup", [])
            yield Sale(
                lines=tuple(
                    sample_line(place, paper_line) for place, paper_line in enumerate(paper["lineList"]["line"])
                ),
                vat={
                    str(vat_group["vatCode"]): VatSum(cents(vat_group["exclAmount"]), cents(vat_group["vatAmount"]))
                    for vat_group in groups
                },
                total_incl=cents(paper["totalInclAmount"]) if "totalInclAmount" in paper else None,
                total_excl=cents(paper["totalExclAmount"]) if "totalExclAmount" in paper else None,
                method=paper["vatMethod"].rpartition("-")[2].lower(),
                rounding=sum(
                    (cents(payment["amount"]) for payment in payments if payment["method"] == "ROUNDING"), Decimal(0)
                ),
            )


def sample_line(place: int, paper_line: dict[str, Any]) -> SoldLine:
    data = paper_line["data"]
    return SoldLine(
        key=str(place),
        vat_code=str(data["vatCode"]),
        quantity=Decimal(data["quantity"]).scaleb(-data["decimalPlaces"]),
        price_incl=cents(data["price"]),
        price_excl=cents(data["priceExcl"]),
        discount_percent=Decimal(data.get("discountPercentage") or 0) / 100,
        amount_incl=cents(data["totalInclAmount"]),
        amount_excl=cents(data["totalExclAmount"]),
    )


def cents(number: int) -> Decimal:
    return from_cents(number)


def test_everything_the_sample_shop_sold_can_be_booked_to_the_cent() -> None:
    rates = {"1": Decimal(9), "2": Decimal(21), "3": Decimal(0), "4": Decimal(0), "5": Decimal(0)}
    sold = list(sample_sales())
    verdicts = [compare_totals(document, rates, basis_of(document.method), "document") for document in sold]

    assert len(sold) > 300
    assert {document.method for document in sold} == {"inclusive", "exclusive", "shifted"}
    assert any(document.rounding for document in sold)
    assert [verdict for verdict in verdicts if verdict.rule] == []
    assert all(add_sums(vat_sums_by_code(document)) == add_sums(document.vat) for document in sold)


def test_the_page_about_it_says_what_the_code_does() -> None:
    tested = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")

    assert tested.attempted > 5
    assert tested.failed == 0


def test_the_page_about_it_lists_the_rules_in_their_order() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert rows == [*RULES, UNEXPLAINED]


def test_a_total_without_a_quantity_cannot_be_reached_and_the_verdict_says_so() -> None:
    nothing = sale(line("1", "2", "12.10", "0", total="12.10"), vat={"2": ("10.00", "2.10")})
    (book_line,) = book_lines(nothing, "incl", RATES)
    assert (book_line.quantity, book_line.price, book_line.amount) == (Decimal(0), Decimal("12.10"), Decimal(0))
    assert compare_totals(nothing, RATES, "incl", "document").amount == Decimal("12.10")


@pytest.mark.parametrize("basis", get_args(Basis))
def test_cash_rounding_that_is_not_the_difference_explains_nothing(basis: Basis) -> None:
    other = sale(line("1", "2", "12.10"), vat={"2": ("10.01", "2.09")}, rounding=euros("0.02"))
    assert compare_totals(other, RATES, basis, "document").rule == UNEXPLAINED


def test_vat_on_nothing_is_no_other_rate() -> None:
    strange = sale(line("1", "2", "12.10"), vat={"2": ("0", "12.50")})
    assert compare_totals(strange, RATES, "incl", "document").rule == "till_lines_do_not_add_up"


def test_there_are_no_rounding_lines_where_there_is_no_correction() -> None:
    far = sale(line("1", "2", "12.10"), vat={"2": ("20.00", "4.20")})
    verdict, lines = compare_totals(far, RATES, "incl", "document"), book_lines(far, "incl", RATES)
    assert rounding_lines(verdict, lines, RATES, "incl", "document", euros("0.05")) is None
