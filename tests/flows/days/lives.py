"""One generated day in one variant of booking, from first read to last check, compared with the oracle."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from integration.core.days.check import DayVerdict
from integration.core.records import Record
from integration.flows.days.logic import DaysLogic
from tests.flows.days.bookkeeping import Books, Variant, look, with_decision
from tests.flows.days.history import ZONE
from tests.flows.days.oracle import (
    DIFFERENCES,
    PURCHASE_CODES,
    REVENUE_ACCOUNTS,
    VAT_ACCOUNTS,
    VAT_CODES,
    Row,
    Where,
    drawer_moved,
    ledger,
    page_rows,
    revenue_lines,
    till_vat,
)
from tests.flows.days.plain import Day, sum_by_key
from tests.flows.days.spoken import record_of

DECISIONS = ("difference", "again", "keep")
PERIODS = ("open", "first_open", "park")  # whether the day's period is closed when it changes, and what is done then
CAUSES = {"practised": "day_gap", "shifted": "day_reverse_charge", "stranger": "day_debtor_missing"}
TILL_CODES = {theirs: code for table in (VAT_CODES, PURCHASE_CODES) for code, theirs in table.items()}


@dataclass(frozen=True)
class Life:
    """One day in books of one variant; `turn` chooses the decision of a person and whether the period is closed."""

    day: Day
    books: Books
    turn: int

    def expect(self, promise: str, actual: object, expected: object) -> None:
        """Raise AssertionError, naming the promise that is broken."""
        if actual != expected:
            difference = (
                _differences(actual, expected)
                if isinstance(actual, dict) and isinstance(expected, dict)
                else (actual, expected)
            )
            raise AssertionError(
                f"[{promise}] {self.day.key} {self.books.variant} {self.day.conventions}: {difference}"
            )

    def live(self) -> Iterator[str]:
        """Book every day with its later changes, and yield the events by type."""
        yield from self._check_too_early()
        yield from self._check_refusals()
        first = self.day.honest().first()
        yield from self._book_day(first)
        self._check_ledger(first, first.date, ())
        yield from self._check_change(first)

    # ---- before it is booked

    def _check_too_early(self) -> Iterator[str]:
        record = record_of(self.day.honest().first(), closed=False)
        evening = datetime.combine(self.day.date, time(18), UTC)
        for now, reason in ((evening, "day_open"), (evening + timedelta(days=2), "day_waits")):
            skip = look(self.books.logic(now), record).skip
            self.expect("closed", skip and skip.reason, reason)
        if self.day.conventions.closing == "not told":
            midnight = datetime.combine(self.day.date + timedelta(days=1), time(), ZONE).astimezone(UTC)
            before = self.books.logic(midnight + timedelta(hours=23, minutes=59))
            skip = look(before, record_of(self.day.honest().first())).skip
            self.expect("closed", skip and skip.reason, "day_waits")
            after = self.books.logic(midnight + timedelta(hours=24))
            skip = look(after, record_of(self.day.honest().first())).skip
            self.expect("closed", skip.reason if skip else "day_empty", "day_empty")
            yield "closed by the hour"

    def _check_refusals(self) -> Iterator[str]:
        for document in [candidate for candidate in self.day.documents if candidate.kind == "refused"]:
            why = "practised" if document.rehearsed else "shifted" if document.method == "shifted" else "stranger"
            if why == "stranger" and self.books.variant.contents == "counts":
                continue
            alone = replace(self.day.honest().first(), documents=(*self.day.honest().first().documents, document))
            issue = look(self.books.logic(), record_of(alone)).issue
            self.expect("refused", issue and issue.cause, CAUSES[why])
            assert issue is not None
            number = issue.facts.get("behind", issue.facts["document"])
            self.expect("refused by name", number, document.number)
            yield f"refused: {why}"

    def _book_day(self, first: Day) -> Iterator[str]:
        result = look(self.books.logic(), record_of(first))
        if not ledger(page_rows(first, self.books.variant.contents)):
            yield (
                "no page"
                if self._is_without_page(first, result.skip.reason if result.skip else None)
                else "page of zeros"
            )
            if result.record is None:
                return
        self.expect("booked", result.issue or result.skip, None)
        assert result.record is not None
        closed = look(self.books.logic(**self._closing_settings("park")), record_of(first)).issue
        self.expect("period is closed", closed and closed.cause, "day_period_closed")
        self._book_page(first, result.record, 0, first.date)
        yield "booked"

    def _is_without_page(self, first: Day, reason: str | None) -> bool:
        """Return True if a day without movements has no page; rows that add up to zero may still make a page."""
        rows = [row for row in page_rows(first, self.books.variant.contents) if row.cents]
        if not rows:
            self.expect("no page", reason, "day_empty")
        return reason == "day_empty"

    # ---- a page

    def _book_page(self, day: Day, page: Record, serial: int, on: date) -> None:
        """Require that a page has the right reference, date and rows, and book it."""
        ours = f"MZ{day.date.year - 2020}{day.date:%m%d}{int(day.branch):03}{serial:02}"
        self.expect("reference", page.values["reference"], ours)
        self.expect("date", page.values["date"], on)
        self.expect("no sale twice", page.key in self.books.links, False)
        entries = self.books.book(page)
        amounts = [entry.row.cents for entry in entries]
        self.expect("sum is zero", sum(amounts), 0)
        if self.books.variant.mode == "cash" and self.books.variant.contents != "counts" and not serial:
            moved = sum(entry.row.cents for entry in entries if entry.row.account == "1000")
            self.expect("sum is the drawer's change", moved, drawer_moved(day))
        if not serial:
            self._check_lines(day, [entry.row for entry in entries])

    def _check_lines(self, day: Day, rows: list[Row]) -> None:
        """Require the revenue by account or group, and a separate line for each drawer's cash difference."""
        by_group = self.books.variant.lines == "group"
        expected = revenue_lines(day, self.books.variant.contents, by_group=by_group)
        actual = sorted((row.account, row.cents) for row in rows if row.account in REVENUE_ACCOUNTS and row.cents)
        self.expect("lines of revenue", actual, expected)
        off = sorted(-count.difference for count in day.counts if count.difference)
        self.expect("differences by drawer", sorted(row.cents for row in rows if row.account == DIFFERENCES), off)

    def _check_ledger(
        self,
        day: Day,
        on: date,
        more: tuple[tuple[date, dict[Where, int]], ...],
        *,
        equal: bool = True,
        now: Day | None = None,
    ) -> None:
        """Compare the ledger with the oracle's by date, branch, account, VAT code and debtor; then check again."""
        expected: dict[tuple[date, Where], int] = {}
        first = ledger(page_rows(day, self.books.variant.contents))
        for when, sums in ((on, first), *more):
            for where, cents in self._separate_vat(sums).items():
                expected[when, where] = expected.get((when, where), 0) + cents
        actual: dict[tuple[date, Where], int] = {}
        for entry in self.books.ledger_rows(self.day.key):
            self.expect("branch", entry.branch, self.day.branch)
            where = entry.row.account, entry.row.code, entry.row.debtor, entry.row.item
            actual[entry.date, where] = actual.get((entry.date, where), 0) + entry.row.cents
        self.expect("ledger", _sorted_sums(actual), _sorted_sums(expected))
        if equal and self.books.pages(self.day.key):
            self._check_unchanged(now or (day if not more else self.day.honest().last()))

    def _separate_vat(self, sums: Mapping[Where, int]) -> dict[Where, int]:
        """The ledger with VAT in separate lines, in which taxed lines have no VAT code."""
        if self.books.variant.mode != "separate":
            return dict(sums)
        rows = [
            ((account, code if account == VAT_ACCOUNTS.get(code) else "", debtor, item), (cents,))
            for (account, code, debtor, item), cents in sums.items()
        ]
        return {where: cents for where, (cents,) in sum_by_key(rows).items()}

    def _check_unchanged(self, day: Day) -> None:
        """Require that a booked day has the till's VAT, passes the check, and needs no second plan."""
        rows = [
            (TILL_CODES[entry.row.code], (-entry.row.cents,))
            for entry in self.books.ledger_rows(self.day.key)
            if entry.row.code and entry.row.account == VAT_ACCOUNTS[entry.row.code]
        ]
        vat = {code: cents for code, (cents,) in sum_by_key(rows).items() if cents}
        self.expect("VAT is the till's", vat, till_vat(day, self.books.variant.contents))
        result = look(self.books.logic(), record_of(day))
        self.expect("a second look plans nothing", result.record and result.record.key in self.books.links, True)
        check = self.books.check(day)
        self.expect("check", (check.verdict, check.findings), (DayVerdict.EQUAL, ()))

    # ---- what changes later

    def _check_change(self, first: Day) -> Iterator[str]:
        last = self.day.honest().last()
        record, contents = record_of(last), self.books.variant.contents
        if record.values["digest"] == record_of(first).values["digest"]:
            return
        if not self.books.pages(self.day.key):
            yield from self._book_day(last)
            self._check_ledger(last, last.date, ())
            return
        logic = self.books.logic()
        stale = look(logic, replace(record, values={**record.values, "decision": "difference 0"}))
        is_new = stale.record is not None and stale.record.key not in self.books.links
        self.expect("a decision is about one change", is_new, False)
        was, now = (_nonzero_sums(ledger(page_rows(version, contents))) for version in (first, last))
        result = look(logic, record)
        if was == now and result.record is not None:
            self._check_ledger(first, first.date, ())
            yield "changed without a difference"
            return
        self.expect("a change is a question", result.issue and result.issue.cause, "day_changed_after_booking")
        decision, period = DECISIONS[self.turn % 3], PERIODS[self.turn // 3 % 3]
        yield f"changed: {decision}, {period}"
        difference = {where: now.get(where, 0) - was.get(where, 0) for where in {*was, *now}}
        if decision == "keep":
            self._keep_as_booked(logic, first, record)
            return
        closing = self._closing_settings(period)
        answer = look(self.books.logic(**closing), with_decision(record, decision))
        if period == "park":
            self.expect("period is closed", answer.issue and answer.issue.cause, "day_period_closed")
            self._check_ledger(first, first.date, (), equal=False)
            return
        on = closing["books_closed_through"] + timedelta(days=1) if closing else first.date
        self.expect("correction", answer.issue or answer.skip, None)
        assert answer.record is not None
        self._book_page(last, answer.record, 1, on)
        self._check_ledger(first, first.date, ((on, difference),))
        yield from self._take_change_back(first, closing, (on, difference))

    def _take_change_back(
        self, first: Day, closing: dict[str, Any], change: tuple[date, dict[Where, int]]
    ) -> Iterator[str]:
        """The till takes its change back: that is a second correction, and the day is as it was."""
        answer = look(self.books.logic(**closing), with_decision(record_of(first), "difference", 1))
        self.expect("second correction", answer.issue or answer.skip, None)
        assert answer.record is not None
        self._book_page(first, answer.record, 2, change[0])
        back = {where: -cents for where, cents in change[1].items()}
        self._check_ledger(first, first.date, (change, (change[0], back)), now=first)
        yield "changed twice"

    def _closing_settings(self, period: str) -> dict[str, Any]:
        if period == "open":
            return {}
        return {"books_closed_through": self.day.date + timedelta(days=20), "late": period}

    def _keep_as_booked(self, logic: DaysLogic, first: Day, record: Record) -> None:
        skip = look(logic, with_decision(record, "keep")).skip
        self.expect("kept", skip and skip.reason, "day_kept")
        self._check_ledger(first, first.date, (), equal=False)
        verdict = self.books.check(self.day.honest().last()).verdict
        self.expect("check of what was kept", verdict, DayVerdict.DIFFERENT)


def _sorted_sums(sums: Mapping[tuple[date, Where], int]) -> dict[str, int]:
    rows = {f"{when.isoformat()} {' '.join(filter(None, where))}": cents for (when, where), cents in sums.items()}
    return {where: cents for where, cents in sorted(rows.items()) if cents}


def _nonzero_sums(sums: Mapping[Where, int]) -> dict[Where, int]:
    return {where: cents for where, cents in sums.items() if cents}


def _differences(actual: Mapping[str, int], expected: Mapping[str, int]) -> str:
    keys = sorted({*actual, *expected}, key=str)
    off = [
        f"{key}: {actual.get(key, 0)} for {expected.get(key, 0)}"
        for key in keys
        if actual.get(key) != expected.get(key)
    ]
    return "; ".join(off)


def life(day: Day, variant: Variant, turn: int) -> list[str]:
    """Book a day with its later changes and return the events. Raises AssertionError if the oracle disagrees."""
    return list(Life(day, Books(variant), turn).live())
