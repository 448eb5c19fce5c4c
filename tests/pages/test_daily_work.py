"""The pages with both systems connected: preview, commit, runs and log."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import pytest

from integration.application.application import Application
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import RunState
from tests.pages.conftest import (
    ARTICLES,
    Open,
    commit_run,
    forbid_product_changes,
    press,
    preview_products,
    texts,
    wait_for_run,
)
from tests.people import make_actor
from tests.stores import sandbox_of

_article_numbers = count(19001)


@pytest.fixture
def news(connected_application: Application) -> str:
    """An article that the till does not have, whatever was written before."""
    code = str(next(_article_numbers))
    article = {"ART_CODE": code, "ART_DESC1": "Fietsbel", "PX_SELL": 10, "VAT_CODE": "1"}
    sandbox_of(connected_application).accountview.add("ARTICLE", article)
    return code


@pytest.fixture
def plan(connected_application: Application, news: str) -> Iterator[Run]:
    """A plan of all articles that waits and has something to write."""
    run = wait_for_run(
        connected_application,
        connected_application.runs.preview(PreviewRequest("products", make_actor("test"), Mode.COMPLETE)),
    )
    assert news in {row.key for row in connected_application.plans.rows(run.id, "create", limit=ARTICLES)}
    yield run
    if connected_application.runs.get(run.id).state is RunState.READY:
        connected_application.runs.discard(run.id, "test")


@pytest.fixture
def limit(connected_application: Application) -> Iterator[None]:
    """Every plan trips a brake."""
    forbid_product_changes(connected_application)
    yield
    connected_application.flows.change("products", {"brakes": {}}, make_actor("test"))


@pytest.mark.usefixtures("news")
def test_the_overview_starts_a_preview_and_shows_it(connected_application: Application, open_page: Open) -> None:
    test = press(open_page(), "preview-products")

    assert not test.exception
    run = wait_for_run(connected_application, connected_application.runs.latest(limit=1)[0].id)
    assert run.state is RunState.READY
    connected_application.runs.discard(run.id, "test")


def test_a_plan_shows_what_it_would_write_and_that_nothing_is_written(
    connected_application: Application, open_page: Open, plan: Run
) -> None:
    writes = sandbox_of(connected_application).ledger.counts()["writes"]

    test = open_page("preview", plan=plan.id)

    assert not test.exception
    page_text = texts(test)
    changes = connected_application.plans.count(plan.id, "changes")
    assert f"{changes} of {changes} changes chosen" in page_text
    assert "Nothing has been written yet" in page_text
    assert f"Commit {changes} changes to MplusKASSA" in page_text
    assert sandbox_of(connected_application).ledger.counts()["writes"] == writes


@pytest.mark.parametrize("show", ["all", "create", "update", "retire", "park", "skip", "unchanged"])
def test_every_filter_of_a_plan_opens(waiting_plan: Run, open_page: Open, show: str) -> None:
    assert not open_page("preview", plan=waiting_plan.id, show=show).exception


@pytest.mark.long
def test_a_search_without_a_match_can_be_cleared(open_page: Open, plan: Run) -> None:
    test = open_page("preview", plan=plan.id, show="all")
    test = test.text_input(key="find").set_value("nothing is called so").run()
    assert "No line matches" in texts(test)

    test = press(test, "clear")

    assert not test.exception
    assert test.text_input(key="find").value == ""


def test_parked_lines_say_what_happened_what_it_means_and_what_to_do(
    connected_application: Application, open_page: Open, plan: Run
) -> None:
    row = connected_application.plans.rows(plan.id, "park", limit=1)[0]

    page_text = texts(open_page("preview", plan=plan.id, show="park", record=str(row.seq)))

    assert "parked" in page_text
    assert row.key in page_text


def test_why_this_value_tells_each_step(open_page: Open, plan: Run) -> None:
    test = press(open_page("preview", plan=plan.id, show="create"), "why")

    assert not test.exception
    assert "failure" not in test.session_state


@pytest.mark.long
def test_a_plan_is_discarded_with_a_reason_that_stands_with_its_run(
    connected_application: Application, open_page: Open
) -> None:
    run = preview_products(connected_application)
    assert press(open_page("preview", plan=run.id), "note_plan").text_area(key="note_plan_text").label == "Note"
    connected_application.notes.add(run.id, "Looks *dear*", "test")

    test = press(open_page("preview", plan=run.id), "discard")
    assert connected_application.runs.get(run.id).state is RunState.READY, "why is asked for first"
    assert test.text_input(key="discard_reason").label == "Reason (optional)"
    connected_application.runs.discard(run.id, "test", "The wrong list")

    for page in (open_page("preview", plan=run.id), open_page("runs", run=run.id)):
        assert "Looks *dear*" in texts(page)
        assert "Discarded: The wrong list" in texts(page)
    assert "Nothing of it was written" in texts(open_page("preview", plan=run.id))


@pytest.mark.usefixtures("limit")
def test_a_brake_asks_for_its_number_before_anything_is_written(
    connected_application: Application, open_page: Open, plan: Run
) -> None:
    assert plan.brakes
    test = press(open_page("preview", plan=plan.id), "commit")
    assert test.button(key="really").disabled

    for brake in plan.brakes:
        test = test.text_input(key=f"typed-{brake.code}").set_value(str(brake.count)).run()

    assert not test.exception
    assert connected_application.runs.get(plan.id).state is RunState.READY


def test_a_committed_run_adds_up_on_its_page_and_the_next_preview_has_nothing_to_do(
    connected_application: Application, open_page: Open, plan: Run
) -> None:
    committed_run = commit_run(connected_application, plan)
    assert committed_run.state is RunState.DONE

    page_text = texts(open_page("runs", run=committed_run.id))
    assert "Nothing lost: difference 0" in page_text

    next_run = wait_for_run(
        connected_application,
        connected_application.runs.preview(PreviewRequest("products", make_actor("test"), Mode.COMPLETE)),
    )
    page_text = texts(open_page("preview", plan=next_run.id))
    assert "Nothing to do: both systems agree on" in page_text
    assert "Commit" not in page_text
    assert "Last good check" in texts(open_page())


@pytest.mark.usefixtures("waiting_plan")
def test_the_history_lists_runs_and_can_be_filtered_to_nothing(open_page: Open) -> None:
    test = open_page("runs", ended="stopped")

    assert "No run matches this filter" in texts(test)
    test = press(test, "empty")
    assert not test.exception
    assert len(test.dataframe) == 1


def test_the_log_finds_a_record_and_tells_its_life(
    connected_application: Application, open_page: Open, plan: Run
) -> None:
    run = commit_run(connected_application, plan)
    row = connected_application.plans.rows(run.id, "proven", limit=1)[0]
    connected_application.log.catch_up()

    test = open_page("logs", record=f"products:{row.key}")

    assert not test.exception
    assert "read back and equal to the plan" in texts(test)


@pytest.mark.usefixtures("connected_application")
@pytest.mark.parametrize("tab", ["records", "volume", "queries"])
def test_every_view_of_the_log_opens(open_page: Open, tab: str) -> None:
    test = open_page("logs", tab=tab)

    assert not test.exception


def test_a_question_that_would_change_the_log_is_refused_in_words(
    connected_application: Application, open_page: Open
) -> None:
    test = open_page("logs", tab="queries")
    test.text_area(key="sql").set_value("drop table events")
    test = next(button for button in test.button if button.label == "Run query").click().run()

    assert "it can only be read" in texts(test)
    assert connected_application.log.ask("select count(*) as n from events")["n"][0] > 0


def test_the_set_up_checks_a_connection_line_by_line(connected_application: Application, open_page: Open) -> None:
    before = datetime.now(UTC)

    test = press(open_page("setup", step="mplus"), "check-mplus")

    assert "MplusKASSA answers" in texts(test)
    status = next(
        candidate for candidate in connected_application.connections.statuses() if candidate.system == "mplus"
    )
    assert status.checked_at is not None
    assert status.checked_at > before


@pytest.mark.usefixtures("connected_application")
def test_a_plan_that_does_not_exist_opens_the_last_one_instead(open_page: Open) -> None:
    assert not open_page("preview", plan="never-was").exception
