"""The audit log: search, verification, export, and daily heads that are sent outside the console."""

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
from integration.store.audit import Anchor, AuditEntry, AuditSearch, AuditStore, VerificationResult
from integration.store.database import Clock, Database
from integration.store.secrets import ConnectionStore
from integration.store.settings import StoredSettings

__all__ = ["Anchor", "Audit", "AuditCheckResult", "AuditEntry", "AuditSearch", "Break", "Head"]

log = structlog.get_logger(__name__)

LAST_VERIFICATION_SETTING = "audit_checked"  # the setting with the result of the last verification of the whole chain
KEYS = "audit_keys"  # sealed: the keys of all entries, also those from before a change of keys
PROGRAM_ACTOR = "schedule"
EXPORTED, FILE_EXPORTED, LOG_QUERIED, LOG_EXPORTED = "audit_exported", "exported", "log_asked", "log_exported"
ACTION_EVENT = "acted"
UNSIGNED = frozenset(
    {
        "alerts.test", "channels.test", "lab.begin", "lab.stop", "monitoring.forget_process",
        "data_subjects.stored_data", "prices.check_prices_again", "retention.prune", "sandbox.advance_day",
    }
)  # fmt: skip
"""Calls that act, or show stored data of a person, and whose services record no event with the name of the actor."""
LOOK, LOOK_TIME = "data_subjects.stored_data", timedelta(minutes=10)  # a page calls this at each redraw: one view
FILE_ROW_CALLS = ("plans.listed", "exceptions.listed")  # rows for a file; the download of the file is recorded instead
LONGEST_SQL = 4_000
_SQL_LITERALS = re.compile(
    r"""--[^\n]*|/\*.*?(?:\*/|$)|'(?:[^']|'')*(?:'|$)|"[^"]*(?:"|$)|(\$\w*\$).*?(?:\1|$)""", re.DOTALL
)
"""Comments, string literals and quoted names; an unclosed one extends to the end."""
_PLAIN_NAME = re.compile(r'"[a-z_0-9]+"')
MAX_CSV = 100_000
UNSTAMPED_DAYS = 7  # a failed stamp is requested again for this many days
GROUPS = ("facts", "before", "after")
COLUMNS = (
    "seq",
    "at",
    "actor",
    "session",
    "action",
    "flow",
    "run",
    "kind",
    "code",
    "subjects",
    "count",
    "reason",
    *GROUPS,
)
READ_ME = """audit.jsonl has one entry a line, oldest first, in canonical JSON. verify_audit.py verifies it and needs
nothing but Python 3.11:

    python verify_audit.py audit.jsonl --head NUMBER:HASH

NUMBER:HASH is a head that was sent to you earlier, for example with a digest of alerts. Only with such a head the
program detects a history that was rewritten from its beginning. stamps/ has the timestamps of heads by a time authority
(RFC 3161): NUMBER.txt is the stamped text, NUMBER.tsr the stamp.

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
"""The possible breaks of a chain, with the keys of their texts."""


def facts_of(broken: Break) -> dict[str, str]:
    """Return the facts of the cause `audit_broken`."""
    return {"message": REASONS[broken.fault], "entry": str(broken.seq)}


@dataclass(frozen=True, slots=True)
class AuditCheckResult:
    """The result of a verification of the whole chain: time, last valid head, break, and number of valid stamps."""

    at: datetime
    head: Head
    broken: Break | None = None
    stamps: int = 0


class Audit:
    """Queries, verification and export of the audit log."""

    def __init__(
        self,
        database: Database,
        audit_store: AuditStore,
        stored_settings: StoredSettings,
        sealed: ConnectionStore,
        clock: Clock,
        authority: TimeAuthority | None,
    ) -> None:
        self._store = audit_store
        self._settings = stored_settings
        self._sealer = database.sealer
        self._sealed = sealed
        self._clock = clock
        self._authority = authority
        self.entries = self._store.entries
        self.count = self._store.count
        self.actors_and_actions = self._store.actors_and_actions
        self.anchors = self._store.anchors
        self._views: dict[str, tuple[Mapping[str, object], datetime]] = {}  # the last view of each person or session

    # ---- recording of reads and exports

    def record_action(self, action: PersonAction) -> None:
        """Record that a person queries the log in SQL or exports a file, before the call is answered."""
        if action.name == LOOK and self._is_repeated_view(action):
            return
        for event, facts in _reads(action):
            by = action.actor
            self._store.note(event, by.ref, session=by.session, channel=_channel(by), **facts)

    def _is_repeated_view(self, look: PersonAction) -> bool:
        """Return True if a person still looks at the same data. Repeated views within 10 minutes get one entry."""
        session, now = look.actor.session or look.actor.ref, self._clock()
        about, since = self._views.get(session, ({}, now))
        continues = about == look.about and now - since < LOOK_TIME
        if not continues:
            self._views[session] = (look.about, now)
        return continues

    # ---- verification

    @requires(Right.ADMINISTER)
    def checked(self) -> AuditCheckResult | None:
        """Return the result of the last verification of the whole chain, or None before the first."""
        record = self._settings.get(LAST_VERIFICATION_SETTING)
        if record is None:
            return None
        broken = Break(**record["broken"]) if record.get("broken") else None
        return AuditCheckResult(
            datetime.fromisoformat(record["at"]), Head(**record["head"]), broken, record.get("stamps", 0)
        )

    @requires(Right.ADMINISTER)
    def verify(self, heads: Iterable[Head] = ()) -> AuditCheckResult:
        """Verify the whole chain and all stamps in one call. `heads` are heads that were sent outside.

        The result is stored, and a break raises an alert.
        """
        result = self._follow(None)
        while not (result.is_whole or result.broken):
            result = self._follow(result.head)
        return self._store_result(result, heads)

    def _follow(self, after: Head | None) -> VerificationResult:
        return self._store.verify(self._keys(), after)

    def _store_result(self, result: VerificationResult, heads: Iterable[Head] = ()) -> AuditCheckResult:
        known_heads = [*heads, *self._last_good_heads()]
        broken, good = result.broken or self._first_break(known_heads, result.head), 0
        if broken is None:
            good, broken = self._stamps()
        check_result = AuditCheckResult(self._clock(), result.head, broken, good)
        self._keep(check_result)
        return check_result

    def _last_good_heads(self) -> list[Head]:
        """Return the head up to which the last successful verification found the chain whole."""
        head = (self._settings.get(LAST_VERIFICATION_SETTING) or {}).get("good")
        return [Head(**head)] if head else []

    def _first_break(self, heads: Iterable[Head], end: Head) -> Break | None:
        """Return a break for the first known head that the chain does not contain, or None."""
        for head in heads:
            stored_hash = self._store.hash_of(head.seq)
            if stored_hash != head.hash:
                return Break("rewritten", head.seq) if stored_hash else Break("cut", end.seq + 1)
        return None

    def _stamps(self) -> tuple[int, Break | None]:
        """Return the number of valid stamps, and the first invalid one.

        Without a time authority nothing can be verified.
        """
        good = 0
        if self._authority is None:
            return good, None
        for seq, hash_, stamp in self._store.stamps():
            is_like = self._store.hash_of(seq) == hash_
            if not is_like or self._authority.stamped_at(stamp, numbered_hash(Head(seq, hash_)).encode()) is None:
                return good, Break("stamp_wrong", seq)
            good += 1
        return good, None

    def _keep(self, check_result: AuditCheckResult) -> None:
        good = self._last_good_heads() if check_result.broken else [check_result.head]
        record = {
            "head": asdict(check_result.head),
            "broken": asdict(check_result.broken) if check_result.broken else None,
        }
        record |= {"good": asdict(good[0])} if good else {}
        self._settings.put(
            LAST_VERIFICATION_SETTING,
            {"at": check_result.at.isoformat(), "stamps": check_result.stamps, **record},
            PROGRAM_ACTOR,
        )

    def _keys(self) -> dict[str, bytes]:
        """Return the keys of entries by id. The current key is stored too, for the time after a change of keys."""
        keys = self._sealed.get(KEYS) or {}
        if self._sealer is not None and self._sealer.id not in keys:
            keys = {**keys, self._sealer.id: self._sealer.key.hex()}
            self._sealed.renew(KEYS, keys)
        return {name: bytes.fromhex(key) for name, key in keys.items()}

    def keep_key(self) -> None:
        """Store the current key, sealed, before the console gets another one."""
        try:
            self._keys()
        except ConfigurationError as error:  # the current key is not the one with which the credentials were sealed
            log.warning("keys of the audit log cannot be read", cause=error.code)

    # ---- nightly work

    def page(self, position: str) -> str:
        """Do one page of the nightly work and return the position of the next, empty at the end.

        A page may be repeated.

        The first page creates and stamps the head of the day. Then the chain is verified from its beginning.
        """
        if not position:
            self._store.anchor(PROGRAM_ACTOR)
            self._stamp()
            result = self._follow(None)
        else:
            seq, _, hash_ = position.partition(":")
            result = self._follow(Head(int(seq), hash_))
        if result.is_whole or result.broken:
            self._store_result(result)
            return ""
        return numbered_hash(result.head)

    def _stamp(self) -> None:
        """Stamp the daily heads that have no stamp yet. A failed request is repeated the next night."""
        if self._authority is None:
            return
        since = self._clock() - timedelta(days=UNSTAMPED_DAYS)
        for anchor in self._store.anchors(limit=UNSTAMPED_DAYS):
            if anchor.stamps or anchor.at < since:
                continue
            try:
                stamp = self._authority.stamp(numbered_hash(anchor.head).encode())
            except IntegrationError as error:
                log.warning("the head of a day was not stamped", cause=error.code, entry=anchor.head.seq)
                return
            self._store.stamp(anchor, stamp, self._authority.host, PROGRAM_ACTOR)

    def newest_anchor(self) -> Anchor | None:
        """Return the latest daily head, which a digest of alerts contains."""
        return next(iter(self._store.anchors(limit=1)), None)

    # ---- export

    @requires(Right.ADMINISTER)
    def csv(self, criteria: AuditSearch, by: Actor) -> str:
        """Return entries as a CSV file for reading, newest first. The file cannot be verified.

        The export is recorded as an entry.
        """
        return csv_text(COLUMNS, self.listed(criteria, by))

    @requires(Right.ADMINISTER)
    def listed(self, criteria: AuditSearch, by: Actor) -> list[list[object]]:
        """Return entries as rows of a file by `COLUMNS`, newest first. The export is recorded as an entry."""
        self._record_export(by, "audit.csv")
        return [
            [_file_value(name, getattr(entry, name)) for name in COLUMNS]
            for entry in self._store.entries(criteria, limit=MAX_CSV)
        ]

    def _record_export(self, by: Actor, file: str) -> None:
        self._store.note(EXPORTED, by.ref, session=by.session, channel=_channel(by), file=file)

    @requires(Right.ADMINISTER)
    def file(self, by: Actor) -> bytes:
        """Return the whole audit log as a ZIP file, with the program that verifies it and the stamps of its heads.

        Its last entry records the export.
        """
        self._record_export(by, "audit.zip")
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            with packed.open("audit.jsonl", "w", force_zip64=True) as lines:
                for line in self._store.lines():
                    lines.write(line + b"\n")
            packed.writestr("verify_audit.py", Path(chain.__file__).read_bytes())
            packed.writestr("README.txt", READ_ME)
            for seq, hash_, stamp in self._store.stamps():
                packed.writestr(f"stamps/{seq}.txt", numbered_hash(Head(seq, hash_)))
                packed.writestr(f"stamps/{seq}.tsr", stamp)
        return out.getvalue()


def _file_value(name: str, value: object) -> object:
    """Return the value of a column in a file: moments and groups of values as text."""
    if name in GROUPS:
        return json.dumps(dict(cast("Mapping[str, str]", value)), ensure_ascii=False)
    return str(value) if name == "at" else value


def _reads(action: PersonAction) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield an event with its facts for the data that an action reads or exports."""
    if action.name in ("log.ask", "log.answer"):
        yield LOG_QUERIED, {"sql": without_values(str(action.about["sql"]))}
    elif action.name == "log_access.answer":
        try:
            request = json.loads(cast("bytes", action.about["body"]))
        except ValueError:
            return
        if isinstance(request, dict) and "sql" in request:
            yield LOG_QUERIED, {"sql": without_values(str(request["sql"]))}
        elif isinstance(request, dict) and "export" in request:
            yield LOG_EXPORTED, {"file": Path(str(request["export"])).name}
    elif action.name in ("log.export", "log_access.exported"):
        yield LOG_EXPORTED, {"file": Path(str(next(iter(action.about.values())))).name}
    elif action.name in UNSIGNED:
        yield ACTION_EVENT, {"what": action.name}
    elif action.name in ("backups.record_download", "backups.start") or action.name.startswith("table_export."):
        yield FILE_EXPORTED, {"file": str(action.about["file"])}
    elif (
        action.right is Right.EXPORT and action.name not in FILE_ROW_CALLS
    ) or action.name == "configuration_file.text":
        yield FILE_EXPORTED, {"file": action.name}


def _channel(by: Actor) -> str:
    return "" if by.channel is AccessChannel.CONSOLE else by.channel


def without_values(sql: str) -> str:
    """Return an SQL query without literals, comments and quoted names, which may contain personal data."""

    def mask_token(match: re.Match[str]) -> str:
        if _PLAIN_NAME.fullmatch(match[0]):
            return match[0]
        return "'…'" if match[0][0] in "'\"$" else " "

    return " ".join(_SQL_LITERALS.sub(mask_token, sql).split())[:LONGEST_SQL]


def numbered_hash(head: Head) -> str:
    """Return a head in the form in which it is sent, stamped and verified."""
    return f"{head.seq}:{head.hash}"


def authority_of(settings: Settings) -> TimeAuthority | None:
    """Return the configured time authority, which stamps the daily heads, or None."""
    timestamps = settings.timestamps
    if not timestamps.address or timestamps.certificates is None:
        return None
    return TimeAuthority(timestamps.address, timestamps.certificates, lambda url: NetworkRoute(**settings.route(url)))
