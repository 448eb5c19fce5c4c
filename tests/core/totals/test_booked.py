"""Lines for the books come to the totals of the lines that were sold, wherever prices allow it."""

from decimal import Decimal

import pytest
from hypothesis import given

from integration.core.totals.booked import BookLine, book_lines
from integration.core.totals.sold import Sale, SoldLine, basis_of
from integration.core.totals.vat import Basis
from tests.core.totals.sales import BASES, RATES, SALES, charged, euros, line, quick, sale


@quick
@given(SALES)
def test_every_line_comes_to_its_own_total_in_the_basis_of_the_till(sold: Sale) -> None:
    basis = basis_of(sold.method)
    lines = book_lines(sold, basis, charged(sold.method))
    taken = {line.vat_code for line in sold.lines}

    assert [line.amount for line in lines] == [line.amount(basis) for line in sold.lines]
    assert [line.quantity for line in lines] == [line.quantity for line in sold.lines]
    assert taken == {line.vat_code for line in lines}


@quick
@given(SALES, BASES)
def test_with_enough_decimals_in_prices_every_line_comes_to_its_own_total(sold: Sale, basis: Basis) -> None:
    lines = book_lines(sold, basis, charged(sold.method), 6)

    assert [line.amount for line in lines] == [line.amount(basis) for line in sold.lines]


def test_prices_told_on_one_basis_are_converted_with_the_rate_of_their_code() -> None:
    sold = sale(line("1", "2", "12.10", total=None), vat={"2": ("10.00", "2.10")})

    assert book_lines(sold, "excl", RATES) == (BookLine("1", euros("1"), euros("10.00"), euros("0"), "2"),)


@pytest.mark.parametrize(
    ("basis", "sold", "price"),
    [
        ("incl", SoldLine("1", "2", Decimal(1), price_excl=Decimal("10.00")), "12.10"),
        ("excl", SoldLine("1", "2", Decimal(1), price_incl=Decimal("12.10")), "10.00"),
        ("incl", SoldLine("1", "2", Decimal(1)), "0.00"),
    ],
)
def test_a_price_told_on_the_other_basis_is_converted_with_the_rate_of_its_code(
    basis: Basis, sold: SoldLine, price: str
) -> None:
    (made,) = book_lines(sale(sold, vat={}), basis, RATES)
    assert made.price == Decimal(price)
