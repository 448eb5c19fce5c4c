"""The till as the source of closed days: its own sums per financial date and branch, and the documents behind them.

A page is up to seven dates, of all branches. It takes one call of the journals for each kind of document, one of the
financial journal for each date, one of the cash counts, and those that read receipts and invoices. Where these do not
explain the payments of a date, it also takes one call of the payment report for each method, and the documents it
names. Each call of the journals has a reference of its own, prefixed with that of the page, under which the till keeps
its answer.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

from integration.connectors.mplus import codec
from integration.connectors.mplus.branches import TillBranch, read_branches
from integration.connectors.mplus.client import Client, Element, qualified
from integration.connectors.mplus.codec import days as told
from integration.connectors.mplus.codec.days import Place
from integration.connectors.mplus.documents import TillDocuments
from integration.connectors.mplus.financial_dates import financial_period, today_at
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.mplus.target import translated_parse_errors
from integration.connectors.reference import new_reference
from integration.core.errors import RejectedError
from integration.core.records import Batch, Kind, Record, Value, WrongValueError, unreadable

PAGE_DAYS = 7
DAYS_BEFORE = 14  # days before the period in which the previous count of a drawer is searched
_DOCUMENT_KINDS = (Kind.RECEIPT, Kind.INVOICE, Kind.ORDER)


@dataclass(slots=True)
class _Day:
    """The parts read so far of one day of one branch; `fault` is why the day cannot be read."""

    parts: list[Record] = field(default_factory=list)
    documents: dict[tuple[Kind, str], Record] = field(default_factory=dict)
    closed: bool | None = None
    fault: tuple[WrongValueError, str] | None = None


class TillDays:
    """Reads the closed days of one till."""

    def __init__(self, settings: MplusSettings, client: Client, documents: TillDocuments) -> None:
        self._settings = settings
        self._client = client
        self._documents = documents

    def extract(self, kind: Kind, since: str | None, after: str | None, limit: int | None) -> Batch:  # noqa: ARG002 - as all are asked
        """Return one page of days of every branch, from `days_back` days ago to the till's present day.

        `after` is the first date of the page and the last of all. There is no stamp, since a day is read completely and
        may change as long as somebody can enter something on it.
        """
        if after is None:
            last = today_at(self._client)
            first = last - timedelta(days=self._settings.days_back)
        else:
            first, last = (date.fromisoformat(text) for text in after.split(".."))
        end = min(first + timedelta(days=PAGE_DAYS - 1), last)
        following = None if end >= last else f"{end + timedelta(days=1)}..{last}"
        with translated_parse_errors():
            return Batch(tuple(self._read_days(first, end)), following)

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:  # noqa: ARG002 - likewise
        """Return the days with these keys, read again, if they are a day of a branch of this till."""
        places = [place for key in dict.fromkeys(keys) if (place := told.day_place(key))]
        records: list[Record] = []
        with translated_parse_errors():
            for first, last in _periods(sorted({day for day, _ in places})):
                branches = {branch for day, branch in places if first <= day <= last}
                records += self._read_days(first, last, branches)
        requested_keys = {told.day_key(place) for place in places}
        return [record for record in records if record.key in requested_keys]

    def _read_days(self, first: date, last: date, branches: Collection[str] = ()) -> Iterator[Record]:
        reference, period = new_reference(), (first, last)
        till_branches = read_branches(self._client)
        names = {branch.number: branch.name or branch.number for branch in till_branches if branch.number}
        nameless = any(not branch.number for branch in till_branches)
        dates = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        branch_numbers = {*names, *(branches if nameless else ())}
        days: dict[Place, _Day] = defaultdict(_Day, {(on, branch): _Day() for on in dates for branch in branch_numbers})
        self._read_journals(days, period, branches, reference)
        for number, on in enumerate(dates, start=len(told.SOURCES) + 1):
            self._read_financial(days, on, f"{reference}-{number}", nameless=nameless)
        self._read_counts(days, period)
        for kind in (Kind.RECEIPT, Kind.INVOICE):
            self._read_documents(days, kind, period)
        requested_days = {place: days[place] for place in _requested_places(days, dates, branches)}
        _mark_branch_faults(requested_days, till_branches)
        self._read_paid_elsewhere(requested_days)
        for place, day in requested_days.items():
            yield _record(place, day, names.get(place[1], place[1]), reference)

    def _read_journals(
        self, days: dict[Place, _Day], period: tuple[date, date], branches: Collection[str], reference: str
    ) -> None:
        for number, source in enumerate(told.SOURCES, start=1):
            answer = self._client.read(
                "getJournals",
                request={
                    **financial_period(*period),
                    "branchNumbers": sorted(map(int, branches)),
                    "journalFilterList": {"journalFilter": [f"JOURNAL-FILTER-{source.upper()}"]},
                    "reference": f"{reference}-{number}",
                },
            )
            for journal in answer.iterfind(f"{qualified('journalList')}/{qualified('journal')}"):
                with _marking_faulty_days(days, journal):
                    days[told.journal_place(journal)].parts += told.decode_journal(journal, source)

    def _read_financial(self, days: dict[Place, _Day], on: date, reference: str, *, nameless: bool) -> None:
        """Read the groups of a date; `nameless` is whether the till has a branch without a readable number."""
        answer = self._client.read("getFinancialJournal", request={**financial_period(on, on), "reference": reference})
        of_all: bool | None = None
        with _marking_faulty_days(days, answer, on):
            of_all = told.period_closed_flag(answer)
        flags: dict[Place, list[bool]] = defaultdict(list)
        only = [place for place in days if place[0] == on]
        for group in answer.iterfind(f"{qualified('financialGroupList')}/{qualified('financialGroup')}"):
            with _marking_faulty_days(days, group, on):
                branch = told.optional_branch(group)
                if not branch and (nameless or len(only) != 1):
                    raise WrongValueError("branchNumber", "")  # the till does not say which of several branches it is
                place = (on, branch) if branch else only[0]
                days[place].parts += told.decode_financial(group)
                is_closed = told.period_closed_flag(group)
                if is_closed is not None:
                    flags[place].append(is_closed)
        for place, day in days.items():
            if place[0] == on:
                day.closed = all(flags[place]) if flags[place] else of_all

    def _read_counts(self, days: dict[Place, _Day], period: tuple[date, date]) -> None:
        """Read the counts of the period, and earlier ones, with which its first counts begin."""
        first, last = period
        try:
            answer = self._client.read(
                "getCashCountList", request=financial_period(first - timedelta(days=DAYS_BEFORE), last)
            )
        except RejectedError as error:
            if error.code != "operation_unknown":
                raise
            return
        counts: list[told.CashCount] = []
        for count in answer.iterfind(f"{qualified('cashCountList')}/{qualified('cashCount')}"):
            with _marking_faulty_days(days, count):
                counts.append(told.decode_count(count))
        for place, part in told.in_chains(counts):
            days[place].parts.append(part)

    def _read_documents(self, days: dict[Place, _Day], kind: Kind, period: tuple[date, date]) -> None:
        for document in self._documents.in_period(kind, *period):
            place = (document.date, document.branch) if document.date and document.branch else None
            may_be = partial(_may_belong, document.date, document.branch)
            chosen = [days[place]] if place else [day for day_place, day in days.items() if may_be(day_place)]
            for day in chosen:
                day.documents[kind, document.record.key] = document.record

    # ---- documents paid on another day

    def _read_paid_elsewhere(self, days: Mapping[Place, _Day]) -> None:
        """Add the invoices and orders of other days that were paid on these days."""
        documents = {key: record for day in days.values() for key, record in day.documents.items()}
        keys_by_place: dict[Place, list[tuple[Kind, str]]] = {}
        for place, day in days.items():
            try:
                keys_by_place[place] = self._paid_documents(place, day)
            except WrongValueError as error:
                day.fault, keys_by_place[place] = (error, ""), []
        missing_keys = {key for keys in keys_by_place.values() for key in keys} - documents.keys()
        for kind in (Kind.INVOICE, Kind.ORDER):
            ids = sorted(id_ for document_kind, id_ in missing_keys if document_kind is kind)
            documents |= {(kind, record.key): record for record in (self._documents.fetch(kind, ids) if ids else ())}
        for place, keys in keys_by_place.items():
            days[place].documents |= {key: documents[key] for key in keys if key in documents}

    def _paid_documents(self, place: Place, day: _Day) -> list[tuple[Kind, str]]:
        """Return the documents that a report names for payments of a day which its own documents do not explain."""
        on, branch = place
        try:
            return [
                document
                for method in _unexplained_methods(place, day)
                for document in told.paid_documents(
                    self._client.read(
                        "reportPaymentMethodDetails",
                        request={
                            "dateFilter": {
                                "fromFinancialDate": on.isoformat(), "throughFinancialDate": on.isoformat(),
                            },
                            "paymentMethod": method,
                            "branchFilter": {"branchNumbers": [int(branch)]},
                        },
                    )
                )
            ]  # fmt: skip
        except RejectedError as error:
            if error.code != "operation_unknown":
                raise
            return []


def _unexplained_methods(place: Place, day: _Day) -> list[str]:
    """Return the payment methods whose total of the day differs from the payments of its documents in the branch."""
    on, branch = place
    rest: dict[str, Decimal] = defaultdict(Decimal)
    for part in day.parts:
        if part.kind is Kind.PAYMENT:
            rest[str(part.values["method"])] += _amount(part)
    for record in day.documents.values():
        for part in record.parts:
            where = part.values.get("branch") or record.values.get("branch")
            is_told = part.values.get("date", record.values.get("date")) == on and where in (branch, "", None)
            if part.kind is Kind.PAYMENT and is_told:
                rest[str(part.values.get("method", ""))] -= _amount(part)
    return sorted(method for method, amount in rest.items() if method and amount)


def _amount(part: Record) -> Decimal:
    amount = part.values.get("amount")
    return amount if isinstance(amount, Decimal) else Decimal(0)


@contextmanager
def _marking_faulty_days(days: Mapping[Place, _Day], element: Element, on: date | None = None) -> Iterator[None]:
    """Mark all days that an unreadable element may belong to as faulty: those with its readable date and branch."""
    try:
        yield
    except WrongValueError as error:
        date_ = on or codec.if_readable(told.journal_date, element)
        branch = codec.if_readable(told.optional_branch, element) or None
        for place, day in days.items():
            if _may_belong(date_, branch, place):
                day.fault = error, codec.raw_elements(element)


def _mark_branch_faults(days: Mapping[Place, _Day], branches: Sequence[TillBranch]) -> None:
    """Mark the days of unreadable branches as faulty; one without a number may be any branch that is not listed."""
    broken = {branch.number: branch for branch in branches if branch.error is not None}
    branch_numbers = {branch.number for branch in branches}
    for place, day in days.items():
        branch = broken.get(place[1]) or (broken.get("") if place[1] not in branch_numbers else None)
        if branch is not None and branch.error is not None:
            day.fault = branch.error, branch.raw


def _record(place: Place, day: _Day, name: str, reference: str) -> Record:
    key = told.day_key(place)
    if day.fault is not None:
        return unreadable(Kind.DAY, key, *day.fault)
    parts = (*_unique_parts(day.parts), *(record for _, record in sorted(day.documents.items(), key=_document_order)))
    values: dict[str, Value] = {"date": place[0], "branch": place[1], "branch_name": name, "reference": reference}
    if day.closed is not None:
        values["closed"] = day.closed
    return Record(Kind.DAY, key, values | {"digest": told.day_digest(parts)}, parts)


def _document_order(item: tuple[tuple[Kind, str], Record]) -> tuple[int, str]:
    return _DOCUMENT_KINDS.index(item[0][0]), item[0][1]


def _unique_parts(parts: Sequence[Record]) -> list[Record]:
    """Return the parts grouped by kind with unique keys, because the till may have two rows for one group."""
    kinds = (Kind.TURNOVER, Kind.PAYMENT, Kind.VAT, Kind.COUNT)
    counts: dict[tuple[Kind, str], int] = defaultdict(int)
    unique_parts = []
    for part in sorted(
        parts, key=lambda day_part: (kinds.index(day_part.kind), day_part.values.get("book") != "journal")
    ):
        counts[part.kind, part.key] += 1
        count = counts[part.kind, part.key]
        unique_parts.append(part if count == 1 else Record(part.kind, f"{part.key}#{count}", part.values))
    return unique_parts


def _requested_places(places: Iterable[Place], dates: Collection[date], branches: Collection[str]) -> list[Place]:
    """Return the requested days in order, because an answer may contain others."""
    requested_places = (place for place in places if place[0] in dates and (not branches or place[1] in branches))
    return sorted(requested_places, key=lambda place: (place[0], int(place[1] or 0)))


def _may_belong(day: date | None, branch: str | None, place: Place) -> bool:
    """Return True if an element with this date and branch may belong to a day of a branch; None may be any."""
    return day in (None, place[0]) and branch in (None, place[1])


def _periods(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Yield periods of at most PAGE_DAYS days that contain exactly these days."""
    start = 0
    for place in range(1, len(days) + 1):
        is_over = place == len(days) or (days[place] - days[place - 1]).days > 1 or place - start == PAGE_DAYS
        if is_over:
            yield days[start], days[place - 1]
            start = place
