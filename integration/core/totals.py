"""The money of documents to the cent: what the till sold, what the books make of it, and why the two differ.

The till's own split per VAT code says what was sold. Everything here is compared with it and nothing is smoothed over:
cents that do not add up are put on the rounding account in plain sight, or the document waits for a person.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Final, Literal

from integration.core.money import CENT, HUNDRED, add_vat, amount, from_cents, remove_vat, to_cents

Basis = Literal["incl", "excl"]
"""Whether the prices that the books are sent include VAT."""

Rounding = Literal["line", "document"]
"""Where the books round VAT: on every line, or once for each VAT code of a document."""

NOTHING: Final = Decimal(0)
ONE: Final = Decimal(1)
UNTAXED: Final = frozenset({"shifted", "none"})
"""The VAT methods under which an amount including and excluding VAT is the same amount."""


@dataclass(frozen=True, slots=True)
class VatSum:
    """What one VAT code of a document comes to, in euros. It is false when both amounts are zero."""

    excl: Decimal = NOTHING
    vat: Decimal = NOTHING

    @property
    def incl(self) -> Decimal:
        """The amount with its VAT."""
        return self.excl + self.vat

    def of(self, basis: Basis) -> Decimal:
        """Return the amount that prices of this basis add up to."""
        return self.incl if basis == "incl" else self.excl

    def __add__(self, other: "VatSum") -> "VatSum":
        return VatSum(self.excl + other.excl, self.vat + other.vat)

    def __sub__(self, other: "VatSum") -> "VatSum":
        return VatSum(self.excl - other.excl, self.vat - other.vat)

    def __bool__(self) -> bool:
        return bool(self.excl or self.vat)


Sums = Mapping[str, VatSum]
"""Amounts by the till's VAT code."""


@dataclass(frozen=True, slots=True)
class Sold:
    """One line as the till sold it; None is what the till does not say.

    Amounts are the line's own totals, after discount. `group` is what postings are gathered by, such as the revenue
    account; `vat_percent` is the rate as the till tells it and only serves to explain a difference.
    """

    key: str
    vat_code: str = ""
    quantity: Decimal | None = None
    price_incl: Decimal | None = None
    price_excl: Decimal | None = None
    discount_percent: Decimal | None = None
    amount_incl: Decimal | None = None
    amount_excl: Decimal | None = None
    group: str = ""
    vat_percent: Decimal | None = None

    def price(self, basis: Basis) -> Decimal | None:
        """Return the unit price with or without VAT."""
        return self.price_incl if basis == "incl" else self.price_excl

    def amount(self, basis: Basis) -> Decimal | None:
        """Return the line's own total with or without VAT."""
        return self.amount_incl if basis == "incl" else self.amount_excl


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the till: its lines, and the split per VAT code that says what was sold.

    `method` is "inclusive", "exclusive", "shifted" or "none". `rounding` is cash rounding that the till tells as a
    payment: what the customer saved or paid extra, which does not belong to what was sold.
    """

    lines: tuple[Sold, ...]
    vat: Sums
    total_incl: Decimal | None = None
    total_excl: Decimal | None = None
    method: str = "inclusive"
    rounding: Decimal = NOTHING

    @property
    def sold(self) -> Sums:
        """What was sold per VAT code: the till's split, or without one the totals of its lines, if all are told."""
        if self.vat:
            return self.vat
        sums: dict[str, VatSum] = {}
        for line in self.lines:
            incl, excl = _own(line, "incl", self.method), _own(line, "excl", self.method)
            if incl is None or excl is None:
                return {}
            sums[line.vat_code] = sums.get(line.vat_code, VatSum()) + VatSum(excl, incl - excl)
        return sums


@dataclass(frozen=True, slots=True)
class BookLine:
    """One line as the books are sent it. The price includes VAT or not as the basis says."""

    key: str
    quantity: Decimal
    price: Decimal
    discount_percent: Decimal = NOTHING
    vat_code: str = ""

    @property
    def amount(self) -> Decimal:
        """What the books make of the line, in whole cents, half up on either side of zero."""
        return amount(self.quantity * self.price * (HUNDRED - self.discount_percent) / HUNDRED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far the books would be from what was sold.

    `differences` is sold minus booked for the VAT codes that differ. `amount` is what would have to be moved: over
    these codes the sum of the largest of |excl|, |vat| and |incl|, so that nothing cancels out. `rule` is empty when
    all is equal, else the first of RULES that explains the differences to the cent, or "unexplained". With `is_certain`
    false the till contradicts itself about what was sold, or does not tell: no amount on a rounding account could make
    that right.
    """

    differences: Sums = field(default_factory=dict)
    amount: Decimal = NOTHING
    rule: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    is_certain: bool = True


def basis_of(method: str) -> Basis:
    """Return the basis in which the till counted a document with this VAT method; in it fewest cents go astray."""
    return "incl" if method == "inclusive" else "excl"


def book_lines(
    document: Document, basis: Basis, rates: Mapping[str, Decimal], price_places: int = 2
) -> tuple[BookLine, ...]:
    """Return the lines to send, with prices and discounts that give each line's own total wherever that is possible.

    Tried in this order: price and discount as sold; the price as already discounted; the price net of discount; the
    total divided by the quantity. Quantities stay. If none is exact the nearest is taken, and the verdict shows it.
    A price that is told on the other basis only is converted with the rate (percent) of its VAT code.
    """
    return tuple(_book_line(line, document.method, basis, rates, price_places) for line in document.lines)


def booked(
    lines: Sequence[BookLine], rates: Mapping[str, Decimal], basis: Basis, rounding: Rounding
) -> dict[str, VatSum]:
    """Return what the books make of lines, per VAT code.

    `rates` are the percentages that the books charge under each of the till's codes; a code without one has no VAT.
    Rounding is half up away from zero, so the return of a document is exactly its opposite.
    """
    return _taxed(((line.vat_code, line.amount) for line in lines), rates, basis, rounding)


def verdict(
    document: Document, rates: Mapping[str, Decimal], basis: Basis, rounding: Rounding, price_places: int = 2
) -> Verdict:
    """Return whether the books come to what was sold, per VAT code, and if not by how much and by which rule.

    `rates` are the percentages that the books will charge on this document, by the till's VAT codes; under reverse
    charge that is what the codes are mapped to, not what they mean elsewhere.
    """
    case = _Case(document, rates, basis, rounding, price_places)
    differences = _minus(case.sold, case.booked)
    contradiction = _contradiction(document)
    if contradiction:
        gap = max(_moved(differences), abs(contradiction[0]))
        return Verdict(differences, gap, "till_lines_do_not_add_up", contradiction[1], is_certain=False)
    if not differences:
        return Verdict()
    rule, facts = _explanation(case)
    told = {"difference": str(_moved(differences)), "vat_codes": ", ".join(sorted(differences))}
    return Verdict(differences, _moved(differences), rule, told | facts, is_certain=bool(case.sold))


def correction(found: Verdict, limit: Decimal) -> dict[str, VatSum] | None:
    """Return per VAT code what to put on the rounding account so that booked and correction are exactly what was sold.

    Empty when nothing is needed. None when the document has to wait for a person: the differences are above the limit,
    or what was sold is not certain.
    """
    return dict(found.differences) if found.is_certain and found.amount <= limit else None


def rounding_lines(
    found: Verdict,
    lines: Sequence[BookLine],
    rates: Mapping[str, Decimal],
    basis: Basis,
    rounding: Rounding,
    limit: Decimal,
) -> tuple[BookLine, ...] | None:
    """Return the lines on the rounding account for books that compute VAT themselves, as with sales orders.

    None when there is no correction, or when no such lines make these books come to exactly what was sold: an amount of
    VAT alone cannot be put on an order. Keys are "rounding:" and the VAT code.
    """
    amounts = correction(found, limit)
    if amounts is None:
        return None
    extra = tuple(
        BookLine(f"rounding:{code}", ONE, sum_.of(basis), vat_code=code) for code, sum_ in amounts.items() if sum_
    )
    before, after = (booked(some, rates, basis, rounding) for some in (lines, (*lines, *extra)))
    return None if _minus(amounts, _minus(after, before)) else extra


def posted(document: Document) -> dict[tuple[str, str], VatSum]:
    """Return what was sold by VAT code and group of lines; per VAT code exactly the till's split.

    Each group starts from the totals of its own lines; what these miss of the split is shared out in whole cents in
    proportion to their size, the largest remainders first. A code without lines stands under the group "".
    """
    sold = document.sold
    codes = dict.fromkeys([*sold, *(line.vat_code for line in document.lines)])
    shares = {(code, group): share for code in codes for group, share in _posted_code(document, code)}
    return {place: share for place, share in shares.items() if share}


@dataclass(frozen=True)
class _Case:
    """One question: these lines, sent to books of this kind."""

    document: Document
    rates: Mapping[str, Decimal]
    basis: Basis
    rounding: Rounding
    places: int

    @cached_property
    def lines(self) -> tuple[BookLine, ...]:
        return book_lines(self.document, self.basis, self.rates, self.places)

    @cached_property
    def booked(self) -> Sums:
        return self.made(self.lines)

    @cached_property
    def sold(self) -> Sums:
        return self.document.sold

    @cached_property
    def own(self) -> list[tuple[str, Decimal]] | None:
        """Each line's VAT code and own total, or None as soon as one is not told."""
        totals = [(line.vat_code, _own(line, self.basis, self.document.method)) for line in self.document.lines]
        known = [(code, total) for code, total in totals if total is not None]
        return known if len(known) == len(totals) else None

    def made(self, lines: Iterable[BookLine]) -> dict[str, VatSum]:
        return self.taxed((line.vat_code, line.amount) for line in lines)

    def taxed(self, amounts: Iterable[tuple[str, Decimal]]) -> dict[str, VatSum]:
        return _taxed(amounts, self.rates, self.basis, self.rounding)

    @cached_property
    def most_by_rounding(self) -> Decimal:
        """More than rounding can make of a document: a cent for each line."""
        return CENT * len(self.lines)


_Explained = Iterator[tuple[Sums, dict[str, str]]]
"""What the books would come to if a rule held, with the facts of it; one for each way in which it may hold."""


def _other_rounding(case: _Case) -> _Explained:
    other: Rounding = "document" if case.rounding == "line" else "line"
    yield booked(case.lines, case.rates, case.basis, other), {"rounding": other}


def _cash_rounding(case: _Case) -> _Explained:
    """The till counts the rounding of cash as sold: as an amount without VAT, or as one that includes it."""
    told = case.document.rounding
    for cents in (-told, told) if told else ():
        for code in dict.fromkeys([*case.sold, *case.booked]):
            facts = {"rounding": str(cents), "vat_code": code}
            yield _plus(case.booked, {code: VatSum(cents)}), facts | {"vat": "without"}
            if case.basis == "incl":
                line = BookLine("", ONE, cents, vat_code=code)
                yield case.made([*case.lines, line]), facts | {"vat": "included"}


def _price_already_discounted(case: _Case) -> _Explained:
    """Lines whose total the till does not tell were sent with a discount that is in their price already."""
    pairs = list(zip(case.document.lines, case.lines, strict=True))
    meant = [
        sent.key
        for line, sent in pairs
        if sent.discount_percent and _own(line, case.basis, case.document.method) is None
    ]
    if meant:
        lines = [replace(sent, discount_percent=NOTHING) if sent.key in meant else sent for _, sent in pairs]
        yield case.made(lines), {"lines": ", ".join(meant)}


def _document_discount(case: _Case) -> _Explained:
    """A discount on the whole document that its lines do not show, or one that is not in their totals.

    Only a discount that is more than rounding could be counts: as a percentage in halves, or as an amount that is
    shared out over the VAT codes in proportion.
    """
    as_sold = [_as_sold(line, case.basis, case.rates, case.places) for line in case.document.lines]
    if any(line.discount_percent for line in as_sold):
        yield case.made(as_sold), {"discount": "lines"}
    totals = {code: made.of(case.basis) for code, made in case.booked.items()}
    whole = sum(totals.values(), NOTHING)
    less = whole - sum((each.of(case.basis) for each in case.sold.values()), NOTHING)
    if not whole or not NOTHING < less / whole <= 1 or abs(less) <= case.most_by_rounding:
        return
    amounts = [(line.vat_code, line.amount) for line in case.lines]
    percent = (less / whole * HUNDRED * 2).quantize(ONE, ROUND_HALF_UP) / 2
    left = (HUNDRED - percent) / HUNDRED
    facts = {"discount": f"{_text(percent)}%"}
    yield case.taxed([*amounts, *((code, amount(each * left) - each) for code, each in totals.items())]), facts
    yield case.taxed((code, amount(each * left)) for code, each in amounts), facts
    shares = _shared(to_cents(less), [to_cents(each) for each in totals.values()])
    taken = [(code, -from_cents(share)) for code, share in zip(totals, shares, strict=True)]
    yield case.taxed([*amounts, *taken]), {"discount": str(less)}


def _line_without_vat_code(case: _Case) -> _Explained:
    missing = [line.key for line in case.lines if not line.vat_code]
    for code in case.sold if missing else ():
        if code:
            lines = [line if line.vat_code else replace(line, vat_code=code) for line in case.lines]
            yield case.made(lines), {"lines": ", ".join(missing), "vat_code": code}


def _vat_rate_differs(case: _Case) -> _Explained:
    """Other rates for the codes that differ: as the till tells them, else, beyond rounding, another one in use."""
    found: dict[str, Decimal] = {}
    for code in _minus(case.sold, case.booked):
        lines = [line for line in case.lines if line.vat_code == code]
        for rate in _other_rates(case, code, len(lines)):
            if _taxed([(code, line.amount) for line in lines], {code: rate}, case.basis, case.rounding) == {
                code: case.sold.get(code)
            }:
                found[code] = rate
                break
        else:
            return
    code, rate = next(iter(found.items()))  # who asks has a difference to explain
    facts = {"vat_code": code, "till": _text(rate), "books": _text(case.rates.get(code, NOTHING))}
    amounts = ((line.vat_code, line.amount) for line in case.lines)
    yield _taxed(amounts, {**case.rates, **found}, case.basis, case.rounding), facts


def _other_basis(case: _Case) -> _Explained:
    other: Basis = "excl" if case.basis == "incl" else "incl"
    lines = book_lines(case.document, other, case.rates, case.places)
    for rounding in (case.rounding, "document", "line"):
        yield booked(lines, case.rates, other, rounding), {"basis": other, "rounding": rounding}


def _till_lines_do_not_add_up(case: _Case) -> _Explained:
    """The books come to exactly what the till's lines say, and the till's split says something else."""
    if case.own is None:
        return
    theirs = case.taxed(case.own)
    off = _minus(case.sold, theirs)
    for code in [code for code, each in off.items() if each.of(case.basis)][:1]:
        lines, split = (sums.get(code, VatSum()).of(case.basis) for sums in (theirs, case.sold))
        yield _plus(case.booked, off), {"vat_code": code, "lines": str(lines), "split": str(split)}


def _price_decimals(case: _Case) -> _Explained:
    """The books come to what was sold if only a price could have more decimals."""
    if case.own is None or not all(line.quantity for line in case.lines):
        return
    off = [line.key for line, (_, total) in zip(case.lines, case.own, strict=True) if line.amount != total]
    if off:
        yield case.taxed(case.own), {"lines": ", ".join(off), "decimals": str(case.places)}


RULES: Final[Mapping[str, Callable[[_Case], _Explained]]] = {
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
"""What can explain a difference, in the order in which it is tried. A rule explains all of it or nothing."""

UNEXPLAINED: Final = "unexplained"


def _explanation(case: _Case) -> tuple[str, dict[str, str]]:
    for rule, explained in RULES.items():
        for sums, facts in explained(case):
            if not _minus(case.sold, sums):
                return rule, facts
    return UNEXPLAINED, {}


def _contradiction(document: Document) -> tuple[Decimal, dict[str, str]] | None:
    """How far the till's total is from its own split; cash rounding may be the distance between the two."""
    for basis, total in (("incl", document.total_incl), ("excl", document.total_excl)):
        split = sum((each.incl if basis == "incl" else each.excl for each in document.sold.values()), NOTHING)
        if total is not None and abs(total - split) not in {NOTHING, abs(document.rounding)}:
            return total - split, {"total": str(total), "split": str(split), "basis": basis}
    return None


def _own(line: Sold, basis: Basis, method: str) -> Decimal | None:
    """The line's own total in a basis; without VAT the other one is the same."""
    told = line.amount(basis)
    return line.amount("excl" if basis == "incl" else "incl") if told is None and method in UNTAXED else told


def _book_line(line: Sold, method: str, basis: Basis, rates: Mapping[str, Decimal], places: int) -> BookLine:
    total, sold = _own(line, basis, method), _as_sold(line, basis, rates, places)
    if total is None:
        return sold
    tries = [sold]
    if sold.discount_percent:
        net = sold.price * (HUNDRED - sold.discount_percent) / HUNDRED
        tries += [replace(sold, price=price, discount_percent=NOTHING) for price in (sold.price, amount(net, places))]
    if sold.quantity:
        tries.append(replace(sold, price=amount(total / sold.quantity, places), discount_percent=NOTHING))
    return min(tries, key=lambda each: abs(each.amount - total))


def _as_sold(line: Sold, basis: Basis, rates: Mapping[str, Decimal], places: int) -> BookLine:
    quantity = ONE if line.quantity is None else line.quantity
    price = amount(_price(line, basis, rates.get(line.vat_code, NOTHING)), places)
    return BookLine(line.key, quantity, price, line.discount_percent or NOTHING, line.vat_code)


def _price(line: Sold, basis: Basis, rate: Decimal) -> Decimal:
    told = line.price(basis)
    if told is not None:
        return told
    factor = (HUNDRED + rate) / HUNDRED
    if basis == "incl":
        return (line.price_excl or NOTHING) * factor
    return (line.price_incl or NOTHING) / factor


def _taxed(
    amounts: Iterable[tuple[str, Decimal]], rates: Mapping[str, Decimal], basis: Basis, rounding: Rounding
) -> dict[str, VatSum]:
    """What amounts in a basis come to per VAT code."""
    given: dict[str, list[Decimal]] = {}
    for code, each in amounts:
        given.setdefault(code, []).append(each)
    sums = {}
    for code, parts in given.items():
        rounded = parts if rounding == "line" else [sum(parts, NOTHING)]
        sums[code] = sum((_with_vat(part, rates.get(code, NOTHING), basis) for part in rounded), VatSum())
    return sums


def _with_vat(part: Decimal, rate: Decimal, basis: Basis) -> VatSum:
    if basis == "excl":
        return VatSum(part, add_vat(part, rate) - part)
    excl = remove_vat(part, rate)
    return VatSum(excl, part - excl)


def _other_rates(case: _Case, code: str, lines: int) -> Iterator[Decimal]:
    charged, sold = case.rates.get(code, NOTHING), case.sold.get(code, VatSum())
    likely = [line.vat_percent for line in case.document.lines if line.vat_code == code]
    if _moved({code: sold - case.booked.get(code, VatSum())}) > CENT * lines:
        likely += case.rates.values()
        if sold.excl:
            exact = sold.vat * HUNDRED / sold.excl
            likely += [amount(exact, 0), amount(exact, 1)]
    yield from (rate for rate in likely if rate is not None and NOTHING <= rate < HUNDRED and rate != charged)


def _posted_code(document: Document, code: str) -> list[tuple[str, VatSum]]:
    """One VAT code's amounts by group."""
    sold = document.sold.get(code, VatSum())
    own: dict[str, VatSum] = {}
    for line in document.lines:
        if line.vat_code == code:
            own[line.group] = own.get(line.group, VatSum()) + _line_sum(line, sold, document.method)
    own = own or {"": VatSum()}
    excl, vat = (
        [to_cents(each) for each in side] for side in zip(*((o.excl, o.vat) for o in own.values()), strict=True)
    )
    excl_shares = _filled(excl, to_cents(sold.excl), excl)
    vat_shares = _filled(vat, to_cents(sold.vat), vat if any(vat) else excl)
    return [
        (group, VatSum(from_cents(excl_share), from_cents(vat_share)))
        for group, excl_share, vat_share in zip(own, excl_shares, vat_shares, strict=True)
    ]


def _line_sum(line: Sold, sold: VatSum, method: str) -> VatSum:
    """A line's own total; what the till does not tell of it is taken in the proportion of its VAT code."""
    incl, excl = _own(line, "incl", method), _own(line, "excl", method)
    if incl is None and excl is None:
        made = _as_sold(line, basis_of(method), {}, 2).amount
        incl, excl = (made, None) if basis_of(method) == "incl" else (None, made)
    if incl is not None and excl is not None:
        return VatSum(excl, incl - excl)
    if incl is not None:
        part = amount(incl * sold.excl / sold.incl) if sold.incl else incl
        return VatSum(part, incl - part)
    told = excl or NOTHING
    return VatSum(told, amount(told * sold.vat / sold.excl) if sold.excl else NOTHING)


def _filled(parts: Sequence[int], total: int, weights: Sequence[int]) -> list[int]:
    """The parts, with what they miss of a total shared out over them."""
    shares = _shared(total - sum(parts), weights)
    return [part + share for part, share in zip(parts, shares, strict=True)]


def _shared(cents: int, weights: Sequence[int]) -> list[int]:
    """Whole cents in proportion to the size of weights, the largest remainders first; equally if all weigh nothing."""
    sizes = [abs(weight) for weight in weights] if any(weights) else [1] * len(weights)
    whole, sign = sum(sizes), -1 if cents < 0 else 1
    quotas = [divmod(abs(cents) * size, whole) for size in sizes]
    shares = [share for share, _ in quotas]
    by_remainder = sorted(range(len(sizes)), key=lambda place: -quotas[place][1])
    for place in by_remainder[: abs(cents) - sum(shares)]:
        shares[place] += 1
    return [sign * share for share in shares]


def _plus(some: Sums, more: Sums) -> dict[str, VatSum]:
    return {code: some.get(code, VatSum()) + more.get(code, VatSum()) for code in dict.fromkeys([*some, *more])}


def _minus(some: Sums, less: Sums) -> dict[str, VatSum]:
    """The differences that are not zero."""
    codes = dict.fromkeys([*some, *less])
    differences = {code: some.get(code, VatSum()) - less.get(code, VatSum()) for code in codes}
    return {code: each for code, each in differences.items() if each}


def _moved(differences: Sums) -> Decimal:
    largest = (max(abs(each.excl), abs(each.vat), abs(each.incl)) for each in differences.values())
    return sum(largest, NOTHING)


def _text(number: Decimal) -> str:
    return f"{number.normalize():f}"
