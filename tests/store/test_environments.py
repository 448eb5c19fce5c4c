"""Links, cursors and issues of one pair of systems are never taken for those of another."""

from datetime import timedelta

import pytest

from integration.accounts.store.change_requests import ChangeRequestStore
from integration.core.change_request import ChangeRequest
from integration.core.errors import RunActiveError
from integration.core.issues import Issue, IssueOccurrence
from integration.core.links import Link
from integration.core.people import Right
from integration.core.records import Kind
from integration.core.run import Mode
from integration.core.states import RunState
from integration.store.cursors import Cursors
from integration.store.database import Clock, Database
from integration.store.environments import switch_environment
from integration.store.issues import Issues
from integration.store.links import Links
from integration.store.runs import RunStore


def test_what_one_environment_remembers_is_laid_aside_and_comes_back(database: Database, clock: Clock) -> None:
    links, cursors = Links(database, clock), Cursors(database, clock)
    links.keep("products", [Link(Kind.GROUP, "10", "777")])
    cursors.put("products", "target:product", "41")
    switch_environment(database, clock, leaving="sandbox", entering="real", by="anna")
    assert links.count("products", Kind.GROUP) == 0
    assert cursors.get("products", "target:product") is None
    links.keep("products", [Link(Kind.GROUP, "10", "1")])
    switch_environment(database, clock, leaving="real", entering="sandbox", by="anna")
    assert links.get("products", Kind.GROUP, ["10"])["10"].reference == "777"
    assert cursors.get("products", "target:product") == "41"
    switch_environment(database, clock, leaving="sandbox", entering="real", by="anna")
    assert links.get("products", Kind.GROUP, ["10"])["10"].reference == "1"


def test_a_request_to_change_a_flow_is_about_the_systems_that_were_connected(database: Database, clock: Clock) -> None:
    requests, now = ChangeRequestStore(database, clock), clock()
    for setting, right in (("flow:products", Right.ARRANGE), ("four-eyes:products", Right.ADMINISTER)):
        requests.keep(
            ChangeRequest(
                setting=setting,
                flow="products",
                right=right,
                before={},
                after={},
                by="anna",
                session="s-1",
                at=now,
                until=now + timedelta(days=1),
            )
        )
    switch_environment(database, clock, leaving="sandbox", entering="real", by="anna")
    assert [change_request.setting for change_request in requests.waiting()] == [
        "four-eyes:products"
    ]  # second limits hold for all systems


def test_an_environment_is_not_left_while_a_run_is_at_work(database: Database, clock: Clock) -> None:
    runs = RunStore(database, clock)
    run = runs.begin("products", Mode.COMPLETE, "anna", 1)
    with pytest.raises(RunActiveError, match=run.id):
        switch_environment(database, clock, leaving="sandbox", entering="real", by="anna")
    runs.fail(run.id, "unexpected_error", {})
    switch_environment(database, clock, leaving="sandbox", entering="real", by="anna")
    assert runs.get(run.id).state is RunState.FAILED


def test_what_waits_of_another_environment_is_neither_counted_nor_listed(database: Database, clock: Clock) -> None:
    issues = Issues(database, clock)
    issues.open("products", "r1", [IssueOccurrence(Issue("article_missing", "1001"), Kind.PRODUCT, "Hamer")])
    switch_environment(database, clock, leaving="real", entering="sandbox", by="anna")

    assert (issues.counts(), issues.causes(), issues.matching_groups("1001")) == ({}, [], {})
    switch_environment(database, clock, leaving="sandbox", entering="real", by="anna")
    assert (issues.counts(), len(issues.causes()), len(issues.matching_groups("1001"))) == ({"products": 1}, 1, 1)
