"""Sales as tills make them, those that add up and the awkward ones, for every test of money."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

from hypothesis import settings
from hypothesis import strategies as st

from integration.core.money import add_vat, amount, from_cents, remove_vat, to_cents
from integration.core.totals.booked import BookLine, book_lines, booked_totals, posting_totals
from integration.core.totals.sold import Basis, Rounding, Sale, SoldLine, VatSum, basis_of
from integration.sandbox.mplus.sums import summed

RATES = {"1": Decimal(9), "2": Decimal(21), "3": Decimal(0), "5": Decimal("5.5")}
NO_RATES = dict.fromkeys(RATES, Decimal(0))
METHODS = {"inclusive": "VAT-METHOD-INCLUSIVE", "exclusive": "VAT-METHOD-EXCLUSIVE", "shifted": "VAT-METHOD-SHIFTED"}
BASES = st.sampled_from(get_args(Basis))
ROUNDINGS = st.sampled_from(get_args(Rounding))
QUANTITIES = st.one_of(
    st.sampled_from([Decimal(1), Decimal(2), Decimal(3), Decimal(-1), Decimal(-2)]),
    st.decimals(min_value=-3, max_value=3, places=3).filter(bool),
)
LINES = st.lists(
    st.tuples(
        st.sampled_from(list(RATES)),
        st.integers(0, 30000),
        QUANTITIES,
        st.sampled_from([0, 0, 0, 10, 15, 33, 100]),
    ),
    min_size=1,
    max_size=5,
)
CENTS = st.sampled_from([Decimal(cents).scaleb(-2) for cents in (-2, -1, 1, 2, 500)])
quick = settings(max_examples=60)


def rates_of(method: str) -> Mapping[str, Decimal]:
    """Return the rates that the books charge on a document with this VAT method."""
    return NO_RATES if method == "shifted" else RATES


def till_totals(lines: list[tuple[str, Decimal]], method: str, rates: Mapping[str, Decimal] = RATES) -> Any:
    """The lines and split of a till that rounds VAT once per code, lets the heaviest line take the rest."""
    cents = [(int(code), to_cents(line_amount)) for code, line_amount in lines]
    return summed(cents, {int(code): rate for code, rate in rates.items()}, METHODS[method])


def till_sale(method: str, given_lines: list[tuple[str, int, Decimal, int]]) -> Sale:
    """A document as a till makes it."""
    rates, sold = rates_of(method), []
    for place, (code, cents, quantity, discount) in enumerate(given_lines):
        excl = remove_vat(from_cents(cents), rates[code])
        sold.append(SoldLine(str(place), code, quantity, add_vat(excl, rates[code]), excl, Decimal(discount)))
    basis = basis_of(method)
    priced_lines = [
        BookLine("", s.quantity or Decimal(0), s.price(basis) or Decimal(0), s.discount_percent or Decimal(0))
        for s in sold
    ]
    sums = till_totals([(s.vat_code, c.amount) for s, c in zip(sold, priced_lines, strict=True)], method)
    return Sale(
        lines=tuple(
            replace(sold_line, amount_incl=from_cents(incl), amount_excl=from_cents(excl))
            for sold_line, (incl, excl) in zip(sold, sums.lines, strict=True)
        ),
        vat={str(group.vat_code): VatSum(from_cents(group.excl), from_cents(group.vat)) for group in sums.groups},
        total_incl=from_cents(sums.incl),
        total_excl=from_cents(sums.excl),
        method=method,
    )


SALES = st.builds(till_sale, st.sampled_from(list(METHODS)), LINES)


def reverse_sale(sold: Sale) -> Sale:
    """The same sold back."""
    lines = tuple(
        replace(
            line,
            quantity=-(line.quantity or Decimal(1)),
            amount_incl=None if line.amount_incl is None else -line.amount_incl,
            amount_excl=None if line.amount_excl is None else -line.amount_excl,
        )
        for line in sold.lines
    )
    vat = {code: VatSum(-vat_sum.excl, -vat_sum.vat) for code, vat_sum in sold.vat.items()}
    return Sale(lines, vat, method=sold.method, rounding=-sold.rounding)


@st.composite
def awkward(draw: st.DrawFn) -> Sale:
    """A document in which the till does something of its own."""
    sold = replace(draw(SALES), total_incl=None, total_excl=None)
    code = draw(st.sampled_from(list(sold.vat)))
    cents = draw(CENTS)
    match draw(st.integers(0, 7)):
        case 0:
            return replace(sold, vat={**sold.vat, code: sold.vat[code] + VatSum(cents)}, rounding=-cents)
        case 1:
            return replace(sold, vat={**sold.vat, code: sold.vat[code] + VatSum(cents, cents)})
        case 2:
            return replace(sold, vat={**sold.vat, code: sold.vat[code] + VatSum(cents, -cents)})
        case 3:
            lines = [
                replace(sold_line, vat_code="" if sold_line.vat_code == code else sold_line.vat_code)
                for sold_line in sold.lines
            ]
            return replace(sold, lines=tuple(lines))
        case 4:
            other = {**rates_of(sold.method), code: Decimal(19)}
            basis = basis_of(sold.method)
            return replace(sold, vat=booked_totals(book_lines(sold, basis, other), other, basis, "document"))
        case 5:
            lines = [replace(sold_line, amount_incl=None, amount_excl=None) for sold_line in sold.lines]
            return replace(sold, lines=tuple(lines))
        case 6:
            return discount_sale(sold, Decimal(10))
    return sold


def discount_sale(sold: Sale, percent: Decimal) -> Sale:
    """The same with a discount on the whole that no line shows."""
    basis = basis_of(sold.method)
    amounts = [
        (code, amount(vat_sum.amount_on_basis(basis) * (100 - percent) / 100)) for code, vat_sum in sold.vat.items()
    ]
    lines = [BookLine("", Decimal(1), line_amount, vat_code=code) for code, line_amount in amounts]
    return replace(
        sold, vat=booked_totals(lines, rates_of(sold.method), basis, "document"), total_incl=None, total_excl=None
    )


def add_sums(*sums: Mapping[str, VatSum]) -> dict[str, VatSum]:
    """Return the sums per VAT code, without zeros."""
    added: dict[str, VatSum] = {}
    for split in sums:
        for code, vat_sum in split.items():
            added[code] = added.get(code, VatSum()) + vat_sum
    return {code: vat_sum for code, vat_sum in added.items() if vat_sum}


def accounts(sold: Sale) -> dict[str, str]:
    """Return an account for every line; some have the same."""
    return {line.key: f"80{place % 3}0" for place, line in enumerate(sold.lines)}


def vat_sums_by_code(sold: Sale) -> dict[str, VatSum]:
    return add_sums(*({code: vat_sum} for (code, _), vat_sum in posting_totals(sold, accounts(sold)).items()))


def euros(text: str) -> Decimal:
    return Decimal(text)


def line(key: str, code: str, price: str, quantity: str = "1", discount: str = "0", total: str | None = "") -> SoldLine:
    """A line priced with VAT; the total is computed by default, and None if the till does not report it."""
    line_amount = BookLine("", euros(quantity), euros(price), euros(discount)).amount
    till_total = None if total is None else euros(total) if total else line_amount
    return SoldLine(key, code, euros(quantity), euros(price), None, euros(discount), till_total)


def sale(*lines: SoldLine, vat: Mapping[str, tuple[str, str]], **more: Any) -> Sale:
    return Sale(lines, {code: VatSum(euros(excl), euros(tax)) for code, (excl, tax) in vat.items()}, **more)
