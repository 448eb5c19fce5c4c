"""Closed days in both systems: their state, the findings of a check, and the messages to a person."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from integration.core.days.report import DayState
from integration.core.errors import UnavailableError
from integration.core.issues import Issue, IssueOccurrence, IssueState
from integration.core.links import Link
from integration.core.records import Kind, Record
from integration.services.daybooks.days import DIFFERS
from tests.core.days.example import DAY, day_record
from tests.core.days.test_corrections import later_day
from tests.services.day_harness import KEY, DayHarness, an_entry, october
from tests.stores import new_database


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[DayHarness]:
    """The day, closed at the till and not booked."""
    database = new_database(tmp_path / "console.sqlite")
    yield DayHarness(database)
    database.close()


@pytest.fixture
def booked_harness(harness: DayHarness) -> DayHarness:
    """The day, booked."""
    harness.run()
    assert harness.books.writes == [KEY]
    return harness


def state(harness: DayHarness) -> DayState:
    return harness.days.check(DAY, "1").state


def issue_states(harness: DayHarness) -> list[tuple[str, IssueState]]:
    return [(issue.issue.cause, issue.state) for issue in harness.stores.issues.of_key("days", KEY)]


def test_what_was_read_before_somebody_was_erased_is_read_anew(booked_harness: DayHarness) -> None:
    booked_harness.move_line(0, "8999")
    fetch, record = booked_harness.till.fetch, day_record()
    erased: list[str] = []

    def erasing_meanwhile(kind: Kind, keys: Collection[str]) -> list[Record]:
        records = fetch(kind, keys)
        if not erased:
            erased.append(booked_harness.stores.erasure_register.begin([("debtor", "39001")], "anna"))
            booked_harness.till.put(replace(record, values={**record.values, "branch_name": "Anders"}))
        return records

    booked_harness.till.fetch = erasing_meanwhile  # type: ignore[method-assign]
    assert booked_harness.days.check(DAY, "1").branch_name == "Anders"
    (stored_day,) = booked_harness.stores.days.in_period(DAY, DAY)
    (issue,) = booked_harness.stores.issues.of_key("days", KEY)
    assert "Utrecht" not in f"{stored_day} {issue}"


# ---- what is found


def test_a_day_that_is_not_booked_shows_the_page_it_would_be(harness: DayHarness) -> None:
    report = harness.days.check(DAY, "1")
    assert (report.state, report.branch_name) == (DayState.CLOSED, "De Ketting Utrecht")
    assert sum((line.gross_amount for line in report.expected), Decimal(0)) == 0
    assert [count.workplace for count in report.counts] == ["1", "2"]


@pytest.mark.parametrize(
    ("record", "expected", "cause"),
    [
        (day_record(closed=False), DayState.WAITING, "day_waits"),
        (Record(Kind.DAY, KEY, day_record().values), DayState.EMPTY, "day_empty"),
    ],
)
def test_a_day_before_its_booking_says_why_it_waits(
    harness: DayHarness, record: Record, expected: DayState, cause: str
) -> None:
    harness.till.put(record)
    report = harness.days.check(DAY, "1")
    assert (report.state, report.cause) == (expected, cause)


def test_a_day_that_does_not_add_up_is_parked_once_a_run_has_parked_it(harness: DayHarness) -> None:
    whole = day_record()
    harness.till.put(Record(Kind.DAY, KEY, whole.values, whole.parts[1:]))
    report = harness.days.check(DAY, "1")
    assert (report.state, report.cause) == (DayState.PARKED, "day_gap")
    assert shown_states(harness) == [(DayState.CLOSED, "day_gap")] * 2  # a check opens no exception

    harness.preview()
    assert shown_states(harness) == [(DayState.PARKED, "day_gap")] * 2

    harness.till.put(day_record())
    harness.preview()
    assert {state for state, _ in shown_states(harness)} == {DayState.CLOSED}
    harness.run()
    assert states_by_day(harness) == {KEY: DayState.BOOKED}


def shown_states(harness: DayHarness) -> list[tuple[DayState, str]]:
    """Return state and cause of the day as its list and its page show them."""
    day = harness.days.find(DAY, "1")
    assert day is not None
    assert day.report is not None
    return [(day.state, day.cause), (day.report.state, day.report.cause)]


def test_a_booked_day_that_nobody_touched_is_equal(booked_harness: DayHarness) -> None:
    earlier_writes = list(booked_harness.books.writes)
    report = booked_harness.days.check(DAY, "1")
    assert (report.state, report.findings, report.difference) == (DayState.EQUAL, (), Decimal(0))
    assert [(page_shown.number[:4], page_shown.reference, page_shown.is_there) for page_shown in report.pages] == [
        ("600/", "MZ6101700100", True)
    ]
    assert booked_harness.books.writes == earlier_writes
    assert issue_states(booked_harness) == []


def test_a_page_of_which_nothing_is_known_here_is_compared_as_the_books_have_it(
    booked_harness: DayHarness, tmp_path: Path
) -> None:
    database = new_database(tmp_path / "restored.sqlite")
    restored = DayHarness(database)
    restored.books.put(booked_harness.page())
    assert state(restored) is DayState.EQUAL
    restored.move_line(3, "8010")
    report = restored.days.check(DAY, "1")
    assert (report.state, [finding.code for finding in report.findings]) == (DayState.DIFFERENT, ["line_changed"])
    assert [page.reference for page in report.pages] == ["MZ6101700100"]
    database.close()


def test_a_page_that_is_not_posted_yet_is_equal_and_says_so(booked_harness: DayHarness) -> None:
    booked_harness.books.posts = False
    assert state(booked_harness) is DayState.NOT_POSTED


def test_a_line_moved_by_hand_is_an_exception_until_it_is_back(booked_harness: DayHarness) -> None:
    before = booked_harness.page()
    place = next(at for at, part in enumerate(before.parts) if part.values["account"] == "8030")
    booked_harness.move_line(place, "8010")
    report = booked_harness.days.check(DAY, "1")
    assert (report.state, report.difference) == (DayState.DIFFERENT, Decimal("175.70"))
    assert [finding.code for finding in report.findings] == ["line_changed"]
    assert issue_states(booked_harness) == [(DIFFERS, IssueState.OPEN)]
    booked_harness.preview()  # a run that meets nothing closes nothing of this
    assert issue_states(booked_harness) == [(DIFFERS, IssueState.OPEN)]
    booked_harness.books.put(before)
    assert state(booked_harness) is DayState.EQUAL
    assert issue_states(booked_harness) == [(DIFFERS, IssueState.CLOSED)]


def test_a_page_that_was_deleted_is_named(booked_harness: DayHarness) -> None:
    booked_harness.books.put(Record(Kind.DAY_PAGE, "2026-10-16/1", {"reference": "MZ6101600100", "date": october(16)}))
    booked_harness.books.remove(Kind.DAY_PAGE, KEY)
    report = booked_harness.days.check(DAY, "1")
    assert report.state is DayState.DIFFERENT
    assert [finding.code for finding in report.findings] == ["page_gone"]
    assert [page.is_there for page in report.pages] == [False]


def test_a_receipt_that_came_late_is_a_difference(booked_harness: DayHarness) -> None:
    booked_harness.till.put(later_day())
    report = booked_harness.days.check(DAY, "1")
    assert ("document_late", "1.2.2026.2207") in [
        (finding.code, finding.facts.get("document")) for finding in report.findings
    ]


def test_books_that_cannot_say_what_is_on_their_accounts_are_no_nothing(booked_harness: DayHarness) -> None:
    booked_harness.books.has_ledger = False
    report = booked_harness.days.check(DAY, "1")
    assert report.state is DayState.UNKNOWN
    assert {row.books for row in report.comparisons("account")} == {None}
    assert issue_states(booked_harness) == []


def test_books_that_show_no_page_at_all_are_no_deletion(booked_harness: DayHarness) -> None:
    booked_harness.books.remove(Kind.DAY_PAGE, KEY)
    report = booked_harness.days.check(DAY, "1")
    assert (report.state, report.cause) == (DayState.UNKNOWN, "look_unproven")
    assert issue_states(booked_harness) == []


def test_pages_of_other_flows_and_of_the_bank_are_not_taken_for_our_own(booked_harness: DayHarness) -> None:
    booked_harness.books.offered["daybook_types"] = {"100": "bank", "600": "memorial"}
    rows = (("8000", "-557.10"), ("1010", "714.05"))
    for daybook in ("100", "601"):
        booked_harness.books.others = tuple(
            an_entry(str(place), {"date": DAY, "account": account, "amount": Decimal(amount), "daybook": daybook,
                                  "page": "7", "text": "bon 4102"})
            for place, (account, amount) in enumerate(rows)
        )  # fmt: skip
        codes = [finding.code for finding in booked_harness.days.check(DAY, "1").findings]
        assert codes == ([] if daybook == "100" else ["page_by_hand"])


def test_the_page_of_another_branch_is_not_taken_for_one_made_by_hand(booked_harness: DayHarness) -> None:
    rows = (("8000", "-557.10"), ("1010", "714.05"))
    booked_harness.books.others = tuple(
        an_entry(
            str(place), {"date": DAY, "account": account, "amount": Decimal(amount), "daybook": "600", "page": "9"}
        )
        for place, (account, amount) in enumerate(rows)
    )
    assert [finding.code for finding in booked_harness.days.check(DAY, "1").findings] == ["page_by_hand"]
    agreed = Record(Kind.DAY_PAGE, "2026-10-17/2", {"reference": "MZ6101700200", "date": DAY})
    booked_harness.links.keep("days", [Link(Kind.DAY_PAGE, agreed.key, "600/9", agreed)])
    assert state(booked_harness) is DayState.EQUAL


def test_a_page_typed_on_the_next_day_is_found_as_far_around_as_is_set_however_many_days_are_checked(
    booked_harness: DayHarness,
) -> None:
    rows = (("8000", "-557.10"), ("1010", "714.05"))
    booked_harness.books.others = tuple(
        an_entry(
            str(place),
            {"date": october(18), "account": account, "amount": Decimal(amount), "daybook": "601", "page": "7"},
        )
        for place, (account, amount) in enumerate(rows)
    )
    agreed = Record(Kind.DAY_PAGE, "2026-10-18/1", {"reference": "MZ6101800100", "date": october(18)})
    booked_harness.links.keep("days", [Link(Kind.DAY_PAGE, agreed.key, "600/9", agreed)])
    for around, expected in ((0, []), (1, ["page_by_hand"])):
        booked_harness.around = around
        span = booked_harness.days.check_span(DAY, october(18))  # the ledger is asked for both days
        for report in (
            booked_harness.days.check(DAY, "1"),
            *(candidate for candidate in span if candidate.date == DAY),
        ):
            assert [finding.code for finding in report.findings] == expected
            assert {finding.facts["date"] for finding in report.findings} <= {"2026-10-18"}


def test_a_till_that_says_nothing_of_a_day_leaves_it_unknown(harness: DayHarness) -> None:
    report = harness.days.check(october(16), "1")
    assert (report.state, report.cause) == (DayState.UNKNOWN, "day_not_told")


def test_a_system_that_is_away_leaves_the_last_check(booked_harness: DayHarness) -> None:
    assert state(booked_harness) is DayState.EQUAL
    booked_harness.till.go_away()
    with pytest.raises(UnavailableError):
        booked_harness.days.check(DAY, "1")
    assert states_by_day(booked_harness) == {KEY: DayState.EQUAL}


# ---- what is known


def states_by_day(harness: DayHarness) -> dict[str, DayState]:
    return {day.key: day.state for day in harness.days.listed(october(1), october(31))}


def test_a_list_asks_no_system_and_tells_what_was_found_last(harness: DayHarness) -> None:
    assert states_by_day(harness) == {}
    harness.days.check(DAY, "1")
    harness.days.check(october(16), "1")
    calls = dict(harness.till.calls_made), dict(harness.books.calls_made)
    assert states_by_day(harness) == {KEY: DayState.CLOSED, "2026-10-16/1": DayState.UNKNOWN}
    assert (dict(harness.till.calls_made), dict(harness.books.calls_made)) == calls
    assert harness.days.listed(october(1), october(31), "2") == []
    assert harness.days.listed(october(18), october(31)) == []


def test_a_closed_branch_with_checked_days_can_be_chosen_and_is_not_asked_about(harness: DayHarness) -> None:
    assert harness.days.branches() == {"1": "De Ketting Utrecht"}
    harness.days.check(DAY, "12")
    assert harness.days.branches() == {"1": "De Ketting Utrecht", "12": "12"}
    assert [report.branch for report in harness.days.check_span(DAY, DAY)] == ["1"]


def test_a_closed_branch_has_its_last_known_name_also_on_days_that_are_checked_later(harness: DayHarness) -> None:
    open_branches = harness.branch_names
    harness.branch_names = {**open_branches, "12": "De Ketting Zwolle"}
    harness.days.check(DAY, "12")
    harness.branch_names = open_branches
    for day in (DAY, october(18)):
        harness.days.check(day, "12")
    assert harness.days.branches() == {"1": "De Ketting Utrecht", "12": "De Ketting Zwolle"}
    assert {day.branch_name for day in harness.days.listed(october(1), october(31))} == {"De Ketting Zwolle"}


def test_a_day_booked_since_its_check_is_booked_and_not_checked(harness: DayHarness) -> None:
    harness.days.check(DAY, "1")
    harness.run()
    (day,) = harness.days.listed(DAY, DAY)
    assert (len(day.pages), day.branch_name) == (1, "De Ketting Utrecht")
    assert shown_states(harness) == [(DayState.BOOKED, "")] * 2
    harness.days.check(DAY, "1")
    assert states_by_day(harness) == {KEY: DayState.EQUAL}


def test_a_day_that_a_run_parked_after_its_check_has_that_cause_in_the_list_and_on_its_page(
    harness: DayHarness,
) -> None:
    harness.days.check(DAY, "1")
    whole = day_record()
    harness.till.put(Record(Kind.DAY, KEY, whole.values, whole.parts[1:]))
    harness.preview()
    assert shown_states(harness) == [(DayState.PARKED, "day_gap")] * 2


def test_every_day_that_is_parked_is_listed_however_many_there_are(harness: DayHarness) -> None:
    issues, flow, shops = harness.stores.issues, harness.days.flow, range(1, 1_102)
    met = [IssueOccurrence(Issue("day_gap", f"{DAY.isoformat()}/{shop}"), Kind.DAY_PAGE, "") for shop in shops]
    issues.open(flow, "r1", met)
    parked = [day for day in harness.days.listed(DAY, DAY) if day.state is DayState.PARKED]
    assert len(parked) == issues.counts()[flow] == len(shops)


# ---- after a commit


def test_booked_days_that_are_not_known_to_be_equal_are_checked_after_a_commit(booked_harness: DayHarness) -> None:
    days, (run,) = booked_harness.days, booked_harness.stores.runs.latest("days", limit=1)
    assert states_by_day(booked_harness) == {KEY: DayState.BOOKED}
    position = days.check_written(run, "")
    assert (position, days.check_written(run, position)) == (KEY, "")
    assert states_by_day(booked_harness) == {KEY: DayState.EQUAL}
    booked_harness.move_line(0, "8999")
    days.check_written(run, "")  # it is known to be equal: the nightly check finds the change
    assert states_by_day(booked_harness) == {KEY: DayState.EQUAL}
    (first,) = booked_harness.links.get("days", Kind.DAY_PAGE, [KEY]).values()
    booked_harness.links.keep("days", [replace(first, key=f"{KEY}/2", reference="600/9")])
    days.check_written(run, "")
    assert states_by_day(booked_harness) == {KEY: DayState.DIFFERENT}


# ---- by night


def test_the_nightly_look_checks_every_day_of_its_window(booked_harness: DayHarness) -> None:
    position, pages = booked_harness.days.page(""), 1
    while position:
        position, pages = booked_harness.days.page(position), pages + 1
    assert pages == 5
    assert len(states_by_day(booked_harness)) == 18  # up to the day it is
    assert states_by_day(booked_harness)[KEY] is DayState.EQUAL


def test_a_flow_that_is_off_is_not_looked_at(booked_harness: DayHarness) -> None:
    booked_harness.is_on = False
    assert booked_harness.days.page("") == ""
    assert states_by_day(booked_harness) == {KEY: DayState.BOOKED}


def test_a_night_in_which_a_system_is_away_says_that_nobody_knows(booked_harness: DayHarness) -> None:
    booked_harness.till.go_away()
    assert booked_harness.days.page("2026-10-12") == ""
    (day,) = booked_harness.days.listed(DAY, DAY)
    assert (day.state, day.cause) == (DayState.UNKNOWN, "connection_refused")


def test_a_branch_that_the_till_no_longer_lists_is_checked_where_it_is_booked(booked_harness: DayHarness) -> None:
    agreed = Record(Kind.DAY_PAGE, "2026-10-17/12", {"reference": "MZ6101701200", "date": DAY})
    booked_harness.links.keep("days", [Link(Kind.DAY_PAGE, agreed.key, "600/9", agreed)])
    reports = booked_harness.days.check_span(DAY, DAY)
    assert {report.branch: report.state for report in reports} == {"1": DayState.EQUAL, "12": DayState.UNKNOWN}
    assert [report.branch for report in booked_harness.days.check_span(DAY, DAY, "1")] == ["1"]


def test_a_span_is_checked_with_its_progress(booked_harness: DayHarness) -> None:
    reported_days: list[date] = []
    reports = booked_harness.days.check_span(october(10), october(18), on_progress=reported_days.append)
    assert reported_days == [october(10), october(17)]
    assert [report.state for report in reports].count(DayState.EQUAL) == 1
    assert len(reports) == 9
