"""A till in plain values: documents, drawers and days in whole cents, without any of the product's code."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal, NamedTuple, TypeVar

RATES = {"1": 9, "2": 21, "3": 0, "4": 0}  # percent, by the till's VAT code
BRANCHES = {"1": "De Ketting Utrecht", "2": "Zeist", "3": "Amersfoort", "12": "Werkplaats"}


class Group(NamedTuple):
    """A turnover group: its type, its name, and its account at the till."""

    type: str
    name: str
    account: str


class Method(NamedTuple):
    """A payment method: its type, its name, and its account at the till."""

    type: str
    name: str
    account: str


GROUPS = {
    "10": Group("turnover", "Fietsen", "8000"),
    "20": Group("turnover", "Kleding", "8010"),
    "30": Group("turnover", "Onderdelen", "8020"),
    "35": Group("turnover", "Onderdelen tweedehands en gereviseerd", "8020"),  # one account, and a text that is cut
    "50": Group("turnover", "Diensten", "8040"),
    "60": Group("turnover", "Cursussen", "8050"),
    "70": Group("turnover", "Boeken en kaarten", "8100"),
    "80": Group("balance-upgrade", "Cadeaubonnen", "1560"),
    "85": Group("balance-upgrade", "Reparatiebonnen", "1565"),
    "90": Group("refundable-deposit", "Statiegeld en borg", "1570"),
    "91": Group("refundable-deposit", "Emballage", "1571"),
    "92": Group("suspense", "Aanbetalingen", "1575"),
    "95": Group("cash-inflow", "Wisselgeld uit kluis", "1020"),
    "96": Group("cash-inflow", "Fooi", "1580"),
    "97": Group("cash-outflow", "Kleine uitgaven porti", "4510"),
    "98": Group("cash-outflow", "Schoonmaak", "4520"),
}
REVENUE = frozenset(key for key, group in GROUPS.items() if group.type == "turnover")
OUTFLOWS = frozenset(key for key, group in GROUPS.items() if group.type == "cash-outflow")
METHODS = {
    "CASH": Method("payment", "Contant", "1000"),
    "PIN": Method("eft", "Pin", "1010"),
    "CREDIT": Method("eft", "Creditcard", "1011"),
    "IDEAL": Method("eft", "iDEAL", "1012"),
    "GIFTCARD": Method("suspense", "Cadeaubon", "1560"),
    "VOUCHER": Method("suspense", "Reparatiebon", "1565"),
    "INVOICE": Method("suspense", "Op rekening", "1300"),
    "DEPOSIT": Method("deposit", "Aanbetaling verrekend", "1575"),
    "ROUNDING": Method("suspense", "Afronding contant", "4410"),
}

Source = Literal["receipt", "invoice", "order"]
VatMethod = Literal["inclusive", "exclusive", "shifted"]


@dataclass(frozen=True)
class Conventions:
    """Conventions of a till that its interface leaves open."""

    vat_lists: Literal["all", "taxed", "turnover"] = "all"  # which groups the lists of VAT are about
    outflows: Literal["negative", "positive"] = "negative"
    split: Literal["document", "line"] = "document"  # what the groups of the financial journal add up
    vat: Literal["documents", "day"] = "documents"  # whether the journals' VAT is that of documents, or of the day
    orders: Literal["payments", "group"] = "payments"  # whether the orders' journal has a group of down payments
    closing: Literal["told", "not told"] = "told"


@dataclass(frozen=True)
class Item:
    """One line: its amounts with and without VAT, rounded per line."""

    group: str
    code: str
    incl: int
    excl: int


@dataclass(frozen=True)
class Payment:
    """One payment: by which method, how much, on which financial date and at which branch."""

    method: str
    cents: int
    day: date
    branch: str
    workplace: str = "1"


@dataclass(frozen=True)
class Document:
    """A receipt, invoice or order. `late` came after its day was booked, `dropped` was cancelled after that."""

    source: Source
    number: str
    day: date
    branch: str
    items: tuple[Item, ...]
    paid: tuple[Payment, ...]
    entered: datetime
    method: VatMethod = "inclusive"
    relation: str = ""
    vat_number: str = ""
    cancelled: bool = False
    late: bool = False
    dropped: bool = False
    rehearsed: bool = False  # in training: the till lists it, and counts it nowhere
    kind: str = ""  # what the case is, for counting cases

    @property
    def total(self) -> int:
        """Total of the document with VAT."""
        return sum(base + vat for base, vat in self.vat().values())

    @property
    def is_apart(self) -> bool:
        """True for an invoice that is always booked separately: its VAT is owed or reported elsewhere."""
        foreign = self.vat_number[:2].isalpha() and self.vat_number[:2] not in ("", "NL")
        return self.source == "invoice" and (self.method == "shifted" or foreign)

    def vat(self, lists: str = "all") -> dict[str, tuple[int, int]]:
        """Base and VAT by code, rounded once for each code of the document."""
        totals: dict[str, tuple[int, int]] = {}
        for code in dict.fromkeys(item.code for item in self.items):
            own = [item for item in self.items if item.code == code]
            totals[code] = self._base_and_vat(own, code)
        return totals if lists == "all" else self._listed_vat(totals, lists)

    def _base_and_vat(self, own: Sequence[Item], code: str) -> tuple[int, int]:
        if self.method == "shifted":
            return sum(item.excl for item in own), 0
        if self.method == "exclusive":
            base = sum(item.excl for item in own)
            return base, divide_rounded(base * RATES[code], 100)
        gross = sum(item.incl for item in own)
        return gross - (vat := divide_rounded(gross * RATES[code], 100 + RATES[code])), vat

    def _listed_vat(self, vat_totals: Mapping[str, tuple[int, int]], lists: str) -> dict[str, tuple[int, int]]:
        """The list of VAT where it is about less than all groups."""
        listed_vat = {}
        for code, (base, vat) in vat_totals.items():
            unlisted = [item for item in self.items if item.code == code and not is_listed(item.group, code, lists)]
            shares = self.shares()
            base_left = sum(shares[group, code][0] for group in {item.group for item in unlisted})
            vat_left = sum(shares[group, code][1] for group in {item.group for item in unlisted})
            if len(unlisted) < sum(item.code == code for item in self.items):
                listed_vat[code] = (base - base_left, vat - vat_left)
        return listed_vat

    def shares(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Base and VAT by group and code, brought to the document's own VAT by the largest remainders."""
        shares: dict[tuple[str, str], tuple[int, int]] = {}
        for code, (_, vat) in self.vat().items():
            groups: dict[str, tuple[int, int]] = {}
            for item in self.items:
                if item.code == code:
                    base, tax = groups.get(item.group, (0, 0))
                    groups[item.group] = (base + item.excl, tax + item.incl - item.excl)
            shares |= {(group, code): amounts for group, amounts in allocate_vat(groups, vat).items()}
        return shares

    def lines(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Base and VAT by group and code, added up from lines that are rounded one by one."""
        totals: dict[tuple[str, str], tuple[int, int]] = {}
        for item in self.items:
            base, tax = totals.get((item.group, item.code), (0, 0))
            totals[item.group, item.code] = (base + item.excl, tax + item.incl - item.excl)
        return totals

    def payments_on(self, day: date, branch: str) -> list[Payment]:
        """Return its payments on a date at a branch."""
        return [payment for payment in self.paid if (payment.day, payment.branch) == (day, branch)]

    def is_sold_on(self, day: date, branch: str) -> bool:
        """Return True if it was sold on this day at this branch."""
        return self.source != "order" and (self.day, self.branch) == (day, branch)


@dataclass(frozen=True)
class Count:
    """The count of one drawer by one method."""

    workplace: str
    number: str
    version: int
    method: str
    start: int
    added: int
    counted: int
    deposited: int
    before: int | None = None

    @property
    def difference(self) -> int:
        """Surplus in cents."""
        return self.counted - self.start - self.added

    @property
    def end(self) -> int:
        """Cash that stays in the drawer."""
        return self.counted - self.deposited


@dataclass(frozen=True)
class Day:
    """One financial date of one branch: its documents, those of other days that were paid on it, and its counts."""

    date: date
    branch: str
    conventions: Conventions
    documents: tuple[Document, ...]
    counts: tuple[Count, ...]
    recounts: tuple[Count, ...] = ()  # as they are after the day was booked; empty: as before
    cases: frozenset[str] = field(default_factory=frozenset)

    @property
    def key(self) -> str:
        """Key of the day in both systems."""
        return f"{self.date.isoformat()}/{self.branch}"

    @property
    def counting(self) -> list[Document]:
        """The documents that count: nothing cancelled, nothing practised."""
        return [document for document in self.documents if not document.cancelled and not document.rehearsed]

    def first(self) -> "Day":
        """The day as it was when it was booked."""
        early = [document for document in self.documents if not document.late]
        return replace(self, documents=tuple(early), recounts=())

    def last(self) -> "Day":
        """The day as it is in the end."""
        now = [replace(document, cancelled=document.cancelled or document.dropped) for document in self.documents]
        return replace(self, documents=tuple(now), counts=self.recounts or self.counts, recounts=())

    def honest(self) -> "Day":
        """The day without the documents for which it must be refused."""
        return replace(self, documents=tuple(document for document in self.documents if document.kind != "refused"))


def is_listed(group: str, code: str, lists: str) -> bool:
    """Return True if a list of VAT includes the amount of a turnover group."""
    return lists == "all" or group in REVENUE or (lists == "taxed" and bool(RATES[code]))


def divide_rounded(numerator: int, denominator: int) -> int:
    """A quotient as a whole number, halves away from zero."""
    sign = -1 if (numerator < 0) != (denominator < 0) else 1
    return sign * ((2 * abs(numerator) + abs(denominator)) // (2 * abs(denominator)))


Key = TypeVar("Key")


def allocate_vat(groups: Mapping[Key, tuple[int, int]], vat: int) -> dict[Key, tuple[int, int]]:
    """Groups with their VAT adjusted to this total: odd cents go to the largest remainders, then to the first.

    What each group comes to with VAT stays.
    """
    off = vat - sum(tax for _, tax in groups.values())
    weights = [abs(tax) or abs(base + tax) for base, tax in groups.values()]
    moved = dict(zip(groups, largest(off, weights), strict=True))
    return {key: (base - moved[key], tax + moved[key]) for key, (base, tax) in groups.items()}


def largest(cents: int, weights: Sequence[int]) -> list[int]:
    """Whole cents by weight, by the method of largest remainders."""
    if not weights:
        return []
    sizes = list(weights) if sum(weights) else [1] * len(weights)
    whole, much = sum(sizes), abs(cents)
    portions = [much * size // whole for size in sizes]
    order = sorted(range(len(sizes)), key=lambda place: (-(much * sizes[place] % whole), place))
    for place in order[: much - sum(portions)]:
        portions[place] += 1
    return [portion if cents > 0 else -portion for portion in portions]


def sum_by_key(pairs: Iterable[tuple[Key, tuple[int, ...]]]) -> dict[Key, tuple[int, ...]]:
    """Return the sums of tuples of amounts, by key."""
    sums: dict[Key, tuple[int, ...]] = {}
    for key, amounts in pairs:
        sums[key] = tuple(total + more for total, more in zip(sums.get(key, (0,) * len(amounts)), amounts, strict=True))
    return sums
