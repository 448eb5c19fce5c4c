"""Stores links: the key pairs of a record in both systems, and the values both last agreed on."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from integration.core.authorization import requires
from integration.core.conflicts import Resolution, resolved_values, with_current_values
from integration.core.errors import UnavailableError
from integration.core.flow import Mirrors
from integration.core.foreign_documents import normalized_reference
from integration.core.link_evidence import Evidence, evidence_from_json, is_identified
from integration.core.links import Link
from integration.core.people import Right
from integration.core.plan import Change
from integration.core.records import Kind, Record, kinds, record_from_json, record_to_json
from integration.store.database import Clock, Database, PreparedKeyQuery, Store, batches, upsert
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.prepared_statements import PreparedStatement
from integration.store.tables import allotments, distinctions, links

NO_MIRRORS: Mirrors = {}
FIRST_NUMBER = 100_000
ALLOT_ATTEMPTS = 20
FEW = 1_000  # up to this many links of a kind, loading all is cheaper than single queries

# Any change to a link clears its hashes, so that the records are compared before hashes count again.
UNHASHED = {"source_hash": "", "target_hash": ""}


# Kinds stored under or inside a record. Their links are removed with the record's link.
_BELOW = {Kind.DEBTOR: (Kind.ADDRESS,), Kind.PRODUCT: (Kind.ARTICLE,)}


def _pairs_query(flow: str, kind: Kind) -> sa.Select[tuple[str, str]]:
    return sa.select(links.c.key, links.c.reference).where(links.c.flow == flow, links.c.kind == kind)


_OF_KIND = (links.c.flow == sa.bindparam("flow"), links.c.kind == sa.bindparam("kind"))
_LINKS_WITH = {
    name: PreparedKeyQuery(sa.select(links).where(*_OF_KIND), links.c[name]) for name in ("key", "reference", "mark")
}
_PAIRS_WITH = {
    name: PreparedKeyQuery(sa.select(links.c.key, links.c.reference).where(*_OF_KIND), links.c[name])
    for name in ("key", "reference")
}
_IDENTITY = ("flow", "kind", "key", "reference")
_DROP_EVIDENCE = PreparedStatement(
    links.update()
    .where(*(links.c[name] == sa.bindparam(f"of_{name}") for name in _IDENTITY[:-1]))
    .where(links.c.reference != sa.bindparam("of_reference"))
    .values(evidence=sa.null())
)
_DOCUMENTS = PreparedKeyQuery(sa.select(links.c.mark, links.c.reference).where(*_OF_KIND), links.c.mark)


def link_of(row: sa.Row[tuple[object, ...]]) -> Link:
    """Return the link of a table row."""
    agreed = None if row.agreed is None else record_from_json(row.agreed)
    return Link(
        Kind.stored(row.kind), row.key, row.reference, agreed, row.marker, row.mark, row.retired, row.unproven,
        row.owner, (row.source_hash, row.target_hash), evidence_from_json(row.evidence),
    )  # fmt: skip


def keep_links(
    connection: sa.Connection, at: datetime, flow: str, new_links: Sequence[Link], mirrors: Mirrors = NO_MIRRORS
) -> None:
    """Store links with the values both systems agreed on, and a link for each part, in the current transaction.

    A retired part stays retired unless the parent record shows it as active, because the parent also lists retired
    parts. If a link points to another target record than before, the evidence of the former one is dropped.
    """
    if not new_links:
        return
    whole = {(link.kind, link.key): _row(at, flow, link) for link in new_links}
    moved = [whole[link.kind, link.key] for link in new_links if not link.evidence and is_identified(link.kind)]
    _DROP_EVIDENCE.execute_many(connection, [{f"of_{name}": row[name] for name in _IDENTITY} for row in moved])
    upsert(connection, links, [row for row in whole.values() if row["evidence"] is not None])
    upsert(connection, links, [row for row in whole.values() if row["evidence"] is None], keep=("evidence",))
    parts = {
        (part.kind, part.source): _part_row(at, flow, link, part)
        for link in new_links
        for part in (link.agreed.parts if link.agreed else ())
        if part.source
    }
    alive = [identity for identity, row in parts.items() if not row["retired"]]
    upsert(connection, links, list(parts.values()), keep=("retired", "evidence"))
    upsert(connection, links, [row for link in new_links for row in _rows_of_orders(at, flow, link)])
    _store_mirrors(connection, at, flow, new_links, mirrors)
    _set_retired(connection, flow, alive, retired=False)


def _store_mirrors(
    connection: sa.Connection, at: datetime, flow: str, new_links: Sequence[Link], mirrors: Mirrors
) -> None:
    """Store the reversed pair for the mirror flow, if that flow has no link for either record."""
    for link in new_links:
        other = mirrors.get((flow, link.kind))
        if other is None or not link.reference:
            continue
        conditions = (links.c.flow == other[0], links.c.kind == other[1])
        either_record = sa.or_(links.c.key == link.reference, links.c.reference == link.key)
        if connection.execute(sa.select(links.c.key).where(*conditions, either_record).limit(1)).first() is None:
            mirrored = Link(other[1], link.reference, link.key, evidence=link.evidence.swapped)
            upsert(connection, links, [_row(at, other[0], mirrored)])


def renew_evidence(connection: sa.Connection, flow: str, renewed: Mapping[tuple[Kind, str], Evidence]) -> None:
    """Store the current evidence of links, by kind and key, in the current transaction."""
    for (kind, key), evidence in renewed.items():
        connection.execute(links.update().where(_is_link(flow, kind, key)).values(evidence=evidence.to_json()))


def _is_link(flow: str, kind: Kind, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(links.c.flow == flow, links.c.kind == kind, links.c.key == key)


def _locked_link(connection: sa.Connection, flow: str, link: Link) -> Link | None:
    """Return the stored link with the same key, locked against other writes, or None."""
    row = connection.execute(sa.select(links).where(_is_link(flow, link.kind, link.key)).with_for_update()).first()
    return link_of(row) if row is not None else None


def _remove_link(connection: sa.Connection, at: datetime, flow: str, pair: Link, by: str) -> None:
    """Remove the link of a pair with the links of its parts and subordinate records, such as addresses.

    Stores that the two records are distinct.
    """
    of_flow = links.c.flow == flow
    same = sa.and_(links.c.kind == pair.kind, links.c.key == pair.key, links.c.reference == pair.reference)
    if connection.execute(links.delete().where(of_flow, same)).rowcount:
        below = sa.or_(links.c.owner == pair.key, links.c.key.startswith(f"{pair.key}/", autoescape=True))
        of_kind = links.c.kind.in_(_BELOW.get(pair.kind, ()))
        connection.execute(links.delete().where(of_flow, below, of_kind))
    row = {"flow": flow, "kind": pair.kind, "key": pair.key, "reference": pair.reference, "by": by, "decided_at": at}
    upsert(connection, distinctions, [row])


def _confirm_mirrored(connection: sa.Connection, flow: str, kind: Kind, link: Link, evidence: Evidence) -> None:
    """Store in the mirror flow's link that both records are the same."""
    mirrored = links.update().where(_is_link(flow, kind, link.reference), links.c.reference == link.key)
    connection.execute(mirrored.values(evidence=evidence.swapped.to_json(), **UNHASHED))
    _drop_distinction(connection, flow, kind, link.reference, link.key)


def _drop_distinction(connection: sa.Connection, flow: str, kind: Kind, key: str, reference: str) -> None:
    conditions = (distinctions.c.flow == flow, distinctions.c.kind == kind, distinctions.c.key == key)
    connection.execute(distinctions.delete().where(*conditions, distinctions.c.reference == reference))


def retire_links(connection: sa.Connection, at: datetime, flow: str, change: Change, marker: str = "") -> None:
    """Mark the links of a retirement as retired, in the current transaction.

    A part that lost its EAN can no longer be found by that EAN. `marker` is the number that the target gave to the
    change. Without it, our own write would look like a change by somebody else.
    """
    _set_retired(connection, flow, [(part.kind, part.source) for part in change.desired.parts], retired=True)
    for part in change.desired.parts:
        if "ean" in part.values and not part.values["ean"]:
            given_up = links.update().where(_is_link(flow, part.kind, part.source))
            connection.execute(given_up.values(mark="", **UNHASHED))
    whole = all(part.values.get("active") is False for part in change.agreed.parts or (change.desired,))
    values = {"agreed": record_to_json(change.agreed), "retired": whole, "changed_at": at, **UNHASHED}
    if marker:
        values["marker"] = marker
    connection.execute(links.update().where(_is_link(flow, change.kind, change.key)).values(values))


def agreed_after_change(connection: sa.Connection, flow: str, change: Change) -> Record:
    """Return the values both systems agree on after a change, in the current transaction.

    For fields that were in conflict when the change was planned, a decision made since then is kept.
    """
    if not change.conflicts:
        return change.agreed
    query = sa.select(links.c.agreed).where(_is_link(flow, change.kind, change.key)).with_for_update()
    agreed = connection.execute(query).scalar()
    return (
        change.agreed
        if agreed is None
        else with_current_values(change.agreed, record_from_json(agreed), change.conflicts)
    )


def _row(at: datetime, flow: str, link: Link) -> dict[str, object]:
    return {
        "flow": flow, "kind": link.kind, "key": link.key, "reference": link.reference, "owner": "",
        "mark": link.mark or _mark_of(link), "marker": link.marker,
        "retired": link.retired, "unproven": link.unproven, "changed_at": at,
        "agreed": None if link.agreed is None else record_to_json(link.agreed), **UNHASHED,
        "evidence": link.evidence.to_json() or None,
    }  # fmt: skip


def _mark_of(link: Link) -> str:
    """Return the normalised reference of a document, because lists of the books may not contain its number."""
    return normalized_reference(link.agreed.values.get("reference")) if link.agreed else ""


def _part_row(at: datetime, flow: str, link: Link, part: Record) -> dict[str, object]:
    return {
        "flow": flow, "kind": part.kind, "key": part.source, "reference": part.key, "owner": link.key,
        "mark": str(part.values.get("ean") or ""), "marker": "", "agreed": None, "changed_at": at,
        "retired": part.values.get("active") is False, "unproven": link.unproven, **UNHASHED, "evidence": None,
    }  # fmt: skip


def _rows_of_orders(at: datetime, flow: str, link: Link) -> Iterator[dict[str, object]]:
    """Yield a link row for each source order of a booking, so that the booking can be found by order."""
    orders = link.agreed.values.get("orders") if link.agreed else None
    for order in orders if isinstance(orders, tuple) else ():
        key = f"{link.key} {order}"
        yield {**_row(at, flow, Link(Kind.ORDER, key, order)), "owner": link.key}


def _set_retired(connection: sa.Connection, flow: str, parts: Sequence[tuple[Kind, str]], *, retired: bool) -> None:
    for kind in {kind for kind, _ in parts}:
        for batch in batches([key for part_kind, key in parts if part_kind is kind]):
            conditions = (
                links.c.flow == flow,
                links.c.kind == kind,
                links.c.key.in_(batch),
                links.c.retired != retired,
            )
            connection.execute(links.update().where(*conditions).values(retired=retired, **UNHASHED))


class LinkReferences:
    """Caches the links of one flow for a connector. Use one instance for one page of a run.

    `ask` loads many keys with one query, and remembers keys without a link too. If a kind has few links, such as
    groups, all of them are loaded.
    """

    def __init__(self, link_store: "Links", flow: str) -> None:
        self._link_store = link_store
        self._flow = flow
        self._by_key: dict[tuple[Kind, str], str] = {}
        self._by_reference: dict[tuple[Kind, str], str] = {}
        self._queried_keys: set[tuple[Kind, str]] = set()
        self._loaded_kinds: set[Kind] = set()
        self._distinct_references: Mapping[tuple[Kind, str], frozenset[str]] | None = None

    def ask(self, kind: Kind, keys: Collection[str]) -> None:
        """Load the links of many keys."""
        fresh = [key for key in keys if (kind, key) not in self._queried_keys]
        for key, reference in self._link_store.pairs(self._flow, kind, "key", fresh):
            self._by_key[kind, key] = reference
        self._queried_keys.update((kind, key) for key in fresh)

    def reference(self, kind: Kind, key: str) -> str | None:
        """Return the target reference of a source key."""
        if (kind, key) in self._queried_keys:
            return self._by_key.get((kind, key))
        self._load_kind(kind)
        if (kind, key) not in self._by_key:
            for _, reference in self._link_store.pairs(self._flow, kind, "key", [key]):
                self._by_key[kind, key] = reference
        return self._by_key.get((kind, key))

    def key(self, kind: Kind, reference: str) -> str | None:
        """Return the source key of a target reference."""
        self._load_kind(kind)
        if (kind, reference) not in self._by_reference:
            for key, _ in self._link_store.pairs(self._flow, kind, "reference", [reference]):
                self._by_reference[kind, reference] = key
        return self._by_reference.get((kind, reference))

    def distinct(self, kind: Kind, key: str) -> Collection[str]:
        """Return the target references that a person marked as another record than this key."""
        if self._distinct_references is None:
            self._distinct_references = self._link_store.distinctions(self._flow)
        return self._distinct_references.get((kind, key), frozenset())

    def _load_kind(self, kind: Kind) -> None:
        """Load all links of a kind that has few. Other keys are still queried, because a link may be added later."""
        if kind in self._loaded_kinds:
            return
        few = self._link_store.first_pairs(self._flow, kind, FEW + 1)
        if len(few) <= FEW:
            self._by_key |= {(kind, key): reference for key, reference in few}
            self._by_reference |= {(kind, reference): key for key, reference in few}
        self._loaded_kinds.add(kind)


def _search_conditions(flows: Collection[str], text: str) -> Iterator[sa.ColumnElement[bool]]:
    yield links.c.flow.in_(flows)
    yield links.c.kind.in_(kinds())  # excludes links of allotted numbers and of unknown kinds
    if text:
        columns = (links.c.key, links.c.reference, links.c.mark)
        yield sa.or_(*(column.contains(text, autoescape=True) for column in columns))


class Links(Store):
    """Stores the links of all flows."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        first_number: int = FIRST_NUMBER,
        mirrors: Mirrors = NO_MIRRORS,
    ) -> None:
        super().__init__(database, clock)
        self.mirrors = mirrors
        self.first_number = first_number

    @requires(Right.SEE)
    def get(self, flow: str, kind: Kind, keys: Collection[str]) -> dict[str, Link]:
        """Return the links of these keys, by key. Keys without a link are left out."""
        return {link.key: link for link in self._links_with(flow, kind, "key", keys)}

    def by_reference(self, flow: str, kind: Kind, references: Collection[str]) -> dict[str, Link]:
        """Return the links of these target references, by reference. References without a link are left out."""
        return {link.reference: link for link in self._links_with(flow, kind, "reference", references)}

    def keys_by_reference(self, flow: str, kind: Kind, references: Collection[str]) -> dict[str, set[str]]:
        """Return the keys of all links of these target references, by reference."""
        keys: dict[str, set[str]] = {}
        for link in self._links_with(flow, kind, "reference", references):
            keys.setdefault(link.reference, set()).add(link.key)
        return keys

    def by_mark(self, flow: str, kind: Kind, marks: Collection[str]) -> dict[str, Link]:
        """Return the links of these marks (EANs), by mark. Active links take precedence over retired ones."""
        matches = sorted(
            self._links_with(flow, kind, "mark", [mark for mark in marks if mark]), key=lambda link: -link.retired
        )
        return {link.mark: link for link in matches}

    def documents(self, flow: str, kind: Kind, references: Collection[str]) -> dict[str, set[str]]:
        """Return the linked documents with these references of ours: the document numbers by reference.

        References are compared in normalised form; see `core/foreign_documents.py`.
        """
        documents: dict[str, set[str]] = {}
        values = {"flow": flow, "kind": kind}
        for row in self.database.prepared_rows_with_values(
            _DOCUMENTS, values, [reference for reference in references if reference]
        ):
            documents.setdefault(row.mark, set()).add(row.reference)
        return documents

    @requires(Right.SEE)
    def find_exact(self, flows: Collection[str], text: str, limit: int) -> list[tuple[str, Link]]:
        """Return links whose key, reference or mark equals the text, each with its flow."""
        matches: dict[tuple[str, str, str], tuple[str, Link]] = {}
        with self.database.read() as connection:
            for column in (links.c.key, links.c.reference, links.c.mark):
                conditions = (links.c.flow.in_(flows), links.c.kind.in_(kinds()), column == text)
                for row in connection.execute(sa.select(links).where(*conditions).limit(limit)):
                    matches.setdefault((row.flow, row.kind, row.key), (row.flow, link_of(row)))
        return list(matches.values())[:limit]

    @requires(Right.READ_LOG)
    def count_matching(self, flows: Collection[str], text: str) -> int:
        """Return the number of links of these flows whose key, reference or mark contains the text."""
        return int(
            self.database.scalar(sa.select(sa.func.count()).select_from(links).where(*_search_conditions(flows, text)))
        )

    @requires(Right.READ_LOG)
    def listed(self, flows: Collection[str], text: str, offset: int, limit: int) -> list[tuple[str, Link]]:
        """Return a page of the links that `count_matching` counts, by flow, kind and key, each with its flow."""
        page = (
            sa.select(links).where(*_search_conditions(flows, text)).order_by(links.c.flow, links.c.kind, links.c.key)
        )
        return [(row.flow, link_of(row)) for row in self.database.rows(page.offset(offset).limit(limit))]

    def _links_with(self, flow: str, kind: Kind, column: str, values: Collection[str]) -> list[Link]:
        """Return links sorted by key. Sorting in SQL would make SQLite scan all links of the kind."""
        matches = map(
            link_of, self.database.prepared_rows_with_values(_LINKS_WITH[column], {"flow": flow, "kind": kind}, values)
        )
        return sorted(matches, key=lambda link: link.key)

    @requires(Right.SEE)
    def pairs(self, flow: str, kind: Kind, column: str, values: Collection[str]) -> list[tuple[str, str]]:
        """Return key and reference of the links with one of these values in the column `key` or `reference`."""
        rows = self.database.prepared_rows_with_values(_PAIRS_WITH[column], {"flow": flow, "kind": kind}, values)
        return sorted((row.key, row.reference) for row in rows)

    def first_pairs(self, flow: str, kind: Kind, limit: int) -> list[tuple[str, str]]:
        """Return key and reference of up to `limit` links of a kind, by key."""
        rows = self.database.rows(_pairs_query(flow, kind).order_by(links.c.key).limit(limit))
        return [(row.key, row.reference) for row in rows]

    def owners_of_parts(self, flow: str, kind: Kind, parts: Kind | None, keys: Collection[str]) -> list[Link]:
        """Return the links of the records that own these parts, sorted by key. `keys` are the parts' source keys."""
        part, whole = links.alias("part"), links
        owned = sa.select(whole).join(part, sa.and_(part.c.flow == whole.c.flow, part.c.owner == whole.c.key))
        conditions = (whole.c.flow == flow, whole.c.kind == kind, part.c.kind == parts)
        owners = {row.key: row for row in self.database.rows_with_values(owned.where(*conditions), part.c.key, keys)}
        return [link_of(owners[key]) for key in sorted(owners)]

    def newest_links(self, flow: str, kind: Kind, limit: int) -> list[Link]:
        """Return the most recently changed links that the target should have, the newest first."""
        conditions = (
            links.c.flow == flow,
            links.c.kind == kind,
            ~links.c.retired,
            ~links.c.unproven,
            links.c.agreed.isnot(sa.null()),
        )
        page = sa.select(links).where(*conditions).order_by(links.c.changed_at.desc(), links.c.key.desc()).limit(limit)
        return [link_of(row) for row in self.database.rows(page)]

    @requires(Right.SEE)
    def kinds(self, flow: str) -> set[Kind]:
        """Return the kinds of a flow that have links with agreed values."""
        query = sa.select(links.c.kind).where(links.c.flow == flow, links.c.agreed.isnot(sa.null())).distinct()
        return {Kind.stored(row.kind) for row in self.database.rows(query)}

    def page(self, flow: str, kind: Kind, after: str, limit: int, end: str = "") -> list[Link]:
        """Return a page of links that the target should have, sorted by key, after key `after` and before `end`."""
        conditions = (
            links.c.flow == flow, links.c.kind == kind, links.c.key > after, ~links.c.retired, ~links.c.unproven,
            links.c.agreed.isnot(sa.null()), *([links.c.key < end] if end else []),
        )  # fmt: skip
        page = sa.select(links).where(*conditions).order_by(links.c.key).limit(limit)
        return [link_of(row) for row in self.database.rows(page)]

    def mark(self, kinds: Collection[tuple[str, Kind]]) -> str:
        """Return a text that changes when a link is stored or two records are separated.

        Its cost does not grow with the number of links. `kinds` are pairs of a flow and a kind.
        """
        newest = {
            f"{table.name}/{flow}/{kind}": sa.select(sa.func.max(moment)).where(
                table.c.flow == flow, table.c.kind == kind
            )
            for flow, kind in sorted(kinds)
            for table, moment in ((links, links.c.changed_at), (distinctions, distinctions.c.decided_at))
        }
        row = self.database.first(sa.select(*(query.scalar_subquery() for query in newest.values())))
        moments = dict(zip(newest, row or (), strict=False))
        return " ".join(f"{name}@{moment.isoformat()}" for name, moment in moments.items() if moment is not None)

    @requires(Right.SEE)
    def count(self, flow: str, *kinds: Kind) -> int:
        """Return the number of links of these kinds, including retired ones."""
        return int(
            self.database.scalar(sa.select(sa.func.count()).where(links.c.flow == flow, links.c.kind.in_(kinds)))
        )

    @requires(Right.SEE)
    def count_booked_records(self, flow: str, kind: Kind) -> int:
        """Return the number of records with an active link of a kind. Repeated bookings of a record count once."""
        conditions = (links.c.flow == flow, links.c.kind == kind, ~links.c.retired, ~links.c.key.contains("#"))
        return int(self.database.scalar(sa.select(sa.func.count()).where(*conditions)))

    @requires(Right.SEE)
    def any(self, flow: str, *kinds: Kind) -> bool:
        """Return True if a link of these kinds exists, active or retired."""
        conditions = (links.c.flow == flow, links.c.kind.in_(kinds))
        return self.database.first(sa.select(links.c.key).where(*conditions).limit(1)) is not None

    def keep(self, flow: str, new_links: Sequence[Link], *events: Event) -> None:
        """Store links that a person decided on, with one for each part of their agreed values, and record the events.

        Earlier evidence and distinctions of these records are dropped, unless the link brings new evidence.
        """
        with self.database.write() as connection:
            keep_links(connection, self.clock(), flow, new_links, self.mirrors)
            for link in new_links:
                _drop_distinction(connection, flow, link.kind, link.key, link.reference)
            renew_evidence(connection, flow, {(link.kind, link.key): link.evidence for link in new_links})
            append_events(connection, self.clock(), events)

    def apply_resolutions(self, flow: str, chosen: Sequence[tuple[Resolution, Event]]) -> int:
        """Store resolutions of conflicts with an event for each, and return how many were stored.

        A resolution is not stored if the agreed values changed since the person saw them.
        """
        events: list[Event] = []
        with self.database.write() as connection:
            for resolution, event in chosen:
                conditions = (links.c.flow == flow, links.c.kind == resolution.kind, links.c.key == resolution.key)
                shape = connection.execute(sa.select(links.c.agreed).where(*conditions).with_for_update()).scalar()
                agreed = None if shape is None else resolved_values(record_from_json(shape), resolution)
                if agreed is not None:
                    connection.execute(
                        links.update().where(*conditions).values(agreed=record_to_json(agreed), **UNHASHED)
                    )
                    events.append(event)
            append_events(connection, self.clock(), events)
        return len(events)

    def distinctions(self, flow: str) -> dict[tuple[Kind, str], frozenset[str]]:
        """Return the target references that a person marked as another record, by kind and source key."""
        references: dict[tuple[Kind, str], frozenset[str]] = {}
        for row in self.database.rows(sa.select(distinctions).where(distinctions.c.flow == flow)):
            pair = Kind.stored(row.kind), str(row.key)
            references[pair] = references.get(pair, frozenset()) | {str(row.reference)}
        return references

    def confirm_identity(self, flow: str, link: Link, mark: str, event: Event) -> bool:
        """Store that both records of a link are the same although their evidence differs.

        `link` has the reference and evidence that the person saw. `mark` identifies the stored evidence that
        contradicts them. Returns False, and stores nothing, if the link's reference or evidence changed in the
        meantime.
        """
        now = self.clock()
        with self.database.write() as connection:
            stored_link = _locked_link(connection, flow, link)
            if stored_link is not None and (stored_link.reference, stored_link.evidence.mark) != (link.reference, mark):
                return False
            if stored_link is None:
                keep_links(connection, now, flow, [link], self.mirrors)
            evidence = stored_link.evidence.replaced(link.evidence) if stored_link else link.evidence
            confirmed = links.update().where(_is_link(flow, link.kind, link.key))
            connection.execute(confirmed.values(evidence=evidence.to_json(), **UNHASHED))
            _drop_distinction(connection, flow, link.kind, link.key, link.reference)
            other = self.mirrors.get((flow, link.kind))
            if other is not None:
                _confirm_mirrored(connection, *other, link, evidence)
            append_events(connection, now, [event])
        return True

    def separate(self, flow: str, link: Link, mark: str, by: str, event: Event) -> bool:
        """Remove a link because its two records are not the same. They are not matched again.

        The mirrored link of another flow is removed too. Returns False, and stores nothing, if the link's reference or
        evidence changed in the meantime.
        """
        now = self.clock()
        with self.database.write() as connection:
            stored_link = _locked_link(connection, flow, link)
            if stored_link is not None and (stored_link.reference, stored_link.evidence.mark) != (link.reference, mark):
                return False
            _remove_link(connection, now, flow, link, by)
            other = self.mirrors.get((flow, link.kind))
            if other is not None:
                _remove_link(connection, now, other[0], Link(other[1], link.reference, link.key), by)
            append_events(connection, now, [event])
        return True

    @requires(Right.SEE)
    def references(self, flow: str) -> LinkReferences:
        """Return a cache of the flow's links for a connector."""
        return LinkReferences(self, flow)

    def allocate_number(self, flow: str, kind: str, key: str) -> str:
        """Return the number allotted to this key. Allots the next free whole number if the key has none.

        A number is never reused, even if its key is gone. Numbers that links use are skipped.

        Raises UnavailableError `database_locked` if other processes took the number in every attempt.
        """
        conditions = (allotments.c.flow == flow, allotments.c.kind == kind, allotments.c.key == key)
        query = sa.select(allotments.c.number).where(*conditions)
        with self.database.read() as connection:
            if (number := connection.execute(query).scalar()) is not None:
                return str(number)
        for _ in range(ALLOT_ATTEMPTS):
            try:
                with self.database.write() as connection:
                    if (number := connection.execute(query).scalar()) is not None:
                        return str(number)
                    number = self._next_free(connection, flow, kind)
                    row = {"flow": flow, "kind": kind, "key": key, "number": number}
                    connection.execute(allotments.insert().values(row))
                    return str(number)
            except IntegrityError:  # another process allotted the same number
                continue
        raise UnavailableError("database_locked")

    def allocated_numbers(self, flow: str, kind: str, keys: Collection[str]) -> dict[str, str]:
        """Return the numbers allotted to these keys. Keys without a number are left out."""
        query = sa.select(allotments).where(allotments.c.flow == flow, allotments.c.kind == kind)
        return {row.key: str(row.number) for row in self.database.rows_with_values(query, allotments.c.key, keys)}

    def _next_free(self, connection: sa.Connection, flow: str, kind: str) -> int:
        highest = sa.select(sa.func.max(allotments.c.number)).where(
            allotments.c.flow == flow, allotments.c.kind == kind
        )
        number = max(self.first_number, (connection.execute(highest).scalar() or 0) + 1)
        query = sa.select(links.c.key).where(links.c.flow == flow, links.c.kind == kind)
        while connection.execute(query.where(links.c.reference == str(number))).first():
            number += 1
        return number
