"""One action on several causes or records: impossible ones are reported, and the others are done."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from integration.application.application import Application
from integration.core.issues import CauseGroup, Issue, IssueOccurrence, IssueState
from integration.core.run import Mode
from integration.core.states import ACTIVE
from integration.services.runs.bulk import BulkFailure
from tests.consoles import WHO, open_application, wait_for_run
from tests.people import make_actor
from tests.stores import stores_in

BY = make_actor(WHO)


@pytest.fixture
def app(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Application]:
    """A console on which articles and customers wait for three causes; on the sandbox for who asks for previews."""
    is_at_work = getattr(request, "param", False)
    with open_application(tmp_path, start=is_at_work, sandbox=is_at_work, sandbox_articles=50) as application:
        issues = stores_in(application).issues
        articles = ["10001", "10002", "10003"]
        issues.open(
            "products", "r1", [IssueOccurrence(Issue("price_missing", key, "article.price")) for key in articles]
        )
        issues.open("products", "r1", [IssueOccurrence(Issue("ean_check_digit", "10001", "article.ean"))])
        issues.open("customers", "r2", [IssueOccurrence(Issue("email_too_long", "20001", "relation.email"))])
        yield application


def groups(app: Application, state: IssueState = IssueState.OPEN) -> list[CauseGroup]:
    return app.exceptions.groups(state=state)


def test_several_causes_are_dismissed_and_reopened_with_an_entry_each(app: Application) -> None:
    chosen = groups(app)
    over = replace(chosen[0], detail="solved meanwhile")

    result = app.bulk.dismiss([*chosen, over], "not now", BY)

    assert (result.records, result.refused) == (5, (BulkFailure(over),))
    assert groups(app) == []
    entries = [entry for entry in stores_in(app).audit.entries() if entry.action == "issue_dismissed"]
    assert sorted((entry.code, entry.count, entry.reason) for entry in entries) == [
        ("ean_check_digit", 1, "not now"), ("email_too_long", 1, "not now"), ("price_missing", 3, "not now"),
    ]  # fmt: skip
    assert app.bulk.reopen(groups(app, IssueState.DISMISSED), BY).records == 5
    assert {group.count for group in groups(app)} == {3, 1}


def test_some_records_of_a_cause_and_one_that_is_gone(app: Application) -> None:
    group = next(candidate for candidate in groups(app) if candidate.count == 3)
    first, second, _ = (issue.id for issue in app.exceptions.issues_of(group.group_key))
    app.issues.close(first, WHO)

    result = app.bulk.dismiss([group], "not now", BY, (first, second))

    assert (result.records, result.refused) == (1, (BulkFailure(group, str(first)),))
    assert app.exceptions.group(group.group_key, IssueState.DISMISSED).count == 1  # type: ignore[union-attr]


def test_causes_are_given_to_somebody(app: Application) -> None:
    assert app.bulk.assign(groups(app), "anna", BY).records == 5
    assert {group.assigned for group in groups(app)} == {"anna"}
    assert len(app.exceptions.groups(assigned="anna")) == 3


@pytest.mark.parametrize("app", [True], indirect=True)
def test_one_preview_for_each_flow_and_why_a_flow_cannot_begin(app: Application) -> None:
    store = stores_in(app).runs
    active_run = store.begin("customers", Mode.CHANGES, WHO, 1)

    result = app.bulk.try_again(groups(app), BY)

    (refused,) = result.refused
    assert (refused.group.flow, refused.code) == ("customers", "run_active")
    (run,) = (wait_for_run(app, run) for run in result.runs)
    assert (run.flow, sorted(run.position.keys), run.counts.read_count) == ("products", ["10001", "10002", "10003"], 3)
    assert result.records == 3
    assert store.get(active_run.id).state in ACTIVE
    store.discard(active_run.id, WHO)
