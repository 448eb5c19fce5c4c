"""The audit as it is written: at the end of a transaction, sealed, and one entry after the other.

What was done is noted while a transaction goes on and appended right before it is kept, so that the head of the chain
is held for that moment alone and is always taken last: writers wait for one another, and never in a circle.
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

NOTED = "audit"  # under which a connection has what is noted in its transaction
PERSONAL = re.compile(
    r"[^\s@<>()\"',;:|]+@[^\s@<>()\"',;:|]+|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b"
)
"""E-mail addresses and numbers of bank accounts, wherever somebody wrote one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One thing that somebody did: who, what, on what, before and after, and why."""

    at: datetime
    who: str
    session: str = ""
    came: str = ""  # by which way, where that was not the console
    action: str
    flow: str = ""
    run: str = ""
    kind: str = ""
    code: str = ""
    on: tuple[str, ...] = ()
    count: int = 1
    why: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    of_people: bool = False  # on whom: people who use the console, by their references
    hidden: bool = False  # before and after are values of a record, of which pseudonyms are kept


@dataclass(frozen=True, slots=True)
class Sealer:
    """A key of the audit, which lies outside the database, and the id by which an entry names it."""

    id: str
    key: bytes

    def pseudonym(self, value: str) -> str:
        """Return what stands for a personal value: the same for the same one, and nothing that leads back to it."""
        return f"~{hmac.new(self.key, value.encode('utf-8', 'replace'), hashlib.sha256).hexdigest()[:12]}"


def sealer_of(secret: bytes) -> Sealer:
    """Return the key of the audit that follows from the key of the console's credentials."""
    key = hmac.new(secret, b"audit", hashlib.sha256).digest()
    return Sealer(hashlib.sha256(key).hexdigest()[:16], key)


def note_deed(connection: sa.Connection, deeds: Sequence[AuditRecord]) -> None:
    """Note what is done in the transaction under way; it is appended when that is kept."""
    connection.info.setdefault(NOTED, []).extend(deeds)


def forget_noted(connection: sa.Connection) -> None:
    """Forget what was noted in an earlier transaction, which was not kept."""
    connection.info.pop(NOTED, None)


def append(connection: sa.Connection, sealer: Sealer | None) -> None:
    """Append what was noted to the chain, as the last thing that a transaction does.

    Raises ConfigurationError `audit_head_missing` where nothing says how far the chain goes: then nothing is done.
    """
    deeds: list[AuditRecord] = connection.info.pop(NOTED, [])
    if not deeds:
        return
    found = connection.execute(sa.select(audit_head).with_for_update()).first()
    if found is None:
        raise ConfigurationError("audit_head_missing")
    head, rows = Head(found.seq, found.hash), []
    key_id, key = (sealer.id, sealer.key) if sealer else ("", b"")
    for deed in deeds:
        entry = sealed_entry(deed, Head(head.seq + 1, head.hash), sealer)
        line = canonical_line(rfc8785.dumps(entry), key_id, key)
        head = Head(head.seq + 1, digest(line))
        rows.append({**columns_of(entry), "line": line.decode()})
    connection.execute(audit.insert(), rows)
    seal = entry_hash(head_text(head), key) if sealer else ""
    connection.execute(audit_head.update().values(seq=head.seq, hash=head.hash, key=key_id, seal=seal))


def sealed_entry(deed: AuditRecord, place: Head, sealer: Sealer | None) -> dict[str, Any]:
    """Return a deed as the entry of its number, after the line that has this hash. What is empty is left out."""

    def kept(text: str) -> str:
        return PERSONAL.sub(lambda found: sealer.pseudonym(found[0]) if sealer else "~", _text(text))

    def values(held: Mapping[str, str]) -> dict[str, str]:
        hide = sealer.pseudonym if sealer else (lambda _: "~")
        return {kept(name): hide(value) if deed.hidden and value else kept(value) for name, value in held.items()}

    texts = {
        "session": deed.session,
        "came": deed.came,
        "flow": deed.flow,
        "run": deed.run,
        "kind": deed.kind,
        "code": deed.code,
    }
    groups = {"facts": values(deed.facts) if not deed.hidden else {n: kept(v) for n, v in deed.facts.items()}}
    groups |= {"before": values(deed.before), "after": values(deed.after)}
    return {
        "seq": place.seq,
        "previous": place.hash,
        "at": deed.at.isoformat(timespec="microseconds"),
        "who": _text(deed.who),
        "action": deed.action,
        **{name: kept(text) for name, text in {**texts, "why": deed.why}.items() if text},
        **({"on": [(_text if deed.of_people else kept)(one) for one in deed.on]} if deed.on else {}),
        **({"count": deed.count} if deed.count != 1 else {}),
        **{name: group for name, group in groups.items() if group},
    }


def _text(text: str) -> str:
    """Return a text as both databases, and JSON, can keep it."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def columns_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an entry stands in columns too, to find it by."""
    return {
        "seq": entry["seq"],
        "at": datetime.fromisoformat(entry["at"]),
        "who": entry["who"],
        "action": entry["action"],
        "flow": entry.get("flow", ""),
        "subject": ", ".join(entry.get("on", ())),
    }
