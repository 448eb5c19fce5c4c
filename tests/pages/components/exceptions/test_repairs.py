"""Answers about a document that the books accepted and do not show, on the page of exceptions."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from integration.application.application import Application
from integration.core.run import Mode, PreviewRequest
from integration.core.states import RunState, Step
from integration.sandbox.faults import Fault
from integration.services.runs.exceptions import group_address
from tests.pages.conftest import Open, commit_run, console_on, press, texts, wait_for_run
from tests.people import make_actor

DAYS = 3


@pytest.fixture
def blind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """A console whose books do not show the orders they accept, and that does not wait long for them."""
    monkeypatch.setenv("CONSOLE_PATIENCE_SECONDS", "1")
    for app in console_on(tmp_path, monkeypatch, sandbox="true", articles=60):
        commit_run(app, wait_for_run(app, app.runs.preview(PreviewRequest("products", make_actor("test")))))
        shop = app.sandbox.running
        assert shop is not None
        shop.switches.arm(Fault.LATE, system="accountview", operation="SO1 POST", times=None, seconds=100_000)
        code = next(item.code for item in shop.shop.articles if item.number and not item.blocked and not item.fault)
        since = (shop.shop.today - timedelta(days=DAYS)).isoformat()
        app.flows.change("orders", {"date_from": since, "collective_article": code}, make_actor("test"))
        yield app


@pytest.mark.long
def test_a_person_enters_the_number_of_the_record(blind: Application, open_page: Open) -> None:
    run = wait_for_run(blind, blind.runs.preview(PreviewRequest("orders", make_actor("test"), Mode.COMPLETE)))
    run = commit_run(blind, run)
    assert (run.state, run.error) == (RunState.INTERRUPTED, "look_unproven")
    (group,) = [candidate for candidate in blind.exceptions.groups("orders") if candidate.cause == "read_back_missing"]
    (issue,) = blind.exceptions.issues_of(group.group_key)

    test = open_page("exceptions", cause=group_address(group.group_key))
    assert group.facts["reference"] in texts(test)
    test = test.segmented_control(key=f"doubt-{issue.id}").set_value("there").run()
    assert test.text_input(key=f"number-{issue.id}").value == group.facts["number"]
    press(test, "again")

    line = next(row for row in blind.plans.rows(run.id, "accepted"))
    assert (line.step, line.reference) == (Step.ACCEPTED, group.facts["number"])
    assert blind.runs.counts(run.id).difference == 0
