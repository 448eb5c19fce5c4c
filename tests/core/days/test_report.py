"""The report of a day is the same after it was stored and read."""

import json
from datetime import UTC, datetime

import pytest

from integration.core.days.check import DayCheck, DayComparison, DayFinding, DayVerdict
from integration.core.days.report import (
    DayReport,
    DayState,
    PageShown,
    report_from_json,
    report_of,
    report_to_json,
)
from integration.core.days.till import till_day
from tests.core.days.example import DAY, day_record, euros
from tests.core.days.test_page import page_for

AT = datetime(2026, 10, 18, 1, 47, tzinfo=UTC)
ROWS = (
    DayComparison("vat", "1", euros("315.04"), euros("315.04")),
    DayComparison("account", "8030", euros("-175.70"), euros("0.00")),
    DayComparison("account", "8010", euros("-123.96"), None),
    DayComparison("method", "PIN", euros("1813.98"), euros("1.00")),
)


def a_report() -> DayReport:
    check = DayCheck(DayVerdict.DIFFERENT, ROWS, (DayFinding("line_changed", {"line": "4"}),))
    lines = page_for(day_record()).lines
    pages = (PageShown("600/2600412", "MZ6101700100", lines), PageShown("600/7", "", is_there=False, gross=True))
    notes = (DayFinding("own_use", {"amount": "12.10"}),)
    return report_of(
        till_day(day_record()),
        check,
        AT,
        pages=pages,
        expected=lines,
        notes=notes,
        turnover=page_for(day_record()).turnover,
    )


def test_a_report_comes_back_as_it_was() -> None:
    for report in (a_report(), DayReport(DAY, "2", "", DayState.PARKED, AT, "day_gap", {"about": "receipt"})):
        assert report_from_json(json.loads(json.dumps(report_to_json(report)))) == report


def test_a_report_is_found_by_what_it_is_about() -> None:
    report = a_report()
    assert report.key == "2026-10-17/1"
    assert (report.state, report.branch_name) == (DayState.DIFFERENT, "De Ketting Utrecht")
    assert [comparison.key for comparison in report.comparisons("vat", "method")] == ["1", "PIN"]
    assert [count.number for count in report.counts] == ["2026.311", "2026.312"]


def test_its_difference_is_the_largest_of_an_account() -> None:
    assert (a_report().difference, a_report().larger_side) == (euros("175.70"), "till")
    assert DayReport(DAY, "1", "", DayState.CLOSED, AT).difference == 0


@pytest.mark.parametrize("verdict", DayVerdict)
def test_every_verdict_is_a_state(verdict: DayVerdict) -> None:
    assert report_of(till_day(day_record()), DayCheck(verdict), AT).state == str(verdict)
