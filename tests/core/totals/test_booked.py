"""Lines for the books have the totals of the sold lines, if prices allow it."""

from decimal import Decimal

import pytest
from hypothesis import given

from integration.core.records import Kind, Record, record_from_json, record_to_json
from integration.core.totals.booked import (
    BookLine,
    TotalsComparison,
    as_parts,
    book_lines,
    comparison_in,
    posting_totals,
    without_sums,
)
from integration.core.totals.sold import Basis, Sale, SoldLine, VatSum, basis_of
from tests.core.totals.sales import (
    BASES,
    RATES,
    SALES,
    accounts,
    add_sums,
    awkward,
    euros,
    line,
    quick,
    rates_of,
    sale,
    vat_sums_by_code,
)


@quick
@given(SALES)
def test_every_line_comes_to_its_own_total_in_the_basis_of_the_till(sold: Sale) -> None:
    basis = basis_of(sold.method)
    lines = book_lines(sold, basis, rates_of(sold.method))
    codes = {line.vat_code for line in sold.lines}

    assert [line.amount for line in lines] == [line.amount(basis) for line in sold.lines]
    assert [line.quantity for line in lines] == [line.quantity for line in sold.lines]
    assert codes == {line.vat_code for line in lines}


@quick
@given(SALES, BASES)
def test_with_enough_decimals_in_prices_every_line_comes_to_its_own_total(sold: Sale, basis: Basis) -> None:
    lines = book_lines(sold, basis, rates_of(sold.method), 6)

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
    (book_line,) = book_lines(sale(sold, vat={}), basis, RATES)
    assert book_line.price == Decimal(price)


# ---- postings add up to the split of the till, per VAT code and always


@quick
@given(awkward())
def test_postings_add_up_to_the_split_of_the_till(sold: Sale) -> None:
    assert add_sums(vat_sums_by_code(sold)) == add_sums(sold.vat)


@quick
@given(SALES)
def test_postings_of_a_document_that_adds_up_are_the_totals_of_its_lines(sold: Sale) -> None:
    own: dict[tuple[str, str], VatSum] = {}
    for sold_line in sold.lines:
        excl, incl = sold_line.amount_excl or Decimal(0), sold_line.amount_incl or Decimal(0)
        where = sold_line.vat_code, accounts(sold)[sold_line.key]
        own[where] = own.get(where, VatSum()) + VatSum(excl, incl - excl)

    assert posting_totals(sold, accounts(sold)) == {place: vat_sum for place, vat_sum in own.items() if vat_sum}


def test_a_code_without_lines_is_posted_under_no_account() -> None:
    sold = sale(line("1", "2", "12.10"), vat={"2": ("10.00", "2.10"), "3": ("0.02", "0.00")})

    assert posting_totals(sold, {"1": "8000"}) == {
        ("2", "8000"): VatSum(euros("10.00"), euros("2.10")),
        ("3", None): VatSum(euros("0.02"), euros("0.00")),
    }


@pytest.mark.parametrize(
    ("balance_accounts", "shares"),
    [
        ({"1571"}, {"8000": ("10.02", "2.11"), "1571": ("10.00", "2.10")}),
        ({"1571", "8000"}, {"8000": ("10.01", "2.11"), "1571": ("10.01", "2.10")}),  # somebody has to take it
        ((), {"8000": ("10.01", "2.11"), "1571": ("10.01", "2.10")}),
    ],
)
def test_what_is_owed_takes_no_cent_that_lines_miss_while_there_is_revenue(
    balance_accounts: set[str], shares: dict[str, tuple[str, str]]
) -> None:
    lines = tuple(
        SoldLine(key, "2", Decimal(1), amount_incl=Decimal("12.10"), amount_excl=Decimal("10.00")) for key in "12"
    )
    sold = Sale(lines, {"2": VatSum(Decimal("20.02"), Decimal("4.21"))})
    assert posting_totals(sold, {"1": "8000", "2": "1571"}, balance_accounts) == {
        ("2", account): VatSum(Decimal(excl), Decimal(vat)) for account, (excl, vat) in shares.items()
    }


def test_an_account_without_amounts_takes_what_lines_miss_rather_than_one_that_is_owed() -> None:
    lines = (
        SoldLine("1", "2", Decimal(1), amount_incl=Decimal(0), amount_excl=Decimal(0)),
        SoldLine("2", "2", Decimal(1), amount_incl=Decimal("12.10"), amount_excl=Decimal("10.00")),
    )
    sold = Sale(lines, {"2": VatSum(Decimal("10.01"), Decimal("2.11"))})
    assert posting_totals(sold, {"1": "8000", "2": "1571"}, {"1571"}) == {
        ("2", "8000"): VatSum(Decimal("0.01"), Decimal("0.01")),
        ("2", "1571"): VatSum(Decimal("10.00"), Decimal("2.10")),
    }


def test_a_discount_on_the_whole_is_posted_on_the_accounts_in_proportion() -> None:
    lines = [line(key, "3", "1.00") for key in "123"]
    totals = posting_totals(sale(*lines, vat={"3": ("2.00", "0.00")}), {"1": "8001", "2": "8002", "3": "8003"})

    assert [vat_sum.excl for vat_sum in totals.values()] == [euros("0.66"), euros("0.67"), euros("0.67")]


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
    assert posting_totals(document, {"1": "8000", "2": "8010"}) == {
        ("2", "8000"): share,
        ("2", "8010"): VatSum(euros("20.00"), euros("4.20")),
    }


# ---- a planned document carries what was sold beside what is booked, and is read however it was kept


LINE = Record(Kind.LINE, "1", {"quantity": Decimal(1)})
HIGH = TotalsComparison("2", VatSum(Decimal("10.00"), Decimal("2.10")), VatSum(Decimal("10.01"), Decimal("2.10")))
LOW = TotalsComparison("1", VatSum(Decimal("10.00"), Decimal("0.90")))


def test_each_vat_code_is_a_part_of_the_document_that_survives_the_way_to_disk() -> None:
    document = Record(Kind.SALES_ORDER, "order-1", {"sold_incl": Decimal("23.00")}, (LINE, *as_parts([HIGH, LOW])))
    assert comparison_in(record_from_json(record_to_json(document))) == (HIGH, LOW)
    assert without_sums(document) == Record(Kind.SALES_ORDER, "order-1", document.values, (LINE,))


def test_a_document_without_sums_compares_nothing() -> None:
    assert comparison_in(Record(Kind.SALES_ORDER, "order-1", {"reference": "MP-1"}, (LINE,))) == ()


def test_an_amount_that_was_not_kept_counts_as_nothing() -> None:
    part = Record(Kind.VAT, "vat:1", {"code": "2", "sold_vat": Decimal("2.10"), "sold_excl": None})
    (comparison,) = comparison_in(Record(Kind.POSTING, "1", {}, (part,)))
    assert comparison == TotalsComparison("2", VatSum(Decimal(0), Decimal("2.10")))
