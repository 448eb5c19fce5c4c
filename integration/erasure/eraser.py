"""Erases one person from a database and its log, of a running console or of a restored backup."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from integration.core.erasure import Customer, DataSubject, identifying_words
from integration.core.errors import UnavailableError
from integration.erasure.store import PersonalDataSearch
from integration.retention.store.vacuum import full_vacuum, vacuum
from integration.store.erasure_register import ErasureRegister


class PersonalDataLog(Protocol):
    """The part of a log that erasure needs."""

    def erase(self, person: DataSubject) -> int:
        """Erase a person from every event, and return the number of changed events."""

    def events_about(self, person: DataSubject) -> list[dict[str, Any]]:
        """Return every event about a person."""


@dataclass(frozen=True, slots=True)
class ErasureResult:
    """Result of an erasure: changed rows by table, changed events, and removed files.

    `remaining` is the number of rows, by table, that still contain words that identify the person.
    """

    rows: dict[str, int] = field(default_factory=dict)
    events: int = 0
    files: tuple[str, ...] = ()
    remaining: dict[str, int] = field(default_factory=dict)

    def combined_with(self, before: "ErasureResult") -> "ErasureResult":
        """Return the sum of this result and an earlier one."""
        rows = Counter(before.rows) + Counter(self.rows)
        return ErasureResult(dict(rows), before.events + self.events, before.files + self.files, self.remaining)


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases persons from a database, its log and its files. `file` is the SQLite file, if it is one."""

    search: PersonalDataSearch
    erased: ErasureRegister
    log: PersonalDataLog | None
    file: Path | None
    folder: Path

    def person(self, customer: Customer) -> DataSubject:
        """Return everything known of a customer, from links, stored rows and the log."""
        subject = self.search.person(self.search.customer(customer))
        if self.log is None:
            return subject
        identifying, places, documents = set(subject.identifying_words), set(subject.places), set(subject.documents)
        for event in self.log.events_about(subject):
            own = subject.customer.is_described_by(event["flow"] or "", event["kind"] or "", event["key"] or "")
            values = [content for name in ("before", "after", "facts") if (content := event[name])]
            if own:
                for content in values:
                    words = identifying_words(content)
                    identifying |= words[0]
                    places |= words[1]
            elif any(map(subject.customer.is_named_by, values)):
                documents.add(event["key"])
        return DataSubject(subject.customer, frozenset(documents), frozenset(identifying), frozenset(places))

    def erase(self, person: DataSubject, on_progress: Callable[[str], None] = lambda _: None) -> ErasureResult:
        """Erase a person everywhere, and rewrite the files without them. Safe to repeat.

        Raises UnavailableError `database_locked` if other processes prevent the rewriting.
        """
        on_progress("database")
        rows = self.search.erase(person)
        on_progress("log")
        events = self.log.erase(person) if self.log is not None else 0
        on_progress("files")
        removed = sorted(self.folder.glob("log.duckdb.broken-*"))  # damaged log files
        for path in removed:
            path.unlink(missing_ok=True)
        if self.file is None:
            vacuum(self.search.database.engine)
        elif not full_vacuum(self.file):
            raise UnavailableError("database_locked")
        return ErasureResult(
            dict(rows), events, tuple(path.name for path in removed), dict(self.search.count_remaining_rows(person))
        )
