"""Controls that pages offer to each role, over a socket: each one is answered and not refused."""

from collections.abc import Iterator

import pytest

from integration.accounts.people import Identity, People
from integration.accounts.store.people import PeopleStore as Stored
from integration.core.issues import IssueState
from integration.core.people import Role
from integration.services.runs.exceptions import group_address
from integration.store.database import open_database
from tests.clocks import now
from tests.consoles import Console, open_application
from tests.people import make_actor
from tests.servers import Server, serve_console
from tests.visitor import Person

ADMIN = make_actor("admin")
LOOKING = (
    "language", "keys", "log-out", "open_search", "_flow", "_tab", "_part", "_table", "why_code", "why_show", "sift",
    "words", "_page", "_find", "to_flow", "repair", "csv-", "data-", "xlsx-", "download-", "rule_before", "rule_after",
    "rules-", "record-", "open_table", "history-", "all-rules-", "to_rules", "changes-",
)  # fmt: skip
"""The controls of Flows and Mappings that only look: where to, and which record is tried."""
SETTINGS = [
    *(("flows", f"flow={flow}&tab={tab}") for flow in ("orders", "products")
      for tab in ("settings", "filters", "fields", "tables", "schedule", "brakes")),
    *(("mappings", f"flow=orders&part={part}") for part in ("debtor", "order", "tables", "changes", "history")),
]  # fmt: skip
ELSEWHERE = [
    ("overview", ""), ("preview", "flow=products"), ("preview", "flow=products&show=create"), ("exceptions", ""),
    ("exceptions", "status=dismissed"), ("exceptions", "status=corrected"), ("runs", ""), ("days", ""), ("stock", ""),
    ("stock", "view=differences"), ("monitoring", ""), ("monitoring", "view=sent"), ("logs", ""),
    ("logs", "tab=queries"), ("setup", "step=accountview"), ("setup", "step=mplus"), ("setup", "step=flows"),
    ("setup", "step=questions"), ("setup", "step=ready"), ("administration", ""), ("phone", ""),
]  # fmt: skip
MOST = 6  # causes that are opened
AWAY = ("log-out", "day-2")  # what ends the walk, takes minutes, or is there for each day of a month


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, list[tuple[str, str]]]]:
    """A console in which something waits everywhere, with the pages that show it."""
    data = tmp_path_factory.mktemp("console")
    with open_application(data, sandbox=True) as application:
        console = Console(application)
        run = console.run("products")
        console.preview("products")
        console.preview("orders")
        groups = application.exceptions.groups("", IssueState.OPEN, "", "")
        addresses = [("exceptions", f"cause={group_address(group.group_key)}") for group in groups[:MOST]]
        addresses.append(("runs", f"run={run.id}"))
    settings = {"CONSOLE_LOG_IN": "accounts", "CONSOLE_SANDBOX": "true", "CONSOLE_SANDBOX_ARTICLES": "60"}
    with serve_console(data, settings=settings) as running:
        yield running, addresses


def person_with_role(server: Server, role: Role) -> Person:
    """Return somebody of a role at a socket."""
    database = open_database(f"sqlite:///{server.data / 'console.sqlite'}")
    try:
        people = People(Stored(database, now), now, asks=True, is_safe=False)
        people.enter(Identity("https://id.example.com", "admin"), people.invite("admin", "", ["administrator"], ADMIN))
        key = people.enter(Identity("https://id.example.com", role), people.invite(f"one-{role}", "", [role], ADMIN))
    finally:
        database.close()
    return Person(server, f"sluis={key}")


REFUSED = "does not have this right"  # as the cause `not_allowed` says it


@pytest.mark.long
@pytest.mark.parametrize("role", [Role.VIEWER, Role.ACCOUNTANT])
def test_how_something_is_arranged_is_seen_and_out_of_reach(
    views: tuple[Server, list[tuple[str, str]]], role: Role
) -> None:
    somebody_there = person_with_role(views[0], role)
    for page, query in SETTINGS if role is Role.ACCOUNTANT else SETTINGS[:3]:
        page_text = somebody_there.open_page(page, query)
        assert "ask somebody with the role operator, administrator" in page_text, (page, query)
        within = {key for key in somebody_there.reachable if not key.startswith(LOOKING)}
        assert within == set(), (page, query)
    somebody_there.close()


@pytest.mark.long
@pytest.mark.parametrize("role", list(Role))
def test_what_is_within_reach_is_not_refused(views: tuple[Server, list[tuple[str, str]]], role: Role) -> None:
    server, more = views
    pressed, wrong = 0, []
    browser = person_with_role(server, role)
    for page, query in [*ELSEWHERE, *SETTINGS, *more]:
        assert REFUSED not in browser.open_page(page, query), (page, query)
        within = {key: button for key, button in browser.buttons.items() if key in browser.reachable}
        for key, button in within.items():
            if key.startswith(AWAY):
                continue
            pressed += 1
            if REFUSED in browser.open_page(page, query, presses=button):
                wrong.append((page, query, key))
    browser.close()
    assert wrong == []
    assert pressed > 20
