"""Totals of document lines, exact to the cent, with VAT per code, and prices of order lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from integration.sandbox.mplus.catalogue import Catalogue
from integration.sandbox.mplus.context import Reference, TillContext
from integration.sandbox.mplus.contract import WireFields

INCLUSIVE = "VAT-METHOD-INCLUSIVE"
EXCLUSIVE = "VAT-METHOD-EXCLUSIVE"
TAXED = frozenset({INCLUSIVE, EXCLUSIVE})


@dataclass(frozen=True, slots=True)
class VatGroup:
    """Total of the lines of one VAT code, in cents."""

    vat_code: int
    rate: Decimal
    excl: int
    vat: int


@dataclass(frozen=True, slots=True)
class Sums:
    """Totals of a document; each line as (including, excluding) VAT."""

    lines: tuple[tuple[int, int], ...]
    groups: tuple[VatGroup, ...]

    @property
    def incl(self) -> int:
        """Total including VAT."""
        return sum(group.excl + group.vat for group in self.groups)

    @property
    def excl(self) -> int:
        """Total excluding VAT."""
        return sum(group.excl for group in self.groups)


def summed(lines: Sequence[tuple[int, int]], rates: Mapping[int, Decimal], method: str) -> Sums:
    """Return the totals of lines given as (VAT code, cents); `method` tells whether the cents include VAT.

    VAT is rounded once per code; the heaviest line absorbs the rounding difference, so that lines add up to the totals.
    """
    line_amounts: list[tuple[int, int]] = [(0, 0)] * len(lines)
    groups = []
    for code in sorted({code for code, _ in lines}):
        places = [place for place, (line_code, _) in enumerate(lines) if line_code == code]
        rate = rates.get(code, Decimal(0)) if method in TAXED else Decimal(0)
        amounts = [lines[place][1] for place in places]
        other = _spread(
            [_counterpart_amount(cents, rate, method) for cents in amounts],
            _counterpart_amount(sum(amounts), rate, method),
            amounts,
        )
        for place, cents, counterpart in zip(places, amounts, other, strict=True):
            line_amounts[place] = (counterpart, cents) if method == EXCLUSIVE else (cents, counterpart)
        excl = sum(line_amounts[place][1] for place in places)
        groups.append(VatGroup(code, rate, excl, sum(line_amounts[place][0] for place in places) - excl))
    return Sums(tuple(line_amounts), tuple(groups))


def rounded(amount: Decimal) -> int:
    """Return an amount rounded to whole cents."""
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def _counterpart_amount(cents: int, rate: Decimal, method: str) -> int:
    factor = 1 + rate / 100
    return rounded(cents * factor if method == EXCLUSIVE else cents / factor)


def _spread(parts: list[int], total: int, weights: list[int]) -> list[int]:
    """Return the parts, with the difference to the total added to the heaviest one."""
    heaviest = max(range(len(weights)), key=lambda place: abs(weights[place]))
    parts[heaviest] += total - sum(parts)
    return parts


# ---- totals of an order: prices of the lines, and the totals and VAT that follow from them


HIGH_RATE = 2
WHOLE_PERCENT = 100


class OrderTotals:
    """Prices the lines of orders and computes the totals."""

    def __init__(self, context: TillContext, reference: Reference, catalogue: Catalogue) -> None:
        self._context = context
        self._reference = reference
        self._catalogue = catalogue

    def with_totals(self, order: WireFields, type_: str = "Order") -> WireFields:
        """Return an order, or another document, with prices for all lines, and totals and VAT."""
        method = order.text("vatMethod", INCLUSIVE)
        order_lines = order.child("lineList").children("line")
        priced = [self._with_price(line, method) for line in order_lines]
        rates = self._reference.setup.rates
        sums = summed([(line.child("data").number("vatCode"), _amount(line, method)) for line in priced], rates, method)
        lines = [
            (
                "line",
                self._context.contract.merged("Line", line, WireFields([("data", self._with_totals(line, amounts))])),
            )
            for line, amounts in zip(priced, sums.lines, strict=True)
        ]
        totals = {
            "totalInclAmount": sums.incl,
            "totalExclAmount": sums.excl,
            "vatGroupList": self._vat_groups(sums),
            "lineList": WireFields(lines),
        }
        return self._context.contract.merged(type_, order, self._context.build(type_, totals))

    def _vat_groups(self, sums: Sums) -> list[dict[str, object]]:
        return [
            {
                "vatCode": group.vat_code,
                "vatPercentage": self._context.conventions.percentage(group.rate),
                "exclAmount": group.excl,
                "vatAmount": group.vat,
            }
            for group in sums.groups
        ]

    def _with_totals(self, line: WireFields, amounts: tuple[int, int]) -> WireFields:
        values = {"totalInclAmount": amounts[0], "totalExclAmount": amounts[1]}
        return self._context.contract.merged("LineData", line.child("data"), self._context.build("LineData", values))

    def _with_price(self, line: WireFields, method: str) -> WireFields:
        """Return a line with id, price and VAT code, from the article where the line has none."""
        article = self._catalogue.article(line.number("articleNumber"))
        card = self._catalogue.fields(article) if article else WireFields()
        data = line.child("data")
        code = data.number("vatCode") or card.number("vatCode") or HIGH_RATE
        rate = 1 + (self._reference.rate(code) or Decimal(0)) / 100
        values = {
            "quantity": data.number("quantity", 1),
            "decimalPlaces": self._context.conventions.places(data.number("decimalPlaces")),
            "vatCode": code,
            "vatPercentage": self._context.conventions.percentage(self._reference.rate(code) or Decimal(0)),
            "turnoverGroup": data.number("turnoverGroup") or card.number("turnoverGroup") or None,
            "purchasePrice": data.number("purchasePrice") or card.number("purchasePrice") or None,
        }
        if data.has_name("price") or not data.has_name("priceExcl"):
            values["price"] = data.number("price", card.number("priceIncl"))
        if data.has_name("priceExcl") or method == EXCLUSIVE:
            values["priceExcl"] = data.number("priceExcl", card.number("priceExcl"))
        if "price" not in values:
            values["price"] = rounded((values["priceExcl"] or 0) * rate)
        if "priceExcl" not in values:
            values["priceExcl"] = rounded((values["price"] or 0) / rate)
        own = {
            "lineId": line.text("lineId") or self._context.new_id("line"),
            "text": line.text("text") or card.text("description"),
            "data": self._context.contract.merged("LineData", data, self._context.build("LineData", values)),
        }
        return self._context.contract.merged("Line", line, self._context.build("Line", own))


def _amount(line: WireFields, method: str) -> int:
    """Return the amount of a line in cents, according to the VAT method."""
    data = line.child("data")
    total_name, price, discount = (
        ("totalExclAmount", "priceExcl", "discountAmountExcl")
        if method == EXCLUSIVE
        else ("totalInclAmount", "price", "discountAmount")
    )
    if data.number(total_name):
        return data.number(total_name)
    percentage = Decimal(data.number("discountPercentage"))
    share = percentage / WHOLE_PERCENT if percentage > WHOLE_PERCENT else percentage
    whole = data.scaled("quantity", "decimalPlaces") * data.number(price) * (1 - share / 100)
    return rounded(whole) - data.number(discount)
