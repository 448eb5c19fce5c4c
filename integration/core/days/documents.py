"""Totals of the documents of a day: the second source, against which the till's own sums are checked."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property

from integration.core.days.till import (
    DOCUMENTS,
    TillDay,
    optional_amount,
    till_amount,
    till_text,
    total,
    turnover_group,
)
from integration.core.grouping import sum_by_key
from integration.core.money import CENT
from integration.core.records import Kind, Record, Value
from integration.core.totals.allocation import allocate_vat
from integration.core.totals.categories import METHODS, Tender
from integration.core.totals.sold import NOTHING, UNTAXED, VatSum, sum_by
from integration.core.vat_numbers import is_of_the_union, vat_prefix

HOME = "NL"  # country of a shop that does not set another one


@dataclass(frozen=True)
class DayDocument:
    """One document of the till, limited to the day and branch: sold on that day, or paid on it.

    An empty branch means all branches. `revenue_groups` are the turnover groups that are revenue; None means all.
    """

    record: Record
    day: date
    branch: str = ""
    revenue_groups: frozenset[str] | None = None

    @property
    def source(self) -> str:
        """Source of the document at the till: receipt, invoice or order."""
        return DOCUMENTS[self.record.kind]

    @property
    def number(self) -> str:
        """The number that people use for it."""
        return till_text(self.record.values, "number") or self.record.key

    @property
    def is_sold(self) -> bool:
        """True if the document was sold on the day. Orders are no sales, and documents paid later were sold before."""
        is_here = self._is_own_branch(till_text(self.record.values, "branch"))
        return self.record.kind is not Kind.ORDER and is_here and self.record.values.get("date") == self.day

    @property
    def total(self) -> Decimal:
        """Total including VAT if it was sold on the day, otherwise zero. Its VAT list may cover less than the total."""
        if not self.is_sold:
            return NOTHING
        total_incl = optional_amount(self.record.values, "total_incl")
        return total(vat_sum.incl for vat_sum in self.vat.values()) if total_incl is None else total_incl

    @property
    def method(self) -> str:
        """The till's method of VAT calculation."""
        return till_text(self.record.values, "vat_method") or "inclusive"

    @property
    def is_untaxed(self) -> bool:
        """True if the buyer owes the VAT (reverse charge)."""
        return self.method in UNTAXED - {"none"}

    @property
    def customer(self) -> Record | None:
        """The customer, if the till reports one."""
        return next((part for part in self.record.parts if part.kind is Kind.RELATION), None)

    def has_foreign_vat_number(self, home: str) -> bool:
        """Return True if the customer has a VAT number of another country than `home`."""
        return self.vat_number[:2].isalpha() and not self.vat_number.startswith(vat_prefix(home))

    def is_for_the_sales_list(self, home: str) -> bool:
        """Return True if the EU sales list of `home` has a sale without VAT to this customer."""
        return self.has_foreign_vat_number(home) and is_of_the_union(self.vat_number)

    @property
    def vat_number(self) -> str:
        """The customer's VAT number, with the prefix of the country the till reports; empty if there is none.

        A customer without a country has that of the document.
        """
        values = self.customer.values if self.customer else {}
        number = till_text(values, "vat_number").upper()
        country = (till_text(values, "country") or till_text(self.record.values, "country")).upper()
        is_bare = bool(number) and not number[:2].isalpha() and len(country) == len(HOME)
        return f"{vat_prefix(country)}{number}" if is_bare else number

    @property
    def is_own_use(self) -> bool:
        """True if nobody paid because the shop used the goods itself or they broke."""
        return any(METHODS.get(kind) is Tender.OWN_USE for _, kind, _ in self._payments)

    @cached_property
    def vat(self) -> dict[str, VatSum]:
        """Amounts per VAT code, by the till's own split."""
        parts = (part.values for part in self.record.parts if part.kind is Kind.VAT)
        return sum_by(
            (till_text(values, "code"), VatSum(till_amount(values, "excl"), till_amount(values, "vat")))
            for values in parts
        )

    @cached_property
    def groups(self) -> dict[tuple[str, str], VatSum]:
        """Amounts per turnover group and VAT code, with the VAT of the till's split by the rule of `allocate_vat`.

        If the split covers neither all lines nor all revenue, the amounts are not adjusted.
        """
        lines = [part.values for part in self.record.parts if part.kind is Kind.LINE]
        gross = sum_by(
            ((turnover_group(line, "turnover_group"), till_text(line, "vat_code")), _line_sum(line)) for line in lines
        )
        adjusted_groups: dict[tuple[str, str], VatSum] = {}
        for code, split in self.vat.items():
            groups = {group: vat_sum for (group, other), vat_sum in gross.items() if other == code}
            balance = [] if self.revenue_groups is None else groups.keys() - self.revenue_groups
            covered = covered_groups(split, groups, balance)
            if abs(total(vat_sum.incl for vat_sum in covered.values()) - split.incl) <= CENT * len(lines):
                exact = allocate_vat(split, covered, balance)
                adjusted_groups |= {(group, code): vat_sum for group, vat_sum in exact.items()}
        return {key: adjusted_groups.get(key, vat_sum) for key, vat_sum in gross.items()}

    def groups_under(self, code: str) -> dict[str, VatSum]:
        """Return the amounts per turnover group of one VAT code.

        If only the split has the code, return those of the lines without a code: a composed article has several codes.
        """
        is_of_lines = any(own == code for _, own in self.groups) or not self.vat.get(code)
        group_code = code if is_of_lines else ""
        return {group: vat_sum for (group, own), vat_sum in self.groups.items() if own == group_code}

    def is_split_as_its_lines(self, code: str) -> bool:
        """Return True if the till's split has the amount of the lines under a VAT code, up to a cent per line."""
        groups = self.groups_under(code)
        off = total(vat_sum.incl for vat_sum in groups.values()) - self.vat.get(code, VatSum()).incl
        return abs(off) <= CENT * self.count_lines(code, groups)

    def count_lines(self, code: str, groups: Collection[str]) -> int:
        """Return the number of lines with a VAT code in these turnover groups. Each line may be rounded separately."""
        lines = (part.values for part in self.record.parts if part.kind is Kind.LINE)
        return sum(
            till_text(line, "vat_code") == code and turnover_group(line, "turnover_group") in groups for line in lines
        )

    @cached_property
    def payments_by_method(self) -> dict[str, Decimal]:
        """Amounts paid on the day, by payment method."""
        return sum_by_key((method, amount) for method, _, amount in self._payments)

    @property
    def rest(self) -> Decimal:
        """Amount that the day leaves open; negative if the day pays an earlier amount."""
        return self.total - total(self.payments_by_method.values())

    @property
    def _payments(self) -> Iterator[tuple[str, str, Decimal]]:
        own, branch = self.record.values.get("date"), till_text(self.record.values, "branch")
        for part in self.record.parts:
            is_here = self._is_own_branch(till_text(part.values, "branch") or branch)
            if part.kind is Kind.PAYMENT and is_here and (part.values.get("date") or own) == self.day:
                yield (
                    till_text(part.values, "method"),
                    till_text(part.values, "type"),
                    till_amount(part.values, "amount"),
                )

    def _is_own_branch(self, branch: str) -> bool:
        """Return True if the branch is the day's branch or is unknown."""
        return not branch or not self.branch or branch == self.branch


def _line_sum(values: Mapping[str, Value]) -> VatSum:
    incl, excl = optional_amount(values, "amount_incl"), optional_amount(values, "amount_excl")
    if incl is None or excl is None:
        return VatSum(incl or excl or NOTHING)
    return VatSum(excl, incl - excl)


def covered_groups(split: VatSum, groups: Mapping[str, VatSum], balance: Collection[str]) -> Mapping[str, VatSum]:
    """Return the turnover groups of a VAT code that a split of the till covers: all, or all but those in `balance`.

    A setting of the till decides it; the amounts show which.
    """
    revenue = {group: vat_sum for group, vat_sum in groups.items() if group not in balance}
    every, sold = (total(vat_sum.incl for vat_sum in sums.values()) for sums in (groups, revenue))
    return revenue if abs(split.incl - sold) < abs(split.incl - every) else groups


def documents_of(day: TillDay) -> list[DayDocument]:
    """Return the documents of a day, without cancelled ones."""
    documents = [DayDocument(record, day.date, day.branch, day.revenue_groups) for record in day.documents]
    return [document for document in documents if document.record.values.get("cancelled") is not True]


@dataclass(frozen=True, slots=True)
class DaySums:
    """Sums of a day or of some of its documents.

    By source, turnover group and VAT code; by source and payment method; by source and VAT code.
    """

    groups: Mapping[tuple[str, str, str], VatSum] = field(default_factory=dict)
    payments: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    vat: Mapping[tuple[str, str], VatSum] = field(default_factory=dict)

    def minus(self, other: "DaySums") -> "DaySums":
        """Return these sums minus the sums of other documents."""
        less = [(key, VatSum() - vat_sum) for key, vat_sum in other.groups.items()]
        vat = [(key, VatSum() - vat_sum) for key, vat_sum in other.vat.items()]
        keys = dict.fromkeys([*self.payments, *other.payments])
        return DaySums(
            sum_by([*self.groups.items(), *less]),
            {key: self.payments.get(key, NOTHING) - other.payments.get(key, NOTHING) for key in keys},
            sum_by([*self.vat.items(), *vat]),
        )


def sums_of_journals(day: TillDay) -> DaySums:
    """Return the till's own sums of a day: groups from its financial journal, the rest from its other journals."""
    groups = sum_by(((turnover.source, turnover.group, turnover.vat_code), turnover.sum) for turnover in day.financial)
    payments = sum_by_key(((payment.source, payment.method), payment.amount) for payment in day.payments)
    return DaySums(
        groups, payments, sum_by(((vat_total.source, vat_total.code), vat_total.sum) for vat_total in day.vat)
    )


def sums_of_documents(documents: Iterable[DayDocument]) -> DaySums:
    all_documents = list(documents)
    sold = [document for document in all_documents if document.is_sold]
    payments = sum_by_key(
        ((document.source, method), amount)
        for document in all_documents
        for method, amount in document.payments_by_method.items()
    )
    return DaySums(
        sum_by(
            ((document.source, group, code), vat_sum)
            for document in sold
            for (group, code), vat_sum in document.groups.items()
        ),
        payments,
        sum_by(((document.source, code), vat_sum) for document in sold for code, vat_sum in document.vat.items()),
    )
