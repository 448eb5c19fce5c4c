"""People in a browser: an invitation, a log-in, and the same pages for two tabs and two people."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from integration.accounts.people import People
from integration.accounts.store.people import PeopleStore as Stored
from integration.core.people import Right, Role
from integration.store.database import open_database
from tests.browser.conftest import at_rest, button
from tests.clocks import now
from tests.log_in_browser import PASSWORD, first_key
from tests.people import make_actor
from tests.servers import Server, serve_console

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve_console(tmp_path_factory.mktemp("people"), settings={"CONSOLE_LOG_IN": "accounts"}) as running:
        yield running


@pytest.fixture
def people(server: Server) -> Iterator[People]:
    database = open_database(f"sqlite:///{server.data / 'console.sqlite'}")
    yield People(Stored(database, now), now, asks=True, is_safe=False)
    database.close()


def accept_invitation(page: Page, link: str) -> None:
    """Come in by an invitation."""
    page.goto(link)
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Accept").click()
    expect(at_rest(page).get_by_role("heading", level=1)).to_be_visible()


def log_in(page: Page, server: Server, name: str, path: str = "/") -> None:
    page.goto(f"{server.address}{path}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(at_rest(page).get_by_text(f"Logged in as {name}")).to_be_visible()


def test_the_first_administrator_comes_in_invites_somebody_and_shuts_them_out(
    server: Server, page: Page, browser: Browser, people: People
) -> None:
    accept_invitation(page, f"{server.address}/invitation?key={first_key(server)}")
    page.goto(f"{server.address}/administration")
    at_rest(page)
    button(page, "Invite a person")
    page.get_by_role("textbox", name="Log-in name").fill("ann")
    page.get_by_role("button", name="Invite", exact=True).click()
    link = at_rest(page).get_by_text(re.compile(r"/invitation\?key=")).first.inner_text().strip()

    other = browser.new_context()
    hers = other.new_page()
    accept_invitation(hers, link)
    expect(hers.get_by_text("Logged in as ann")).to_be_visible()
    expect(hers.get_by_test_id("stSidebarNavLink").filter(has_text="Administration")).to_have_count(0)
    people.set_active("ann", make_actor("admin"), on=False)
    hers.get_by_test_id("stSidebarNavLink").filter(has_text="Runs").click()
    expect(hers.get_by_text("You are not logged in, or your session has ended.")).to_be_visible()
    hers.goto(f"{server.address}/runs")
    expect(hers).to_have_url(re.compile(r"/login\?next="))
    other.close()


def test_who_logs_out_in_one_tab_does_nothing_in_the_other(server: Server, page: Page, people: People) -> None:
    if not any(person.ref == "ben" for person in people.list_people()):
        people.accept(people.invite("ben", "", [Role.ADMINISTRATOR], make_actor("admin")), PASSWORD)
    log_in(page, server, "ben", "/runs")
    expect(page).to_have_url(re.compile("/runs"))
    page.goto(server.address)
    expect(at_rest(page).get_by_role("button", name="Try with the built-in sandbox")).to_be_visible()
    second = page.context.new_page()
    second.goto(server.address)
    expect(at_rest(second).get_by_text("Logged in as ben")).to_be_visible()  # the same session
    button(second, "Log out")
    expect(second.get_by_text("You are not logged in, or your session has ended.")).to_be_visible()

    page.get_by_role("button", name="Try with the built-in sandbox").click()
    expect(page.get_by_text("You are not logged in, or your session has ended.")).to_be_visible()
    database = open_database(f"sqlite:///{server.data / 'console.sqlite'}")
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM settings WHERE name = 'sandbox'").scalar() == 0
    database.close()


def open_limit(page: Page, limit: Locator) -> Locator:
    """Return the field of a second limit once it can be seen."""
    at_rest(page)
    if not limit.is_visible():
        page.get_by_text("Change the second limits").click()
    return limit


def test_a_second_limit_is_raised_by_two_people(server: Server, page: Page, browser: Browser, people: People) -> None:
    for name in ("cas", "dora"):
        people.accept(people.invite(name, "", [Role.ADMINISTRATOR], make_actor("admin")), PASSWORD)
    log_in(page, server, "cas", "/administration")
    limit = page.get_by_label("Number of changes").first
    for number, expected in (
        (10, "The second limits are saved."),
        (90, "A looser second limit waits for a second person."),
    ):
        open_limit(page, limit).fill(str(number))
        button(page, "Save the limits")
        expect(page.get_by_text(expected)).to_be_visible()
    expect(at_rest(page).get_by_role("button", name="Withdraw the change")).to_be_visible()
    expect(page.get_by_role("button", name="Approve the change")).to_have_count(0)

    other = browser.new_context()
    hers = other.new_page()
    log_in(hers, server, "dora", "/administration")
    button(hers, "Approve the change")
    expect(hers.get_by_text("The change is approved and saved.")).to_be_visible()
    expect(open_limit(hers, hers.get_by_label("Number of changes").first)).to_have_value("90")

    for ref in {person.ref for person in people.list_people()} - {"cas", "dora"}:
        people.set_active(ref, make_actor("admin"), on=False)
    button(page, "Change a person")
    at_rest(page).get_by_role("combobox", name=re.compile("Log-in name")).fill("dora")
    page.keyboard.press("Enter")
    button(page, "Deactivate")
    at_rest(page).get_by_test_id("stDialog").get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text("The change waits for a second administrator").first).to_be_visible()
    assert people.deciders(Right.ADMINISTER) == 2
    hers.reload()
    expect(at_rest(hers).get_by_text("dora: Without these rights, one person alone could decide")).to_be_visible()
    button(hers, "Approve the change")
    expect(hers.get_by_text("You are not logged in, or your session has ended.")).to_be_visible()
    assert people.deciders(Right.ADMINISTER) == 1
    other.close()
