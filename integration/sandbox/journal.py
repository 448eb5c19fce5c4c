"""Journal of accepted writes, one line each, from which a sandbox restores its state after a restart.

An entry is in the file before the write is answered. All generated values (keys, stamps, access tokens) are derived
from the number and the time of the entry, so replaying the entries restores the same state.
"""

import json
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

FIRST_DAY: Final = "_first_day"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One accepted write: operation, body, time, and the effect of a switch."""

    number: int
    system: str
    operation: str
    body: str
    at: datetime
    note: str = ""


class JournalError(ValueError):
    """The journal file cannot be read."""


class Journal:
    """Entries of both systems. Without a path, it numbers entries and stores nothing."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._past_entries = _read(path) if path else []
        self._number = self._past_entries[-1].number if self._past_entries else 0
        self._file = path.open("a", encoding="utf-8") if path else None

    def earlier_entries(self, system: str) -> list[JournalEntry]:
        """Return the entries of one system from before this start, in order."""
        return [entry for entry in self._past_entries if entry.system == system]

    def first_day(self, today: date) -> date:
        """Return the day of the shop at its first start; `today` if there was no earlier start."""
        for entry in self._past_entries[:1]:
            if entry.operation == FIRST_DAY:
                return date.fromisoformat(entry.body)
        self._write(JournalEntry(self._number, "", FIRST_DAY, today.isoformat(), datetime.now(UTC)))
        return today

    def append(
        self, system: str, operation: str, body: str, *, at: datetime | None = None, note: str = ""
    ) -> JournalEntry:
        """Store an entry and return it."""
        with self._lock:
            self._number += 1
            entry = JournalEntry(self._number, system, operation, body, at or datetime.now(UTC), note)
            self._write(entry)
        return entry

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()

    def _write(self, entry: JournalEntry) -> None:
        if self._file:
            self._file.write(json.dumps({**asdict(entry), "at": entry.at.isoformat()}) + "\n")
            self._file.flush()


def _read(path: Path) -> list[JournalEntry]:
    """Return the entries of earlier starts. An incomplete last line was never answered, so it is removed."""
    if not path.exists():
        return []
    raw = path.read_bytes()
    whole = raw[: raw.rfind(b"\n") + 1]
    if len(whole) != len(raw):
        path.write_bytes(whole)
    try:
        entries = map(json.loads, whole.decode().splitlines())
        return [JournalEntry(**{**entry, "at": datetime.fromisoformat(entry["at"])}) for entry in entries]
    except (ValueError, TypeError, KeyError) as error:
        raise JournalError(path) from error
