"""What somebody did: found, verified, taken away; and the heads of days, which are told outside the console."""

import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import structlog

from integration.connectors.limits import NetworkRoute
from integration.connectors.stamps import TimeAuthority
from integration.core import chain
from integration.core.authorization import requires
from integration.core.chain import Break, Head
from integration.core.errors import ConfigurationError, IntegrationError
from integration.core.people import AccessChannel, Actor, PersonAction, Right
from integration.core.untrusted_text import csv_text
from integration.settings import Settings
from integration.store.audit import Anchor, AuditEntry, AuditSearch, AuditStore, Followed
from integration.store.database import Clock, Database
from integration.store.secrets import ConnectionStore
from integration.store.settings import StoredSettings

__all__ = ["Anchor", "Audit", "AuditEntry", "AuditSearch", "Break", "Checked", "Head"]

log = structlog.get_logger(__name__)

CHECKED = "audit_checked"  # the setting that says what came of the last look at the whole chain
KEYS = "audit_keys"  # sealed: keys of entries that were made before the console had another key
ITSELF = "schedule"
EXPORTED, TAKEN, ASKED, LOG_EXPORTED = "audit_exported", "exported", "log_asked", "log_exported"
ACTED = "acted"
UNSIGNED = frozenset(
    {
        "alerts.test", "channels.test", "lab.begin", "lab.stop", "monitoring.gone_for_good",
        "persons.kept", "prices.again", "retention.prune", "sandbox.pass_a_day",
    }
)  # fmt: skip
"""What does something, or shows what is kept of a person, and is not told under a name by whoever does it."""
LOOK, LOOK_TIME = "persons.kept", timedelta(minutes=10)  # a page asks again each time it is drawn: that is one look
GATHERED = ("plans.listed", "exceptions.listed")  # what goes into a file, which is heard of when it is taken
LONGEST_SQL = 4_000
_TOLD_IN_SQL = re.compile(
    r"""--[^\n]*|/\*.*?(?:\*/|$)|'(?:[^']|'')*(?:'|$)|"[^"]*(?:"|$)|(\$\w*\$).*?(?:\1|$)""", re.DOTALL
)
"""Comments, texts, and names in quotes; what is not closed goes to the end."""
_PLAIN_NAME = re.compile(r'"[a-z_0-9]+"')
MOST_CSV = 100_000
UNSTAMPED_DAYS = 7  # for so long a stamp that could not be had is asked for again
GROUPS = ("facts", "before", "after")
COLUMNS = ("seq", "at", "who", "session", "action", "flow", "run", "kind", "code", "on", "count", "why", *GROUPS)
READ_ME = """audit.jsonl has one entry a line, oldest first, in canonical JSON. verify_audit.py verifies it and needs
nothing but Python 3.11:

    python verify_audit.py audit.jsonl --head NUMBER:HASH

NUMBER:HASH is a head that was sent to you earlier, with a digest of alerts for example: only with one the file can be
told from another history that somebody wrote anew from its beginning. stamps/ has what a time authority (RFC 3161) said
of heads: NUMBER.txt is what was stamped, NUMBER.tsr the stamp.

    openssl ts -verify -data stamps/NUMBER.txt -in stamps/NUMBER.tsr -CAfile certificates-of-the-authority.pem
"""


REASONS = {
    "altered": "reason_audit_altered",
    "missing": "reason_audit_missing",
    "cut": "reason_audit_cut",
    "added": "reason_audit_added",
    "rewritten": "reason_audit_rewritten",
    "unsealed": "reason_audit_unsealed",
    "key_unknown": "reason_audit_key_unknown",
    "head_altered": "reason_audit_head_altered",
    "stamp_wrong": "reason_audit_stamp_wrong",
}
"""What may be wrong with a chain, with the keys of the words for it."""


def facts_of(broken: Break) -> dict[str, str]:
    """Return the facts of the cause `audit_broken`."""
    return {"message": REASONS[broken.what], "entry": str(broken.seq)}


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at the whole chain found: when, how far it holds, what is wrong, and how many stamps are good."""

    at: datetime
    head: Head
    broken: Break | None = None
    stamps: int = 0


class Audit:
    """The audit as it may be asked."""

    def __init__(
        self,
        database: Database,
        audit_store: AuditStore,
        stored_settings: StoredSettings,
        sealed: ConnectionStore,
        clock: Clock,
        authority: TimeAuthority | None,
    ) -> None:
        self._stored = audit_store
        self._settings = stored_settings
        self._sealer = database.sealer
        self._sealed = sealed
        self._clock = clock
        self._authority = authority
        self.entries = self._stored.entries
        self.count = self._stored.count
        self.known = self._stored.known
        self.anchors = self._stored.anchors
        self._looks: dict[str, tuple[Mapping[str, object], datetime]] = {}  # the last one of each person or session

    # ---- what somebody reads or takes away

    def heard(self, action: PersonAction) -> None:
        """Keep that somebody asks the log in SQL, or takes something away as a file, before they are answered."""
        if action.name == LOOK and self._goes_on(action):
            return
        for event, facts in _reads(action):
            by = action.actor
            self._stored.note(event, by.ref, session=by.session, came=_way(by), **facts)

    def _goes_on(self, look: PersonAction) -> bool:
        """Tell whether somebody still looks at what they looked at before."""
        who, now = look.actor.session or look.actor.ref, self._clock()
        about, since = self._looks.get(who, ({}, now))
        goes_on = about == look.about and now - since < LOOK_TIME
        if not goes_on:
            self._looks[who] = (look.about, now)
        return goes_on

    # ---- verified

    @requires(Right.ADMINISTER)
    def checked(self) -> Checked | None:
        """Return what the last look at the whole chain found, or None before the first."""
        told = self._settings.get(CHECKED)
        if told is None:
            return None
        broken = Break(**told["broken"]) if told.get("broken") else None
        return Checked(datetime.fromisoformat(told["at"]), Head(**told["head"]), broken, told.get("stamps", 0))

    @requires(Right.ADMINISTER)
    def verify(self, heads: Iterable[Head] = ()) -> Checked:
        """Look at the whole chain, whatever that takes, and at every stamp; `heads` are those that were sent outside.

        What is found is kept, and told as an alert where something is wrong.
        """
        found = self._follow(None)
        while not (found.is_whole or found.broken):
            found = self._follow(found.head)
        return self._ended(found, heads)

    def _follow(self, after: Head | None) -> Followed:
        return self._stored.follow(self._keys(), after)

    def _ended(self, found: Followed, heads: Iterable[Head] = ()) -> Checked:
        known = [*heads, *self._verified_before()]
        broken, good = found.broken or self._unlike(known, found.head), 0
        if broken is None:
            good, broken = self._stamps()
        checked = Checked(self._clock(), found.head, broken, good)
        self._keep(checked)
        return checked

    def _verified_before(self) -> list[Head]:
        """Return the head to which the chain was found whole before."""
        told = (self._settings.get(CHECKED) or {}).get("good")
        return [Head(**told)] if told else []

    def _unlike(self, heads: Iterable[Head], end: Head) -> Break | None:
        """Return the first head that was sent and that the chain does not have."""
        for head in heads:
            known = self._stored.hash_of(head.seq)
            if known != head.hash:
                return Break("rewritten", head.seq) if known else Break("cut", end.seq + 1)
        return None

    def _stamps(self) -> tuple[int, Break | None]:
        """Return how many stamps are good, and the first that is not; without an authority nobody can tell."""
        good = 0
        if self._authority is None:
            return good, None
        for seq, hash_, stamp in self._stored.stamps():
            is_like = self._stored.hash_of(seq) == hash_
            if not is_like or self._authority.stamped_at(stamp, as_sent(Head(seq, hash_)).encode()) is None:
                return good, Break("stamp_wrong", seq)
            good += 1
        return good, None

    def _keep(self, checked: Checked) -> None:
        good = self._verified_before() if checked.broken else [checked.head]
        told = {"head": asdict(checked.head), "broken": asdict(checked.broken) if checked.broken else None}
        told |= {"good": asdict(good[0])} if good else {}
        self._settings.put(CHECKED, {"at": checked.at.isoformat(), "stamps": checked.stamps, **told}, ITSELF)

    def _keys(self) -> dict[str, bytes]:
        """Return the keys of entries by their ids, that of now among them, which is kept for when it is no longer."""
        told = self._sealed.get(KEYS) or {}
        if self._sealer is not None and self._sealer.id not in told:
            told = {**told, self._sealer.id: self._sealer.key.hex()}
            self._sealed.renew(KEYS, told)
        return {name: bytes.fromhex(key) for name, key in told.items()}

    def keep_key(self) -> None:
        """Keep the key of now among those that are known, sealed, before the console gets another."""
        try:
            self._keys()
        except ConfigurationError as error:  # the key is not the one that credentials were sealed with
            log.warning("keys of the audit cannot be read", cause=error.code)

    # ---- each night

    def page(self, position: str) -> str:
        """Do one page of the nightly work and return where the next begins, empty at the end. A page may be repeated.

        First the day gets its head, and its stamp; then the chain is followed from its beginning.
        """
        if not position:
            self._stored.anchor(ITSELF)
            self._stamp()
            found = self._follow(None)
        else:
            seq, _, hash_ = position.partition(":")
            found = self._follow(Head(int(seq), hash_))
        if found.is_whole or found.broken:
            self._ended(found)
            return ""
        return as_sent(found.head)

    def _stamp(self) -> None:
        """Have heads of days stamped that are not yet; what cannot be had is asked for again the next night."""
        if self._authority is None:
            return
        since = self._clock() - timedelta(days=UNSTAMPED_DAYS)
        for anchor in self._stored.anchors(limit=UNSTAMPED_DAYS):
            if anchor.stamps or anchor.at < since:
                continue
            try:
                stamp = self._authority.stamp(as_sent(anchor.head).encode())
            except IntegrationError as error:
                log.warning("the head of a day was not stamped", cause=error.code, entry=anchor.head.seq)
                return
            self._stored.stamp(anchor, stamp, self._authority.host, ITSELF)

    def newest_anchor(self) -> Anchor | None:
        """Return the newest head of a day, as it is told with a digest of alerts."""
        return next(iter(self._stored.anchors(limit=1)), None)

    # ---- taken away

    @requires(Right.ADMINISTER)
    def csv(self, sought: AuditSearch, by: Actor) -> str:
        """Return entries as a CSV file, newest first, to be read; it proves nothing. That it was taken is an entry."""
        return csv_text(COLUMNS, self.listed(sought, by))

    @requires(Right.ADMINISTER)
    def listed(self, sought: AuditSearch, by: Actor) -> list[list[object]]:
        """Return entries as rows of a file by `COLUMNS`, newest first. That they were taken is an entry."""
        self._taken(by, "audit.csv")
        return [
            [_in_file(name, getattr(one, name)) for name in COLUMNS]
            for one in self._stored.entries(sought, limit=MOST_CSV)
        ]

    def _taken(self, by: Actor, file: str) -> None:
        self._stored.note(EXPORTED, by.ref, session=by.session, came=_way(by), file=file)

    @requires(Right.ADMINISTER)
    def file(self, by: Actor) -> bytes:
        """Return the whole audit as a ZIP file with the program that verifies it, and the stamps on its heads.

        That it was taken is its last entry.
        """
        self._taken(by, "audit.zip")
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            with packed.open("audit.jsonl", "w", force_zip64=True) as lines:
                for line in self._stored.lines():
                    lines.write(line + b"\n")
            packed.writestr("verify_audit.py", Path(chain.__file__).read_bytes())
            packed.writestr("README.txt", READ_ME)
            for seq, hash_, stamp in self._stored.stamps():
                packed.writestr(f"stamps/{seq}.txt", as_sent(Head(seq, hash_)))
                packed.writestr(f"stamps/{seq}.tsr", stamp)
        return out.getvalue()


def _in_file(name: str, value: object) -> object:
    """Return what a column of a file has: moments and groups of values as text."""
    if name in GROUPS:
        return json.dumps(dict(cast("Mapping[str, str]", value)), ensure_ascii=False)
    return str(value) if name == "at" else value


def _reads(action: PersonAction) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what an action reads or takes away, as an event with its facts."""
    if action.name in ("log.ask", "log.answer"):
        yield ASKED, {"sql": without_values(str(action.about["sql"]))}
    elif action.name == "log_access.answer":
        try:
            asked = json.loads(cast("bytes", action.about["body"]))
        except ValueError:
            return
        if isinstance(asked, dict) and "sql" in asked:
            yield ASKED, {"sql": without_values(str(asked["sql"]))}
        elif isinstance(asked, dict) and "export" in asked:
            yield LOG_EXPORTED, {"file": Path(str(asked["export"])).name}
    elif action.name in ("log.export", "log_access.exported"):
        yield LOG_EXPORTED, {"file": Path(str(next(iter(action.about.values())))).name}
    elif action.name in UNSIGNED:
        yield ACTED, {"what": action.name}
    elif action.name in ("backups.taking", "backups.take") or action.name.startswith("listings."):
        yield TAKEN, {"file": str(action.about["file"])}
    elif (action.right is Right.EXPORT and action.name not in GATHERED) or action.name == "arrangement.text":
        yield TAKEN, {"file": action.name}


def _way(by: Actor) -> str:
    return "" if by.came is AccessChannel.CONSOLE else by.came


def without_values(sql: str) -> str:
    """Return a question without what it compares with and calls its columns: names of people may stand there."""

    def shown(found: re.Match[str]) -> str:
        if _PLAIN_NAME.fullmatch(found[0]):
            return found[0]
        return "'…'" if found[0][0] in "'\"$" else " "

    return " ".join(_TOLD_IN_SQL.sub(shown, sql).split())[:LONGEST_SQL]


def as_sent(head: Head) -> str:
    """Return a head as it is sent, stamped and given to whoever verifies."""
    return f"{head.seq}:{head.hash}"


def authority_of(settings: Settings) -> TimeAuthority | None:
    """Return who stamps the heads of days, where one is set."""
    asked = settings.timestamps
    if not asked.address or asked.certificates is None:
        return None
    return TimeAuthority(asked.address, asked.certificates, lambda url: NetworkRoute(**settings.route(url)))
