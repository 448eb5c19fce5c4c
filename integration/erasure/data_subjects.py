"""Data subject requests: shows, exports and erases personal data, and excludes erased persons from later runs."""

import html
import io
import json
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from integration.core.authorization import requires
from integration.core.erasure import Customer, DataSubject, person_from_json
from integration.core.errors import ConfigurationError, UnavailableError
from integration.core.grouping import group_by_key
from integration.core.people import Actor, Right
from integration.erasure.eraser import Eraser, ErasureResult
from integration.erasure.store import PersonalDataSearch
from integration.log.client import ask_server
from integration.services.log.log import Log
from integration.settings import Settings
from integration.store.database import Clock, ConnectionWrite
from integration.store.erasure_register import FILE, Erasure, ErasureRegister
from integration.store.runs import RunStore
from integration.store.secrets import ConnectionStore
from integration.words import sentence, term

LIST = FILE  # the file with the erased persons
SEALED = "erasure-"  # prefix of the sealed entry with a person's words, kept until the erasure is complete
PATIENCE_SECONDS = 60.0  # for active runs to end
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class BookedDocument:
    """A document booked for a person. It stays in the books regardless of an erasure here."""

    kind: str
    key: str
    reference: str


@dataclass(frozen=True, slots=True)
class StoredPersonalData:
    """The stored data of a person: number of rows by table, number of events in the log, and booked documents.

    `is_excluded` is True if the person was erased and later runs leave their records out.
    """

    person: DataSubject
    rows: Mapping[str, int]
    events: int
    documents: tuple[BookedDocument, ...]
    is_excluded: bool

    @property
    def is_found(self) -> bool:
        """True if the console has any data of the person."""
        return bool(self.rows or self.events or self.documents)


class DataSubjects:
    """Handles data subject requests. Persons are identified by their number in the books or at the till."""

    def __init__(
        self,
        settings: Settings,
        erased: ErasureRegister,
        search: PersonalDataSearch,
        runs: RunStore,
        log: Log,
        sealed: ConnectionStore,
        clock: Clock,
        *,
        flows: tuple[str, str],
        serves: bool,
    ) -> None:
        """`flows` are the flows of customers and of orders. `serves` says whether this process has the log open."""
        self._settings = settings
        self._erased = erased
        self._search = search
        self._runs = runs
        self._sealed = sealed
        self._clock = clock
        self._flows = flows
        url = settings.operational_url()
        file = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None
        subject_log = _SubjectLog(settings.data, log, serves=serves)
        self._eraser = Eraser(search, erased, subject_log, file, settings.data)

    @requires(Right.ADMINISTER)
    def customer(self, debtor: str = "", relation: str = "") -> Customer:
        """Return a customer by one number, with the other number if links contain it.

        Raises ConfigurationError `setting_invalid` if no number is given.
        """
        if not (debtor.strip() or relation.strip()):
            raise ConfigurationError("setting_invalid", setting="number", expected="expected_number_of_customer")
        return self._search.customer(Customer(debtor.strip(), relation.strip(), *self._flows))

    # ---- stored data ---------------------------------------------------------------------------------------------

    @requires(Right.ADMINISTER)
    def stored_data(self, customer: Customer) -> StoredPersonalData:
        """Return the stored data of a customer. Searches every table and the log."""
        person = self._eraser.person(customer)
        rows = Counter(row.table for row in self._search.find_rows(person))
        events = len(self._eraser.log.events_about(person)) if self._eraser.log else 0
        excluded = self._erased.excluded_numbers(person.customer.numbers)
        return StoredPersonalData(person, dict(rows), events, self._documents(person), bool(excluded))

    @requires(Right.ADMINISTER)
    def list_erasures(self) -> list[Erasure]:
        """Return all erasures as pseudonyms, the newest first."""
        return self._erased.list_erasures()

    def _documents(self, person: DataSubject) -> tuple[BookedDocument, ...]:
        rows = self._search.documents(person)
        return tuple(BookedDocument(kind, key, reference) for kind, key, reference in rows)

    # ---- export --------------------------------------------------------------------------------------------------

    @requires(Right.ADMINISTER)
    def access(self, customer: Customer, by: Actor, language: str = "en") -> bytes:
        """Return a ZIP file with all stored data of a customer, as HTML for people and as JSON for programs."""
        person = self._eraser.person(customer)
        rows = group_by_key((row.table, row.values) for row in self._search.find_rows(person))
        content = {
            "created_at": self._clock().isoformat(),
            "numbers": dict(person.customer.numbers),
            "words": sorted(person.identifying_words | person.places),
            "documents": [{"kind": d.kind, "key": d.key, "reference": d.reference} for d in self._documents(person)],
            "kept": rows,
            "log": self._eraser.log.events_about(person) if self._eraser.log else [],
        }
        self._erased.record_access(by.ref)
        return _zip(json.loads(json.dumps(content, default=_plain)), language)

    # ---- erasure -------------------------------------------------------------------------------------------------

    @requires(Right.ADMINISTER)
    def erase(
        self,
        customer: Customer,
        confirmed: str,
        by: Actor,
        on_progress: Callable[[str], None] = lambda _: None,
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> ErasureResult:
        """Erase a customer from everything stored here, and exclude their records from now on.

        `confirmed` is one of their numbers, typed again. Waiting plans with their data are discarded. The next call or
        the nightly task completes an interrupted erasure. Raises ConfigurationError `erase_unconfirmed`, and
        UnavailableError `erase_waits` while a run is active, or while a stopped run has unsettled changes of theirs.
        """
        numbers = {number for _, number in customer.numbers}
        if confirmed.strip() not in numbers:
            raise ConfigurationError("erase_unconfirmed", number=", ".join(sorted(numbers)))
        person = self._eraser.person(customer)
        name = self._erased.begin(person.customer.numbers, by.ref, self._store_words(person))
        self._wait_for_runs(person, by.ref, patience)
        person = self._with_stored_words(name, self._eraser.person(customer))
        return self._finish(name, person, by.ref, on_progress, patience)

    def _wait_for_runs(
        self, person: DataSubject, by: str, patience: float, begun: Collection[str] | None = None
    ) -> None:
        """Wait for all active runs, or for those in `begun`, and discard waiting plans with data of the person."""
        until = time.monotonic() + patience
        while run := next(
            (active_run for active_run in self._search.active() if begun is None or active_run in begun), ""
        ):
            if time.monotonic() > until:
                raise UnavailableError("erase_waits", run=run)
            time.sleep(POLL_SECONDS)
        waiting, at_work = self._search.unsettled(person)
        if at_work:
            raise UnavailableError("erase_waits", run=at_work[0])
        for run in waiting:
            self._runs.discard(run, by)

    def _finish(
        self, name: str, person: DataSubject, by: str, on_progress: Callable[[str], None], patience: float
    ) -> ErasureResult:
        erasure_result = self._eraser.erase(person, on_progress)
        if begun := self._search.active():  # runs that were active before the erasure may have read the person
            self._wait_for_runs(person, by, patience, begun)
        self._erased.sweep_again(name)  # from here, checks that read the person earlier cannot write any more
        if rows := self._search.erase(person):  # written by others in the meantime
            erasure_result = self._eraser.erase(person, on_progress).combined_with(
                ErasureResult(dict(rows)).combined_with(erasure_result)
            )
        self._erased.finish(name, by, self._sealed.delete_function(SEALED))
        return erasure_result

    @requires(Right.ADMINISTER)
    def unfinished(self) -> list[str]:
        """Return the ids of persons whose erasure is not complete."""
        return sorted({erasure.person for erasure in self.list_erasures() if erasure.done_at is None})

    @requires(Right.ADMINISTER)
    def resume(self, by: Actor, *, patience: float = PATIENCE_SECONDS) -> int:
        """Complete interrupted erasures, and return how many persons they were about. Raises as `erase` does."""
        return self._resume(by.ref, patience)

    def _resume(self, by: str, patience: float) -> int:
        finished = 0
        for name in self.unfinished():
            stored_person = self._sealed.get(f"{SEALED}{name}")
            if stored_person is not None:
                person = person_from_json(stored_person)
                self._wait_for_runs(person, by, patience)
                self._finish(name, person, by, lambda _: None, patience)
                finished += 1
        return finished

    def page(self, _position: str) -> str:
        """Complete interrupted erasures at night. An erasure that must wait is tried again the next night."""
        with suppress(UnavailableError):
            self._resume("schedule", 0)
        return ""

    @requires(Right.ADMINISTER)
    def lift(self, customer: Customer, by: Actor) -> bool:
        """Process a customer's records again, and return whether they had been excluded."""
        return self._erased.lift(customer.numbers, by.ref)

    def _store_words(self, person: DataSubject) -> ConnectionWrite:
        """Return a function that stores the words of a person, merged with those of an earlier attempt."""
        name = self._erased.person_id(person.customer.numbers)
        return self._sealed.store_function(SEALED, self._with_stored_words(name, person).to_json())

    def _with_stored_words(self, name: str, person: DataSubject) -> DataSubject:
        """Return a person with the words known at the start of the erasure, because some are deleted by now."""
        stored_person = self._sealed.get(f"{SEALED}{name}")
        if stored_person is None:
            return person
        before = person_from_json(stored_person)
        return DataSubject(
            person.customer, person.documents | before.documents, person.identifying_words | before.identifying_words,
            person.places | before.places,
        )  # fmt: skip


class _SubjectLog:
    """Accesses the log through the process that has it open."""

    def __init__(self, data: Path, log: Log, *, serves: bool) -> None:
        self._data = data
        self._log = log
        self._serves = serves

    def erase(self, person: DataSubject) -> int:
        if not (self._data / "log.duckdb").exists():
            return 0
        answer = None if self._serves else ask_server(self._data, {"erase": person.to_json()})
        return self._log.erase(person) if answer is None else int(answer["events"])

    def events_about(self, person: DataSubject) -> list[dict[str, Any]]:
        if not (self._data / "log.duckdb").exists():
            return []
        answer = None if self._serves else ask_server(self._data, {"events_about": person.to_json()})
        return self._log.events_about(person) if answer is None else list(answer["events"])


# ---- export file


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _zip(content: Mapping[str, Any], language: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("person.json", json.dumps(content, ensure_ascii=False, indent=2))
        file.writestr("person.html", _page(content, language))
    return packed.getvalue()


def _page(content: Mapping[str, Any], language: str) -> str:
    """Return the data as a self-contained HTML page."""
    title = html.escape(sentence("person_access_title", language))
    about = html.escape(sentence("person_access_about", language))
    parts = "".join(
        f"<h2>{html.escape(str(name))}</h2>{_html_value(value, language)}" for name, value in content.items()
    )
    style = "body{font-family:sans-serif;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #ccc;"
    style += "padding:.2em .5em;text-align:left;vertical-align:top}"
    head = f'<meta charset="utf-8"><title>{title}</title><style>{style}</style>'
    body = f"<h1>{title}</h1><p>{about}</p>{parts}"
    return f'<!doctype html><html lang="{language}"><head>{head}</head><body>{body}</body></html>'


def _html_value(value: object, language: str) -> str:
    match value:
        case dict() if value:
            rows = (
                f"<tr><th>{html.escape(str(name))}</th><td>{_html_value(item, language)}</td></tr>"
                for name, item in value.items()
            )
            return f"<table>{''.join(rows)}</table>"
        case list() if value:
            return "<ul>" + "".join(f"<li>{_html_value(item, language)}</li>" for item in value) + "</ul>"
        case dict() | list() | None | "":
            return html.escape(term("empty_value", language))
        case _:
            return html.escape(str(value))
