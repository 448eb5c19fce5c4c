from datetime import timedelta

import pytest

from integration.core.issues import Issue, IssueOccurrence, IssueState
from integration.store.database import Database
from integration.store.issues import Issues
from integration.store.outbox_reader import OutboxReader
from tests.clocks import Clock
from tests.store.samples import FLOW

CHANGED = "document_changed_in_target"


def meet(issues: Issues, *keys: str, run: str = "r1", cause: str = "price_missing") -> None:
    issues.open(
        FLOW, run, [IssueOccurrence(Issue(cause, key, "price", {"key": key}), "product", f"Thee {key}") for key in keys]
    )


def test_issues_are_grouped_by_cause_the_largest_group_first(issues: Issues, clock: Clock) -> None:
    meet(issues, "A1", cause="ean_duplicate")
    first = clock()
    meet(issues, "A2")
    clock.advance(60)
    meet(issues, "A3")
    largest, other = issues.causes()
    assert (largest.cause, largest.field, largest.count) == ("price_missing", "price", 2)
    assert (largest.first_seen, largest.last_seen, largest.facts) == (first, clock(), {"key": "A3"})
    assert (other.cause, other.count) == ("ean_duplicate", 1)
    assert issues.causes("stock") == []
    assert issues.counts() == {FLOW: 3}


def test_the_same_trouble_tomorrow_is_the_same_issue(issues: Issues, clock: Clock) -> None:
    first = clock()
    meet(issues, "A1")
    clock.advance(86_400)
    meet(issues, "A1", run="r2")
    (issue,) = issues.list(FLOW, "price_missing")
    assert (issue.occurrences, issue.first_seen, issue.last_seen, issue.run) == (2, first, clock(), "r2")


def test_only_a_new_or_returning_issue_is_reported(issues: Issues, database: Database, clock: Clock) -> None:
    meet(issues, "A1")
    meet(issues, "A1")
    (issue,) = issues.list(FLOW, "price_missing")
    issues.close(issue.id, "anna")
    meet(issues, "A1")
    event_names = [event["event"] for event in OutboxReader(database, clock).waiting(10)]
    assert event_names == ["parked", "issue_closed", "parked"]


def test_a_dismissed_issue_stays_out_of_the_queue_when_it_is_met_again(issues: Issues) -> None:
    meet(issues, "A1")
    (issue,) = issues.list(FLOW, "price_missing")
    issues.dismiss(issue.id, "sold out", "anna")
    meet(issues, "A1", run="r2")
    assert issues.list(FLOW, "price_missing") == []
    (dismissed_issue,) = issues.of_key(FLOW, "A1")
    assert (dismissed_issue.state, dismissed_issue.reason, dismissed_issue.by) == (
        IssueState.DISMISSED,
        "sold out",
        "anna",
    )


def test_a_closed_issue_that_is_met_again_waits_from_now_on(issues: Issues, clock: Clock) -> None:
    meet(issues, "A1")
    (issue,) = issues.list(FLOW, "price_missing")
    issues.close(issue.id, "anna")
    assert issues.counts() == {}
    clock.advance(3_600)
    meet(issues, "A1")
    (reopened_issue,) = issues.list(FLOW, "price_missing")
    assert (reopened_issue.id, reopened_issue.first_seen) == (issue.id, clock())


def test_the_longest_waiting_come_first_page_by_page(issues: Issues, clock: Clock) -> None:
    for key in ("A3", "A1", "A2"):
        meet(issues, key)
        clock.advance(1)
    assert [issue.issue.key for issue in issues.list(FLOW, "price_missing", limit=2)] == ["A3", "A1"]
    assert [issue.issue.key for issue in issues.list(FLOW, "price_missing", "price", offset=2)] == ["A2"]
    assert issues.list(FLOW, "price_missing", "name") == []


def test_what_came_is_counted_by_its_moment_whatever_became_of_it(issues: Issues, clock: Clock) -> None:
    meet(issues, "A0")
    clock.advance(60)
    first = clock()
    meet(issues, "A1", "A2")
    meet(issues, "A3", cause="ean_duplicate")
    clock.advance(86_400)
    meet(issues, "A1", "A4")
    issues.dismiss(issues.list(FLOW, "price_missing")[0].id, "later", "anna")
    issues.close(issues.list(FLOW, "ean_duplicate")[0].id, "anna")
    clock.advance(60)
    meet(issues, "A3", cause="ean_duplicate")
    appearances = {group_key.cause: moments for group_key, moments in issues.appearances(first).items()}
    second = clock() - timedelta(seconds=60)
    assert appearances == {"price_missing": {first: 2, second: 1}, "ean_duplicate": {clock(): 1}}


def test_an_issue_that_does_not_exist_cannot_be_decided(issues: Issues) -> None:
    with pytest.raises(KeyError):
        issues.close(7, "anna")


def store_check(issues: Issues, *keys: str, quantity: str = "3") -> None:
    """Store a check of A1 and A2 that found a difference in these keys."""
    facts = {"key": "A", "fields": "quantity", "found": quantity}
    met = [IssueOccurrence(Issue(CHANGED, key, facts=facts), "sales_order", key) for key in keys]
    issues.store_check_result(FLOW, ["A1", "A2"], [CHANGED], met)


def states(issues: Issues) -> dict[str, IssueState]:
    return {key: issue.state for key in ("A1", "A2", "A3") for issue in issues.of_key(FLOW, key)}


def test_what_a_look_no_longer_finds_is_closed_and_other_records_stay(issues: Issues) -> None:
    store_check(issues, "A1", "A2")
    issues.open(FLOW, "", [IssueOccurrence(Issue(CHANGED, "A3"))])
    meet(issues, "A1")
    store_check(issues, "A2")
    assert {(issue.issue.cause, issue.state) for issue in issues.of_key(FLOW, "A1")} == {
        (CHANGED, IssueState.CLOSED), ("price_missing", IssueState.OPEN),
    }  # fmt: skip
    assert [issue.issue.key for issue in issues.list(FLOW, CHANGED)] == ["A2", "A3"]


def test_a_dismissed_difference_comes_back_when_it_is_another_one(issues: Issues) -> None:
    store_check(issues, "A1")
    (issue,) = issues.list(FLOW, CHANGED)
    issues.dismiss(issue.id, "agreed by telephone", "anna")
    store_check(issues, "A1")
    assert states(issues)["A1"] is IssueState.DISMISSED
    store_check(issues, "A1", quantity="4")
    assert states(issues)["A1"] is IssueState.OPEN
    (reopened_issue,) = issues.list(FLOW, CHANGED)
    assert (reopened_issue.issue.facts["found"], reopened_issue.reason) == ("4", "")
