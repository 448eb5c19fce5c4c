"""Closed days: their state in both systems, checked every night and on request. Writes to no system."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Protocol, TypeGuard, cast
from zoneinfo import ZoneInfo

from integration.connectors.protocol import Connector, GiftCardBalance, GiftCardIssuer
from integration.core.authorization import requires
from integration.core.days.books import DayBooks, DayPage
from integration.core.days.check import OwnPage, check_day
from integration.core.days.corrections import page_lines
from integration.core.days.documents import DayDocument, documents_of
from integration.core.days.entries import LedgerEntry, entry_of_row
from integration.core.days.report import (
    DayReport,
    DayState,
    PageShown,
    page_notes,
    report_from_json,
    report_of,
    report_to_json,
)
from integration.core.days.till import DayRefusedError, TillDay, till_text
from integration.core.errors import IntegrationError, RejectedError
from integration.core.issues import Issue, IssueOccurrence, IssueState, unreadable_record_issue
from integration.core.links import Link
from integration.core.people import Right
from integration.core.records import CurrentRecord, Kind, Record, Unreadable
from integration.core.rows import row_value
from integration.core.staged import Staged
from integration.core.timetable import WALL_CLOCK
from integration.flows.day_pages import daybooks_of_the_bank
from integration.flows.settings import TILL
from integration.flows.spec import FlowLogic, stage_records
from integration.runner.dependencies import Dependencies
from integration.runner.lookup import look
from integration.services.mappings.code_lists import CodeLists
from integration.services.runs.flows import Flows
from integration.store.database import AWAY, Clock
from integration.store.days import DayCheckResult, DayChecks
from integration.store.erasure_register import ErasureRegister, SoFar
from integration.store.issues import Issues
from integration.store.links import Links

AT_ONCE = 7  # days per query
WINDOW = 35  # days of the nightly check
MOST_PAGES = 5_000  # pages in the list of a period
MOST_NAMED = 1_000
DIFFERS = "day_differs"
STATE_OF_SKIP = {
    "day_open": DayState.OPEN, "day_waits": DayState.WAITING, "day_empty": DayState.EMPTY,
}  # fmt: skip
TOLD = frozenset({DayState.EQUAL, DayState.NOT_POSTED, DayState.DIFFERENT})
CLOSED_STATES = frozenset(DayState) - {DayState.OPEN, DayState.WAITING, DayState.UNKNOWN, DayState.EMPTY}
BEFORE_BOOKING = frozenset({
    DayState.OPEN, DayState.WAITING, DayState.CLOSED, DayState.PARKED, DayState.EMPTY, DayState.LEFT_OUT,
})  # fmt: skip

Tell = Callable[[date], None]


class DayLogic(Protocol):
    """The methods that only the logic of the flow of days has."""

    books: DayBooks

    def page(self, record: Record, pages: Sequence[Link] = ()) -> tuple[TillDay, DayPage]:
        """Return a day and its day page. Raises DayRefusedError."""

    def around(self, days: Iterable[date]) -> set[date]:
        """Return the dates on which a page of another author may be about these days."""

    def is_of_another_console(self, reference: str) -> bool:
        """Return True if a page with this reference is a day that a console with another prefix booked."""

    def belongs(self, documents: Sequence[DayDocument]) -> Mapping[str, str]:
        """Return the invoices and orders to which documents belong, by number of the document."""


@dataclass(frozen=True, slots=True)
class DayListed:
    """One day of a list: its state, the cause if it is parked, its pages, and its last check."""

    date: date
    branch: str
    branch_name: str
    state: DayState
    cause: str = ""
    facts: Mapping[str, str] | None = None
    pages: tuple[str, ...] = ()
    difference: Decimal | None = None
    checked_at: datetime | None = None
    report: DayReport | None = None  # of the last check; it may be older than the state

    @property
    def key(self) -> str:
        """The key of the day."""
        return f"{self.date.isoformat()}/{self.branch}"


class Days:
    """Lists closed days, and checks them."""

    def __init__(
        self,
        deps: Dependencies,
        days: DayChecks,
        erased: ErasureRegister,
        issues: Issues,
        links: Links,
        clock: Clock,
        flow_service: Flows,
        lists: CodeLists,
        *,
        flow: str,
        others: Sequence[tuple[str, Kind]] = (),
    ) -> None:
        """Store the dependencies. `others` are flows that write their own daybook pages."""
        self._flow = flow
        self._deps = deps
        self._days = days
        self._erased = erased
        self._issues = issues
        self._links = links
        self._clock = clock
        self._flow_service = flow_service
        self._lists = lists
        self._others = others

    @property
    @requires(Right.SEE)
    def flow(self) -> str:
        """The flow of closed days."""
        return self._flow

    @requires(Right.SEE)
    def today(self) -> date:
        """Return the current date at the till."""
        return self._clock().astimezone(ZoneInfo(WALL_CLOCK)).date()

    # ---- stored results

    @requires(Right.SEE)
    def day_of_interest(self) -> date:
        """Return the latest day that differs, if the nightly check still covers it, else the latest closed day.

        It is today if no day is known. Queries no system.
        """
        today = self.today()
        since = today - timedelta(days=WINDOW - 1)
        different = self._days.newest_day([DayState.DIFFERENT])
        if different is not None and different >= since:
            return different
        booked = (date.fromisoformat(key[:10]) for key in self._booked(since, today))
        known = [*booked, *filter(None, [self._days.newest_day(CLOSED_STATES)])]
        return min(max(known, default=today), today)

    @requires(Right.SEE)
    def listed(self, first: date, last: date, branch: str = "") -> list[DayListed]:
        """Return all known days of a period, oldest first. Queries no system."""
        names = self.branches()
        booked = self._booked(first, last)
        known = {f"{one.date.isoformat()}/{one.branch}": one for one in self._days.in_period(first, last)}
        waits = self._waits()
        found = []
        for key in sorted({*booked, *known, *waits}):
            day, _, number = key.partition("/")
            if not (first.isoformat() <= day <= last.isoformat()) or branch not in ("", number):
                continue
            one = _listed(key, known.get(key), booked.get(key, ()), waits.get(key))
            found.append(replace(one, branch_name=one.branch_name or names.get(number, number)))
        return found

    @requires(Right.SEE)
    def report(self, day: date, branch: str) -> DayReport | None:
        """Return the last check of a day, or None if it was never checked. Queries no system.

        Its state is `PARKED` only while an exception of the day is open; its cause stays.
        """
        kept = self._days.in_period(day, day, branch)
        if not kept:
            return None
        report = report_from_json(kept[0].result)
        known = self._issues.of_key(self.flow, report.key)
        if any(one.state is IssueState.OPEN and one.issue.cause != DIFFERS for one in known):
            return report
        return replace(report, state=_without_exception(report.state, is_booked=bool(report.pages)))

    @requires(Right.SEE)
    def branches(self) -> dict[str, str]:
        """Return the branches of the till with their names, as last known."""
        return self._lists.captions(TILL.system, "branches")

    def _booked(self, first: date, last: date) -> dict[str, list[Link]]:
        """Return the pages of each day of a period, by the key of the day."""
        links = self._links.page(self.flow, Kind.DAY_PAGE, first.isoformat(), MOST_PAGES)
        found: dict[str, list[Link]] = {}
        for link in links:
            if link.key[:10] <= last.isoformat():
                found.setdefault("/".join(link.key.split("/")[:2]), []).append(link)
        return found

    def _waits(self) -> dict[str, Issue]:
        """Return the open issues by the key of their day."""
        return {
            one.issue.key: one.issue
            for group in self._issues.causes(self.flow)
            for one in self._issues.list(self.flow, group.cause, group.field, limit=MOST_NAMED)
        }

    # ---- checks

    @requires(Right.COMPARE)
    def check(self, day: date, branch: str) -> DayReport:
        """Compare a day in both systems now, store the result and return it.

        Raises IntegrationError if a system is unreachable. The last check then stays.
        """
        (report,) = self._looked(lambda: [f"{day.isoformat()}/{branch}"])
        return report

    @requires(Right.COMPARE)
    def check_span(self, first: date, last: date, branch: str = "", tell: Tell = lambda _: None) -> list[DayReport]:
        """Compare every day of a period now, for one branch or all.

        `tell` is called with the first day of each batch.
        """
        found = []
        for start in range(0, (last - first).days + 1, AT_ONCE):
            begin = first + timedelta(days=start)
            tell(begin)
            end = min(last, begin + timedelta(days=AT_ONCE - 1))
            found += self._looked(partial(self._keys, begin, end, branch))
        return found

    @requires(Right.COMPARE)
    def gift_cards(self) -> list[tuple[GiftCardBalance, str]]:
        """Return the open balance of the till's gift cards per turnover group, with its account in the books.

        The account is empty if none is configured. Raises RejectedError if the till cannot tell.
        """
        books = self._logic().books
        source = self._deps.connectors[self._deps.logics.current_logic(self.flow).flow.source]
        told = source.choices("turnover_accounts")
        found = source.gift_cards() if isinstance(source, GiftCardIssuer) else []
        return [
            (one, row_value(books.accounts, one.group) or books.account_meant(told.get(one.group, ""))) for one in found
        ]

    def page(self, position: str) -> str:
        """Check some days of the nightly check and return the next position, empty at the end.

        An empty position begins.
        """
        if not self._flow_service.is_on(self.flow):
            return ""
        today = self.today()
        first = date.fromisoformat(position) if position else today - timedelta(days=WINDOW - 1)
        last = min(today, first + timedelta(days=AT_ONCE - 1))
        self._looked(lambda: self._keys(first, last, ""), self._by_night)
        following = last + timedelta(days=1)
        return following.isoformat() if following <= today else ""

    def _by_night(self, keys: Sequence[str]) -> list[DayReport]:
        try:
            return self._checked(keys)
        except IntegrationError as error:
            if error.code in AWAY:
                raise
            return [self._unknown(key, error.code, error.facts) for key in keys]

    def _looked(
        self, keys: Callable[[], list[str]], check: Callable[[Sequence[str]], list[DayReport]] | None = None
    ) -> list[DayReport]:
        """Compare days now, store the results and return them."""

        def look(so_far: SoFar) -> list[DayReport]:
            reports = (check or self._checked)(keys())
            self._keep(reports, so_far)
            return reports

        return self._erased.retry_if_erased(look)

    def _keys(self, first: date, last: date, branch: str) -> list[str]:
        """Return the days of a period for one branch or all, including days that the till no longer lists."""
        numbers = [branch] if branch else list(self.branches())
        days = [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
        listed = [f"{day}/{number}" for day in days for number in numbers]
        known = [key for key in (*self._booked(first, last), *self._waits()) if key[:10] in set(days)]
        return list(dict.fromkeys([*listed, *(key for key in known if branch in ("", key.partition("/")[2]))]))

    def _checked(self, keys: Sequence[str]) -> list[DayReport]:
        logic = self._deps.logics.current_logic(self.flow)
        source, target = (self._deps.connectors[system] for system in (logic.flow.source, logic.flow.target))
        told = self._deps.corrected(self.flow, source.fetch(Kind.DAY, keys))
        records = {record.key: record for record in told}
        days = sorted(key[:10] for key in keys)
        booked = self._booked(date.fromisoformat(days[0]), date.fromisoformat(days[-1])) if days else {}
        staged = self._staged(logic, [records[key] for key in keys if key in records and key not in booked])
        booked |= self._unlinked(target, [one.record for one in staged.values() if one.record is not None])
        pages = [link for key in keys for link in booked.get(key, ())]
        held, sees = self._held(target, pages)
        entries = self._entries(target, self._logic().around(_dates(pages))) if pages else []
        found = []
        for key in keys:
            if key not in records:
                found.append(self._unknown(key, "day_not_told", {"key": key, "system": logic.flow.source}))
            elif key in booked:
                found.append(self._compared(records[key], booked[key], held, entries, sees=sees))
            else:
                found.append(self._not_booked(records[key], staged[key]))
        return found

    def _unlinked(self, target: Connector, wanted: Sequence[Record]) -> dict[str, list[Link]]:
        """Return the pages that the books have under the references of days without links, by day."""
        held = look(target, wanted, self._deps.links.references(self.flow)) if wanted else {}
        found = {one.key: held[one.key].reference for one in wanted if one.key in held}
        return {one.key: [Link(Kind.DAY_PAGE, one.key, found[one.key], one)] for one in wanted if one.key in found}

    def _staged(self, logic: FlowLogic, records: Sequence[Record]) -> dict[str, Staged]:
        return {one.key: one for one in stage_records(logic, logic.flow.counted_stage, records)} if records else {}

    def _not_booked(self, record: Record, staged: Staged) -> DayReport:
        report = self._of(record, DayState.CLOSED)
        if staged.issue is not None:
            return replace(report, state=DayState.PARKED, cause=staged.issue.cause, facts=staged.issue.facts)
        if staged.skip is not None:
            state = STATE_OF_SKIP.get(staged.skip.reason, DayState.LEFT_OUT)
            return replace(report, state=state, cause=staged.skip.reason, facts=staged.skip.facts)
        day, page = self._logic().page(record)
        return replace(report, expected=page.lines, counts=day.counts, notes=page_notes(page), turnover=page.turnover)

    def _compared(
        self,
        record: Record,
        booked: Sequence[Link],
        held: Mapping[str, CurrentRecord],
        entries: Sequence[LedgerEntry] | None,
        *,
        sees: bool,
    ) -> DayReport:
        shown = tuple(_shown(link, held.get(link.key)) for link in booked)
        try:
            if isinstance(record, Unreadable):
                issue = unreadable_record_issue(record, self._deps.logics.current_logic(self.flow).flow.source)
                return replace(self._of(record, DayState.UNKNOWN), pages=shown, cause=issue.cause, facts=issue.facts)
            day, page = self._logic().page(record, booked)
        except DayRefusedError as refused:
            facts = {"key": record.key, "document": _title(record), **refused.facts}
            return replace(self._of(record, DayState.PARKED), pages=shown, cause=refused.cause, facts=facts)
        if not sees:
            facts = {"system": self._deps.logics.current_logic(self.flow).flow.target, "kind": str(Kind.DAY_PAGE)}
            return replace(self._unknown(record.key, "look_unproven", facts), pages=shown)
        own = [OwnPage(link.agreed, link.reference, _record(held.get(link.key))) for link in booked if link.agreed]
        near, numbers = self._logic().around(_dates(booked)), {one.number for one in own}
        rows = None if entries is None else [one for one in entries if one.date in near or one.page in numbers]
        elsewhere = self._elsewhere(rows)
        logic = self._logic()
        check = check_day(
            page.lines, documents_of(day), own, rows, logic.books, elsewhere=elsewhere, belongs=logic.belongs
        )
        return report_of(
            day, check, self._clock(), pages=shown, expected=page.lines, notes=page_notes(page), turnover=page.turnover
        )

    def _logic(self) -> DayLogic:
        return cast("DayLogic", self._deps.logics.current_logic(self.flow))

    def _held(self, target: Connector, pages: Sequence[Link]) -> tuple[dict[str, CurrentRecord], bool]:
        """Return what the books hold of pages, and whether a page that they do not return is proven missing."""
        agreed = [link.agreed for link in pages if link.agreed]
        held = look(target, agreed, self._deps.links.references(self.flow)) if agreed else {}
        return held, len(held) == len(agreed) or bool(held) or target.shows(Kind.DAY_PAGE)

    def _entries(self, target: Connector, days: set[date]) -> list[LedgerEntry] | None:
        """Return the ledger entries of some days, or None if these books cannot return them."""
        try:
            records = target.fetch(Kind.ENTRY, sorted(day.isoformat() for day in days))
        except RejectedError:
            return None
        return None if any(isinstance(one, Unreadable) for one in records) else [entry_of_row(one) for one in records]

    def _elsewhere(self, entries: Sequence[LedgerEntry] | None) -> frozenset[str]:
        """Return the pages that belong to others: other flows, other consoles, and the daybooks of the bank."""
        pages = {one.page for one in entries or ()}
        if not pages:
            return frozenset()
        flows = (*self._others, (self.flow, Kind.DAY_PAGE))
        ours = (self._links.by_reference(flow, kind, pages) for flow, kind in flows)
        target = self._deps.connectors[self._deps.logics.current_logic(self.flow).flow.target]
        banks = daybooks_of_the_bank(target.choices("daybook_types"))
        others = {one.page for one in entries or () if self._logic().is_of_another_console(one.reference)}
        return frozenset({*(one for some in ours for one in some), *_in(pages, banks), *others})

    # ---- storage

    def _keep(self, reports: Sequence[DayReport], so_far: SoFar) -> None:
        """Store reports, open an exception for each new difference, and close those of days that are equal again."""
        self._days.keep(
            [DayCheckResult(one.date, one.branch, one.state, one.checked_at, report_to_json(one)) for one in reports],
            so_far,
        )
        target = self._deps.logics.current_logic(self.flow).flow.target
        told = [one.key for one in reports if one.state in TOLD]
        met = [
            IssueOccurrence(_issue(one, target), str(Kind.DAY_PAGE), _name(one))
            for one in reports
            if one.state is DayState.DIFFERENT
        ]
        self._issues.store_check_result(self.flow, told, [DIFFERS], met, so_far)

    def _of(self, record: Record, state: DayState) -> DayReport:
        day, _, branch = record.key.partition("/")
        name = till_text(record.values, "branch_name") or self.branches().get(branch, branch)
        return DayReport(date.fromisoformat(day), branch, name, state, self._clock())

    def _unknown(self, key: str, cause: str, facts: Mapping[str, str]) -> DayReport:
        return replace(self._of(Record(Kind.DAY, key, {}), DayState.UNKNOWN), cause=cause, facts=dict(facts))


def _listed(key: str, kept: DayCheckResult | None, pages: Sequence[Link], waits: Issue | None) -> DayListed:
    day, _, branch = key.partition("/")
    numbers = tuple(link.reference for link in pages)
    one = DayListed(date.fromisoformat(day), branch, "", DayState.BOOKED if pages else DayState.CLOSED, pages=numbers)
    if kept is not None:
        report = report_from_json(kept.result)
        one = replace(
            one, branch_name=report.branch_name, state=report.state, cause=report.cause, facts=report.facts,
            difference=report.difference if report.rows else None, checked_at=kept.checked_at, report=report,
        )  # fmt: skip
        if pages and not report.pages and report.state in BEFORE_BOOKING:  # booked since
            one = replace(one, state=DayState.BOOKED, cause="", facts=None)
    if _is_parked(waits) and (kept is None or one.state in BEFORE_BOOKING):
        return replace(one, state=DayState.PARKED, cause=waits.cause, facts=waits.facts)
    return replace(one, state=_without_exception(one.state, is_booked=bool(pages)))


def _is_parked(waits: Issue | None) -> TypeGuard[Issue]:
    """Return True if the issue says that the day cannot be booked, and not that it differs."""
    return waits is not None and waits.cause != DIFFERS


def _without_exception(state: DayState, *, is_booked: bool) -> DayState:
    """Return the state of a day without an open exception. A check that finds a reason to park opens no exception."""
    if state is not DayState.PARKED:
        return state
    return DayState.UNKNOWN if is_booked else DayState.CLOSED


def _shown(link: Link, held: CurrentRecord | None) -> PageShown:
    agreed = link.agreed
    if agreed is None:
        return PageShown(link.reference, "", is_there=held is not None)
    gross = agreed.values.get("gross") is True
    return PageShown(link.reference, till_text(agreed.values, "reference"), page_lines(agreed), held is not None, gross)


def _record(held: CurrentRecord | None) -> Record | None:
    return held.record if held else None


def _dates(pages: Iterable[Link]) -> Iterator[date]:
    """Yield the days of pages, and the dates on which the pages are booked."""
    for link in pages:
        yield date.fromisoformat(link.key[:10])
        on = link.agreed.values.get("date") if link.agreed else None
        if isinstance(on, date):
            yield on


def _in(pages: set[str], daybooks: set[str]) -> Iterator[str]:
    return (page for page in pages if page.partition("/")[0] in daybooks)


def _title(record: Record) -> str:
    return f"{till_text(record.values, 'date')} {till_text(record.values, 'branch_name')}".strip() or record.key


def _name(report: DayReport) -> str:
    return f"{report.date.isoformat()} {report.branch_name}".strip()


def _issue(report: DayReport, target: str) -> Issue:
    """Return the issue of a day that differs between both systems. Another difference has another mark."""
    facts = {
        "key": _name(report),
        "document": _name(report),
        "system": target,
        "amount": str(report.difference),
        "sold": str(report.difference),
        "count": str(len(report.findings)),
        "mark": " ".join(f"{one.code} {' '.join(one.facts.values())}" for one in report.findings)[:500],
    }
    return Issue(DIFFERS, report.key, facts=facts)
