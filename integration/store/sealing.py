"""Writes audit entries at the end of a transaction, each sealed and chained to the previous one.

Entries are collected during a transaction and appended right before the commit. The head of the chain is therefore
locked only briefly, and always as the last lock, so that writers cannot deadlock.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import rfc8785
import sqlalchemy as sa

from integration.core.chain import Head, canonical_line, digest, entry_hash, head_text
from integration.core.errors import ConfigurationError
from integration.store.tables import audit, audit_head

RECORDS_KEY = "audit"  # key in `connection.info` for the entries of the transaction
PERSONAL = re.compile(
    r"[^\s@<>()\"',;:|]+@[^\s@<>()\"',;:|]+|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b"
)
"""Matches e-mail addresses and IBANs in any text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """An audit entry before it is sealed: actor, action, subject, values before and after, and reason."""

    at: datetime
    actor: str
    session: str = ""
    channel: str = ""  # access channel, if it was not the console
    action: str
    flow: str = ""
    run: str = ""
    kind: str = ""
    code: str = ""
    subjects: tuple[str, ...] = ()
    count: int = 1
    reason: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    of_people: bool = False  # `subjects` holds references of persons who use the console
    hidden: bool = False  # values of a record: stored as pseudonyms


@dataclass(frozen=True, slots=True)
class Sealer:
    """The key that seals audit entries, which is not in the database, and its id in the entries."""

    id: str
    key: bytes

    def pseudonym(self, value: str) -> str:
        """Return the pseudonym of a personal value: equal for equal values, and not reversible."""
        return f"~{hmac.new(self.key, value.encode('utf-8', 'replace'), hashlib.sha256).hexdigest()[:12]}"


def sealer_of(secret: bytes) -> Sealer:
    """Return the sealing key that is derived from the key of the credentials."""
    key = hmac.new(secret, b"audit", hashlib.sha256).digest()
    return Sealer(hashlib.sha256(key).hexdigest()[:16], key)


def collect_audit_records(connection: sa.Connection, records: Sequence[AuditRecord]) -> None:
    """Collect audit entries for the current transaction. They are appended when it commits."""
    connection.info.setdefault(RECORDS_KEY, []).extend(records)


def discard_collected(connection: sa.Connection) -> None:
    """Discard the collected entries of an earlier transaction that was rolled back."""
    connection.info.pop(RECORDS_KEY, None)


def append(connection: sa.Connection, sealer: Sealer | None) -> None:
    """Append the collected entries to the chain. Must be the last statement of a transaction.

    Raises ConfigurationError `audit_head_missing` if the head of the chain is missing. The transaction then fails.
    """
    records: list[AuditRecord] = connection.info.pop(RECORDS_KEY, [])
    if not records:
        return
    row = connection.execute(sa.select(audit_head).with_for_update()).first()
    if row is None:
        raise ConfigurationError("audit_head_missing")
    head, rows = Head(row.seq, row.hash), []
    key_id, key = (sealer.id, sealer.key) if sealer else ("", b"")
    for record in records:
        entry = sealed_entry(record, Head(head.seq + 1, head.hash), sealer)
        line = canonical_line(rfc8785.dumps(entry), key_id, key)
        head = Head(head.seq + 1, digest(line))
        rows.append({**columns_of(entry), "line": line.decode()})
    connection.execute(audit.insert(), rows)
    seal = entry_hash(head_text(head), key) if sealer else ""
    connection.execute(audit_head.update().values(seq=head.seq, hash=head.hash, key=key_id, seal=seal))


def sealed_entry(record: AuditRecord, place: Head, sealer: Sealer | None) -> dict[str, Any]:
    """Return the entry of an audit record after the given previous entry, without its empty fields."""

    def without_personal_words(text: str) -> str:
        return PERSONAL.sub(lambda match: sealer.pseudonym(match[0]) if sealer else "~", _text(text))

    def values(facts: Mapping[str, str]) -> dict[str, str]:
        hide = sealer.pseudonym if sealer else (lambda _: "~")
        return {
            without_personal_words(name): hide(value) if record.hidden and value else without_personal_words(value)
            for name, value in facts.items()
        }

    texts = {
        "session": record.session,
        "channel": record.channel,
        "flow": record.flow,
        "run": record.run,
        "kind": record.kind,
        "code": record.code,
    }
    groups = {
        "facts": values(record.facts)
        if not record.hidden
        else {n: without_personal_words(v) for n, v in record.facts.items()}
    }
    groups |= {"before": values(record.before), "after": values(record.after)}
    return {
        "seq": place.seq,
        "previous": place.hash,
        "at": record.at.isoformat(timespec="microseconds"),
        "actor": _text(record.actor),
        "action": record.action,
        **{name: without_personal_words(text) for name, text in {**texts, "reason": record.reason}.items() if text},
        **(
            {"subjects": [(_text if record.of_people else without_personal_words)(key) for key in record.subjects]}
            if record.subjects
            else {}
        ),
        **({"count": record.count} if record.count != 1 else {}),
        **{name: group for name, group in groups.items() if group},
    }


def _text(text: str) -> str:
    """Return a text in a form that both databases and JSON can store."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def columns_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of an entry that queries use."""
    return {
        "seq": entry["seq"],
        "at": datetime.fromisoformat(entry["at"]),
        "actor": entry["actor"],
        "action": entry["action"],
        "flow": entry.get("flow", ""),
        "subject": ", ".join(entry.get("subjects", ())),
    }
