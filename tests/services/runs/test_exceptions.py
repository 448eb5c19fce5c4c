"""Decisions of a person about parked records, and the result when they are retried."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from integration.application.stores import stores_of
from integration.core.errors import IntegrationError
from integration.core.foreign_documents import NO_FOREIGN_DOCUMENTS
from integration.core.issues import CauseGroup, Issue, IssueOccurrence, OpenIssue
from integration.core.records import Correction, Kind, Record
from integration.core.run import Mode, Run
from integration.core.states import RunState
from integration.flows.day_pages import page_key
from integration.flows.registry import FLOWS, mirrors_of
from integration.flows.spec import FlowLogic
from integration.runner import Dependencies, Runner
from integration.runner.commit import Commit
from integration.runner.preview import Preview
from integration.services.connections.foreign_documents import ForeignDocumentSearch
from integration.services.mappings.code_lists import CodeLists
from integration.services.mappings.mappings import Logics, Mappings
from integration.services.runs.exceptions import Exceptions
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.corrections import Corrections
from integration.store.database import Database
from tests.core.days.example import day_record, euros
from tests.core.days.test_corrections import later_day
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness
from tests.flows.days.test_logic import days
from tests.parts import UNHELD, part
from tests.people import make_actor
from tests.stores import new_database

FIRST, SECOND = "2026-10-17/1", "2026-10-17/2"
AFTERWARDS = datetime(2026, 10, 18, 20, tzinfo=UTC)


class DaysHarness(FlowHarness):
    """Closed days of the till, booked in the books, with the decisions of a person."""

    flow = "days"

    def __init__(self, database: Database, books: MemoryConnector, till: MemoryConnector) -> None:
        self.books, self.till = books, till
        super().__init__(database, books, till)
        self.stores = stores_of(database, self.clock, mirrors_of(FLOWS.values()))
        self.exceptions = Exceptions(
            FLOWS,
            self.stores.corrections,
            self.stores.issues,
            self.stores.ledger,
            self.stores.links,
            self.stores.plans,
            self.stores.runs,
            part(ConnectorFactory, connector=lambda system: self.connectors[system]),
            part(Logics, flow=lambda name: FLOWS[name].flow),
            part(Mappings),
            part(CodeLists),
        )

    def restart(self) -> None:
        deps = Dependencies(
            connectors=self.connectors, logics=self.logics(), runs=self.runs, previews=self.previews, plans=self.plans,
            ledger=self.ledger, links=self.links, cursors=self.cursors,
            corrections=part(Corrections, marks=lambda _: {}, corrections_of=self._corrections_of),
            foreign_documents=part(ForeignDocumentSearch, foreign_documents_of=lambda _: NO_FOREIGN_DOCUMENTS),
            clock=self.clock, **UNHELD,
        )  # fmt: skip
        self.runner = Runner(Preview(deps), Commit(deps))

    def _corrections_of(self, flow: str, keys: Collection[str]) -> dict[str, list[Correction]]:
        return self.stores.corrections.corrections_of(flow, keys)

    def _logic(self, flow: str) -> FlowLogic:
        keys = [page_key(day, serial) for day in (FIRST, SECOND) for serial in range(3)]
        return days(self.links.get(flow, Kind.DAY_PAGE, keys), now=AFTERWARDS)

    # ---- what a person does

    def waiting(self) -> CauseGroup:
        """Return the days that changed after they were booked."""
        (group,) = self.exceptions.groups("days")
        assert group.cause == "day_changed_after_booking"
        return group

    def undecided_issues(self) -> list[OpenIssue]:
        return self.exceptions.issues_of(self.waiting().group_key)

    def preview_waiting(self) -> Run:
        """Preview the waiting records, as the button of the page does."""
        of = self.waiting().group_key
        return self.preview(Mode.CHOSEN, self.exceptions.keys(of.flow, of.cause, of.field, of.detail))

    def pages(self) -> dict[str, str]:
        """Return the references of the pages that the books hold, by key."""
        return {key: str(page.values["reference"]) for key, page in self.books.records_of(Kind.DAY_PAGE).items()}


def of_branch(record: Record, branch: str) -> Record:
    """The same day, with its documents, at another branch."""
    parts = tuple(
        replace(part, values={**part.values, "branch": branch}) if "branch" in part.values else part
        for part in record.parts
    )
    return replace(record, key=f"2026-10-17/{branch}", values={**record.values, "branch": branch}, parts=parts)


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[DaysHarness]:
    """Two branches whose day was booked, and has changed since."""
    database = new_database(tmp_path / "console.sqlite")
    books, till = MemoryConnector(system="accountview"), MemoryConnector(system="mplus")
    days_harness = DaysHarness(database, books, till)
    for branch in ("1", "2"):
        till.put(of_branch(day_record(), branch))
    assert days_harness.run(Mode.COMPLETE).state is RunState.DONE
    assert days_harness.pages() == {FIRST: "MZ6101700100", SECOND: "MZ6101700200"}
    for branch in ("1", "2"):
        till.put(of_branch(later_day(), branch))
    days_harness.preview(Mode.COMPLETE)
    yield days_harness
    database.close()


def test_days_that_changed_are_one_question_with_a_mark_of_what_each_is_now(harness: DaysHarness) -> None:
    assert harness.waiting().count == 2
    assert [open_issue.issue.facts["mark"] for open_issue in harness.undecided_issues()] == ["d1", "d1"]
    assert harness.preview_waiting().counts.parked == 2  # while nobody decides


def test_the_difference_of_a_day_is_booked_once_somebody_decides_so(harness: DaysHarness) -> None:
    first = next(open_issue for open_issue in harness.undecided_issues() if open_issue.issue.key == FIRST)
    harness.exceptions.decide("days", [first], "difference", make_actor("anna"))

    run = harness.preview_waiting()
    assert set(harness.changes(run)) == {f"{FIRST}/01"}
    assert [open_issue.issue.key for open_issue in harness.undecided_issues()] == [
        SECOND
    ]  # about which nobody has decided
    harness.commit(run)

    assert harness.pages()[f"{FIRST}/01"] == "MZ6101700101"
    page = harness.books.records_of(Kind.DAY_PAGE)[f"{FIRST}/01"]
    booked = {str(line.values["account"]): line.values["amount"] for line in page.parts}
    assert booked == {"8030": euros("-15.00"), "1010": euros("18.15"), "1000": euros("0.35"), "4400": euros("-0.35")}
    after = harness.preview(Mode.COMPLETE)
    assert not harness.changes(after)
    assert after.counts.parked == 1


def test_a_whole_group_is_decided_at_once_and_kept_under_who_did(harness: DaysHarness) -> None:
    harness.exceptions.decide("days", harness.undecided_issues(), "keep", make_actor("anna"))

    run = harness.preview_waiting()
    assert harness.reasons(run) == {FIRST: "day_kept", SECOND: "day_kept"}
    assert harness.exceptions.groups("days") == []
    corrections = harness.stores.corrections.list_corrections("days")
    assert {(correction.key, correction.field, correction.becomes, correction.by) for correction in corrections} == {
        (FIRST, "decision", "keep d1", "anna"), (SECOND, "decision", "keep d1", "anna"),
    }  # fmt: skip


def test_a_decision_does_not_hold_for_a_change_that_comes_after_it(harness: DaysHarness) -> None:
    harness.exceptions.decide("days", harness.undecided_issues(), "keep", make_actor("anna"))
    changed = replace(later_day(), values={**later_day().values, "digest": "d2"})
    harness.till.put(changed)

    run = harness.preview(Mode.COMPLETE)
    assert harness.reasons(run) == {SECOND: "day_kept"}
    assert [(open_issue.issue.key, open_issue.issue.facts["mark"]) for open_issue in harness.undecided_issues()] == [
        (FIRST, "d2")
    ]

    harness.exceptions.decide("days", harness.undecided_issues(), "again", make_actor("anna"))
    assert set(harness.changes(harness.preview_waiting())) == {f"{FIRST}/01"}  # the newer decision counts


def test_who_says_what_became_of_something_that_is_in_doubt_no_more_is_told_so(harness: DaysHarness) -> None:
    with pytest.raises(IntegrationError, match="answered_meanwhile"):
        harness.exceptions.answer(harness.undecided_issues()[0], "77", make_actor("ben"))


def test_only_what_the_flow_offers_can_be_decided(harness: DaysHarness) -> None:
    with pytest.raises(KeyError):
        harness.exceptions.decide("days", harness.undecided_issues(), "forget", make_actor("anna"))
    assert harness.stores.corrections.list_corrections("days") == []


def test_what_came_is_reported_by_the_days_of_who_looks_where_there_were_several(harness: DaysHarness) -> None:
    (group_key,) = (group.group_key for group in harness.exceptions.groups())
    zone = ZoneInfo("Europe/Amsterdam")
    assert harness.exceptions.daily_counts(harness.clock().astimezone(zone)) == {}
    harness.clock.now = datetime(2026, 11, 30, 22, 59, tzinfo=UTC)
    for seconds in (0, 60):  # each on a day of its own, as a clock in Amsterdam has it
        harness.clock.advance(seconds)
        met = IssueOccurrence(Issue(group_key.cause, f"2026-10-18/{seconds}", group_key.field, {}), Kind.DAY_PAGE, "")
        harness.stores.issues.open("days", "r9", [met])
    (days,) = harness.exceptions.daily_counts(harness.clock().astimezone(zone)).values()
    assert list(days) == [date(2026, 11, 18) + timedelta(days=offset) for offset in range(14)]
    counted_days = {day: count for day, count in days.items() if count}
    assert counted_days == {date(2026, 11, 25): 2, date(2026, 11, 30): 1, date(2026, 12, 1): 1}
