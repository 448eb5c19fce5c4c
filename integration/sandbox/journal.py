"""What a sandbox accepted, one line per write, so that it holds the same after a restart.

An entry is on file before the write is answered. Everything a system generates (keys, stamps, access tokens) follows
from the number and the moment of the entry, so carrying the entries out again gives the same state.
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
    """One accepted write: which, what was sent, when, and what a switch made of it."""

    number: int
    system: str
    operation: str
    body: str
    at: datetime
    note: str = ""


class JournalError(ValueError):
    """A file of entries that cannot be read."""


class Journal:
    """The entries of both systems. Without a path it numbers them and keeps nothing."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._past = _read(path) if path else []
        self._number = self._past[-1].number if self._past else 0
        self._file = path.open("a", encoding="utf-8") if path else None

    def past(self, system: str) -> list[JournalEntry]:
        """What one system accepted before this start, in order."""
        return [entry for entry in self._past if entry.system == system]

    def first_day(self, today: date) -> date:
        """The day at which the shop was at its first start: `today`, where nothing of an earlier one is kept."""
        for entry in self._past[:1]:
            if entry.operation == FIRST_DAY:
                return date.fromisoformat(entry.body)
        self._write(JournalEntry(self._number, "", FIRST_DAY, today.isoformat(), datetime.now(UTC)))
        return today

    def append(
        self, system: str, operation: str, body: str, *, at: datetime | None = None, note: str = ""
    ) -> JournalEntry:
        """The entry, on file."""
        with self._lock:
            self._number += 1
            entry = JournalEntry(self._number, system, operation, body, at or datetime.now(UTC), note)
            self._write(entry)
        return entry

    def close(self) -> None:
        """Lets go of the file."""
        if self._file:
            self._file.close()

    def _write(self, entry: JournalEntry) -> None:
        if self._file:
            self._file.write(json.dumps({**asdict(entry), "at": entry.at.isoformat()}) + "\n")
            self._file.flush()


def _read(path: Path) -> list[JournalEntry]:
    """The entries of an earlier start. A last line that a kill left unfinished was never answered and is cut off."""
    if not path.exists():
        return []
    raw = path.read_bytes()
    whole = raw[: raw.rfind(b"\n") + 1]
    if len(whole) != len(raw):
        path.write_bytes(whole)
    try:
        told = map(json.loads, whole.decode().splitlines())
        return [JournalEntry(**{**one, "at": datetime.fromisoformat(one["at"])}) for one in told]
    except (ValueError, TypeError, KeyError) as error:
        raise JournalError(path) from error
