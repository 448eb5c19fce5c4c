"""The overview: the waiting list, the flows, and charts of the last days."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from integration.application.application import Application
from integration.core.plan import Approval
from integration.core.run import PreviewRequest
from integration.core.states import RunState
from integration.sandbox.faults import Fault
from integration.sandbox.server import running
from pages.components.shared.waiting import MAX_SHARED_ROWS
from tests.pages.conftest import Open, commit_run, console_on, press, preview_products, texts, wait_for_run
from tests.people import make_actor
from tests.programs import access
from tests.stores import sandbox_of, stores_in
from tests.timeouts import wait_until

MAX_QUERY_BYTES = 28  # of databases, for one drawing of the page, however many flows there are
IN_DOUBT = "Unclear whether a change arrived in MplusKASSA"
LATE_SECONDS = 10  # time enough to see that it is missing; while the page is read nobody can look again


@contextmanager
def record_statements() -> Iterator[list[str]]:
    """Record the statements that pages send to databases, without those of background threads."""
    statements: list[str] = []

    def note(*arguments: object) -> None:
        if "scriptThread" in threading.current_thread().name:
            statements.append(str(arguments[2]))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield statements
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


@pytest.mark.long
def test_an_unanswered_write_comes_first_until_the_lookup_settles_it(
    connected_application: Application, open_page: Open
) -> None:
    assert connected_application.sandbox
    run = preview_products(connected_application)
    open_page()  # the first page of a process takes longest
    late = sandbox_of(connected_application).switches.armed(
        Fault.LATE, system="mplus", operation="createProduct", times=1, seconds=LATE_SECONDS
    )
    with late:
        confirmed = {brake.code: brake.count for brake in run.brakes}
        connected_application.runs.commit(run.id, Approval(run.fingerprint, "test", confirmed=confirmed))
        wait_until(
            lambda: connected_application.runs.in_doubt_count(connected_application.runs.get(run.id)) > 0,
            "a change in doubt",
        )
        with sandbox_of(connected_application).switches.armed(
            Fault.UNAVAILABLE, system="mplus", operation="getProducts", times=None
        ):
            page_text = texts(open_page())
        finished_run = wait_for_run(connected_application, run.id)

    # others may be under way when nobody can look any more
    assert re.search(rf"{IN_DOUBT}.*\n?.*Products · \d+ change", page_text)
    assert "Nothing is sent twice" in page_text
    assert (finished_run.state, finished_run.counts.in_doubt) == (RunState.DONE, 0)
    assert IN_DOUBT not in texts(open_page())


def test_what_needs_a_person_beyond_the_first_few_is_a_link_to_where_it_is(
    connected_application: Application, open_page: Open
) -> None:
    preview_products(connected_application)
    wait_for_run(
        connected_application, connected_application.runs.preview(PreviewRequest("orders", make_actor("test")))
    )

    with record_statements() as statements:
        test = open_page("overview")

    assert len(statements) <= MAX_QUERY_BYTES, statements
    assert len(connected_application.exceptions.groups()) > MAX_SHARED_ROWS
    assert re.fullmatch(r"And \d+ more\.", test.button(key="more_exceptions").label)
    test = press(test, "more_exceptions")
    assert not test.exception
    assert "records need your attention; causes" in texts(test)


@pytest.mark.long
def test_the_last_days_are_charts_that_can_be_downloaded(connected_application: Application, open_page: Open) -> None:
    if (run := preview_products(connected_application)).state is RunState.READY:
        commit_run(connected_application, run)
    connected_application.log.catch_up()

    test = open_page()

    assert not test.exception
    assert test.get("plotly_chart") == []  # whose library is larger than all the rest of a page
    charts = [element.proto.body for element in test.get("html") if 'class="bars"' in element.proto.body]
    results, by_flow = (re.sub("<[^>]+>", " ", chart) for chart in charts)
    assert re.search("Parked|Proven", results)
    assert "Products" in by_flow
    assert {button.key for button in test.get("download_button")} >= {"csv-days_results", "csv-days_flows"}


def test_a_day_passes_in_the_sample_shop_on_request(connected_application: Application, open_page: Open) -> None:
    assert connected_application.sandbox
    before = len(sandbox_of(connected_application).state("orders", "mplus"))

    test = press(open_page(), "advance_day")

    assert not test.exception
    assert len(sandbox_of(connected_application).state("orders", "mplus")) > before


def test_a_system_that_is_away_is_red_from_its_first_lost_call_and_a_run_says_since_when_it_waits(
    connected_application: Application, open_page: Open
) -> None:
    preview_products(connected_application)  # which fills in what is asked of the systems once
    assert "connected since" in texts(open_page())
    shop = sandbox_of(connected_application).switches
    with shop.armed(Fault.UNAVAILABLE, system="accountview", times=None):
        run = connected_application.runs.preview(PreviewRequest("products", make_actor("test")))
        wait_until(
            lambda: connected_application.runs.wait_start(connected_application.runs.get(run)) is not None,
            "a run that waits",
        )
        page_text = texts(open_page())
        assert re.search(r"(?m)^:small\[:gray\[.*no answer since \S+ · last answer ", page_text)
        assert re.search(r"Products · since \S+", page_text)
    wait_for_run(connected_application, run)

    wait_until(lambda: connected_application.connection_monitor.status_of("accountview").ok is True, "the answer")
    assert "no answer since" not in texts(open_page())


def test_codes_of_a_replaced_till_are_listed_and_confirmed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_page: Open
) -> None:
    with running(articles=50) as sandbox:
        for name, value in access(sandbox).items():
            monkeypatch.setenv(f"CONSOLE_{name}", value)
        with contextmanager(console_on)(tmp_path, monkeypatch, "false") as application:
            stores = stores_in(application)
            stores.rules.set_table("articles", {"7": "9001"}, "test")
            stores.settings.remember(*application.former_codes.setting_of_codes("mplus").popitem())
            test = open_page("overview")
            page_text = texts(test)
            assert "Are these codes right for the new MplusKASSA?" in page_text
            assert "Orders: [Substitute articles](/flows?flow=orders&tab=tables&table=articles)" in page_text
            test.checkbox(key="former-codes-checked-mplus").check().run()
            assert "Are these codes" not in texts(press(test, "former-codes-confirm-mplus"))
            assert application.former_codes.questions() == []
