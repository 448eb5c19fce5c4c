"""The waiting list: Overview, Exceptions, Monitoring and Approvals show the same rows."""

import html
import re
from dataclasses import dataclass

import pytest
from streamlit.testing.v1 import AppTest

from integration import words
from integration.alerts.messages import Messages
from integration.application.application import Application
from integration.core.issues import Issue, IssueOccurrence
from integration.core.run import PreviewRequest
from integration.services.runs.exceptions import group_address
from pages.components.shared.timeline import event_reason, event_title
from tests.pages.conftest import Open, press, preview_products, texts, wait_for_run
from tests.pages.test_languages import open_page_in
from tests.people import make_actor
from tests.stores import stores_in

PLACES = ("exceptions", "overview", "monitoring", "phone")
ROW = re.compile(r":small\[\*\*(.+)\*\*\] {2}\n:small\[:gray\[(.*)\]\] {2}\n")
EAN = "ean_check_digit"


@dataclass(frozen=True)
class Row:
    """A row as a person reads it."""

    name: str
    facts: str  # flow, number, euros and age


def rows_of(test: AppTest) -> list[Row]:
    return [
        Row(*map(html.unescape, match.groups())) for element in test.markdown if (match := ROW.match(element.value))
    ]


@pytest.fixture(scope="module")
def waiting(connected_application: Application) -> Application:
    """A shop with plans, parked records, a worker that died, and a cause with one single record."""
    preview_products(connected_application)
    wait_for_run(
        connected_application, connected_application.runs.preview(PreviewRequest("orders", make_actor("test")))
    )
    stores = stores_in(connected_application)
    stores.heartbeats.beat("worker-7")
    stores.heartbeats.mark_dead("worker-7")
    facts = {"sold": "99999.00", "value": "8719980000117", "article": "9104", "key": "9104"}
    stores.issues.open("stock", "run", [IssueOccurrence(Issue(EAN, "9104", "ean", facts), title="Staande pomp")])
    connected_application.alerts.detect()
    return connected_application


def test_four_places_show_the_same_rows_in_the_same_order(waiting: Application) -> None:
    language = "nl"
    rows = {place: rows_of(open_page_in(language, place)) for place in PLACES}

    longest = rows["exceptions"]
    assert len(longest) > len(rows["overview"]) > 3
    for place in PLACES:
        assert rows[place] == longest[: len(rows[place])], place
    names = [item.name for item in waiting.waiting_list.items(language).first_items]
    assert [item.name for item in longest] == names[: len(longest)]


def test_a_row_leads_to_the_same_place_from_each_screen(waiting: Application, open_page: Open) -> None:
    cause = next(item for item in waiting.waiting_list.items("en").first_items if item.group is not None)
    assert cause.group is not None
    for place in ("overview", "monitoring", "phone"):
        test = press(open_page(place), f"need-{cause.key}")
        assert test.query_params["cause"] == group_address(cause.group.group_key)
    test = press(open_page("exceptions"), f"open-{group_address(cause.group.group_key)}")
    assert test.query_params["cause"] == group_address(cause.group.group_key)


@pytest.mark.usefixtures("waiting")
def test_a_cause_with_a_single_record_has_its_one_name(open_page: Open) -> None:
    test = open_page("phone")
    (name,) = {row.name for row in rows_of(test) if row.facts.startswith("Stock")}
    assert name == words.headline(EAN, {})
    assert "8719980000117" in texts(test), "the record is the detail"


def test_alerts_and_log_call_a_cause_by_its_one_name(waiting: Application) -> None:
    incident = next(candidate for candidate in waiting.monitoring.open_incidents() if candidate.problem.flow == "stock")
    title, body = Messages("").begin_message(incident, "en", incident.started_at)
    headline = words.headline(EAN, {})
    assert title.endswith(headline)
    assert "check digit" in body
    event = {"event": "parked", "flow": "stock", "code": EAN, "facts": incident.problem.facts}
    assert event_reason(event) == headline
    assert event_title(event).endswith(headline)
