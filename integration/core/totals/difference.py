"""Explains differences between sold and booked amounts: by how much, by which rule, and which correction fits."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import Final

from integration.core.money import CENT, HUNDRED, amount, from_cents, share_out, to_cents
from integration.core.totals.booked import BookLine, at_sale_price, book_lines, booked_totals
from integration.core.totals.sold import (
    NOTHING,
    ONE,
    Basis,
    Rounding,
    Sale,
    Sums,
    VatSum,
    basis_of,
    minus,
    plus,
    sum_by_vat_code,
)

_EXACT_PLACES: Final = 4  # postings carry amounts, not prices


@dataclass(frozen=True, slots=True)
class Verdict:
    """Difference between the sold amounts and what the books would compute.

    `differences` is sold minus booked for the VAT codes that differ. `amount` is the sum over these codes of the
    largest of |excl|, |vat| and |incl|, so that nothing cancels out. `rule` is empty if all is equal, otherwise the
    first of RULES that explains the differences to the cent, or "unexplained". If `is_certain` is false, the till's
    data of the sale is contradictory or incomplete, and no amount on a rounding article can correct it.
    """

    differences: Sums = field(default_factory=dict)
    amount: Decimal = NOTHING
    rule: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    is_certain: bool = True


def compare_totals(
    sale: Sale,
    rates: Mapping[str, Decimal],
    basis: Basis,
    rounding: Rounding,
    price_places: int = 2,
    lines: Sequence[BookLine] | None = None,
) -> Verdict:
    """Return whether the books compute the sold amounts per VAT code, and if not, the difference and its rule.

    `rates` are the percentages that the books will charge on this document, by the till's VAT codes; under reverse
    charge, the rates of the mapped codes. `lines` are the `book_lines` of the same sale, if the caller has them.
    """
    compared_lines = book_lines(sale, basis, rates, price_places) if lines is None else lines
    case = _Case(sale, rates, basis, rounding, price_places, compared_lines)
    differences = minus(case.sold, case.booked)
    contradiction = _contradiction(sale)
    if contradiction:
        gap = max(_total_difference(differences), abs(contradiction[0]))
        return Verdict(differences, gap, "till_lines_do_not_add_up", contradiction[1], is_certain=False)
    if not differences:
        return Verdict()
    rule, facts = _explanation(case)
    base_facts = {"difference": str(_total_difference(differences)), "vat_codes": ", ".join(sorted(differences))}
    return Verdict(differences, _total_difference(differences), rule, base_facts | facts, is_certain=bool(case.sold))


def posting_verdict(sale: Sale, rates: Mapping[str, Decimal]) -> Verdict:
    """Return whether a sale can be posted with the till's amounts, and if not, the difference and its rule.

    The lines must add up to the split on the till's basis. VAT may differ from the rate by a cent per line, because
    the till may round anywhere. Another rate is never accepted.
    """
    basis = basis_of(sale.method)
    verdict = compare_totals(sale, rates, basis, "document", _EXACT_PLACES)
    own = {
        code: vat_sum for code, vat_sum in verdict.differences.items() if _is_till_rounding(sale, code, vat_sum, rates)
    }
    if not verdict.is_certain or not own:
        return verdict
    if own == verdict.differences:
        return Verdict()
    rest = replace(sale, vat=minus(sale.sold, own), total_incl=None, total_excl=None)
    return compare_totals(rest, rates, basis, "document", _EXACT_PLACES)


def _is_till_rounding(sale: Sale, code: str, off: VatSum, rates: Mapping[str, Decimal]) -> bool:
    """Return True if rounding explains a difference in VAT, or in line totals that the till does not report."""
    basis, rate = basis_of(sale.method), rates.get(code, NOTHING)
    lines = [line for line in sale.lines if line.vat_code == code]
    lines_without_total = [line for line in lines if line.total(basis, sale.method) is None]
    is_rate = all(line.vat_percent in (None, rate) for line in lines)
    vat_limit = CENT * len(lines) if rate else NOTHING
    return is_rate and abs(off.amount_on_basis(basis)) <= CENT * len(lines_without_total) and abs(off.vat) <= vat_limit


def correction(verdict: Verdict, limit: Decimal) -> dict[str, VatSum] | None:
    """Return the amounts per VAT code to put on the rounding article, so that booked plus correction equals sold.

    Empty if nothing is needed. None if the document must wait for a person, because the differences exceed the limit
    or the sold amounts are uncertain.
    """
    return dict(verdict.differences) if verdict.is_certain and verdict.amount <= limit else None


def rounding_lines(
    verdict: Verdict,
    lines: Sequence[BookLine],
    rates: Mapping[str, Decimal],
    basis: Basis,
    rounding: Rounding,
    limit: Decimal,
) -> tuple[BookLine, ...] | None:
    """Return the lines on the rounding article for documents whose VAT the books compute, such as sales orders.

    None if there is no correction, or if no such lines give exactly the sold amounts: an order cannot carry an amount
    of VAT only.
    """
    amounts = correction(verdict, limit)
    if amounts is None:
        return None
    extra = tuple(
        BookLine("", ONE, sum_.amount_on_basis(basis), vat_code=code) for code, sum_ in amounts.items() if sum_
    )
    before, after = (
        booked_totals(document_lines, rates, basis, rounding) for document_lines in (lines, (*lines, *extra))
    )
    return None if minus(amounts, minus(after, before)) else extra


@dataclass(frozen=True)
class _Case:
    """Lines sent to books with these properties."""

    sale: Sale
    rates: Mapping[str, Decimal]
    basis: Basis
    rounding: Rounding
    places: int
    lines: Sequence[BookLine]

    @cached_property
    def booked(self) -> Sums:
        return self.vat_sums_of_lines(self.lines)

    @cached_property
    def sold(self) -> Sums:
        return self.sale.sold

    @cached_property
    def own_totals(self) -> list[tuple[str, Decimal]] | None:
        """VAT code and own total of each line, or None if any total is not reported."""
        totals = [(line.vat_code, line.total(self.basis, self.sale.method)) for line in self.sale.lines]
        known_totals = [(code, total) for code, total in totals if total is not None]
        return known_totals if len(known_totals) == len(totals) else None

    def vat_sums_of_lines(self, lines: Iterable[BookLine]) -> dict[str, VatSum]:
        return self.taxed((line.vat_code, line.amount) for line in lines)

    def taxed(self, amounts: Iterable[tuple[str, Decimal]]) -> dict[str, VatSum]:
        return sum_by_vat_code(amounts, self.rates, self.basis, self.rounding)

    @cached_property
    def most_by_rounding(self) -> Decimal:
        """The maximum effect of rounding on a document: a cent per line."""
        return CENT * len(self.lines)


# Amounts that the books would compute if a rule applied, with its facts; one for each variant of the rule.
_Explanations = Iterator[tuple[Sums, dict[str, str]]]


def _other_rounding(case: _Case) -> _Explanations:
    other: Rounding = "document" if case.rounding == "line" else "line"
    yield booked_totals(case.lines, case.rates, case.basis, other), {"rounding": other}


def _cash_rounding(case: _Case) -> _Explanations:
    """The till includes cash rounding in the sale, as an amount without VAT or including VAT."""
    rounding = case.sale.rounding
    for cents in (-rounding, rounding) if rounding else ():
        for code in dict.fromkeys([*case.sold, *case.booked]):
            facts = {"rounding": str(cents), "vat_code": code}
            yield plus(case.booked, {code: VatSum(cents)}), facts | {"vat": "without"}
            if case.basis == "incl":
                line = BookLine("", ONE, cents, vat_code=code)
                yield case.vat_sums_of_lines([*case.lines, line]), facts | {"vat": "included"}


def _price_already_discounted(case: _Case) -> _Explanations:
    """Lines without a reported total were sent with a discount that the price already includes."""
    pairs = list(zip(case.sale.lines, case.lines, strict=True))
    keys = [
        sent_line.key
        for line, sent_line in pairs
        if sent_line.discount_percent and line.total(case.basis, case.sale.method) is None
    ]
    if keys:
        lines = [
            replace(sent_line, discount_percent=NOTHING) if sent_line.key in keys else sent_line
            for _, sent_line in pairs
        ]
        yield case.vat_sums_of_lines(lines), {"lines": ", ".join(keys)}


def _document_discount(case: _Case) -> _Explanations:
    """A discount on the document that its lines do not show, or line discounts that their totals lack.

    Only a discount larger than the maximum effect of rounding counts: a percentage in steps of a half, or an amount
    that is divided over the VAT codes in proportion.
    """
    at_price = [at_sale_price(line, case.basis, case.rates, case.places) for line in case.sale.lines]
    if any(line.discount_percent for line in at_price):
        yield case.vat_sums_of_lines(at_price), {"discount": "lines"}
    totals = {code: vat_sum.amount_on_basis(case.basis) for code, vat_sum in case.booked.items()}
    whole = sum(totals.values(), NOTHING)
    less = whole - sum((vat_sum.amount_on_basis(case.basis) for vat_sum in case.sold.values()), NOTHING)
    if not whole or not NOTHING < less / whole <= 1 or abs(less) <= case.most_by_rounding:
        return
    amounts = [(line.vat_code, line.amount) for line in case.lines]
    percent = amount(less / whole * HUNDRED * 2, 0) / 2
    factor = (HUNDRED - percent) / HUNDRED
    facts = {"discount": f"{_text(percent)}%"}
    yield case.taxed([*amounts, *((code, amount(value * factor) - value) for code, value in totals.items())]), facts
    yield case.taxed((code, amount(value * factor)) for code, value in amounts), facts
    shares = share_out(to_cents(less), [to_cents(value) for value in totals.values()])
    discounts = [(code, -from_cents(share)) for code, share in zip(totals, shares, strict=True)]
    yield case.taxed([*amounts, *discounts]), {"discount": str(less)}


def _line_without_vat_code(case: _Case) -> _Explanations:
    missing = [line.key for line in case.lines if not line.vat_code]
    for code in case.sold if missing else ():
        if code:
            lines = [line if line.vat_code else replace(line, vat_code=code) for line in case.lines]
            yield case.vat_sums_of_lines(lines), {"lines": ", ".join(missing), "vat_code": code}


def _vat_rate_differs(case: _Case) -> _Explanations:
    """Other rates for the codes that differ: the rate from the till, or, beyond rounding, another rate in use."""
    other_rates: dict[str, Decimal] = {}
    for code in minus(case.sold, case.booked):
        lines = [line for line in case.lines if line.vat_code == code]
        for rate in _other_rates(case, code, len(lines)):
            if sum_by_vat_code([(code, line.amount) for line in lines], {code: rate}, case.basis, case.rounding) == {
                code: case.sold.get(code)
            }:
                other_rates[code] = rate
                break
        else:
            return
    code, rate = next(iter(other_rates.items()))  # there is a difference, so at least one code was found
    facts = {"vat_code": code, "till": _text(rate), "books": _text(case.rates.get(code, NOTHING))}
    amounts = ((line.vat_code, line.amount) for line in case.lines)
    yield sum_by_vat_code(amounts, {**case.rates, **other_rates}, case.basis, case.rounding), facts


def _other_basis(case: _Case) -> _Explanations:
    other: Basis = "excl" if case.basis == "incl" else "incl"
    lines = book_lines(case.sale, other, case.rates, case.places)
    for rounding in (case.rounding, "document", "line"):
        yield booked_totals(lines, case.rates, other, rounding), {"basis": other, "rounding": rounding}


def _till_lines_do_not_add_up(case: _Case) -> _Explanations:
    """The books compute exactly the totals of the till's lines, but the till's split differs."""
    if case.own_totals is None:
        return
    theirs = case.taxed(case.own_totals)
    off = minus(case.sold, theirs)
    for code in [code for code, vat_sum in off.items() if vat_sum.amount_on_basis(case.basis)][:1]:
        lines, split = (sums.get(code, VatSum()).amount_on_basis(case.basis) for sums in (theirs, case.sold))
        yield plus(case.booked, off), {"vat_code": code, "lines": str(lines), "split": str(split)}


def _price_decimals(case: _Case) -> _Explanations:
    """The books would compute the sold amounts if a price had more decimals."""
    if case.own_totals is None or not all(line.quantity for line in case.lines):
        return
    off = [line.key for line, (_, total) in zip(case.lines, case.own_totals, strict=True) if line.amount != total]
    if off:
        yield case.taxed(case.own_totals), {"lines": ", ".join(off), "decimals": str(case.places)}


# Explanations in the order of trial. A rule explains the whole difference or nothing.
RULES: Final[Mapping[str, Callable[[_Case], _Explanations]]] = {
    "other_rounding": _other_rounding,
    "cash_rounding": _cash_rounding,
    "price_already_discounted": _price_already_discounted,
    "document_discount": _document_discount,
    "line_without_vat_code": _line_without_vat_code,
    "vat_rate_differs": _vat_rate_differs,
    "other_basis": _other_basis,
    "till_lines_do_not_add_up": _till_lines_do_not_add_up,
    "price_decimals": _price_decimals,
}

UNEXPLAINED: Final = "unexplained"


def _explanation(case: _Case) -> tuple[str, dict[str, str]]:
    for rule, explained in RULES.items():
        for sums, facts in explained(case):
            if not minus(case.sold, sums):
                return rule, facts
    return UNEXPLAINED, {}


def _contradiction(sale: Sale) -> tuple[Decimal, dict[str, str]] | None:
    """Return the difference between the till's total and its own split, which cash rounding does not explain."""
    for basis, total in (("incl", sale.total_incl), ("excl", sale.total_excl)):
        split = sum((vat_sum.incl if basis == "incl" else vat_sum.excl for vat_sum in sale.sold.values()), NOTHING)
        if total is not None and abs(total - split) not in {NOTHING, abs(sale.rounding)}:
            return total - split, {"total": str(total), "split": str(split), "basis": basis}
    return None


def _other_rates(case: _Case, code: str, lines: int) -> Iterator[Decimal]:
    charged, sold = case.rates.get(code, NOTHING), case.sold.get(code, VatSum())
    likely = [line.vat_percent for line in case.sale.lines if line.vat_code == code]
    if _total_difference({code: sold - case.booked.get(code, VatSum())}) > CENT * lines:
        likely += case.rates.values()
        if sold.excl:
            exact = sold.vat * HUNDRED / sold.excl
            likely += [amount(exact, 0), amount(exact, 1)]
    yield from (rate for rate in likely if rate is not None and NOTHING <= rate < HUNDRED and rate != charged)


def _total_difference(differences: Sums) -> Decimal:
    largest = (max(abs(vat_sum.excl), abs(vat_sum.vat), abs(vat_sum.incl)) for vat_sum in differences.values())
    return sum(largest, NOTHING)


def _text(number: Decimal) -> str:
    return f"{number.normalize():f}"
