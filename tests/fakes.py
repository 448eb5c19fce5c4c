"""A connector in memory, as source and target. It passes the contract of the real connectors."""

import json
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from integration.connectors.protocol import References
from integration.core.connections import Finding, Tell, Token, ignore_progress
from integration.core.errors import InDoubtError, RejectedError, UnavailableError
from integration.core.markers import UNKNOWN, ChangeRanges
from integration.core.plan import Action, Change
from integration.core.records import Batch, CurrentRecord, Field, FieldType, Kind, Location, Record, WriteResult


@dataclass
class Links:
    """References as a dictionary: (kind, our key) to the target's reference."""

    known: dict[tuple[Kind, str], str] = field(default_factory=dict)
    others: dict[tuple[Kind, str], tuple[str, ...]] = field(default_factory=dict)

    def reference(self, kind: Kind, key: str) -> str | None:
        """Return the target's reference of our key."""
        return self.known.get((kind, key))

    def key(self, kind: Kind, reference: str) -> str | None:
        """Return our key of the target's reference."""
        return next((key for (of, key), known in self.known.items() if (of, known) == (kind, reference)), None)

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
        self._alone = threading.Lock()

    def load(self) -> Token | None:
        """Return the latest pair."""
        return self.saved[-1] if self.saved else None

    def save(self, token: Token) -> None:
        """Store a new pair; the caller must hold `refresh_lock`."""
        assert self._alone.locked()
        self.saved.append(token)

    @contextmanager
    def refresh_lock(self) -> Iterator[None]:
        """Hold the lock for a refresh."""
        with self._alone:
            yield


@dataclass(frozen=True)
class _Kept:
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
        self._kept: dict[tuple[Kind, str], _Kept] = {}
        self._done: dict[str, WriteResult] = {}
        self._refusals: dict[str, RejectedError] = {}
        self._silences: dict[str, bool] = {}
        self._away = 0
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
            del self._kept[kind, key]

    def held(self, kind: Kind) -> dict[str, Record]:
        """Return the records of the system by key."""
        with self._lock:
            return {key: kept.record for (of, key), kept in self._kept.items() if of == kind}

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
        """Let the next calls fail as unreachable."""
        self._away = calls

    # The connector

    def check(self, tell: Tell = ignore_progress) -> list[Finding]:
        """Return the connection check."""
        tell([Finding("host", ok=None)])
        if self._away:
            return [Finding("host", ok=False, cause="connection_refused", facts={"system": self.system})]
        return [Finding("host", ok=True)]

    def fields(self, kind: Kind) -> list[Field]:
        """Return a field for every value the records of this kind have."""
        names = {name: None for record in self.held(kind).values() for name in record.values}
        return [Field(name, name.capitalize(), FieldType.TEXT, kind, wire=name.upper()) for name in names]

    def choices(self, name: str) -> dict[str, str]:
        """Return what `offered` has under this name."""
        return self.offered.get(name, {})

    def extract(self, kind: Kind, since: str | None = None, after: str | None = None, most: int | None = None) -> Batch:
        """Return one page in the order of the keys."""
        self._answering("extract")
        with self._lock:
            mark = json.loads(after) if after else {"stamp": str(self._clock), "last": ""}
            rows = self._changed(kind, since, mark["last"])
        page_size = min(self.page_size, most or self.page_size)
        page = rows[:page_size]
        more = json.dumps({**mark, "last": page[-1].record.key}) if len(rows) > page_size else None
        return Batch(tuple(kept.record for kept in page), more, mark["stamp"])

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the records under these keys."""
        self._answering("fetch")
        held = self.held(kind)
        return [held[key] for key in sorted(set(keys)) if key in held]

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return the present records, found by link, then by key, then by parts."""
        self._answering("lookup")
        with self._lock:
            found = {record.key: self._recognised(record, references) for record in wanted}
            places = {record.key: self._places(record, references) for record in wanted}
        return {
            key: CurrentRecord(
                _under(kept[0].record, key), kept[0].reference, str(kept[0].stamp), kept[0], evidence,
                tuple(other.reference for other in kept[1:]), _elsewhere(places[key], kept[0]),
            )
            for key, (evidence, kept) in found.items()
            if kept
        }  # fmt: skip

    def shows(self, kind: Kind) -> bool:
        """Return True if records of a kind can be read."""
        self._answering("shows")
        return bool(self.held(kind))

    def write(self, change: Change, held: CurrentRecord | None, references: References, token: str) -> WriteResult:
        """Carry out one change; for a known token, return the earlier answer."""
        self._answering("write")
        with self._lock:
            if token in self._done:
                return self._done[token]
            silent = self._silences.pop(change.key, None)
            if silent is False:
                raise InDoubtError(system=self.system, key=change.key)
            if change.key in self._refusals:
                raise self._refusals[change.key]
            self._done[token] = self._written(change, held, references)
            self.writes.append(change.key)
        if silent:
            raise InDoubtError(system=self.system, key=change.key)
        return self._done[token]

    def calls(self, change: Change) -> int:
        """Return the number of writes of a change: one."""
        del change
        return 1

    def read_changes(
        self, kind: Kind, since: str, after: str | None = None, known_ranges: ChangeRanges = UNKNOWN
    ) -> Batch:
        """Return one page of unknown changes after the marker; after an empty marker, of all records."""
        self._answering("changed")
        with self._lock:
            now = str(self._clock)
            rows = self._changed(kind, str(int(since) + 1) if since else None, after or "")
            rows = [kept for kept in rows if kept.stamp not in known_ranges]
        page = rows[: self.page_size]
        records = tuple(_only_keys(kept) for kept in page)
        return Batch(records, page[-1].record.key if len(rows) > self.page_size else None, now)

    def _answering(self, call: str) -> None:
        with self._lock:
            self.calls_made[call] += 1
            if self._away:
                self._away -= 1
                raise UnavailableError("connection_refused", system=self.system, host="memory")

    def _changed(self, kind: Kind, since: str | None, last: str) -> list[_Kept]:
        rows = [kept for (of, key), kept in self._kept.items() if of == kind and key > last]
        return sorted(
            (kept for kept in rows if since is None or kept.stamp >= int(since)), key=lambda kept: kept.record.key
        )

    def _recognised(self, wanted: Record, references: References) -> tuple[str, list[_Kept]]:
        """Return the matching field of a record and all its matches, without records that are linked to another key."""
        linked = references.reference(wanted.kind, wanted.key) is not None
        if (kept := self._find(wanted.kind, wanted.key, references)) is not None or linked:
            return "link" if linked else "", [kept] if kept else []
        for name in self.evidence:
            sought = str(wanted.values.get(name) or "").casefold()
            fitting = [
                kept
                for (kind, _), kept in self._kept.items()
                if kind == wanted.kind
                and sought == str(kept.record.values.get(name) or "").casefold() != ""
                and references.key(kind, kept.reference) is None
                and kept.reference not in references.distinct(kind, wanted.key)
            ]
            if fitting:
                return name, fitting
        homes = Counter(place.reference for place in self._places(wanted, references).values())
        return "", [kept for kept in self._kept.values() if homes and kept.reference == homes.most_common(1)[0][0]]

    def _places(self, wanted: Record, references: References) -> dict[str, Location]:
        """Return the numbers of the articles of a product: by link, by wanted number, or by code."""
        if wanted.kind is not Kind.PRODUCT:
            return {}
        places = {
            part.key: Location(kept.reference, str(kept.record.values.get("name") or ""), part.key)
            for (kind, _), kept in self._kept.items()
            if kind is wanted.kind
            for part in kept.record.parts
        }
        codes = {
            str(part.values["external_id"]): part.key
            for (kind, _), kept in self._kept.items()
            if kind is wanted.kind
            for part in kept.record.parts
            if part.values.get("external_id")
        }
        linked = {part.key: references.reference(part.kind, part.source) or "" for part in wanted.parts}
        sources = {part.key: part.source for part in wanted.parts}
        found = {
            key: places.get(linked[key], places.get(key, places.get(codes.get(sources[key], "")))) for key in linked
        }
        return {key: place for key, place in found.items() if place is not None}

    def _find(self, kind: Kind, key: str, references: References) -> _Kept | None:
        reference = references.reference(kind, key)
        if reference is None:
            return self._kept.get((kind, key))
        same = (kept for (of, _), kept in self._kept.items() if of == kind and kept.reference == reference)
        return next(same, None)

    def _keep(self, record: Record) -> _Kept:
        self._clock += 1
        before = self._kept.get((record.kind, record.key))
        kept = _Kept(record, before.reference if before else f"m{self._clock}", self._clock)
        self._kept[record.kind, record.key] = kept
        return kept

    def _written(self, change: Change, held: CurrentRecord | None, references: References) -> WriteResult:
        now = self._find(change.kind, change.key, references)
        if now is None and held is not None:  # recognised by evidence: it has a key of its own
            now = next((kept for kept in self._kept.values() if kept.reference == held.reference), None)
        if change.action is Action.CREATE:
            if now is not None:
                raise RejectedError("article_number_taken", number=change.key, article=change.key)
            kept = self._keep(change.desired)
        elif now is None:
            raise RejectedError("target_record_missing", system=self.system, key=change.key, number="")
        elif held is None or held.original is not now:
            raise RejectedError("target_changed_since_plan", system=self.system, key=change.key)
        else:
            kept = self._keep(_edited(now.record, change.desired))
        return WriteResult(kept.reference, str(kept.stamp))


class LateConnector(MemoryConnector):
    """A system that shows new records only after some lookups, and knows no tokens."""

    looks = 0

    def write(self, change: Change, held: CurrentRecord | None, references: References, token: str) -> WriteResult:
        """Carry out one change and ignore its token."""
        return super().write(change, held, references, f"{token}/{self.calls_made['write']}")

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return nothing for the planned number of lookups after a write."""
        held = super().lookup(wanted, references)
        if not self.writes or self.looks <= 0:
            return held
        self.looks -= 1
        return {}


def _under(record: Record, key: str) -> Record:
    return record if record.key == key else replace(record, key=key)


def _elsewhere(places: Mapping[str, Location], here: _Kept) -> dict[str, Location]:
    return {key: one for key, one in places.items() if (one.reference, one.number) != (here.reference, key)}


def _edited(now: Record, wanted: Record) -> Record:
    """Return the stored record with the wanted values; missing parts are added."""
    inside: Mapping[str, Record] = {part.key: part for part in now.parts}
    changed = {
        part.key: replace(part, values={**inside[part.key].values, **part.values}) if part.key in inside else part
        for part in wanted.parts
    }
    return replace(now, values={**now.values, **wanted.values}, parts=tuple({**inside, **changed}.values()))


def _only_keys(kept: _Kept) -> Record:
    parts = tuple(Record(part.kind, part.key, {}) for part in kept.record.parts)
    return Record(kept.record.kind, kept.reference, {"marker": str(kept.stamp)}, parts)
