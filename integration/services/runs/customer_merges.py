"""Merges of customers: candidates with their evidence, the decision of a person, and its undo."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from integration.core.authorization import requires
from integration.core.customer_matching import matching_evidence, shared_evidence
from integration.core.customer_merges import (
    CustomerMerge,
    CustomerNumbers,
    DismissedPair,
    KnownCustomer,
    MergeCandidate,
    can_merge,
    joined_numbers,
    merge_candidates,
    merged_key,
    without_dismissed,
)
from integration.core.errors import IntegrationError
from integration.core.people import Actor, Right
from integration.core.records import Kind, Record, Unreadable
from integration.core.system_roles import SystemRole
from integration.services.runs.candidates import NumbersAsKeys
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.customer_merges import CustomerMergeStore
from integration.store.events import Event
from integration.store.issues import Issues
from integration.store.runs import RunStore

AMBIGUOUS, SHARED = "customer_ambiguous", "customer_shared"


@dataclass(frozen=True, slots=True)
class CustomerCard:
    """A customer as both systems have it now. A record is None if its system no longer has it or never had it."""

    numbers: CustomerNumbers
    books: Record | None
    till: Record | None
    links: int
    documents: int

    @property
    def evidence(self) -> Mapping[str, str]:
        """Identifying values of the customer: those of the books, and those that only the till has."""
        evidence = [matching_evidence(record) for record in (self.till, self.books) if record is not None]
        return {name: value for values in evidence for name, value in values.items() if name != "number"}

    def shared_with(self, other: "CustomerCard") -> frozenset[str]:
        """Return the names of the values that two customers share in one of the systems."""
        own, others = ([record for record in (card.books, card.till) if record is not None] for card in (self, other))
        return frozenset(name for record in own for another in others for name in shared_evidence(record, another))


class CustomerMerges:
    """Merges two debtors or two relations that are one person. Nothing is deleted in either system."""

    def __init__(
        self,
        store: CustomerMergeStore,
        issues: Issues,
        runs: RunStore,
        access: ConnectorFactory,
        *,
        customers: str,
        orders: str,
    ) -> None:
        """`customers` and `orders` are the flows that link customers by debtor and by relation."""
        self._customers = customers
        self._orders = orders
        self._stored = store
        self._issues = issues
        self._runs = runs
        self._access = access

    @requires(Right.SEE)
    def flow_name(self) -> str:
        """Return the flow that links customers by debtor."""
        return self._customers

    @requires(Right.SEE)
    def is_offered_by(self, flow: str) -> bool:
        """Return True if a flow links customers by debtor, so that their debtors can be merged."""
        return flow == self._customers

    @requires(Right.SEE)
    def names_pairs(self, flow: str) -> bool:
        """Return True if exceptions of a flow can name two customers that are one person."""
        return flow in (self._customers, self._orders)

    @requires(Right.SEE)
    def candidates(self) -> list[MergeCandidate]:
        """Return pairs of customers that may be one person: from open exceptions first, then by the values of links.

        Pairs that a person marked as two persons are left out.
        """
        candidates = (*self._reported_pairs(), *merge_candidates(self._known_customers()))
        every = {candidate.customers: candidate for candidate in candidates}.values()
        return without_dismissed(every, self.list_dismissed_pairs())

    def _known_customers(self) -> list[KnownCustomer]:
        return list(self._stored.known_customers(self._customers, self._orders))

    def _reported_pairs(self) -> list[MergeCandidate]:
        """Return the pairs that open exceptions name."""
        by_debtor: dict[str, CustomerNumbers] = {}
        by_relation: dict[str, CustomerNumbers] = {}
        for customer in self._known_customers():
            by_debtor.setdefault(customer.numbers.debtor, customer.numbers)
            by_relation.setdefault(customer.numbers.relation, customer.numbers)
        pairs: list[tuple[CustomerNumbers, CustomerNumbers]] = []
        for issue in (open_issue.issue for open_issue in self._issues.list(self._customers, SHARED)):
            customer_numbers = by_debtor.get(issue.key, CustomerNumbers(debtor=issue.key))
            debtors = filter(None, issue.facts.get("others", "").split(", "))
            pairs += [(by_debtor.get(debtor, CustomerNumbers(debtor=debtor)), customer_numbers) for debtor in debtors]
        for issue in (open_issue.issue for open_issue in self._issues.list(self._customers, AMBIGUOUS)):
            relations = filter(None, issue.facts.get("candidates", "").split(", "))
            numbers = [by_relation.get(relation, CustomerNumbers(relation=relation)) for relation in relations]
            pairs += [(numbers[0], other) for other in numbers[1:]]
        for issue in (open_issue.issue for open_issue in self._issues.list(self._orders, AMBIGUOUS)):
            debtors = filter(None, issue.facts.get("candidates", "").split(", "))
            numbers = [by_debtor.get(debtor, CustomerNumbers(debtor=debtor)) for debtor in debtors]
            if issue.key not in by_relation and not numbers[0].relation:
                numbers[0] = replace(numbers[0], relation=issue.key)  # the debtor that stays is linked with it
            pairs += [(numbers[0], other) for other in numbers[1:]]
        return [MergeCandidate(pair) for pair in pairs if can_merge(*pair)]

    def _complete(self, numbers: CustomerNumbers) -> CustomerNumbers:
        """Return the numbers of a customer with the other one, if it is known by one number only and linked."""
        if numbers.debtor and numbers.relation:
            return numbers
        for customer in self._known_customers():
            linked = customer.numbers
            if numbers in (replace(linked, debtor=""), replace(linked, relation="")):
                return linked
        return numbers

    @requires(Right.SEE)
    def card(self, numbers: CustomerNumbers) -> CustomerCard:
        """Return a customer with the current values of both systems. Raises IntegrationError if one does not answer."""
        books = None
        if numbers.debtor:
            records = self._access.connector(SystemRole.BOOKS.system).fetch(Kind.DEBTOR, [numbers.debtor])
            books = next((record for record in records if isinstance(record, Record)), None)
        number, documents = self._stored.count_links(self._orders, numbers)
        return CustomerCard(numbers, books, self._relation(numbers.relation), number, documents)

    def _relation(self, number: str) -> Record | None:
        if not number:
            return None
        records = [Record(Kind.RELATION, number, {})]
        current = self._access.connector(SystemRole.TILL.system).lookup(records, NumbersAsKeys()).get(number)
        return None if current is None or isinstance(current.record, Unreadable) else current.record

    @requires(Right.SEE)
    def list_merges(self) -> list[CustomerMerge]:
        """Return all merges that were not undone, the newest first."""
        return self._stored.list_merges(self._customers)

    @requires(Right.SEE)
    def list_dismissed_pairs(self) -> list[DismissedPair]:
        """Return the pairs that a person marked as two persons, the newest first."""
        return self._stored.list_dismissed_pairs(self._customers)

    @requires(Right.REPAIR)
    def dismiss_pair(self, first: CustomerNumbers, second: CustomerNumbers, reason: str, by: Actor) -> None:
        """Mark two customers as two persons, so that they are not candidates for a merge. Nothing else changes.

        Safe to repeat. Raises IntegrationError `merge_impossible` if both are the same customer.
        """
        first, second = self._complete(first), self._complete(second)
        if not can_merge(first, second):
            raise IntegrationError("merge_impossible", **_facts(first, second))
        pair = DismissedPair((first, second), by.ref, self._stored.clock())
        event = self._event("customer_pair_dismissed", first, second, reason, by)
        self._stored.dismiss_pair(self._customers, pair, event)

    @requires(Right.REPAIR)
    def undo_dismissal(self, pair: DismissedPair, by: Actor) -> None:
        """Propose a pair again that was marked as two persons. Safe to repeat."""
        event = self._event("customer_pair_proposed_again", *pair.customers, "", by)
        self._stored.undo_dismissal(self._customers, pair, event)

    @requires(Right.REPAIR)
    def merge(self, stays: CustomerNumbers, goes: CustomerNumbers, reason: str, by: Actor) -> tuple[str, ...]:
        """Merge two customers, and return the keys to preview: the plan makes the relation that goes inactive.

        Links of the customer that goes move to the one that stays; documents stay. Waiting plans with one of them are
        discarded. Raises IntegrationError `merge_impossible` if the customers share no system or have been merged, and
        `merge_run_active` while a run of their flows is active.
        """
        stays, goes = self._complete(stays), self._complete(goes)
        if not can_merge(stays, goes):
            raise IntegrationError("merge_impossible", **_facts(stays, goes))
        joined = joined_numbers(stays, goes)
        relation = self._relation(goes.relation) if goes.relation not in ("", joined.relation) else None
        key = merged_key(goes.relation)
        parked = None
        if relation is not None and relation.values.get("active") is not False:
            name = relation.values.get("name")
            parked = Record(Kind.RELATION, key, {"name": name, "active": True})
        self._discard_plans(stays, goes, by)
        event = self._event("customers_merged", stays, goes, reason, by)
        if not self._stored.merge(self._customers, self._orders, stays, goes, parked, by.ref, event):
            raise IntegrationError("merge_impossible", **_facts(stays, goes))
        return tuple(filter(None, (joined.debtor, key if parked else "")))

    @requires(Right.REPAIR)
    def separate(self, merge: CustomerMerge, reason: str, by: Actor) -> tuple[str, ...]:
        """Undo a merge, and return the keys of the debtors to preview. Their links are as before the merge.

        Raises IntegrationError `merge_changed_meanwhile` if the merge was undone or a later merge contains one of the
        customers, and `merge_run_active` while a run of their flows is active.
        """
        self._discard_plans(merge.stays, merge.goes, by)
        event = self._event("customers_separated", merge.stays, merge.goes, reason, by)
        if not self._stored.separate(self._customers, merge.goes, event):
            raise IntegrationError("merge_changed_meanwhile", **_facts(merge.stays, merge.goes))
        return tuple(dict.fromkeys(filter(None, (merge.stays.debtor, merge.goes.debtor))))

    def _discard_plans(self, stays: CustomerNumbers, goes: CustomerNumbers, by: Actor) -> None:
        keys = {stays.debtor, stays.relation, goes.debtor, goes.relation, merged_key(goes.relation)} - {""}
        active, waiting = self._stored.plans_with((self._customers, self._orders), keys)
        if active:
            raise IntegrationError("merge_run_active")
        for run in waiting:
            self._runs.discard(run, by.ref)

    def _event(self, name: str, stays: CustomerNumbers, goes: CustomerNumbers, reason: str, by: Actor) -> Event:
        facts = {"by": by.ref, "reason": reason.strip(), **_facts(stays, goes)}
        key = stays.debtor or goes.debtor
        return Event(event=name, flow=self._customers, kind=Kind.RELATION, key=key, title=key, facts=facts)


def _facts(stays: CustomerNumbers, goes: CustomerNumbers) -> dict[str, str]:
    facts = {
        "debtor": stays.debtor,
        "relation": stays.relation,
        "from_debtor": goes.debtor,
        "from_relation": goes.relation,
    }
    return {name: value for name, value in facts.items() if value}
