"""What the books make of it: the lines they are sent for a sale, and what these come to with their own VAT."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from integration.core.money import HUNDRED, amount
from integration.core.totals.sold import Sale, SoldLine
from integration.core.totals.vat import NOTHING, ONE, Basis, Rounding, VatSum, taxed


@dataclass(frozen=True, slots=True)
class BookLine:
    """One line as the books are sent it; a line that was not sold has no key. The price has VAT as the basis says."""

    key: str
    quantity: Decimal
    price: Decimal
    discount_percent: Decimal = NOTHING
    vat_code: str = ""

    @property
    def amount(self) -> Decimal:
        """What the books make of the line, in whole cents, half up on either side of zero."""
        return amount(self.quantity * self.price * (HUNDRED - self.discount_percent) / HUNDRED)


def book_lines(sale: Sale, basis: Basis, rates: Mapping[str, Decimal], price_places: int = 2) -> tuple[BookLine, ...]:
    """Return the lines to send, with prices and discounts that give each line's own total wherever that is possible.

    Tried in this order: price and discount as sold; the price as already discounted; the price net of discount; the
    total divided by the quantity. Quantities stay. If none is exact the nearest is taken, and the verdict shows it.
    A price that is told on the other basis only is converted with the rate (percent) of its VAT code.
    """
    return tuple(_book_line(line, sale.method, basis, rates, price_places) for line in sale.lines)


def booked(
    lines: Sequence[BookLine], rates: Mapping[str, Decimal], basis: Basis, rounding: Rounding
) -> dict[str, VatSum]:
    """Return what the books make of lines, per VAT code.

    `rates` are the percentages that the books charge under each of the codes; a code without one has no VAT.
    Rounding is half up away from zero, so the return of a document is exactly its opposite.
    """
    return taxed(((line.vat_code, line.amount) for line in lines), rates, basis, rounding)


def as_sold(line: SoldLine, basis: Basis, rates: Mapping[str, Decimal], places: int) -> BookLine:
    """Return a line with the price and the discount it was sold for, whatever its own total is."""
    quantity = ONE if line.quantity is None else line.quantity
    price = amount(_price(line, basis, rates.get(line.vat_code, NOTHING)), places)
    return BookLine(line.key, quantity, price, line.discount_percent or NOTHING, line.vat_code)


def _book_line(line: SoldLine, method: str, basis: Basis, rates: Mapping[str, Decimal], places: int) -> BookLine:
    total, sold = line.total(basis, method), as_sold(line, basis, rates, places)
    if total is None:
        return sold
    tries = [sold]
    if sold.discount_percent:
        net = sold.price * (HUNDRED - sold.discount_percent) / HUNDRED
        tries += [replace(sold, price=price, discount_percent=NOTHING) for price in (sold.price, amount(net, places))]
    if sold.quantity:
        tries.append(replace(sold, price=amount(total / sold.quantity, places), discount_percent=NOTHING))
    return min(tries, key=lambda each: abs(each.amount - total))


def _price(line: SoldLine, basis: Basis, rate: Decimal) -> Decimal:
    told = line.price(basis)
    if told is not None:
        return told
    factor = (HUNDRED + rate) / HUNDRED
    if basis == "incl":
        return (line.price_excl or NOTHING) * factor
    return (line.price_incl or NOTHING) / factor
