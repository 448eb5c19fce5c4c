"""The page Monitoring: incidents, channels, messages, and heartbeats to an outside service."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from integration.alerts.heartbeat_pings import WHOLE
from integration.alerts.service import EVERYTHING
from integration.application.application import Application
from integration.core.issues import Issue, IssueOccurrence
from integration.core.vat import vat_fact
from integration.store.heartbeats import Heartbeats
from tests.alerts.transport.receivers import Hook, web_server
from tests.clocks import now
from tests.pages.conftest import Open, press, texts
from tests.people import make_actor
from tests.stores import stores_in
from tests.timeouts import wait_until

ARTICLES = 60
VAT = {"code": "7", "vat": vat_fact("7", None, "mplus")}
NAMED = "Jan Jansen <jan@shop.example>"


@pytest.fixture
def application_with_alerts(connected_application: Application) -> Iterator[Application]:
    """A console on which orders wait, and a worker died."""
    stores = stores_in(connected_application)
    met = [
        IssueOccurrence(Issue("vat_code_unmapped", f"O{number}", facts={**VAT, "sold": "10.50"})) for number in range(3)
    ]
    stores.issues.open("orders", "run", met)
    Heartbeats(stores.database, lambda: now() - timedelta(minutes=5)).beat("worker-7")
    stores.heartbeats.mark_dead("worker-7")
    connected_application.alerts.detect()
    yield connected_application
    for issue in stores.issues.list("orders", "vat_code_unmapped"):
        stores.issues.close(issue.id, "test")
    for channel in connected_application.channels.list_channels():
        connected_application.channels.forget(channel.id, make_actor("test"))


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A web server that takes messages."""
    with web_server() as server:
        yield server


def identity(app: Application, cause: str) -> int:
    """Return the number of the open incident with this cause."""
    return next(incident.id for incident in app.monitoring.open_incidents() if incident.problem.cause == cause)


def test_what_goes_on_is_reported_with_what_it_comes_to_and_leads_to_its_screen(
    application_with_alerts: Application, open_page: Open
) -> None:
    page = open_page("monitoring")
    page_text = texts(page)

    assert len(application_with_alerts.monitoring.open_incidents()) >= 2
    assert "VAT code 7 · MplusKASSA has no counterpart" in page_text
    assert "Orders · 3 records · €31.50 incl. VAT not booked" in page_text
    assert "worker&#45;7" in page_text or "worker-7" in page_text
    assert "Products" in str([table.value for table in page.table])
    assert not page.exception


def test_a_worker_that_is_forget_process_is_no_trouble_any_more(
    application_with_alerts: Application, open_page: Open
) -> None:
    press(open_page("monitoring"), f"gone-{identity(application_with_alerts, 'worker_stopped')}")
    assert "worker-7" not in stores_in(application_with_alerts).heartbeats.dead_processes()


def test_one_incident_or_everything_is_silenced_for_an_hour_and_reported_again(
    application_with_alerts: Application, open_page: Open
) -> None:
    incident_id = identity(application_with_alerts, "vat_code_unmapped")
    page = press(open_page("monitoring"), f"silence-{incident_id}_hour")
    (until,) = application_with_alerts.alerts.silences.active_silences().values()
    assert timedelta(minutes=59) < until - datetime.now(UTC) < timedelta(minutes=61)
    press(page, f"tell-{incident_id}")
    assert application_with_alerts.alerts.silences.active_silences() == {}

    page = press(open_page("monitoring"), "silence_all_until")
    assert application_with_alerts.alerts.silences.active_silences().keys() == {EVERYTHING}
    press(page, "tell_all")
    assert application_with_alerts.alerts.silences.active_silences() == {}


def test_a_channel_is_made_tried_and_taken_away(
    application_with_alerts: Application, open_page: Open, hook: Hook
) -> None:
    assert "No channel yet" in texts(open_page("monitoring", view="channels"))
    page = press(open_page("monitoring", view="channels"), "channel_add")
    page.text_input(key="channel-name").input(NAMED)
    page.text_input(key="channel-address").input("json://hooks.example.com/tokenofnobody")
    page.button(key="channel-save").click().run()
    assert application_with_alerts.channels.list_channels() == []

    application_with_alerts.channels.save({"name": NAMED}, make_actor("test"), address=hook.address)
    (channel,) = application_with_alerts.channels.list_channels()
    page = press(open_page("monitoring", view="channels"), f"test-{channel.id}")
    assert "Test message of the console" in hook.titles
    page_text = texts(open_page("monitoring", view="channels"))
    assert "Works" in page_text
    hook.down = True
    page_text = texts(press(open_page("monitoring", view="channels"), f"test-{channel.id}"))
    assert "could not be delivered" in page_text
    assert "503" in page_text
    assert "tokenofthehook" not in page_text
    press(open_page("monitoring", view="channels"), f"forget-now-{channel.id}")
    assert application_with_alerts.channels.list_channels() == []


@pytest.mark.long
def test_what_was_sent_is_listed_with_what_waits(
    application_with_alerts: Application, open_page: Open, hook: Hook
) -> None:
    application_with_alerts.channels.save({"name": NAMED}, make_actor("test"), address=hook.address)
    stores = stores_in(application_with_alerts)
    stores.issues.open("customers", "run", [IssueOccurrence(Issue("vat_number_invalid", "C1", facts={"key": "C1"}))])
    application_with_alerts.alerts.detect()
    application_with_alerts.alerts.send()
    wait_until(
        lambda: all(
            notification.delivery.sent_at for notification in application_with_alerts.monitoring.list_notifications()
        ),
        "the message",
    )  # by this or the console
    page = open_page("monitoring", view="sent")

    (table,) = page.table
    table_text = table.value.to_string()
    assert "Jan Jansen" in table_text
    assert "Delivered" in table_text
    assert not page.exception
    stores.issues.close(stores.issues.list("customers", "vat_number_invalid")[0].id, "test")


def test_signs_of_life_and_opening_hours_are_set_and_no_address_is_shown(
    application_with_alerts: Application, open_page: Open
) -> None:
    page = open_page("monitoring", view="signs")
    page.text_input(key=f"ping-{WHOLE}").input("https://hc.example.com/uuid-of-the-whole").run()
    press(page, f"ping-save-{WHOLE}")
    assert application_with_alerts.pings.start_times().keys() == {WHOLE}
    page = open_page("monitoring", view="signs")
    assert "uuid-of-the-whole" not in str(page)
    press(page, f"ping-end-{WHOLE}")
    assert application_with_alerts.pings.start_times() == {}

    page = open_page("monitoring", view="signs")
    page.number_input(key="openings-hours").set_value(6)
    press(page, "openings-save")
    assert application_with_alerts.opening_hours.current_hours().proof_hours == 6
