"""Merges of customers: two debtors or two relations that are one person, and the evidence that suggests it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations

from integration.core.link_evidence import Identity
from integration.core.vat_numbers import bare_vat_number

_MERGED = "merged "  # begins the key of a link that no source record has
MAX_SHARING = 6  # more customers than this with one value share something else, such as the address of an office


@dataclass(frozen=True, slots=True, order=True)
class CustomerNumbers:
    """A customer by number: the debtor in the books, the relation at the till, or both. An empty number: none."""

    debtor: str = ""
    relation: str = ""


@dataclass(frozen=True, slots=True)
class CustomerMerge:
    """A merge of two customers: the numbers that were merged, the customer that stays, and who decided it."""

    goes: CustomerNumbers
    stays: CustomerNumbers
    by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """A linked customer with its identifying values in the books and at the till."""

    numbers: CustomerNumbers
    books: Identity = field(default_factory=dict)
    till: Identity = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MergeCandidate:
    """Two customers that may be one person, and the names of the values that they share."""

    customers: tuple[CustomerNumbers, CustomerNumbers]
    shared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DismissedPair:
    """A pair of customers that a person marked as two persons."""

    customers: tuple[CustomerNumbers, CustomerNumbers]
    by: str
    decided_at: datetime


def merged_key(relation: str) -> str:
    """Return the key of the link to a relation that was merged into another one."""
    return f"{_MERGED}{relation}"


def is_merged_key(key: str) -> bool:
    """Return True if a key is one of `merged_key`."""
    return key.startswith(_MERGED)


def joined_numbers(stays: CustomerNumbers, goes: CustomerNumbers) -> CustomerNumbers:
    """Return the numbers of a customer after a merge: of each system the number that stays, or the only one."""
    return CustomerNumbers(stays.debtor or goes.debtor, stays.relation or goes.relation)


def merged_numbers(stays: CustomerNumbers, goes: CustomerNumbers) -> CustomerNumbers:
    """Return the numbers that a merge replaces: those of the customer that goes, where another number stays."""
    joined = joined_numbers(stays, goes)
    debtor = goes.debtor if goes.debtor != joined.debtor else ""
    return CustomerNumbers(debtor, goes.relation if goes.relation != joined.relation else "")


def can_merge(stays: CustomerNumbers, goes: CustomerNumbers) -> bool:
    """Return True if two customers have different numbers in at least one system that both are in."""
    return merged_numbers(stays, goes) != CustomerNumbers()


def merge_candidates(customers: Iterable[KnownCustomer]) -> list[MergeCandidate]:
    """Return the pairs of customers with the same e-mail address, VAT number, or name and postcode.

    Pairs with the most shared values come first. A value that many customers share suggests nothing.
    """
    sharing: dict[tuple[str, str], set[CustomerNumbers]] = defaultdict(set)
    for customer in customers:
        for identity in (customer.books, customer.till):
            for value in _comparable(identity):
                sharing[value].add(customer.numbers)
    names_by_pair: dict[tuple[CustomerNumbers, CustomerNumbers], set[str]] = defaultdict(set)
    for (name, _), numbers in sharing.items():
        for first, second in combinations(sorted(numbers), 2) if len(numbers) <= MAX_SHARING else ():
            if can_merge(first, second):
                names_by_pair[first, second].add(name)
    pairs = sorted(names_by_pair.items(), key=lambda item: (-len(item[1]), item[0]))
    return [MergeCandidate(pair, tuple(sorted(names))) for pair, names in pairs]


def without_dismissed(
    candidates: Iterable[MergeCandidate], dismissed_pairs: Iterable[DismissedPair]
) -> list[MergeCandidate]:
    """Return the candidates of which neither the debtors nor the relations were marked as two persons."""
    dismissed = {numbers for pair in dismissed_pairs for numbers in _different_numbers(pair.customers)}
    return [candidate for candidate in candidates if dismissed.isdisjoint(_different_numbers(candidate.customers))]


def _different_numbers(customers: tuple[CustomerNumbers, CustomerNumbers]) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the two debtors and the two relations of a pair, where both have one."""
    for system in ("debtor", "relation"):
        numbers = frozenset(getattr(customer, system) for customer in customers) - {""}
        if len(numbers) > 1:
            yield system, numbers


def _comparable(identity: Identity) -> Iterator[tuple[str, str]]:
    if email := identity.get("email", "").strip().casefold():
        yield "email", email
    if number := bare_vat_number(identity.get("vat_number", "")):
        yield "vat_number", number
    name, postcode = (
        re.sub(r"[\W_]", "", identity.get(field_name, "")).casefold() for field_name in ("name", "postcode")
    )
    if name and postcode:
        yield "name", f"{name} {postcode}"
