"""Stores merges of customers: moves their links, and puts them back when a person separates the customers again."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from integration.core.customer_merges import (
    CustomerMerge,
    CustomerNumbers,
    DismissedPair,
    KnownCustomer,
    joined_numbers,
    merged_key,
    merged_numbers,
)
from integration.core.link_evidence import evidence_from_json
from integration.core.links import Link
from integration.core.records import Kind, Record
from integration.core.states import ACTIVE, RunState
from integration.store.database import Store
from integration.store.events import Event
from integration.store.links import UNHASHED, keep_links
from integration.store.outbox import append_events
from integration.store.tables import customer_merges, dismissed_customer_pairs, lines, links, runs

_Pair = tuple[str, str, str, str, str]  # flow, kind, key, reference and owner of a link


class CustomerMergeStore(Store):
    """Stores the merges of customers. `customers` is the flow that links them by debtor, `orders` by relation."""

    def list_merges(self, flow: str) -> list[CustomerMerge]:
        """Return all merges, the newest first."""
        query = sa.select(customer_merges).where(customer_merges.c.flow == flow)
        rows = self.database.rows(query.order_by(customer_merges.c.decided_at.desc()))
        return [
            CustomerMerge(
                CustomerNumbers(row.debtor, row.relation), CustomerNumbers(row.into_debtor, row.into_relation), row.by,
                row.decided_at,
            )
            for row in rows
        ]  # fmt: skip

    def merged_debtors(self, flow: str, debtors: Collection[str]) -> dict[str, str]:
        """Return which of these debtors were merged, each with the debtor that stays."""
        query = sa.select(customer_merges).where(customer_merges.c.flow == flow, customer_merges.c.debtor != "")
        rows = self.database.rows_with_values(query, customer_merges.c.debtor, debtors)
        return {row.debtor: row.into_debtor for row in rows}

    def list_dismissed_pairs(self, flow: str) -> list[DismissedPair]:
        """Return all pairs that were marked as two persons, the newest first."""
        query = sa.select(dismissed_customer_pairs).where(dismissed_customer_pairs.c.flow == flow)
        rows = self.database.rows(query.order_by(dismissed_customer_pairs.c.decided_at.desc()))
        return [
            DismissedPair(
                (CustomerNumbers(row.debtor, row.relation), CustomerNumbers(row.other_debtor, row.other_relation)),
                row.by, row.decided_at,
            )
            for row in rows
        ]  # fmt: skip

    def dismiss_pair(self, flow: str, pair: DismissedPair, event: Event) -> bool:
        """Store that a pair is two persons. Returns False, and stores nothing, if it is stored already."""
        with self.database.write() as connection:
            query = sa.select(dismissed_customer_pairs.c.by).where(*_is_pair(flow, pair))
            if connection.execute(query).first() is not None:
                return False
            row = {**_pair_values(flow, pair), "by": pair.by, "decided_at": self.clock()}
            connection.execute(dismissed_customer_pairs.insert().values(row))
            append_events(connection, row["decided_at"], [event])
        return True

    def undo_dismissal(self, flow: str, pair: DismissedPair, event: Event) -> bool:
        """Delete the decision that `dismiss_pair` stored. Returns False if it was deleted before."""
        with self.database.write() as connection:
            deleted = connection.execute(dismissed_customer_pairs.delete().where(*_is_pair(flow, pair))).rowcount
            if deleted:
                append_events(connection, self.clock(), [event])
        return bool(deleted)

    def known_customers(self, customers: str, orders: str) -> Iterator[KnownCustomer]:
        """Yield the linked customers with their identifying values, without merged ones."""
        merged = self.list_merges(customers)
        debtors, relations = {merge.goes.debtor for merge in merged}, {merge.goes.relation for merge in merged}
        columns = (links.c.flow, links.c.key, links.c.reference, links.c.evidence)
        party = sa.or_(
            sa.and_(links.c.flow == customers, links.c.kind == Kind.RELATION),
            sa.and_(links.c.flow == orders, links.c.kind == Kind.DEBTOR),
        )
        for row in self.database.rows(sa.select(*columns).where(party, ~links.c.retired)):
            evidence, is_own = evidence_from_json(row.evidence), row.flow == customers
            source, target = evidence.source.get("", {}), evidence.target.get("", {})
            debtor, relation = (row.key, row.reference) if is_own else (row.reference, row.key)
            if not (debtor and debtor in debtors) and not (relation and relation in relations):
                books, till = (source, target) if is_own else (target, source)
                yield KnownCustomer(CustomerNumbers(debtor, relation), books, till)

    def count_links(self, orders: str, numbers: CustomerNumbers) -> tuple[int, int]:
        """Return the number of links of a customer in all flows, and of the documents that were booked for them."""
        party = links.c.kind.in_((Kind.RELATION, Kind.DEBTOR, Kind.ADDRESS))
        keys = [*filter(None, (numbers.debtor, numbers.relation))]
        below = links.c.key.startswith(f"{numbers.relation}/", autoescape=True) if numbers.relation else sa.false()
        own = sa.or_(links.c.key.in_(keys), links.c.reference.in_(keys), below)
        text = sa.type_coerce(links.c.agreed, sa.Text)
        mentions = [
            text.contains(f'"{name}":"{number}"', autoescape=True)
            for name, number in (("debtor", numbers.relation), ("debtor_number", numbers.debtor))
            if number
        ]
        of_orders = (links.c.flow == orders, ~party, links.c.owner == "", sa.or_(*mentions))
        query = sa.select(sa.func.count()).select_from(links)
        return int(self.database.scalar(query.where(party, own))), int(self.database.scalar(query.where(*of_orders)))

    def plans_with(self, flows: Collection[str], keys: Collection[str]) -> tuple[list[str], list[str]]:
        """Return the active runs of these flows, and their waiting plans that contain one of these records."""
        active = sa.select(runs.c.id).where(runs.c.flow.in_(flows), runs.c.state.in_(tuple(ACTIVE)))
        waiting = sa.select(runs.c.id).where(runs.c.flow.in_(flows), runs.c.state == RunState.READY)
        contains_key = sa.exists().where(lines.c.run == runs.c.id, lines.c.key.in_(keys))
        return [row.id for row in self.database.rows(active)], [
            row.id for row in self.database.rows(waiting.where(contains_key))
        ]

    def merge(
        self,
        customers: str,
        orders: str,
        stays: CustomerNumbers,
        goes: CustomerNumbers,
        relation: Record | None,
        by: str,
        event: Event,
    ) -> bool:
        """Move the links of the customer that goes to the one that stays, in one transaction. Documents keep theirs.

        `relation` is the relation that goes, if a run may make it inactive: its link stays under a key that no debtor
        has. Returns False, and stores nothing, if one of the customers was merged into another one.
        """
        now, joined = self.clock(), joined_numbers(stays, goes)
        replaced_numbers = merged_numbers(stays, goes)
        with self.database.write() as connection:
            if _is_merged(connection, customers, (stays, goes)):
                return False
            before = _links_of(connection, customers, orders, stays, goes)
            references = _merged_references(customers, orders, joined, replaced_numbers, before)
            changed = [link for link in before if references.get(link[:3], "") != link[3]]
            below = _addresses(connection, [link for link in changed if link[0] == orders])
            replaced, linked_keys = [*changed, *below], {link[:3] for link in before}
            added = [key for key in references if key not in linked_keys]
            _delete(connection, [link[:3] for link in replaced])
            moved = [*added, *(link[:3] for link in changed if link[:3] in references)]
            _insert(connection, now, {key: references[key] for key in moved})
            if replaced_numbers.relation and relation is not None:
                key = merged_key(replaced_numbers.relation)
                parked = Link(
                    Kind.RELATION, key, replaced_numbers.relation, relation, unproven=True
                )  # no check counts on it
                keep_links(connection, now, customers, [parked])
                added.append((customers, Kind.RELATION, key))
            row = {
                "flow": customers, "debtor": replaced_numbers.debtor, "relation": replaced_numbers.relation,
                "into_debtor": joined.debtor, "into_relation": joined.relation, "by": by, "decided_at": now,
                "replaced": [list(link) for link in replaced], "added": [list(key) for key in added],
            }  # fmt: skip
            connection.execute(customer_merges.insert().values(row))
            append_events(connection, now, [event])
        return True

    def separate(self, flow: str, goes: CustomerNumbers, event: Event) -> bool:
        """Put back the links that a merge replaced, without agreed values: the next run compares the records.

        Returns False, and stores nothing, if the merge no longer exists or a later one uses its numbers.
        """
        now = self.clock()
        with self.database.write() as connection:
            conditions = (
                customer_merges.c.flow == flow,
                customer_merges.c.debtor == goes.debtor,
                customer_merges.c.relation == goes.relation,
            )
            row = connection.execute(sa.select(customer_merges).where(*conditions).with_for_update()).first()
            if row is None or _is_used_later(connection, row):
                return False
            replaced = {(link[0], link[1], link[2]): link for link in row.replaced}
            _delete(connection, [*replaced, *((link[0], link[1], link[2]) for link in row.added)])
            owners = {key: link[4] for key, link in replaced.items()}
            _insert(connection, now, {key: link[3] for key, link in replaced.items()}, owners)
            connection.execute(customer_merges.delete().where(*conditions))
            append_events(connection, now, [event])
        return True


def _links_of(
    connection: sa.Connection, customers: str, orders: str, stays: CustomerNumbers, goes: CustomerNumbers
) -> list[_Pair]:
    debtors = [*filter(None, (stays.debtor, goes.debtor))]
    relations = [*filter(None, (stays.relation, goes.relation))]
    own = sa.and_(
        links.c.flow == customers, links.c.kind == Kind.RELATION,
        sa.or_(links.c.key.in_(debtors), links.c.reference.in_(relations)),
    )  # fmt: skip
    other = sa.and_(
        links.c.flow == orders, links.c.kind == Kind.DEBTOR,
        sa.or_(links.c.key.in_(relations), links.c.reference.in_(debtors)),
    )  # fmt: skip
    columns = (links.c.flow, links.c.kind, links.c.key, links.c.reference, links.c.owner)
    return [_pair(row) for row in connection.execute(sa.select(*columns).where(sa.or_(own, other)).with_for_update())]


def _is_merged(connection: sa.Connection, flow: str, customers: Sequence[CustomerNumbers]) -> bool:
    """Return True if a customer was merged into another one."""
    debtors = [numbers.debtor for numbers in customers if numbers.debtor]
    relations = [numbers.relation for numbers in customers if numbers.relation]
    has_number = sa.or_(customer_merges.c.debtor.in_(debtors), customer_merges.c.relation.in_(relations))
    query = sa.select(customer_merges.c.debtor).where(customer_merges.c.flow == flow, has_number).limit(1)
    return connection.execute(query).first() is not None


def _pair_values(flow: str, pair: DismissedPair) -> dict[str, Any]:
    first, second = sorted(pair.customers)
    return {
        "flow": flow, "debtor": first.debtor, "relation": first.relation, "other_debtor": second.debtor,
        "other_relation": second.relation,
    }  # fmt: skip


def _is_pair(flow: str, pair: DismissedPair) -> list[sa.ColumnElement[bool]]:
    return [dismissed_customer_pairs.c[name] == value for name, value in _pair_values(flow, pair).items()]


def _pair(row: sa.Row[*tuple[Any, ...]]) -> _Pair:
    return row.flow, row.kind, row.key, row.reference, row.owner


def _merged_references(
    customers: str, orders: str, joined: CustomerNumbers, replaced_numbers: CustomerNumbers, before: Sequence[_Pair]
) -> dict[tuple[str, str, str], str]:
    """Return the references of the links after a merge, by flow, kind and key."""
    references = {link[:3]: link[3] for link in before if link[0] == orders and link[3] != replaced_numbers.debtor}
    if joined.debtor:
        keys = {link[2] for link in before if link[0] == orders and link[3] == replaced_numbers.debtor}
        keys |= {*filter(None, (joined.relation, replaced_numbers.relation))}
        references |= {(orders, str(Kind.DEBTOR), key): joined.debtor for key in sorted(keys)}
    if joined.debtor and joined.relation:
        references[customers, str(Kind.RELATION), joined.debtor] = joined.relation
    return references


def _addresses(connection: sa.Connection, changed: Sequence[_Pair]) -> list[_Pair]:
    """Return the links of delivery addresses under debtors that change: each debtor has its own."""
    pairs: list[_Pair] = []
    columns = (links.c.flow, links.c.kind, links.c.key, links.c.reference, links.c.owner)
    for flow, _, key, *_ in changed:
        below = sa.or_(links.c.owner == key, links.c.key.startswith(f"{key}/", autoescape=True))
        conditions = (links.c.flow == flow, links.c.kind == Kind.ADDRESS, below)
        pairs += [_pair(row) for row in connection.execute(sa.select(*columns).where(*conditions))]
    return pairs


def _delete(connection: sa.Connection, keys: Collection[tuple[str, str, str]]) -> None:
    for flow, kind, key in keys:
        connection.execute(links.delete().where(links.c.flow == flow, links.c.kind == kind, links.c.key == key))


def _insert(
    connection: sa.Connection,
    now: datetime,
    pairs: Mapping[tuple[str, str, str], str],
    owners: Mapping[tuple[str, str, str], str] | None = None,
) -> None:
    for (flow, kind, key), reference in pairs.items():
        row = {
            "flow": flow, "kind": kind, "key": key, "reference": reference,
            "owner": (owners or {}).get((flow, kind, key), ""), "mark": "", "marker": "", "agreed": None,
            "retired": False, "unproven": False, "evidence": None, "changed_at": now, **UNHASHED,
        }  # fmt: skip
        connection.execute(links.insert().values(row))


def _is_used_later(connection: sa.Connection, row: sa.Row[*tuple[Any, ...]]) -> bool:
    """Return True if a later merge contains the customer that stays or the one that went."""
    numbers = (("debtor", (row.debtor, row.into_debtor)), ("relation", (row.relation, row.into_relation)))
    has_number = [
        customer_merges.c[name].in_([*filter(None, values)])
        for number_type, values in numbers
        for name in (number_type, f"into_{number_type}")
    ]
    later = (customer_merges.c.flow == row.flow, customer_merges.c.decided_at > row.decided_at, sa.or_(*has_number))
    return connection.execute(sa.select(customer_merges.c.debtor).where(*later).limit(1)).first() is not None
