"""Clearing accounts of the books: balances, takings under way, fees and late payouts. Writes to no system."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol, cast

from integration.connectors.protocol import Connector
from integration.core.authorization import requires
from integration.core.days.clearing import ClearingAccount, ClearingRules, Payout, Taking, clearing_account
from integration.core.days.entries import LedgerEntry, entry_of_row
from integration.core.days.period import Period, date_range
from integration.core.days.report import DayState
from integration.core.days.till import total
from integration.core.errors import RejectedError
from integration.core.issues import Issue, IssueOccurrence
from integration.core.people import Right
from integration.core.records import Kind, Unreadable
from integration.core.totals.sold import NOTHING
from integration.flows.settings import BOOKS
from integration.services.daybooks.days import DayListed, Days
from integration.services.mappings.mappings import Logics
from integration.store.issues import Issues
from integration.store.links import Links

AT_ONCE = 31  # days per query of the ledger
LATE = "payout_late"
UNBOOKED = frozenset({DayState.WAITING, DayState.CLOSED, DayState.PARKED})

DayCallback = Callable[[date], None]


class ClearingSettings(Protocol):
    """Settings of the flow of closed days that name its clearing accounts."""

    on: bool
    payout_accounts: tuple[str, ...]
    balance_accounts: tuple[str, ...]
    clearing_from: date | None
    payout_window_days: int
    payout_late_days: int
    largest_fee_percent: int


@dataclass(frozen=True, slots=True)
class ClearingReport:
    """Clearing accounts in a period up to `until`, in the order of the settings.

    The accounts begin on `since`: earlier days of the period are in no sum, because no balance of them is known.
    `unreadable` is the number of ledger rows that could not be read and are in no sum. `unbooked` are the days
    without a page, oldest first: their takings are in no sum.
    """

    period: Period
    until: date
    read_at: datetime
    accounts: tuple[ClearingAccount, ...]
    since: date
    unreadable: int = 0
    unbooked: tuple[DayListed, ...] = ()
    branch_names: Mapping[str, str] = field(default_factory=dict)

    def branch_name(self, branch: str) -> str:
        """Return the name of a branch, or its number without one."""
        return self.branch_names.get(branch) or branch

    def late(self) -> list[tuple[ClearingAccount, Taking]]:
        """Return the takings whose payout is late at the end of the report."""
        return [(account, taking) for account in self.accounts for taking in account.late(self.until)]


class ClearingAccounts:
    """Reads clearing accounts from the ledger of the books, and opens an exception per late payout. Thread-safe."""

    def __init__(
        self,
        days: Days,
        issues: Issues,
        links: Links,
        logics: Logics,
        connectors: Mapping[str, Connector],
        clock: Callable[[], datetime],
        others: Sequence[str] = (),
    ) -> None:
        """Store the dependencies. `others` are flows that write documents one by one."""
        self._days = days
        self._issues = issues
        self._links = links
        self._logics = logics
        self._connectors = connectors
        self._clock = clock
        self._posting_flows = others
        self._answers: dict[tuple[str, int], ClearingReport] = {}
        self._lock = threading.Lock()

    @requires(Right.SEE)
    def report(self, period: Period) -> ClearingReport | None:
        """Return the last answer of the books about a period, or None if they were not asked. Queries no system."""
        with self._lock:
            return self._answers.get((period.name, id(self._connectors[BOOKS.system])))

    @requires(Right.COMPARE)
    def read(self, period: Period, on_progress: DayCallback = lambda _: None) -> ClearingReport:
        """Read the clearing accounts from the first day in the settings to the end of a period, and cache the answer.

        `on_progress` gets the first day of each query. Raises RejectedError if the settings name no first day or no
        account, and IntegrationError if the books are unreachable or cannot report their ledger.
        """
        settings = self._settings()
        if settings.clearing_from is None or not (settings.payout_accounts or settings.balance_accounts):
            raise RejectedError("clearing_not_set", system=BOOKS.system)
        since, until = settings.clearing_from, min(period.last, self._days.today())
        entries, unreadable = self._entries(since, until, on_progress)
        rules = ClearingRules(
            settings.payout_window_days, Decimal(settings.largest_fee_percent), settings.payout_late_days
        )
        ours = self._takings_of(entries)
        accounts = [
            _account(account, entries, ours, (since, max(since, period.first)), chosen)
            for chosen, codes in ((rules, settings.payout_accounts), (None, settings.balance_accounts))
            for account in codes
        ]
        days = self._days.listed(since, until)
        report = ClearingReport(
            period, until, self._clock(), tuple(accounts), since, unreadable,
            tuple(day for day in days if day.state in UNBOOKED and not day.pages),
            {day.branch: day.branch_name for day in days},
        )  # fmt: skip
        with self._lock:
            self._answers[period.name, id(self._connectors[BOOKS.system])] = report
        return report

    @requires(Right.COMPARE)
    def check(self) -> ClearingReport:
        """Read the clearing accounts up to today, open an exception per late payout, and close those that came.

        Raises the errors of `read`.
        """
        today = self._days.today()
        report = self.read(date_range(today, today))
        late = {_key(account, taking): _issue(account, taking, today) for account, taking in report.late()}
        known_keys = [
            open_issue.issue.key
            for group in self._issues.causes(self._days.flow)
            if group.cause == LATE
            for open_issue in self._issues.list(self._days.flow, LATE, group.field, limit=group.count)
        ]
        occurrences = [IssueOccurrence(issue, str(Kind.DAY_PAGE), issue.facts["key"]) for issue in late.values()]
        self._issues.store_check_result(self._days.flow, [*known_keys, *late], [LATE], occurrences)
        return report

    def page(self, _: str) -> str:
        """Check late payouts once a night, if the flow is on and the accounts are set. Returns an empty position."""
        settings = self._settings()
        if settings.on and settings.clearing_from and settings.payout_accounts:
            self.check()
        return ""

    def _settings(self) -> ClearingSettings:
        return cast("ClearingSettings", self._logics.settings(self._days.flow))

    def _entries(self, first: date, last: date, on_progress: DayCallback) -> tuple[list[LedgerEntry], int]:
        """Return the entries of a range of days, and the number of unreadable ones."""
        entries, unreadable = [], 0
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        for start in range(0, len(days), AT_ONCE):
            batch = days[start : start + AT_ONCE]
            on_progress(batch[0])
            records = self._connectors[BOOKS.system].fetch(Kind.ENTRY, [day.isoformat() for day in batch])
            unreadable += sum(isinstance(record, Unreadable) for record in records)
            entries += [entry_of_row(record) for record in records if not isinstance(record, Unreadable)]
        return entries, unreadable

    def _takings_of(self, entries: Sequence[LedgerEntry]) -> dict[str, tuple[str, str]]:
        """Return day and branch of each page that this console wrote; both are empty for a single document."""
        pages = {entry.page for entry in entries}
        ours = {
            page: ("", "")
            for flow in self._posting_flows
            for page in self._links.by_reference(flow, Kind.POSTING, pages)
        }
        for page, link in self._links.by_reference(self._days.flow, Kind.DAY_PAGE, pages).items():
            day, branch = link.key.split("/")[:2]
            ours[page] = (day, branch)
        return ours


def _account(
    account: str,
    entries: Sequence[LedgerEntry],
    ours: Mapping[str, tuple[str, str]],
    begin: tuple[date, date],
    rules: ClearingRules | None,
) -> ClearingAccount:
    """Return one account. `begin` are the first day of reading and of the period.

    Pages of others with a debit on the first day of reading are the opening balance.
    """
    since, first = begin
    takings: dict[tuple[date, str], list[LedgerEntry]] = {}
    others: dict[tuple[date, str], list[LedgerEntry]] = {}
    for entry in entries:
        if entry.account != account or entry.date is None:
            continue
        if entry.page in ours:
            day, branch = ours[entry.page]
            takings.setdefault((date.fromisoformat(day) if day else entry.date, branch), []).append(entry)
        else:
            others.setdefault((entry.date, entry.page), []).append(entry)
    opening, paid = NOTHING, []
    for (day_paid, page), rows in others.items():
        amount = -total(entry.amount for entry in rows)
        if day_paid == since and amount < NOTHING:
            opening -= amount
        else:
            paid += [Payout(day_paid, -row.amount, page, row.text) for row in rows]  # a statement has many payouts
    took = [
        Taking(day_sold, branch, total(entry.amount for entry in rows), rows[0].page)
        for (day_sold, branch), rows in takings.items()
    ]
    return clearing_account(account, opening, took, paid, first, rules, since)


def _key(account: ClearingAccount, taking: Taking) -> str:
    return f"payout/{account.account}/{taking.date.isoformat()}/{taking.branch}"


def _issue(account: ClearingAccount, taking: Taking, today: date) -> Issue:
    facts = {
        "key": f"{account.account} {taking.date.isoformat()} {taking.branch}".strip(),
        "account": account.account,
        "date": taking.date.isoformat(),
        "days": str((today - taking.date).days),
        "amount": str(taking.amount),
        "sold": str(taking.amount),
        "system": BOOKS.system,
    }
    return Issue(LATE, _key(account, taking), facts=facts)
