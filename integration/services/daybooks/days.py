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
from integration.core.grouping import group_by_key
from integration.core.issues import Issue, IssueOccurrence, IssueState, unreadable_record_issue
from integration.core.links import Link
from integration.core.people import Right
from integration.core.records import CurrentRecord, Kind, Record, Unreadable
from integration.core.rows import row_value
from integration.core.run import Run
from integration.core.staged_records import StagedRecord
from integration.core.timetable import WALL_CLOCK
from integration.flows.day_pages import daybooks_of_the_bank
from integration.flows.settings import TILL
from integration.flows.spec import FlowLogic, stage_records
from integration.runner.dependencies import Dependencies
from integration.runner.lookup import lookup_records
from integration.services.mappings.code_lists import CodeLists
from integration.services.runs.flows import Flows
from integration.store.database import TEMPORARY_CAUSES, Clock
from integration.store.days import DayCheckResult, DayChecks
from integration.store.erasure_register import ErasureRegister, SoFar
from integration.store.issues import Issues
from integration.store.links import Links

AT_ONCE = 7  # days per query
LINKS_PER_PAGE = 200  # booked pages that one step of the check after a commit looks through
WINDOW = 35  # days of the nightly check
MAX_PAGES = 5_000  # pages in the list of a period
DIFFERS = "day_differs"
STATE_OF_SKIP = {
    "day_open": DayState.OPEN, "day_waits": DayState.WAITING, "day_empty": DayState.EMPTY,
}  # fmt: skip
COMPARED_STATES = frozenset({DayState.EQUAL, DayState.NOT_POSTED, DayState.DIFFERENT})
CLOSED_STATES = frozenset(DayState) - {DayState.OPEN, DayState.WAITING, DayState.UNKNOWN, DayState.EMPTY}
BEFORE_BOOKING = frozenset({
    DayState.OPEN, DayState.WAITING, DayState.CLOSED, DayState.PARKED, DayState.EMPTY, DayState.LEFT_OUT,
})  # fmt: skip

DayCallback = Callable[[date], None]


class DayLogic(Protocol):
    """The methods that only the logic of the flow of days has."""

    books: DayBooks

    def page(self, record: Record, pages: Sequence[Link] = ()) -> tuple[TillDay, DayPage]:
        """Return a day and its day page. Raises DayRefusedError."""

    def around(self, days: Iterable[date]) -> set[date]:
        """Return the dates on which a manual entry about these days may have been booked."""

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
    report: DayReport | None = None  # of the last check, which may be older than its state and cause

    @property
    def key(self) -> str:
        return f"{self.date.isoformat()}/{self.branch}"

    @property
    def is_known_equal(self) -> bool:
        """True if the last check found the day equal, with the pages that it has now."""
        checked_pages = {page.number for page in self.report.pages} if self.report else set()
        return self.state is DayState.EQUAL and checked_pages == set(self.pages)


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
        self._other_page_flows = others

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

        A day that a plan parked is closed. It is today if no day is known. Queries no system.
        """
        today = self.today()
        since = today - timedelta(days=WINDOW - 1)
        different = self._days.newest_day([DayState.DIFFERENT])
        if different is not None and different >= since:
            return different
        parked = (key for key in self._open_issues() if since.isoformat() <= key[:10] <= today.isoformat())
        known_days = (date.fromisoformat(key[:10]) for key in [*self._booked_pages(since, today), *parked])
        days = [*known_days, *filter(None, [self._days.newest_day(CLOSED_STATES)])]
        return min(max(days, default=today), today)

    @requires(Right.SEE)
    def listed(self, first: date, last: date, branch: str = "") -> list[DayListed]:
        """Return all known days of a period, oldest first. Queries no system."""
        names = self.branches()
        booked = self._booked_pages(first, last)
        results = {f"{result.date.isoformat()}/{result.branch}": result for result in self._days.in_period(first, last)}
        open_issues = self._open_issues()
        listed_days = []
        for key in sorted({*booked, *results, *open_issues}):
            day, _, number = key.partition("/")
            if not (first.isoformat() <= day <= last.isoformat()) or branch not in ("", number):
                continue
            listed_day = _merge_listed_day(key, results.get(key), booked.get(key, ()), open_issues.get(key))
            name = names.get(number) or listed_day.branch_name or number
            listed_days.append(replace(listed_day, branch_name=name))
        return listed_days

    @requires(Right.SEE)
    def find(self, day: date, branch: str) -> DayListed | None:
        """Return a day as `listed` has it, or None if it is not known. Queries no system."""
        return next(iter(self.listed(day, day, branch)), None)

    @requires(Right.SEE)
    def branches(self) -> dict[str, str]:
        """Return the branches with their last known names: those of the till, then closed ones with checked days."""
        till_branches = self.till_branches()
        closed = {
            branch: check for branch, check in self._days.newest_of_branches().items() if branch not in till_branches
        }
        return till_branches | {branch: report_from_json(check.result).branch_name for branch, check in closed.items()}

    @requires(Right.SEE)
    def till_branches(self) -> dict[str, str]:
        """Return the branches that the till has now with their names, as last known."""
        return self._lists.captions(TILL.system, "branches")

    def _booked_pages(self, first: date, last: date) -> dict[str, list[Link]]:
        """Return the pages of each day of a period, by the key of the day."""
        end = (last + timedelta(days=1)).isoformat() if last < date.max else ""
        links = self._links.page(self.flow, Kind.DAY_PAGE, first.isoformat(), MAX_PAGES, end)
        return group_by_key((_day_key(link), link) for link in links)

    def _open_issues(self) -> dict[str, Issue]:
        """Return the open issue of each day by its key. One that parks the day goes before a difference."""
        causes = {group.cause for group in self._issues.causes(self.flow)}
        open_issues = self._issues.of_causes(self.flow, causes, IssueState.OPEN)
        return {
            open_issue.key: open_issue
            for open_issue in sorted(open_issues, key=lambda open_issue: open_issue.cause != DIFFERS)
        }

    # ---- checks

    @requires(Right.COMPARE)
    def check(self, day: date, branch: str) -> DayReport:
        """Compare a day in both systems now, store the result and return it.

        Raises IntegrationError if a system is unreachable. The last check then stays.
        """
        (report,) = self._compare_and_store(lambda: [f"{day.isoformat()}/{branch}"])
        return report

    @requires(Right.COMPARE)
    def check_span(
        self, first: date, last: date, branch: str = "", on_progress: DayCallback = lambda _: None
    ) -> list[DayReport]:
        """Compare every day of a period now, for one branch or all.

        `on_progress` is called with the first day of each batch.
        """
        reports = []
        for start in range(0, (last - first).days + 1, AT_ONCE):
            begin = first + timedelta(days=start)
            on_progress(begin)
            end = min(last, begin + timedelta(days=AT_ONCE - 1))
            reports += self._compare_and_store(partial(self._keys, begin, end, branch))
        return reports

    @requires(Right.COMPARE)
    def gift_cards(self) -> list[tuple[GiftCardBalance, str]]:
        """Return the open balance of the till's gift cards per turnover group, with its account in the books.

        The account is empty if none is configured. Raises RejectedError if the till cannot tell.
        """
        books = self._logic().books
        source = self._deps.connectors[self._deps.logics.current_logic(self.flow).flow.source]
        accounts = source.choices("turnover_accounts")
        balances = source.gift_cards() if isinstance(source, GiftCardIssuer) else []
        return [
            (
                balance,
                row_value(books.accounts, balance.group)
                or books.account_of_till_number(accounts.get(balance.group, "")),
            )
            for balance in balances
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
        self._compare_and_store(lambda: self._keys(first, last, ""), self._compare_in_background)
        following = last + timedelta(days=1)
        return following.isoformat() if following <= today else ""

    def check_written(self, _run: Run, position: str) -> str:
        """Check some booked days that are not known to be equal and return the next position, empty at the end.

        An empty position begins. The engine calls this after each commit of the flow.
        """
        links = self._links.page(self.flow, Kind.DAY_PAGE, position, LINKS_PER_PAGE)
        if not links:
            return ""
        days = [date.fromisoformat(link.key[:10]) for link in links]
        unequal = {day.key for day in self.listed(min(days), max(days)) if not day.is_known_equal}
        day_keys = dict.fromkeys(_day_key(link) for link in links)
        chosen = [key for key in day_keys if key in unequal][:AT_ONCE]
        if not chosen:
            return links[-1].key
        self._compare_and_store(lambda: chosen, self._compare_in_background)
        return max(link.key for link in links if _day_key(link) == chosen[-1])

    def _compare_in_background(self, keys: Sequence[str]) -> list[DayReport]:
        try:
            return self._compare_days(keys)
        except IntegrationError as error:
            if error.code in TEMPORARY_CAUSES:
                raise
            return [self._unknown_report(key, error.code, error.facts) for key in keys]

    def _compare_and_store(
        self, keys: Callable[[], list[str]], check: Callable[[Sequence[str]], list[DayReport]] | None = None
    ) -> list[DayReport]:
        """Compare days now, store the results and return them."""

        def check_days(so_far: SoFar) -> list[DayReport]:
            reports = (check or self._compare_days)(keys())
            self._keep(reports, so_far)
            return reports

        return self._erased.retry_if_erased(check_days)

    def _keys(self, first: date, last: date, branch: str) -> list[str]:
        """Return the days of a period for one branch or all, including days that the till no longer lists."""
        numbers = [branch] if branch else list(self.till_branches())
        days = [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
        till_keys = [f"{day}/{number}" for day in days for number in numbers]
        known_keys = [key for key in (*self._booked_pages(first, last), *self._open_issues()) if key[:10] in set(days)]
        return list(dict.fromkeys([*till_keys, *(key for key in known_keys if branch in ("", key.partition("/")[2]))]))

    def _compare_days(self, keys: Sequence[str]) -> list[DayReport]:
        logic = self._deps.logics.current_logic(self.flow)
        source, target = (self._deps.connectors[system] for system in (logic.flow.source, logic.flow.target))
        source_records = self._deps.corrected(self.flow, source.fetch(Kind.DAY, keys))
        records = {record.key: record for record in source_records}
        days = sorted(key[:10] for key in keys)
        booked = self._booked_pages(date.fromisoformat(days[0]), date.fromisoformat(days[-1])) if days else {}
        staged = self._stage_days(logic, [records[key] for key in keys if key in records and key not in booked])
        booked |= self._find_unlinked(
            target, [staged_day.record for staged_day in staged.values() if staged_day.record is not None]
        )
        pages = [link for key in keys for link in booked.get(key, ())]
        current_pages, sees = self._current_pages(target, pages)
        entries = self._entries(target, self._logic().around(_dates(pages))) if pages else []
        reports = []
        for key in keys:
            if key not in records:
                reports.append(self._unknown_report(key, "day_not_told", {"key": key, "system": logic.flow.source}))
            elif key in booked:
                reports.append(self._report_booked(records[key], booked[key], current_pages, entries, sees=sees))
            else:
                reports.append(self._report_unbooked(records[key], staged[key]))
        return reports

    def _find_unlinked(self, target: Connector, records: Sequence[Record]) -> dict[str, list[Link]]:
        """Return the pages that the books have under the references of days without links, by day."""
        current_pages = lookup_records(target, records, self._deps.links.references(self.flow)) if records else {}
        references = {
            record.key: current_pages[record.key].reference for record in records if record.key in current_pages
        }
        return {
            record.key: [Link(Kind.DAY_PAGE, record.key, references[record.key], record)]
            for record in records
            if record.key in references
        }

    def _stage_days(self, logic: FlowLogic, records: Sequence[Record]) -> dict[str, StagedRecord]:
        return (
            {staged.key: staged for staged in stage_records(logic, logic.flow.counted_stage, records)}
            if records
            else {}
        )

    def _report_unbooked(self, record: Record, staged: StagedRecord) -> DayReport:
        report = self._empty_report(record, DayState.CLOSED)
        if staged.issue is not None:
            return replace(report, state=DayState.PARKED, cause=staged.issue.cause, facts=staged.issue.facts)
        if staged.skip is not None:
            state = STATE_OF_SKIP.get(staged.skip.reason, DayState.LEFT_OUT)
            return replace(report, state=state, cause=staged.skip.reason, facts=staged.skip.facts)
        day, page = self._logic().page(record)
        return replace(report, expected=page.lines, counts=day.counts, notes=page_notes(page), turnover=page.turnover)

    def _report_booked(
        self,
        record: Record,
        booked: Sequence[Link],
        current_pages: Mapping[str, CurrentRecord],
        entries: Sequence[LedgerEntry] | None,
        *,
        sees: bool,
    ) -> DayReport:
        pages = tuple(_page_shown(link, current_pages.get(link.key)) for link in booked)
        try:
            if isinstance(record, Unreadable):
                issue = unreadable_record_issue(record, self._deps.logics.current_logic(self.flow).flow.source)
                return replace(
                    self._empty_report(record, DayState.UNKNOWN), pages=pages, cause=issue.cause, facts=issue.facts
                )
            day, page = self._logic().page(record, booked)
        except DayRefusedError as refused:
            facts = {"key": record.key, "document": _title(record), **refused.facts}
            return replace(self._empty_report(record, DayState.PARKED), pages=pages, cause=refused.cause, facts=facts)
        if not sees:
            facts = {"system": self._deps.logics.current_logic(self.flow).flow.target, "kind": str(Kind.DAY_PAGE)}
            return replace(self._unknown_report(record.key, "look_unproven", facts), pages=pages)
        own = [
            OwnPage(link.agreed, link.reference, _record(current_pages.get(link.key))) for link in booked if link.agreed
        ]
        near, numbers = self._logic().around(_dates(booked)), {own_page.number for own_page in own}
        rows = None if entries is None else [entry for entry in entries if entry.date in near or entry.page in numbers]
        elsewhere = self._pages_of_others(rows)
        logic = self._logic()
        check = check_day(
            page.lines, documents_of(day), own, rows, logic.books, elsewhere=elsewhere, belongs=logic.belongs
        )
        return report_of(
            day, check, self._clock(), pages=pages, expected=page.lines, notes=page_notes(page), turnover=page.turnover
        )

    def _logic(self) -> DayLogic:
        return cast("DayLogic", self._deps.logics.current_logic(self.flow))

    def _current_pages(self, target: Connector, pages: Sequence[Link]) -> tuple[dict[str, CurrentRecord], bool]:
        """Return the booked pages, and whether a page that the books do not return is proven missing."""
        agreed = [link.agreed for link in pages if link.agreed]
        current_pages = lookup_records(target, agreed, self._deps.links.references(self.flow)) if agreed else {}
        return current_pages, len(current_pages) == len(agreed) or bool(current_pages) or target.shows(Kind.DAY_PAGE)

    def _entries(self, target: Connector, days: set[date]) -> list[LedgerEntry] | None:
        """Return the ledger entries of some days, or None if these books cannot return them."""
        try:
            records = target.fetch(Kind.ENTRY, sorted(day.isoformat() for day in days))
        except RejectedError:
            return None
        return (
            None
            if any(isinstance(record, Unreadable) for record in records)
            else [entry_of_row(record) for record in records]
        )

    def _pages_of_others(self, entries: Sequence[LedgerEntry] | None) -> frozenset[str]:
        """Return the pages that belong to others: other flows, other consoles, and the daybooks of the bank."""
        pages = {entry.page for entry in entries or ()}
        if not pages:
            return frozenset()
        flows = (*self._other_page_flows, (self.flow, Kind.DAY_PAGE))
        ours = (self._links.by_reference(flow, kind, pages) for flow, kind in flows)
        target = self._deps.connectors[self._deps.logics.current_logic(self.flow).flow.target]
        banks = daybooks_of_the_bank(target.choices("daybook_types"))
        others = {entry.page for entry in entries or () if self._logic().is_of_another_console(entry.reference)}
        return frozenset(
            {*(page for page_set in ours for page in page_set), *_pages_in_daybooks(pages, banks), *others}
        )

    # ---- storage

    def _keep(self, reports: Sequence[DayReport], so_far: SoFar) -> None:
        """Store reports, open an exception for each new difference, and close those of days that are equal again."""
        self._days.keep(
            [
                DayCheckResult(report.date, report.branch, report.state, report.checked_at, report_to_json(report))
                for report in reports
            ],
            so_far,
        )
        target = self._deps.logics.current_logic(self.flow).flow.target
        keys = [report.key for report in reports if report.state in COMPARED_STATES]
        occurrences = [
            IssueOccurrence(_issue(report, target), str(Kind.DAY_PAGE), _name(report))
            for report in reports
            if report.state is DayState.DIFFERENT
        ]
        self._issues.store_check_result(self.flow, keys, [DIFFERS], occurrences, so_far)

    def _empty_report(self, record: Record, state: DayState) -> DayReport:
        day, _, branch = record.key.partition("/")
        name = till_text(record.values, "branch_name") or self.branches().get(branch, branch)
        return DayReport(date.fromisoformat(day), branch, name, state, self._clock())

    def _unknown_report(self, key: str, cause: str, facts: Mapping[str, str]) -> DayReport:
        return replace(self._empty_report(Record(Kind.DAY, key, {}), DayState.UNKNOWN), cause=cause, facts=dict(facts))


def _merge_listed_day(
    key: str, result: DayCheckResult | None, pages: Sequence[Link], open_issue: Issue | None
) -> DayListed:
    day, _, branch = key.partition("/")
    numbers = tuple(link.reference for link in pages)
    listed_day = DayListed(
        date.fromisoformat(day), branch, "", DayState.BOOKED if pages else DayState.CLOSED, pages=numbers
    )
    if result is not None:
        report = report_from_json(result.result)
        listed_day = replace(
            listed_day, branch_name=report.branch_name, state=report.state, cause=report.cause, facts=report.facts,
            difference=report.difference if report.rows else None, checked_at=result.checked_at, report=report,
        )  # fmt: skip
        if pages and not report.pages and report.state in BEFORE_BOOKING:  # booked since
            listed_day = replace(listed_day, state=DayState.BOOKED, cause="", facts=None)
    if _is_parked(open_issue) and (result is None or listed_day.state in BEFORE_BOOKING):
        listed_day = replace(listed_day, state=DayState.PARKED, cause=open_issue.cause, facts=open_issue.facts)
    else:
        listed_day = replace(listed_day, state=_without_exception(listed_day.state, is_booked=bool(pages)))
    if listed_day.report is None:
        return listed_day
    facts = listed_day.facts or {}
    report = replace(listed_day.report, state=listed_day.state, cause=listed_day.cause, facts=facts)
    return replace(listed_day, report=report)


def _is_parked(open_issue: Issue | None) -> TypeGuard[Issue]:
    """Return True if the issue says that the day cannot be booked, and not that it differs."""
    return open_issue is not None and open_issue.cause != DIFFERS


def _without_exception(state: DayState, *, is_booked: bool) -> DayState:
    """Return the state of a day without an open exception. A check that finds a reason to park opens no exception."""
    if state is not DayState.PARKED:
        return state
    return DayState.UNKNOWN if is_booked else DayState.CLOSED


def _day_key(link: Link) -> str:
    """Return the date and branch of a page, which is the key of its day."""
    return "/".join(link.key.split("/")[:2])


def _page_shown(link: Link, current: CurrentRecord | None) -> PageShown:
    agreed = link.agreed
    if agreed is None:
        return PageShown(link.reference, "", is_there=current is not None)
    gross = agreed.values.get("gross") is True
    return PageShown(
        link.reference, till_text(agreed.values, "reference"), page_lines(agreed), current is not None, gross
    )


def _record(current: CurrentRecord | None) -> Record | None:
    return current.record if current else None


def _dates(pages: Iterable[Link]) -> Iterator[date]:
    """Yield the days of pages, and the dates on which the pages are booked."""
    for link in pages:
        yield date.fromisoformat(link.key[:10])
        on = link.agreed.values.get("date") if link.agreed else None
        if isinstance(on, date):
            yield on


def _pages_in_daybooks(pages: set[str], daybooks: set[str]) -> Iterator[str]:
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
        "mark": " ".join(f"{finding.code} {' '.join(finding.facts.values())}" for finding in report.findings)[:500],
    }
    return Issue(DIFFERS, report.key, facts=facts)
