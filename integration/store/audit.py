"""Reads and verifies the audit log: its entries, its hash chain, and the anchors of days."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from integration.core.authorization import requires
from integration.core.chain import AuditChain, Break, Head, digest, last_line
from integration.core.people import Right
from integration.store.copies import RESTORED
from integration.store.database import Store
from integration.store.sealing import AuditRecord, collect_audit_records, columns_of
from integration.store.tables import audit, audit_head, settings

PORTION = 2_000  # entries per query
BEGUN, ANCHORED, STAMPED = "audit_begun", "audit_anchored", "audit_stamped"
BEFORE_ALL = -(2**63)  # lower than any sequence number, even a forged one
AFTER_ALL = 2**63 - 1  # higher than any sequence number


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """Filter for audit entries. Empty fields match all entries. `text` is searched in the whole entry."""

    actor: str = ""
    action: str = ""
    flow: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One audit entry for display."""

    seq: int
    at: datetime
    actor: str
    action: str
    flow: str = ""
    run: str = ""
    kind: str = ""
    code: str = ""
    session: str = ""
    channel: str = ""
    reason: str = ""
    count: int = 1
    subjects: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The anchor of a day: the entry that closes the day, its hash, and its number of time stamps."""

    head: Head
    at: datetime
    stamps: int = 0


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """Result of a verification: the last verified entry, the first fault, and whether the end was reached."""

    head: Head
    broken: Break | None = None
    is_whole: bool = False


class AuditStore(Store):
    """Stores the audit log, in which changes can be detected."""

    def note(self, action: str, actor: str, *, session: str = "", channel: str = "", **facts: str) -> None:
        """Record an action that changes no data, such as an export."""
        filled_facts = {name: fact for name, fact in facts.items() if fact}
        deed = AuditRecord(
            at=self.clock(), actor=actor, session=session, channel=channel, action=action, facts=filled_facts
        )
        with self.database.write() as connection:
            collect_audit_records(connection, [deed])

    def begin(self, actor: str) -> None:
        """Record the start of the audit log if it is empty. A log without this entry was truncated."""
        if self.database.scalar(sa.select(audit_head.c.seq)) == 0:
            self.note(BEGUN, actor)

    def record_restore(self) -> None:
        """Record a restore of the database if it is not recorded yet. The restore itself cannot write to the log."""
        with self.database.read() as connection:  # runs at every start, and rarely needs the write lock
            if _unrecorded_restore(connection) is None:
                return
        with self.database.write() as connection:
            if restored := _unrecorded_restore(connection):
                facts = {"restored_at": restored["at"], "created_at": restored["created_at"]}
                actor = restored.get("by", "restore")
                collect_audit_records(
                    connection, [AuditRecord(at=self.clock(), actor=actor, action=RESTORED, facts=facts)]
                )

    # ---- queries

    @requires(Right.ADMINISTER)
    def entries(self, criteria: AuditSearch | None = None, offset: int = 0, limit: int = 100) -> list[AuditEntry]:
        """Return a page of entries, the newest first."""
        query = _apply_search(sa.select(audit.c.line), criteria).order_by(audit.c.seq.desc())
        return [entry_of(row.line) for row in self.database.rows(query.offset(offset).limit(limit))]

    @requires(Right.ADMINISTER)
    def count(self, criteria: AuditSearch | None = None) -> int:
        """Return the number of matching entries."""
        return int(self.database.scalar(_apply_search(sa.select(sa.func.count()).select_from(audit), criteria)))

    @requires(Right.ADMINISTER)
    def actors_and_actions(self) -> tuple[list[str], list[str]]:
        """Return all actors and all actions in the log."""
        names = (sa.select(column).distinct().order_by(column) for column in (audit.c.actor, audit.c.action))
        actors, actions = ([str(row[0]) for row in self.database.rows(query)] for query in names)
        return actors, actions

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of an export of the whole audit log: its entries, and the head at the time of the call.

        If the head is missing, the export has none, and a verification reports it as truncated.
        """
        row = self.database.first(sa.select(audit_head))
        for portion in self._rows(BEFORE_ALL, AFTER_ALL if row is None else row.seq):
            yield from (entry.line.encode() for entry in portion)
        if row is not None:
            yield last_line(Head(row.seq, row.hash), row.key, row.seal)

    # ---- verification

    def verify(self, keys: Mapping[str, bytes], after: Head | None = None, most: int = PORTION) -> VerificationResult:
        """Verify up to `most` entries of the chain, from its beginning or after a head.

        Each entry is compared with its seal, the previous entry and its own columns, and the last one with the head.
        """
        chain = AuditChain(keys, after)
        with self.database.read() as connection:
            head = connection.execute(sa.select(audit_head)).first()
            first = after.seq if after else BEFORE_ALL
            query = sa.select(audit).where(audit.c.seq > first).order_by(audit.c.seq).limit(most)
            rows = connection.execute(query).all()
        for row in rows:
            broken = chain.verify_next(row.line.encode())
            if broken is None and any(getattr(row, name) != value for name, value in _columns(row.line).items()):
                broken = Break("altered", row.seq)
            if broken is not None:
                return VerificationResult(chain.head, broken)
        if len(rows) == most:
            return VerificationResult(chain.head)
        if head is None or (head.seq == 0 and not rows):
            return VerificationResult(chain.head, Break("cut", chain.head.seq + 1))
        end = Head(head.seq, head.hash)
        broken = chain.verify_end(end) or chain.verify_head_seal(end, head.key, head.seal)
        return VerificationResult(chain.head, broken, is_whole=broken is None)

    def hash_of(self, seq: int) -> str:
        """Return the hash of an entry, or an empty string if it does not exist."""
        line = self.database.scalar(sa.select(audit.c.line).where(audit.c.seq == seq))
        return "" if line is None else digest(line.encode())

    # ---- anchors of days

    def anchor(self, actor: str) -> Anchor | None:
        """Return an anchor of all entries so far, and add one if there are newer entries. None if the log is empty."""
        newest = self.database.first(sa.select(audit.c.action).order_by(audit.c.seq.desc()))
        if newest is None or newest.action in (ANCHORED, STAMPED):
            return self.anchors(limit=1)[0] if newest else None
        self.note(ANCHORED, actor)
        return self.anchors(limit=1)[0]

    @requires(Right.ADMINISTER)
    def anchors(self, limit: int = 31) -> list[Anchor]:
        """Return the newest anchors, the newest first."""
        query = sa.select(audit).where(audit.c.action == ANCHORED).order_by(audit.c.seq.desc()).limit(limit)
        rows = self.database.rows(query)
        stamps = self.stamps(rows[-1].seq if rows else 0)
        return [
            Anchor(Head(row.seq, digest(row.line.encode())), row.at, sum(seq == row.seq for seq, *_ in stamps))
            for row in rows
        ]

    def stamp(self, anchor: Anchor, token: bytes, place: str, actor: str) -> None:
        """Store the time stamp of a time authority for an anchor."""
        facts = {"entry": str(anchor.head.seq), "hash": anchor.head.hash, "place": place}
        self.note(STAMPED, actor, **facts, token=base64.b64encode(token).decode())

    def stamps(self, since: int = 0) -> list[tuple[int, str, bytes]]:
        """Return the time stamps of entries from number `since` on, each as sequence number, hash and token."""
        query = sa.select(audit.c.line).where(audit.c.action == STAMPED, audit.c.seq >= since).order_by(audit.c.seq)
        stamps = [entry_of(row.line).facts for row in self.database.rows(query)]
        return [(int(stamp["entry"]), stamp["hash"], base64.b64decode(stamp["token"])) for stamp in stamps]

    def _rows(self, after: int, until: int) -> Iterator[Any]:
        while True:
            query = sa.select(audit).where(audit.c.seq > after, audit.c.seq <= until)
            rows = self.database.rows(query.order_by(audit.c.seq).limit(PORTION))
            if not rows:
                return
            yield rows
            after = rows[-1].seq


def _apply_search(query: sa.Select[Any], criteria: AuditSearch | None) -> sa.Select[Any]:
    search = criteria or AuditSearch()
    filters = {"actor": search.actor, "action": search.action, "flow": search.flow}
    query = query.where(*(audit.c[name] == value for name, value in filters.items() if value))
    if search.text:
        query = query.where(sa.func.lower(audit.c.line).contains(search.text.casefold(), autoescape=True))
    if search.since:
        query = query.where(audit.c.at >= search.since)
    return query.where(audit.c.at < search.until) if search.until else query


def _columns(line: str) -> dict[str, Any]:
    return columns_of(json.loads(line)["entry"])


def _unrecorded_restore(connection: sa.Connection) -> Mapping[str, str] | None:
    """Return time, source and person of a restore that is not in the audit log yet, or None."""
    restored: Mapping[str, str] | None = connection.execute(
        sa.select(settings.c.value).where(settings.c.name == RESTORED)
    ).scalar()
    if restored is None:
        return None
    newest = sa.select(audit.c.line).where(audit.c.action == RESTORED).order_by(audit.c.seq.desc()).limit(1)
    line = connection.execute(newest).scalar()
    return None if line and entry_of(line).facts.get("restored_at") == restored["at"] else restored


def entry_of(line: str) -> AuditEntry:
    """Parse a line of the audit log."""
    fields = json.loads(line)["entry"]
    del fields["previous"]
    fields |= {"at": datetime.fromisoformat(fields["at"]), "subjects": tuple(fields.get("subjects", ()))}
    return AuditEntry(**fields)
