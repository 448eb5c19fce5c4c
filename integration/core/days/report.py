"""Report of a day on both sides, and its JSON form in the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from integration.core.days.books import DayLine, DayPage
from integration.core.days.check import (
    DayCheck,
    DayComparison,
    DayFinding,
    DayVerdict,
    largest_difference,
    most_different,
)
from integration.core.days.till import DrawerCount, TillDay
from integration.core.days.turnover import AccountTurnover
from integration.core.totals.sold import NOTHING

GROUPS_WITHOUT_COST = (
    "groups_without_cost"  # name in stored pages and code of the note: groups without a known cost price
)


class DayState(StrEnum):
    """State of a day. Unknown is a state of its own."""

    OPEN = "open"  # the shop is still selling
    WAITING = "waiting"  # over, but not closed or counted yet
    CLOSED = "closed"  # closed at the till, and not booked
    PARKED = "parked"  # cannot be booked
    EMPTY = "empty"  # nothing to book
    LEFT_OUT = "left_out"  # excluded by a filter or a person
    BOOKED = "booked"  # not checked since the booking
    NOT_POSTED = "not_posted"  # equal, but not processed to the ledger yet
    EQUAL = "equal"
    DIFFERENT = "different"
    UNKNOWN = "unknown"  # a system did not report it


STATE_OF = {
    DayVerdict.EQUAL: DayState.EQUAL,
    DayVerdict.NOT_POSTED: DayState.NOT_POSTED,
    DayVerdict.DIFFERENT: DayState.DIFFERENT,
    DayVerdict.UNKNOWN: DayState.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class PageShown:
    """A page of a day: its number and reference in the books, and its lines as written."""

    number: str
    reference: str
    lines: tuple[DayLine, ...] = ()
    is_there: bool = True
    gross: bool = False


@dataclass(frozen=True, slots=True)
class DayReport:
    """Report of one day of a branch from the last check.

    `cause` and `facts` say why the day is parked, waits or is unknown. `expected` are the page lines from the till's
    answers. `rows`, `findings`, `pages` and `counts` are those of the check. `notes` are remarks for a bookkeeper
    that are not differences. `turnover` is that of the sales on the day page, by the till's current answers.
    """

    date: date
    branch: str
    branch_name: str
    state: DayState
    checked_at: datetime
    cause: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[DayComparison, ...] = ()
    findings: tuple[DayFinding, ...] = ()
    pages: tuple[PageShown, ...] = ()
    expected: tuple[DayLine, ...] = ()
    counts: tuple[DrawerCount, ...] = ()
    notes: tuple[DayFinding, ...] = ()
    turnover: tuple[AccountTurnover, ...] = ()

    @property
    def key(self) -> str:
        """Date and branch."""
        return f"{self.date.isoformat()}/{self.branch}"

    @property
    def difference(self) -> Decimal:
        """The largest absolute difference of an account, in euros."""
        return largest_difference(self.rows)

    @property
    def larger_side(self) -> str:
        """The side with the larger amount on the account that differs most: till or books; empty if neither."""
        comparison = most_different(self.rows)
        return comparison.larger_side if comparison else ""

    def comparisons(self, *names: str) -> list[DayComparison]:
        """Return the figures of these types: base, vat, account, method."""
        return [comparison for comparison in self.rows if comparison.about in names]


def report_of(day: TillDay, check: DayCheck, at: datetime, **more: Any) -> DayReport:
    return DayReport(
        day.date, day.branch, day.branch_name, STATE_OF[check.verdict], at, rows=check.rows, findings=check.findings,
        counts=day.counts, **more,
    )  # fmt: skip


def page_notes(page: DayPage) -> tuple[DayFinding, ...]:
    """Return notes on own use, on VAT differences, and on groups without a known cost price."""
    off = (
        DayFinding("vat_off", {"code": code, "difference": str(difference)})
        for code, difference in page.vat_off.items()
    )
    own_use = [DayFinding("own_use", {"amount": str(page.own_use)})] if page.own_use else []
    return (*own_use, *off, *notes_of_groups_without_cost(page.groups_without_cost))


def notes_of_groups_without_cost(groups: Sequence[str]) -> tuple[DayFinding, ...]:
    """Return the note that the page lacks the cost of these turnover groups; empty without groups."""
    return (DayFinding(GROUPS_WITHOUT_COST, {"groups": ", ".join(groups)}),) if groups else ()


# ---- as JSON


def report_to_json(report: DayReport) -> dict[str, object]:
    """Return a report as JSON data."""
    return {
        "date": report.date.isoformat(),
        "branch": report.branch,
        "branch_name": report.branch_name,
        "state": report.state,
        "checked_at": report.checked_at.isoformat(),
        "cause": report.cause,
        "facts": dict(report.facts),
        "rows": [
            [comparison.about, comparison.key, _text(comparison.till), _text(comparison.books)]
            for comparison in report.rows
        ],
        "findings": [[finding.code, dict(finding.facts)] for finding in report.findings],
        "pages": [
            [page.number, page.reference, [_line(line) for line in page.lines], page.is_there, page.gross]
            for page in report.pages
        ],
        "expected": [_line(line) for line in report.expected],
        "counts": [_count(count) for count in report.counts],
        "notes": [[note.code, dict(note.facts)] for note in report.notes],
        "turnover": [
            [turnover.group, turnover.name, turnover.account, str(turnover.amount)] for turnover in report.turnover
        ],
    }


def report_from_json(shape: Mapping[str, Any]) -> DayReport:
    """Return the report from the data of `report_to_json`."""
    return DayReport(
        date.fromisoformat(shape["date"]),
        shape["branch"],
        shape["branch_name"],
        DayState(shape["state"]),
        datetime.fromisoformat(shape["checked_at"]),
        shape["cause"],
        shape["facts"],
        tuple(DayComparison(about, key, _amount(till), _amount(books)) for about, key, till, books in shape["rows"]),
        tuple(DayFinding(code, facts) for code, facts in shape["findings"]),
        tuple(
            PageShown(number, reference, tuple(_line_from(line) for line in lines), is_there, gross)
            for number, reference, lines, is_there, gross in shape["pages"]
        ),
        tuple(_line_from(line) for line in shape["expected"]),
        tuple(_count_from(count) for count in shape["counts"]),
        tuple(DayFinding(code, facts) for code, facts in shape["notes"]),
        tuple(
            AccountTurnover(group, name, account, Decimal(amount)) for group, name, account, amount in shape["turnover"]
        ),
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


_AMOUNTS = frozenset({"amount", "vat", "vat_base"})
_SUMS = frozenset({"start", "added", "counted_amount", "deposited", "difference", "end", "before"})


def _line(line: DayLine) -> dict[str, object]:
    values = {name: getattr(line, name) for name in DayLine.__slots__}
    shape: dict[str, object] = {name: _text(values[name]) if name in _AMOUNTS else values[name] for name in values}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in shape.items() if value}


def _line_from(shape: Mapping[str, Any]) -> DayLine:
    values: dict[str, Any] = {"account": "", "text": "", "amount": NOTHING}
    values |= {name: Decimal(value) if name in _AMOUNTS else value for name, value in shape.items()}
    return DayLine(**{**values, "documents": tuple(shape.get("documents", ()))})


def _count(count: DrawerCount) -> dict[str, object]:
    return {
        name: _text(value) if name in _SUMS else value
        for name in DrawerCount.__slots__
        if (value := getattr(count, name)) is not None
    }


def _count_from(shape: Mapping[str, Any]) -> DrawerCount:
    values: dict[str, Any] = {"finalized": None}
    values |= {name: Decimal(value) if name in _SUMS else value for name, value in shape.items()}
    return DrawerCount(**values)
