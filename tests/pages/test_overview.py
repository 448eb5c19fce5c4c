"""The overview: what needs a person, the flows, and charts of the last days."""

from integration.core.plan import Approval
from integration.core.run import RunState
from integration.sandbox.faults import Fault
from integration.services import Application
from tests.pages.conftest import Open, press, previewed, settled, texts
from tests.patience import until
from tests.stores import built_in, stores_in

LATE_SECONDS = 25  # time enough to open a page before it comes


def test_what_was_sent_and_not_answered_comes_first_until_it_is_found(connected: Application, open_page: Open) -> None:
    assert connected.sandbox
    run = previewed(connected)
    open_page()  # the first page of a process takes longest
    late = built_in(connected).switches.armed(
        Fault.LATE, system="mplus", operation="createProduct", times=1, seconds=LATE_SECONDS
    )
    with late:
        confirmed = {brake.code: brake.count for brake in run.brakes}
        connected.runs.commit(run.id, Approval(run.fingerprint, "test", confirmed=confirmed))
        until(lambda: connected.runs.doubtful(connected.runs.get(run.id)) > 0, "a change in doubt")
        said = texts(open_page())
        done = settled(connected, run.id)

    assert "1 change was sent to MplusKASSA and not answered" in said
    assert "Nothing is sent twice" in said
    assert (done.state, done.counts.in_doubt) == (RunState.DONE, 0)
    assert "not answered" not in texts(open_page())


def test_the_last_days_are_charts_that_can_be_downloaded(connected: Application, open_page: Open) -> None:
    until(lambda: stores_in(connected).events.count() == 0, "the last event in the log")

    test = open_page()

    assert not test.exception
    assert len(test.get("plotly_chart")) == 2
    assert {one.key for one in test.get("download_button")} >= {"csv-days_results", "csv-days_flows"}


def test_a_day_passes_in_the_sample_shop_on_request(connected: Application, open_page: Open) -> None:
    assert connected.sandbox
    before = len(built_in(connected).state("orders", "mplus"))

    test = press(open_page(), "pass_a_day")

    assert not test.exception
    assert len(built_in(connected).state("orders", "mplus")) > before
