"""A connector in memory, as source and target. It passes the contract of the real connectors."""

import json
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from integration.connectors.protocol import References
from integration.core.connections import Finding, FindingsCallback, Token, ignore_progress
from integration.core.errors import InDoubtError, RejectedError, UnavailableError
from integration.core.markers import UNKNOWN, ChangeRanges
from integration.core.plan import Action, Change
from integration.core.records import Batch, CurrentRecord, Field, FieldType, Kind, Location, Record, WriteResult


@dataclass
class Links:
    """References as a dictionary: (kind, our key) to the target's reference."""

    references: dict[tuple[Kind, str], str] = field(default_factory=dict)
    others: dict[tuple[Kind, str], tuple[str, ...]] = field(default_factory=dict)

    def reference(self, kind: Kind, key: str) -> str | None:
        """Return the target's reference of our key."""
        return self.references.get((kind, key))

    def key(self, kind: Kind, reference: str) -> str | None:
        """Return our key of the target's reference."""
        return next(
            (
                key
                for (of, key), linked_reference in self.references.items()
                if (of, linked_reference) == (kind, reference)
            ),
            None,
        )

    def distinct(self, kind: Kind, key: str) -> Collection[str]:
        """Return the references of records that are known to be others."""
        return self.others.get((kind, key), ())


class MemoryInstallationFacts:
    """Installation facts in memory."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get(self) -> Mapping[str, str]:
        """Return a fact."""
        return self.values

    def put(self, values: Mapping[str, str]) -> None:
        """Store a fact."""
        self.values = dict(values)


class MemoryTokenStore:
    """Tokens of a log-in in memory. `saved` lists all stored pairs, oldest first."""

    def __init__(self, token: Token | None = None) -> None:
        self.saved = [token] if token else []
        self._refresh_mutex = threading.Lock()

    def load(self) -> Token | None:
        """Return the latest pair."""
        return self.saved[-1] if self.saved else None

    def save(self, token: Token) -> None:
        """Store a new pair; the caller must hold `refresh_lock`."""
        assert self._refresh_mutex.locked()
        self.saved.append(token)

    @contextmanager
    def refresh_lock(self) -> Iterator[None]:
        """Keep the lock for a refresh."""
        with self._refresh_mutex:
            yield


@dataclass(frozen=True)
class _Entry:
    record: Record
    reference: str
    stamp: int


class MemoryConnector:
    """A system that forgets nothing and answers at once, unless a test plans otherwise.

    As a source it holds what `put` gave it, as a target what was written. Stamps and markers are numbers as text that
    grow with every change. `writes` lists the keys of the writes that took effect, `calls_made` counts all calls.
    `evidence` are fields by which a record that is not linked is recognised, the strongest first.
    """

    def __init__(
        self,
        records: Iterable[Record] = (),
        *,
        system: str = "Memory",
        page_size: int = 100,
        in_flight: int = 4,
        evidence: Sequence[str] = (),
    ) -> None:
        self.system = system
        self.in_flight = in_flight
        self.page_size = page_size
        self.evidence = evidence
        self.writes: list[str] = []
        self.calls_made: Counter[str] = Counter()
        self.offered: dict[str, dict[str, str]] = {}
        self._lock = threading.RLock()
        self._clock = 0
        self._entries: dict[tuple[Kind, str], _Entry] = {}
        self._results: dict[str, WriteResult] = {}
        self._refusals: dict[str, RejectedError] = {}
        self._silences: dict[str, bool] = {}
        self._failing_calls = 0
        for record in records:
            self.put(record)

    def begin(self) -> None:
        """Do nothing: memory needs no start."""

    def close(self) -> None:
        """Do nothing: memory has no connections."""

    # What happens in the fake's world, as a test wants it

    def put(self, record: Record) -> None:
        """Enter or change a record as a person in the system itself."""
        with self._lock:
            self._keep(record)

    def remove(self, kind: Kind, key: str) -> None:
        """Delete a record as a person in the system itself."""
        with self._lock:
            del self._entries[kind, key]

    def records_of(self, kind: Kind) -> dict[str, Record]:
        """Return the records of the system by key."""
        with self._lock:
            return {key: entry.record for (of, key), entry in self._entries.items() if of == kind}

    def refuse(self, key: str, message: str = "no", code: str = "request_refused") -> None:
        """Refuse every write of this record."""
        self._refusals[key] = RejectedError(code, system=self.system, key=key, message=message)

    def accept(self, key: str) -> None:
        """Accept writes of this record again."""
        self._refusals.pop(key, None)

    def lose_answer(self, key: str, *, after: bool = True) -> None:
        """Lose the answer to the next write of this record, `after` the write took effect or before."""
        self._silences[key] = after

    def go_away(self, calls: int = 1) -> None:
        """Make the next calls fail as unreachable."""
        self._failing_calls = calls

    # The connector

    def check(self, on_progress: FindingsCallback = ignore_progress) -> list[Finding]:
        """Return the connection check."""
        on_progress([Finding("host", ok=None)])
        if self._failing_calls:
            return [Finding("host", ok=False, cause="connection_refused", facts={"system": self.system})]
        return [Finding("host", ok=True)]

    def fields(self, kind: Kind) -> list[Field]:
        """Return a field for every value the records of this kind have."""
        names = {name: None for record in self.records_of(kind).values() for name in record.values}
        return [Field(name, name.capitalize(), FieldType.TEXT, kind, wire=name.upper()) for name in names]

    def choices(self, name: str) -> dict[str, str]:
        """Return the codes of this name in `offered`."""
        return self.offered.get(name, {})

    def extract(
        self, kind: Kind, since: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Batch:
        """Return one page in the order of the keys."""
        self._count_call("extract")
        with self._lock:
            mark = json.loads(after) if after else {"stamp": str(self._clock), "last": ""}
            rows = self._changed_entries(kind, since, mark["last"])
        page_size = min(self.page_size, limit or self.page_size)
        page = rows[:page_size]
        more = json.dumps({**mark, "last": page[-1].record.key}) if len(rows) > page_size else None
        return Batch(tuple(entry.record for entry in page), more, mark["stamp"])

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the records under these keys."""
        self._count_call("fetch")
        records = self.records_of(kind)
        return [records[key] for key in sorted(set(keys)) if key in records]

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return the present records, found by link, then by key, then by parts."""
        self._count_call("lookup")
        with self._lock:
            matches = {record.key: self._matching_entries(record, references) for record in records}
            places = {record.key: self._article_locations(record, references) for record in records}
        return {
            key: CurrentRecord(
                _with_key(entries[0].record, key), entries[0].reference, str(entries[0].stamp), entries[0], evidence,
                tuple(other.reference for other in entries[1:]), _other_locations(places[key], entries[0]),
            )
            for key, (evidence, entries) in matches.items()
            if entries
        }  # fmt: skip

    def shows(self, kind: Kind) -> bool:
        """Return True if records of a kind can be read."""
        self._count_call("shows")
        return bool(self.records_of(kind))

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        """Carry out one change; for a known token, return the earlier answer."""
        self._count_call("write")
        with self._lock:
            if token in self._results:
                return self._results[token]
            silent = self._silences.pop(change.key, None)
            if silent is False:
                raise InDoubtError(system=self.system, key=change.key)
            if change.key in self._refusals:
                raise self._refusals[change.key]
            self._results[token] = self._apply_change(change, current, references)
            self.writes.append(change.key)
        if silent:
            raise InDoubtError(system=self.system, key=change.key)
        return self._results[token]

    def calls(self, change: Change) -> int:
        """Return the number of writes of a change: one."""
        del change
        return 1

    def read_changes(
        self, kind: Kind, since: str, after: str | None = None, known_ranges: ChangeRanges = UNKNOWN
    ) -> Batch:
        """Return one page of unknown changes after the marker; after an empty marker, of all records."""
        self._count_call("changed")
        with self._lock:
            now = str(self._clock)
            rows = self._changed_entries(kind, str(int(since) + 1) if since else None, after or "")
            rows = [entry for entry in rows if entry.stamp not in known_ranges]
        page = rows[: self.page_size]
        records = tuple(_keys_record(entry) for entry in page)
        return Batch(records, page[-1].record.key if len(rows) > self.page_size else None, now)

    def _count_call(self, call: str) -> None:
        with self._lock:
            self.calls_made[call] += 1
            if self._failing_calls:
                self._failing_calls -= 1
                raise UnavailableError("connection_refused", system=self.system, host="memory")

    def _changed_entries(self, kind: Kind, since: str | None, last: str) -> list[_Entry]:
        rows = [entry for (of, key), entry in self._entries.items() if of == kind and key > last]
        return sorted(
            (entry for entry in rows if since is None or entry.stamp >= int(since)), key=lambda entry: entry.record.key
        )

    def _matching_entries(self, record: Record, references: References) -> tuple[str, list[_Entry]]:
        """Return the matching field of a record and all its matches, without records that are linked to another key."""
        linked = references.reference(record.kind, record.key) is not None
        if (entry := self._find(record.kind, record.key, references)) is not None or linked:
            return "link" if linked else "", [entry] if entry else []
        for name in self.evidence:
            wanted_text = str(record.values.get(name) or "").casefold()
            fitting = [
                entry
                for (kind, _), entry in self._entries.items()
                if kind == record.kind
                and wanted_text == str(entry.record.values.get(name) or "").casefold() != ""
                and references.key(kind, entry.reference) is None
                and entry.reference not in references.distinct(kind, record.key)
            ]
            if fitting:
                return name, fitting
        homes = Counter(place.reference for place in self._article_locations(record, references).values())
        return "", [
            entry for entry in self._entries.values() if homes and entry.reference == homes.most_common(1)[0][0]
        ]

    def _article_locations(self, record: Record, references: References) -> dict[str, Location]:
        """Return the numbers of the articles of a product: by link, by wanted number, or by code."""
        if record.kind is not Kind.PRODUCT:
            return {}
        places = {
            part.key: Location(entry.reference, str(entry.record.values.get("name") or ""), part.key)
            for (kind, _), entry in self._entries.items()
            if kind is record.kind
            for part in entry.record.parts
        }
        codes = {
            str(part.values["external_id"]): part.key
            for (kind, _), entry in self._entries.items()
            if kind is record.kind
            for part in entry.record.parts
            if part.values.get("external_id")
        }
        linked = {part.key: references.reference(part.kind, part.source) or "" for part in record.parts}
        sources = {part.key: part.source for part in record.parts}
        locations = {
            key: places.get(linked[key], places.get(key, places.get(codes.get(sources[key], "")))) for key in linked
        }
        return {key: place for key, place in locations.items() if place is not None}

    def _find(self, kind: Kind, key: str, references: References) -> _Entry | None:
        reference = references.reference(kind, key)
        if reference is None:
            return self._entries.get((kind, key))
        same = (entry for (of, _), entry in self._entries.items() if of == kind and entry.reference == reference)
        return next(same, None)

    def _keep(self, record: Record) -> _Entry:
        self._clock += 1
        before = self._entries.get((record.kind, record.key))
        entry = _Entry(record, before.reference if before else f"m{self._clock}", self._clock)
        self._entries[record.kind, record.key] = entry
        return entry

    def _apply_change(self, change: Change, current: CurrentRecord | None, references: References) -> WriteResult:
        now = self._find(change.kind, change.key, references)
        if now is None and current is not None:  # recognised by evidence: it has a key of its own
            now = next((entry for entry in self._entries.values() if entry.reference == current.reference), None)
        if change.action is Action.CREATE:
            if now is not None:
                raise RejectedError("article_number_taken", number=change.key, article=change.key)
            entry = self._keep(change.desired)
        elif now is None:
            raise RejectedError("target_record_missing", system=self.system, key=change.key, number="")
        elif current is None or current.original is not now:
            raise RejectedError("target_changed_since_plan", system=self.system, key=change.key)
        else:
            entry = self._keep(_with_edits(now.record, change.desired))
        return WriteResult(entry.reference, str(entry.stamp))


class LateConnector(MemoryConnector):
    """A system that shows new records only after some lookups, and knows no tokens."""

    looks = 0

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        """Carry out one change and ignore its token."""
        return super().write(change, current, references, f"{token}/{self.calls_made['write']}")

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return nothing for the planned number of lookups after a write."""
        current_records = super().lookup(records, references)
        if not self.writes or self.looks <= 0:
            return current_records
        self.looks -= 1
        return {}


def _with_key(record: Record, key: str) -> Record:
    return record if record.key == key else replace(record, key=key)


def _other_locations(places: Mapping[str, Location], entry: _Entry) -> dict[str, Location]:
    return {
        key: location
        for key, location in places.items()
        if (location.reference, location.number) != (entry.reference, key)
    }


def _with_edits(now: Record, desired: Record) -> Record:
    """Return the stored record with the wanted values; missing parts are added."""
    inside: Mapping[str, Record] = {part.key: part for part in now.parts}
    changed = {
        part.key: replace(part, values={**inside[part.key].values, **part.values}) if part.key in inside else part
        for part in desired.parts
    }
    return replace(now, values={**now.values, **desired.values}, parts=tuple({**inside, **changed}.values()))


def _keys_record(entry: _Entry) -> Record:
    parts = tuple(Record(part.kind, part.key, {}) for part in entry.record.parts)
    return Record(entry.record.kind, entry.reference, {"marker": str(entry.stamp)}, parts)
