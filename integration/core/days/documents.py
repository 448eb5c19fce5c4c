"""What the documents of a day come to by themselves: the second source, by which the till's own sums are checked."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TypeVar

from integration.core.days.till import (
    DOCUMENTS,
    TillDay,
    optional_amount,
    till_amount,
    till_text,
    total,
    turnover_group,
)
from integration.core.money import CENT, from_cents, share_out, to_cents
from integration.core.records import Kind, Record, Value
from integration.core.totals.categories import METHODS, Tender
from integration.core.totals.sold import NOTHING, UNTAXED, VatSum, sum_by
from integration.core.vat_numbers import is_of_the_union, vat_prefix

HOME = "NL"  # whose VAT numbers are those of customers at home

Key = TypeVar("Key")


@dataclass(frozen=True)
class DayDocument:
    """One document of the till, as far as it belongs to a day of a branch: sold on it, or paid on it.

    Without a branch every one of them counts.
    """

    record: Record
    day: date
    branch: str = ""

    @property
    def source(self) -> str:
        """Which of the till's sources it is: receipt, invoice or order."""
        return DOCUMENTS[self.record.kind]

    @property
    def number(self) -> str:
        """The number people know it by."""
        return till_text(self.record.values, "number") or self.record.key

    @property
    def is_sold(self) -> bool:
        """Whether the day is that of its sale: an order is none, and what is paid later was sold before."""
        is_here = self._is_here(till_text(self.record.values, "branch"))
        return self.record.kind is not Kind.ORDER and is_here and self.record.values.get("date") == self.day

    @property
    def total(self) -> Decimal:
        """What it comes to with VAT, on the day of its sale; its list of VAT may be about less than that."""
        if not self.is_sold:
            return NOTHING
        told = optional_amount(self.record.values, "total_incl")
        return total(each.incl for each in self.vat.values()) if told is None else told

    @property
    def method(self) -> str:
        """How the till counted its VAT."""
        return till_text(self.record.values, "vat_method") or "inclusive"

    @property
    def is_untaxed(self) -> bool:
        """Whether the buyer owes the VAT: reverse charge."""
        return self.method in UNTAXED - {"none"}

    @property
    def customer(self) -> Record | None:
        """The customer, where the till tells one."""
        return next((part for part in self.record.parts if part.kind is Kind.RELATION), None)

    @property
    def has_foreign_vat_number(self) -> bool:
        """Whether the customer has a VAT number of another country."""
        return self.vat_number[:2].isalpha() and not self.vat_number.startswith(HOME)

    @property
    def is_for_the_sales_list(self) -> bool:
        """Whether what is sold to the customer without VAT is for the EU sales list."""
        return self.has_foreign_vat_number and is_of_the_union(self.vat_number)

    @property
    def vat_number(self) -> str:
        """The VAT number of the customer, with the letters of the country that the till tells; nothing without one."""
        values = self.customer.values if self.customer else {}
        given, country = till_text(values, "vat_number").upper(), till_text(values, "country").upper()
        is_bare = bool(given) and not given[:2].isalpha() and len(country) == len(HOME)
        return f"{vat_prefix(country)}{given}" if is_bare else given

    @property
    def is_own_use(self) -> bool:
        """Whether nobody paid: taken by the shop itself, or broken."""
        return any(METHODS.get(kind) is Tender.OWN_USE for _, kind, _ in self._payments)

    @cached_property
    def vat(self) -> dict[str, VatSum]:
        """What each VAT code comes to by the till's own split."""
        parts = (part.values for part in self.record.parts if part.kind is Kind.VAT)
        return sum_by(
            (till_text(each, "code"), VatSum(till_amount(each, "excl"), till_amount(each, "vat"))) for each in parts
        )

    @cached_property
    def groups(self) -> dict[tuple[str, str], VatSum]:
        """What each turnover group and VAT code comes to, its VAT brought to the till's split by largest remainders.

        A split that is about less than the lines leaves them as they are.
        """
        found: dict[tuple[str, str], VatSum] = {}
        lines = [part.values for part in self.record.parts if part.kind is Kind.LINE]
        gross = sum_by(
            ((turnover_group(one, "turnover_group"), till_text(one, "vat_code")), _with_vat(one)) for one in lines
        )
        for code, split in self.vat.items():
            groups = {group: each for (group, other), each in gross.items() if other == code}
            is_whole = abs(total(each.incl for each in groups.values()) - split.incl) <= CENT * len(lines)
            exact = allocate_to_total(split.vat, groups) if is_whole else groups
            found |= {(group, code): each for group, each in exact.items()}
        return {key: found.get(key, each) for key, each in gross.items()}

    def groups_under(self, code: str) -> dict[str, VatSum]:
        """Return what each turnover group comes to under one VAT code."""
        return {group: each for (group, own), each in self.groups.items() if own == code}

    def count_lines(self, code: str, groups: Collection[str]) -> int:
        """Return how many lines it has under a VAT code in some turnover groups: each may be rounded by itself."""
        lines = (part.values for part in self.record.parts if part.kind is Kind.LINE)
        return sum(
            till_text(one, "vat_code") == code and turnover_group(one, "turnover_group") in groups for one in lines
        )

    @cached_property
    def paid(self) -> dict[str, Decimal]:
        """What was paid on the day, by method."""
        found: dict[str, Decimal] = {}
        for method, _, amount in self._payments:
            found[method] = found.get(method, NOTHING) + amount
        return found

    @property
    def rest(self) -> Decimal:
        """What the day leaves open of it; negative where something of before is paid."""
        return self.total - total(self.paid.values())

    @property
    def _payments(self) -> Iterator[tuple[str, str, Decimal]]:
        own, branch = self.record.values.get("date"), till_text(self.record.values, "branch")
        for part in self.record.parts:
            is_here = self._is_here(till_text(part.values, "branch") or branch)
            if part.kind is Kind.PAYMENT and is_here and (part.values.get("date") or own) == self.day:
                yield (
                    till_text(part.values, "method"),
                    till_text(part.values, "type"),
                    till_amount(part.values, "amount"),
                )

    def _is_here(self, branch: str) -> bool:
        """Tell whether a branch is that of the day; one that nobody tells is."""
        return not branch or not self.branch or branch == self.branch


def _with_vat(values: Mapping[str, Value]) -> VatSum:
    incl, excl = optional_amount(values, "amount_incl"), optional_amount(values, "amount_excl")
    if incl is None or excl is None:
        return VatSum(incl or excl or NOTHING)
    return VatSum(excl, incl - excl)


def allocate_to_total(vat: Decimal, parts: Mapping[Key, VatSum]) -> dict[Key, VatSum]:
    """Return parts whose VAT comes to exactly so much: what it is off by goes to them by the largest remainders."""
    off = to_cents(vat) - sum(to_cents(each.vat) for each in parts.values())
    shares = share_out(off, [to_cents(each.vat) or to_cents(each.incl) for each in parts.values()]) if parts else []
    moved = (VatSum(-from_cents(share), from_cents(share)) for share in shares)
    return {key: each + more for (key, each), more in zip(parts.items(), moved, strict=True)}


def documents_of(day: TillDay) -> list[DayDocument]:
    """Return the documents of a day that count: one that was cancelled is none."""
    found = [DayDocument(record, day.date, day.branch) for record in day.documents]
    return [one for one in found if one.record.values.get("cancelled") is not True]


@dataclass(frozen=True, slots=True)
class DaySums:
    """What a day, or some of its documents, come to.

    By source, turnover group and VAT code; by source and payment method; by source and VAT code.
    """

    groups: Mapping[tuple[str, str, str], VatSum] = field(default_factory=dict)
    payments: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    vat: Mapping[tuple[str, str], VatSum] = field(default_factory=dict)

    def without(self, other: "DaySums") -> "DaySums":
        """Return what is left without other documents."""
        less = [(key, VatSum() - each) for key, each in other.groups.items()]
        vat = [(key, VatSum() - each) for key, each in other.vat.items()]
        keys = dict.fromkeys([*self.payments, *other.payments])
        return DaySums(
            sum_by([*self.groups.items(), *less]),
            {key: self.payments.get(key, NOTHING) - other.payments.get(key, NOTHING) for key in keys},
            sum_by([*self.vat.items(), *vat]),
        )


def sums_of_journals(day: TillDay) -> DaySums:
    """Return a day by the till's own sums: groups as its financial journal has them, the rest by its journals."""
    groups = sum_by(((one.source, one.group, one.vat_code), one.sum) for one in day.financial)
    payments: dict[tuple[str, str], Decimal] = {}
    for one in day.payments:
        payments[one.source, one.method] = payments.get((one.source, one.method), NOTHING) + one.amount
    return DaySums(groups, payments, sum_by(((one.source, one.code), one.sum) for one in day.vat))


def sums_of_documents(documents: Iterable[DayDocument]) -> DaySums:
    """Return what documents add to a day by themselves."""
    some = list(documents)
    sold = [one for one in some if one.is_sold]
    payments: dict[tuple[str, str], Decimal] = {}
    for one in some:
        for method, amount in one.paid.items():
            payments[one.source, method] = payments.get((one.source, method), NOTHING) + amount
    return DaySums(
        sum_by(((one.source, group, code), each) for one in sold for (group, code), each in one.groups.items()),
        payments,
        sum_by(((one.source, code), each) for one in sold for code, each in one.vat.items()),
    )
