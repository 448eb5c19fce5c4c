"""Code lists of both systems: fields, codes with captions, and VAT rates. Answers are cached and expire."""

import threading
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog

from integration.connectors.protocol import Connector
from integration.core.authorization import requires
from integration.core.errors import AccessDeniedError, ConfigurationError, IntegrationError
from integration.core.people import Right
from integration.core.records import Field, Kind
from integration.flows.settings import COUNTRY_CODES, CodeList
from integration.flows.tables import INCOMPLETE_LISTS
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.database import Clock
from integration.words.countries import countries

log = structlog.get_logger(__name__)

FIELDS_CACHED_FOR = timedelta(minutes=5)
CHOICES_CACHED_FOR = timedelta(minutes=1)  # shared by all people
KEPT_LONGER: Mapping[str, timedelta] = {"used_groups": timedelta(hours=1)}  # the till stores every journal it reports
FIRST_SECONDS = 0.5  # longest wait for captions that are not cached yet
LAST_SECONDS = 10.0
# Lists that contain only one page: their codes are looked up one by one.
LOOKED_UP: Mapping[str, Kind] = {"debtors": Kind.DEBTOR, "article_codes": Kind.ARTICLE}
# The list with all codes, for each list that has only the codes on offer.
WHOLE: Mapping[str, str] = {
    "collective_accounts": "ledgers",
    "revenue_accounts": "ledgers",
    "day_daybooks": "daybooks",
    "balance_groups": "turnover_groups",
    "revenue_groups": "turnover_groups",
}

Question = tuple[str, str, bool]  # a system, the query, and whether the system is the built-in one
Ask = Callable[[Connector], Any]


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer of a connection, and the time until which it is valid."""

    connector: Connector
    until: datetime
    value: Any

    def is_good(self, connector: Connector, now: datetime) -> bool:
        return self.connector is connector and now <= self.until


class CodeLists:
    """Cached code lists of both systems. Thread-safe."""

    def __init__(self, access: ConnectorFactory, clock: Clock) -> None:
        self._access = access
        self._clock = clock
        self._answers: dict[Question, _Answer] = {}
        self._failures: dict[tuple[str, str], _Answer] = {}  # failures by system and list (empty: any)
        self._running_queries: dict[Question, threading.Event] = {}
        self._refresh_at: dict[Question, datetime] = {}  # when a background query is due again
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Wait for the queries in progress, because their connections are about to be closed."""
        for asker in self._threads:
            asker.join(LAST_SECONDS)

    @requires(Right.SEE)
    def fields(self, system: str, kind: Kind) -> list[Field]:
        """Return the fields of a kind in this installation of a system. Cached for 5 minutes."""
        return list(self.cached(system, f"fields {kind}", FIELDS_CACHED_FOR, lambda connector: connector.fields(kind)))

    @requires(Right.SEE)
    def choices(self, system: str, name: str) -> dict[str, str]:
        """Return codes and captions of a list such as vat_codes, ledgers or branches; nothing for an unknown list.

        Cached for one minute, expensive lists for one hour, so that pages do not query the systems each time.
        """
        lifetime = KEPT_LONGER.get(name, CHOICES_CACHED_FOR)
        codes = self.cached(system, f"choices {name}", lifetime, lambda connector: connector.choices(name))
        return dict(codes)

    @requires(Right.SEE)
    def vat_rates(self, system: str) -> Mapping[str, Decimal]:
        """Return the VAT percentages of a system by code. Cached for 5 minutes."""

        def ask(connector: Connector) -> dict[str, Decimal]:
            return {code: Decimal(rate) for code, rate in connector.choices("vat_rates").items()}

        rates: Mapping[str, Decimal] = self.cached(system, "rates", FIELDS_CACHED_FOR, ask)
        return rates

    @requires(Right.SEE)
    def captions(self, system: str, name: str, patience: float = FIRST_SECONDS) -> dict[str, str]:
        """Return the last known codes and captions of a list, and refresh them in the background after 5 minutes.

        For optional captions beside codes: a page waits at most `patience` seconds for the first answer, and never
        later. Permanent output, such as a file or the lines of a terminal, uses a longer `patience`.
        """
        question = system, f"choices {name}", self._access.sandboxed
        with self._lock:
            answer, refresh_at = self._answers.get(question), self._refresh_at.get(question)
            if refresh_at is None or refresh_at < self._clock():
                done_event = self._query_in_background(question, lambda: self.choices(system, name))
            else:
                return dict(answer.value) if answer else {}
        if answer is None:
            done_event.wait(patience)
            answer = self._answers.get(question)
        return dict(answer.value) if answer else {}

    @requires(Right.SEE)
    def readable(self, system: str, name: str) -> dict[str, str] | None:
        """Return codes and captions of a list, or None while they cannot be read.

        A system or list that did not answer is not queried again for one minute.
        """
        try:
            connector = self._access.connector(system)
            silent = (self._failures.get(key) for key in ((system, ""), (system, name)))
            if any(answer is not None and answer.is_good(connector, self._clock()) for answer in silent):
                return None
            return self.choices(system, name)
        except ConfigurationError:  # the connection check reports it
            return None
        except IntegrationError as error:
            log.info("a code list cannot be read", system=system, list=name, cause=error.code)
            list_name = name if isinstance(error, AccessDeniedError) else ""  # other lists may be readable
            self._failures[system, list_name] = _Answer(connector, self._clock() + CHOICES_CACHED_FOR, error.code)
            return None

    def missing_codes(self, of: CodeList, codes: AbstractSet[str]) -> set[str] | None:
        """Return the codes that a system does not have, or None if that cannot be determined now.

        Returns None also for a list that is empty or has only the codes in use, because a missing code may still be
        valid.
        """
        if of == COUNTRY_CODES:
            return set(codes) - countries().keys()
        kind, name = LOOKED_UP.get(of.name), WHOLE.get(of.name, of.name)
        if kind is None and name in INCOMPLETE_LISTS:
            return None
        try:
            connector = self._access.connector(of.system)
            if kind is not None:
                return set(codes) - {record.key for record in connector.fetch(kind, sorted(codes))}
            known_codes = self.readable(of.system, name)
            if known_codes and not codes <= known_codes.keys():  # the code may be newer than the cache
                known_codes = connector.choices(name)
        except IntegrationError as error:
            log.info("codes cannot be checked", system=of.system, list=of.name, cause=error.code)
            return None
        return set(codes) - known_codes.keys() if known_codes else None

    def cached(self, system: str, question: str, lifetime: timedelta, ask: Ask) -> Any:
        """Return the cached answer if its `lifetime` has not passed, and query the system otherwise.

        Errors are not cached.
        """
        connector, key = self._access.connector(system), (system, question, self._access.sandboxed)
        answer = self._answers.get(key)
        if answer is None or not answer.is_good(connector, self._clock()):
            answer = self._answers[key] = _Answer(connector, self._clock() + lifetime, ask(connector))
        return answer.value

    def _query_in_background(self, question: Question, ask: Callable[[], object]) -> threading.Event:
        """Start a query in the background, unless the same query is in progress, and return the event that ends it."""
        done_event = self._running_queries.get(question)
        if done_event is None:
            done_event = self._running_queries[question] = threading.Event()
            asker = threading.Thread(
                target=self._run_query, args=(question, ask, done_event), name="captions", daemon=True
            )
            self._threads = [thread for thread in self._threads if thread.is_alive()] + [asker]
            asker.start()
        return done_event

    def _run_query(self, question: Question, ask: Callable[[], object], done_event: threading.Event) -> None:
        try:
            ask()
        except IntegrationError as error:
            log.info("captions cannot be read", query=question[1], cause=error.code)
        finally:
            with self._lock:
                self._refresh_at[question] = self._clock() + FIELDS_CACHED_FOR
                del self._running_queries[question]
            done_event.set()
