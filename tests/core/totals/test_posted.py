"""Postings add up to the split of the till, per VAT code and always."""

from decimal import Decimal

import pytest
from hypothesis import given, settings

from integration.core.totals.posted import posted
from integration.core.totals.sold import Sale, SoldLine
from integration.core.totals.vat import VatSum
from tests.core.totals.sales import SALES, accounts, awkward, euros, line, posted_by_code, quick, sale, together


@settings(quick, max_examples=150)
@given(awkward())
def test_postings_add_up_to_the_split_of_the_till(sold: Sale) -> None:
    assert together(posted_by_code(sold)) == together(sold.vat)


@quick
@given(SALES)
def test_postings_of_a_document_that_adds_up_are_the_totals_of_its_lines(sold: Sale) -> None:
    own: dict[tuple[str, str], VatSum] = {}
    for one in sold.lines:
        excl, incl = one.amount_excl or Decimal(0), one.amount_incl or Decimal(0)
        where = one.vat_code, accounts(sold)[one.key]
        own[where] = own.get(where, VatSum()) + VatSum(excl, incl - excl)

    assert posted(sold, accounts(sold)) == {place: each for place, each in own.items() if each}


def test_a_code_without_lines_is_posted_under_no_account() -> None:
    sold = sale(line("1", "2", "12.10"), vat={"2": ("10.00", "2.10"), "3": ("0.02", "0.00")})

    assert posted(sold, {"1": "8000"}) == {
        ("2", "8000"): VatSum(euros("10.00"), euros("2.10")),
        ("3", None): VatSum(euros("0.02"), euros("0.00")),
    }


def test_a_discount_on_the_whole_is_posted_on_the_accounts_in_proportion() -> None:
    lines = [line(key, "3", "1.00") for key in "123"]
    made = posted(sale(*lines, vat={"3": ("2.00", "0.00")}), {"1": "8001", "2": "8002", "3": "8003"})

    assert [each.excl for each in made.values()] == [euros("0.66"), euros("0.67"), euros("0.67")]


@pytest.mark.parametrize(
    ("method", "sold", "share"),
    [
        (
            "inclusive",
            SoldLine("1", "2", Decimal(1), price_incl=Decimal("12.10")),
            VatSum(euros("10.00"), euros("2.10")),
        ),
        (
            "exclusive",
            SoldLine("1", "2", Decimal(1), price_excl=Decimal("10.00")),
            VatSum(euros("10.00"), euros("2.10")),
        ),
        ("exclusive", SoldLine("1", "2", amount_excl=Decimal("10.00")), VatSum(euros("10.00"), euros("2.10"))),
        ("inclusive", SoldLine("1", "2", amount_incl=Decimal("12.10")), VatSum(euros("10.00"), euros("2.10"))),
    ],
)
def test_what_a_line_does_not_tell_is_taken_in_the_proportion_of_its_code(
    method: str, sold: SoldLine, share: VatSum
) -> None:
    other = SoldLine("2", "2", Decimal(1), amount_incl=euros("24.20"), amount_excl=euros("20.00"))
    document = sale(sold, other, vat={"2": ("30.00", "6.30")}, method=method)
    assert posted(document, {"1": "8000", "2": "8010"}) == {
        ("2", "8000"): share,
        ("2", "8010"): VatSum(euros("20.00"), euros("4.20")),
    }
