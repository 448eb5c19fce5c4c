"""The audit as it is read: what somebody did, newest first; its chain, followed to its end; and the heads of days."""

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
from integration.store.sealing import AuditRecord, columns_of, note_deed
from integration.store.tables import audit, audit_head, settings

PORTION = 2_000  # entries that are read at once
BEGUN, ANCHORED, STAMPED = "audit_begun", "audit_anchored", "audit_stamped"
BEFORE_ALL = -(2**63)  # no number of an entry, however somebody made it, is smaller
AFTER_ALL = 2**63 - 1  # and none is larger


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """Which entries are asked for; what is empty asks for all. A text is looked for in all that an entry says."""

    who: str = ""
    action: str = ""
    flow: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry as it is shown."""

    seq: int
    at: datetime
    who: str
    action: str
    flow: str = ""
    run: str = ""
    kind: str = ""
    code: str = ""
    session: str = ""
    came: str = ""
    why: str = ""
    count: int = 1
    on: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of a day: the entry that closes it, its hash, and how often a time authority stamped it."""

    head: Head
    at: datetime
    stamps: int = 0


@dataclass(frozen=True, slots=True)
class Followed:
    """How far a chain was followed, what is wrong with it, and whether its end was reached."""

    head: Head
    broken: Break | None = None
    is_whole: bool = False


class AuditStore(Store):
    """What was done, as nobody can change it unseen."""

    def note(self, action: str, who: str, *, session: str = "", came: str = "", **facts: str) -> None:
        """Keep a deed that changes nothing in the database: what somebody reads or takes away."""
        told = {name: fact for name, fact in facts.items() if fact}
        deed = AuditRecord(at=self.clock(), who=who, session=session, came=came, action=action, facts=told)
        with self.database.write() as connection:
            note_deed(connection, [deed])

    def begin(self, who: str) -> None:
        """Keep that the audit begins, where it has no entry yet: one that has none was cut."""
        if self.database.scalar(sa.select(audit_head.c.seq)) == 0:
            self.note(BEGUN, who)

    def tell_restored(self) -> None:
        """Keep that the database was restored, where it was and that is not told: nobody could while it lay closed."""
        with self.database.read() as connection:  # every start asks, and hardly one has anything to write
            if _untold(connection) is None:
                return
        with self.database.write() as connection:
            if restored := _untold(connection):
                facts = {"restored_at": restored["at"], "made_at": restored["made_at"]}
                who = restored.get("by", "restore")
                note_deed(connection, [AuditRecord(at=self.clock(), who=who, action=RESTORED, facts=facts)])

    # ---- read

    @requires(Right.ADMINISTER)
    def entries(self, sought: AuditSearch | None = None, offset: int = 0, limit: int = 100) -> list[AuditEntry]:
        """Return entries, newest first."""
        found = _asked(sa.select(audit.c.line), sought).order_by(audit.c.seq.desc())
        return [entry_of(row.line) for row in self.database.rows(found.offset(offset).limit(limit))]

    @requires(Right.ADMINISTER)
    def count(self, sought: AuditSearch | None = None) -> int:
        """Return how many entries there are."""
        return int(self.database.scalar(_asked(sa.select(sa.func.count()).select_from(audit), sought)))

    @requires(Right.ADMINISTER)
    def known(self) -> tuple[list[str], list[str]]:
        """Return who ever did something, and which actions there were."""
        names = (sa.select(column).distinct().order_by(column) for column in (audit.c.who, audit.c.action))
        who, actions = ([str(row[0]) for row in self.database.rows(one)] for one in names)
        return who, actions

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of a file of the whole audit: its entries, and the head they had when it was begun.

        Where the head is missing the file has none, and whoever verifies it finds it cut.
        """
        row = self.database.first(sa.select(audit_head))
        for found in self._rows(BEFORE_ALL, AFTER_ALL if row is None else row.seq):
            yield from (one.line.encode() for one in found)
        if row is not None:
            yield last_line(Head(row.seq, row.hash), row.key, row.seal)

    # ---- followed

    def follow(self, keys: Mapping[str, bytes], after: Head | None = None, most: int = PORTION) -> Followed:
        """Follow the chain by up to `most` entries from its beginning, or from a head, and tell what is wrong.

        Each entry is held against its seal, the one before, and the columns beside it; the last against the head.
        """
        chain = AuditChain(keys, after)
        with self.database.read() as connection:
            head = connection.execute(sa.select(audit_head)).first()
            first = after.seq if after else BEFORE_ALL
            here = sa.select(audit).where(audit.c.seq > first).order_by(audit.c.seq).limit(most)
            rows = connection.execute(here).all()
        for row in rows:
            broken = chain.follow(row.line.encode())
            if broken is None and any(getattr(row, name) != one for name, one in _columns(row.line).items()):
                broken = Break("altered", row.seq)
            if broken is not None:
                return Followed(chain.head, broken)
        if len(rows) == most:
            return Followed(chain.head)
        if head is None or (head.seq == 0 and not rows):
            return Followed(chain.head, Break("cut", chain.head.seq + 1))
        end = Head(head.seq, head.hash)
        broken = chain.end(end) or chain.end_seal(end, head.key, head.seal)
        return Followed(chain.head, broken, is_whole=broken is None)

    def hash_of(self, seq: int) -> str:
        """Return the hash of an entry, empty where there is none."""
        line = self.database.scalar(sa.select(audit.c.line).where(audit.c.seq == seq))
        return "" if line is None else digest(line.encode())

    # ---- the heads of days

    def anchor(self, who: str) -> Anchor | None:
        """Close what was done until now with an entry, whose hash speaks for all before it; None where there is none.

        Nothing is closed twice.
        """
        newest = self.database.first(sa.select(audit.c.action).order_by(audit.c.seq.desc()))
        if newest is None or newest.action in (ANCHORED, STAMPED):
            return self.anchors(limit=1)[0] if newest else None
        self.note(ANCHORED, who)
        return self.anchors(limit=1)[0]

    @requires(Right.ADMINISTER)
    def anchors(self, limit: int = 31) -> list[Anchor]:
        """Return the newest heads of days, newest first."""
        found = sa.select(audit).where(audit.c.action == ANCHORED).order_by(audit.c.seq.desc()).limit(limit)
        rows = self.database.rows(found)
        stamps = self.stamps(rows[-1].seq if rows else 0)
        return [
            Anchor(Head(row.seq, digest(row.line.encode())), row.at, sum(seq == row.seq for seq, *_ in stamps))
            for row in rows
        ]

    def stamp(self, anchor: Anchor, token: bytes, place: str, who: str) -> None:
        """Keep the stamp that a time authority set on the head of a day."""
        facts = {"entry": str(anchor.head.seq), "hash": anchor.head.hash, "place": place}
        self.note(STAMPED, who, **facts, token=base64.b64encode(token).decode())

    def stamps(self, since: int = 0) -> list[tuple[int, str, bytes]]:
        """Return number and hash of every entry that was stamped, with its stamp, from an entry on."""
        found = sa.select(audit.c.line).where(audit.c.action == STAMPED, audit.c.seq >= since).order_by(audit.c.seq)
        told = [entry_of(row.line).facts for row in self.database.rows(found)]
        return [(int(one["entry"]), one["hash"], base64.b64decode(one["token"])) for one in told]

    def _rows(self, after: int, until: int) -> Iterator[Any]:
        while True:
            here = sa.select(audit).where(audit.c.seq > after, audit.c.seq <= until)
            rows = self.database.rows(here.order_by(audit.c.seq).limit(PORTION))
            if not rows:
                return
            yield rows
            after = rows[-1].seq


def _asked(found: sa.Select[Any], sought: AuditSearch | None) -> sa.Select[Any]:
    asked = sought or AuditSearch()
    named = {"who": asked.who, "action": asked.action, "flow": asked.flow}
    found = found.where(*(audit.c[name] == value for name, value in named.items() if value))
    if asked.text:
        found = found.where(sa.func.lower(audit.c.line).contains(asked.text.casefold(), autoescape=True))
    if asked.since:
        found = found.where(audit.c.at >= asked.since)
    return found.where(audit.c.at < asked.until) if asked.until else found


def _columns(line: str) -> dict[str, Any]:
    return columns_of(json.loads(line)["entry"])


def _untold(connection: sa.Connection) -> Mapping[str, str] | None:
    """Return when, from what and by whom the database was restored, where it was and no entry tells of it."""
    restored: Mapping[str, str] | None = connection.execute(
        sa.select(settings.c.value).where(settings.c.name == RESTORED)
    ).scalar()
    if restored is None:
        return None
    newest = sa.select(audit.c.line).where(audit.c.action == RESTORED).order_by(audit.c.seq.desc()).limit(1)
    line = connection.execute(newest).scalar()
    return None if line and entry_of(line).facts.get("restored_at") == restored["at"] else restored


def entry_of(line: str) -> AuditEntry:
    """Return the entry of a line of the audit."""
    said = json.loads(line)["entry"]
    del said["previous"]
    said |= {"at": datetime.fromisoformat(said["at"]), "on": tuple(said.get("on", ()))}
    return AuditEntry(**said)
