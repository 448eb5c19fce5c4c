"""What is known of a day on both sides, and how it comes back from a database that keeps it as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from integration.core.days.books import DayLine, DayPage
from integration.core.days.check import DayCheck, DayComparison, DayFinding, DayVerdict, largest_difference
from integration.core.days.till import DrawerCount, TillDay
from integration.core.totals.sold import NOTHING

COSTLESS = "costless"  # what a page keeps of it, and what is said of it: groups of which nobody knows the cost


class DayState(StrEnum):
    """Where a day stands. What nobody can tell is a state of its own, and never nothing."""

    OPEN = "open"  # the shop still sells on it
    WAITING = "waiting"  # over, and not closed or counted yet
    CLOSED = "closed"  # at the till, and not booked
    PARKED = "parked"  # it cannot be booked as it is
    EMPTY = "empty"  # nothing to book
    LEFT_OUT = "left_out"  # by a filter or a person
    BOOKED = "booked"  # not checked since
    NOT_POSTED = "not_posted"  # equal, and not in the ledger of the books yet
    EQUAL = "equal"
    DIFFERENT = "different"
    UNKNOWN = "unknown"  # a system could not say


STATE_OF = {
    DayVerdict.EQUAL: DayState.EQUAL,
    DayVerdict.NOT_POSTED: DayState.NOT_POSTED,
    DayVerdict.DIFFERENT: DayState.DIFFERENT,
    DayVerdict.UNKNOWN: DayState.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class PageShown:
    """A page of a day: its number and reference in the books, and its lines as they were written."""

    number: str
    reference: str
    lines: tuple[DayLine, ...] = ()
    is_there: bool = True
    gross: bool = False


@dataclass(frozen=True, slots=True)
class DayReport:
    """One day of a branch as it was looked at last.

    `cause` says with its facts why it is parked, waits or is unknown. `expected` are the lines that its page has by
    the till's answers; `rows`, `findings`, `pages` and `counts` are what the check compared. `notes` are what a
    bookkeeper should know of the page, and no difference.
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

    @property
    def key(self) -> str:
        """The key of the day."""
        return f"{self.date.isoformat()}/{self.branch}"

    @property
    def difference(self) -> Decimal:
        """The largest difference of an account, in euros without sign."""
        return largest_difference(self.rows)

    def about(self, *names: str) -> list[DayComparison]:
        """Return the figures of some sorts: base, vat, account, method."""
        return [one for one in self.rows if one.about in names]


def report_of(day: TillDay, check: DayCheck, at: datetime, **more: Any) -> DayReport:
    """Return the report of a day that was compared."""
    return DayReport(
        day.date, day.branch, day.branch_name, STATE_OF[check.verdict], at, rows=check.rows, findings=check.findings,
        counts=day.counts, **more,
    )  # fmt: skip


def page_notes(page: DayPage) -> tuple[DayFinding, ...]:
    """Return what a page leaves out, because nobody paid it or knows its cost, and by how much its VAT is off."""
    off = (DayFinding("vat_off", {"code": code, "difference": str(each)}) for code, each in page.vat_off.items())
    own_use = [DayFinding("own_use", {"amount": str(page.own_use)})] if page.own_use else []
    return (*own_use, *off, *costless_notes(page.costless))


def costless_notes(groups: Sequence[str]) -> tuple[DayFinding, ...]:
    """Return that a page leaves out what goods of some turnover groups were bought for, where there are such groups."""
    return (DayFinding(COSTLESS, {"groups": ", ".join(groups)}),) if groups else ()


# ---- as JSON


def report_to_json(report: DayReport) -> dict[str, object]:
    """Return a report as JSON can carry it."""
    return {
        "date": report.date.isoformat(),
        "branch": report.branch,
        "branch_name": report.branch_name,
        "state": report.state,
        "checked_at": report.checked_at.isoformat(),
        "cause": report.cause,
        "facts": dict(report.facts),
        "rows": [[one.about, one.key, _text(one.till), _text(one.books)] for one in report.rows],
        "findings": [[one.code, dict(one.facts)] for one in report.findings],
        "pages": [
            [one.number, one.reference, [_line(line) for line in one.lines], one.is_there, one.gross]
            for one in report.pages
        ],
        "expected": [_line(line) for line in report.expected],
        "counts": [_count(one) for one in report.counts],
        "notes": [[one.code, dict(one.facts)] for one in report.notes],
    }


def report_from_json(shape: Mapping[str, Any]) -> DayReport:
    """Return the report that `report_to_json` was given."""
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
            PageShown(number, reference, tuple(_line_from(line) for line in lines), there, gross)
            for number, reference, lines, there, gross in shape["pages"]
        ),
        tuple(_line_from(line) for line in shape["expected"]),
        tuple(_count_from(one) for one in shape["counts"]),
        tuple(DayFinding(code, facts) for code, facts in shape["notes"]),
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


_AMOUNTS = frozenset({"amount", "vat", "vat_base"})
_SUMS = frozenset({"start", "added", "counted", "deposited", "difference", "end", "before"})


def _line(line: DayLine) -> dict[str, object]:
    told = {name: getattr(line, name) for name in DayLine.__slots__}
    shape: dict[str, object] = {name: _text(told[name]) if name in _AMOUNTS else told[name] for name in told}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in shape.items() if value}


def _line_from(shape: Mapping[str, Any]) -> DayLine:
    told: dict[str, Any] = {"account": "", "text": "", "amount": NOTHING}
    told |= {name: Decimal(value) if name in _AMOUNTS else value for name, value in shape.items()}
    return DayLine(**{**told, "documents": tuple(shape.get("documents", ()))})


def _count(count: DrawerCount) -> dict[str, object]:
    return {
        name: _text(value) if name in _SUMS else value
        for name in DrawerCount.__slots__
        if (value := getattr(count, name)) is not None
    }


def _count_from(shape: Mapping[str, Any]) -> DrawerCount:
    told: dict[str, Any] = {"finalized": None}
    told |= {name: Decimal(value) if name in _SUMS else value for name, value in shape.items()}
    return DrawerCount(**told)
