"""Active and ended runs, as their page shows them."""

from datetime import UTC, datetime

import pytest

from integration.application.application import Application
from integration.core.plan import Approval
from integration.core.run import Outcome
from integration.core.states import RunState, Step
from integration.store import plan_lines
from integration.store.ledger import Ledger
from integration.store.previews import Previews
from integration.store.runs import RunStore
from integration.store.tables import lines
from pages.components.shared.layout import mark
from tests.pages.conftest import Open, press, texts
from tests.people import make_actor
from tests.store.samples import STAGES, a_commit, a_create, a_park, a_plan, a_preview, prove
from tests.stores import stores_in


@pytest.fixture
def past_runs(fresh: Application) -> RunStore:
    """The runs of an installation where nothing is connected."""
    return RunStore(stores_in(fresh).database, lambda: datetime.now(UTC))


def test_a_plan_that_is_being_written_shows_its_progress_and_no_button(
    fresh: Application, open_page: Open, past_runs: RunStore
) -> None:
    run = a_commit(past_runs, a_create(1), a_create(2))

    test = open_page("preview", plan=run)

    assert not test.exception
    assert "This plan is being written now." in texts(test)
    assert "commit" not in [button.key for button in test.button]
    assert "0 of 2 changes written" in test.get("progress")[0].proto.text
    fresh.runs.cancel(run, make_actor("test"))


def test_a_run_tells_its_phases_and_that_it_adds_up(open_page: Open, past_runs: RunStore) -> None:
    run = a_commit(past_runs, a_create(1), a_create(2), unchanged=3)
    prove(past_runs, run)
    Ledger(past_runs.database, past_runs.clock).finish(run)

    page_text = texts(open_page("runs", run=run))

    assert "Nothing lost: difference 0" in page_text
    phases = [row for row in past_runs.phases(run) if row.ended_at]
    assert [phase.name for phase in phases] == ["extract", "approve", "write"]
    assert "Phases" in page_text


def test_what_is_proven_was_and_is_and_what_is_planned_will_be(open_page: Open, past_runs: RunStore) -> None:
    run = a_commit(past_runs, a_create(1), a_create(2))
    ledger = Ledger(past_runs.database, past_runs.clock)
    ledger.mark_sent(run, [2])
    ledger.settle(run, [Outcome(2, Step.PROVEN, "72")])

    heads = [list(open_page("preview", plan=run, show="all", record=seq).table[0].value.columns) for seq in "12"]

    assert heads == [["Field", "Now", "Will be"], ["Field", "Was", "Is"]]


def test_a_run_that_proved_nothing_is_not_green_and_says_how_many_wait(open_page: Open, past_runs: RunStore) -> None:
    run = a_commit(past_runs, a_create(1), a_park(2))
    with past_runs.database.write() as connection:
        connection.execute(lines.update().where(lines.c.action == "create").values(step=Step.PARKED, cause="refused"))
        plan_lines.count_tallies(connection, run, [("create", "planned", -1, -1), ("create", "parked", 1, 1)])
    Ledger(past_runs.database, past_runs.clock).finish(run)

    for page, expected in (("runs", "Nothing written: 2 records wait"), ("preview", "Nothing written.")):
        page_text = texts(open_page(page, run=run, plan=run))
        assert expected in page_text
        assert "Nothing written" in page_text
        assert "Nothing lost" not in page_text
    assert "Nothing written." in texts(open_page("phone", plan=run))


def test_a_preview_with_nothing_to_write_is_not_green_while_records_wait(open_page: Open, past_runs: RunStore) -> None:
    run = a_preview(past_runs, a_park(1), unchanged=1)
    Previews(past_runs.database, past_runs.clock).finish(run, "fingerprint", (), RunState.DONE, 2)

    page_text = texts(open_page("preview", plan=run))

    assert f"{mark('parked')} **Nothing to do: 1 record is equal in both systems.**" in page_text


@pytest.mark.parametrize(
    "end", ["failed", *(pytest.param(end, marks=pytest.mark.long) for end in ("interrupted", "discarded", "cancelled"))]
)
def test_a_run_that_did_not_go_through_says_how_it_ended(open_page: Open, past_runs: RunStore, end: str) -> None:
    run = a_plan(past_runs, a_create(1), a_create(2))
    if end == "discarded":
        past_runs.discard(run, "anna")
    else:
        past_runs.approve(run, Approval("fingerprint", "anna"))
        stop = past_runs.fail if end == "failed" else past_runs.interrupt
        stop(run, "cancelled" if end == "cancelled" else "connection_refused", {"system": "mplus", "host": "till"})

    test = open_page("runs", run=run)

    assert not test.exception
    page_text = texts(test)
    expected = {"discarded": "Discarded", "failed": "does not accept a connection", "cancelled": "stopped by a user"}
    assert expected.get(end, "does not accept a connection") in page_text
    assert ("resume" in [button.key for button in test.button]) is (end in ("interrupted", "cancelled"))


def test_a_preview_that_is_made_can_be_stopped_where_it_is_shown(open_page: Open, past_runs: RunStore) -> None:
    run = a_preview(past_runs)

    for page in ("runs", "preview"):
        test = open_page(page, run=run, plan=run)
        assert f"cancel-{run}" in [button.key for button in test.button]
    test = press(test, f"cancel-{run}")

    assert not test.exception
    assert "The preview stops shortly. Nothing is written." in [toast.value for toast in test.toast]
    assert past_runs.cancel_requested(run)
    past_runs.cancel_preview(run)
    page_text = texts(open_page("preview", plan=run))
    assert "This preview was stopped by a user." in page_text
    assert "Nothing was written." in page_text


def test_a_run_that_waits_for_a_system_says_for_which_and_goes_on(
    fresh: Application, open_page: Open, past_runs: RunStore
) -> None:
    run = a_commit(past_runs, a_create(1), a_park(2))
    past_runs.waiting_for(run, "connection_refused", {"system": "mplus", "host": "till"})

    test = open_page("runs", run=run)

    assert not test.exception
    assert "MplusKASSA does not accept a connection at till" in texts(test)
    progress_text = test.get("progress")[0].proto.text
    assert "0 of 1 changes written" in progress_text
    assert "parked" not in progress_text
    fresh.runs.cancel(run, make_actor("test"))


def test_a_run_says_when_its_system_is_asked_as_much_as_it_may_be(
    connected_application: Application, open_page: Open
) -> None:
    runs = RunStore(stores_in(connected_application).database, lambda: datetime.now(UTC))
    run = a_commit(runs, *(a_create(number) for number in range(1, 6)))
    ledger, progress_texts = Ledger(runs.database, runs.clock), []
    lines = [line.seq for line in ledger.next_planned(run, STAGES, 4)]

    for sent_lines in (lines[:3], lines[3:]):
        ledger.mark_sent(run, sent_lines)
        progress_texts.append(open_page("runs", run=run).get("progress")[0].proto.text)

    assert "3 on their way" in progress_texts[0]
    assert "the limit of" not in progress_texts[0]
    assert "4 calls active, the limit of MplusKASSA" in progress_texts[1]
    runs.interrupt(run, "cancelled", {})


def test_a_run_with_parked_records_is_no_green_done_and_leads_to_their_causes(
    open_page: Open, past_runs: RunStore
) -> None:
    run = a_commit(past_runs, a_create(1), a_park(2))
    prove(past_runs, run)
    Ledger(past_runs.database, past_runs.clock).finish(run)

    test = open_page("runs", run=run)

    assert "Partly parked" in texts(test)
    assert "1 record was not written" in texts(test)
    assert [button.key for button in test.button if (button.key or "").startswith("need-")]
    assert "Partly parked" in str(open_page("runs").dataframe[0].value["state"].tolist())
