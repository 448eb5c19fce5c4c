"""A log-in at a provider in a browser: in, at work, another role from the next action on, out of both, and too late."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from integration.accounts.store.people import PeopleStore
from integration.core.people import Role
from integration.store.database import Database, open_database
from integration.store.tables import sessions, settings
from tests.browser.conftest import at_rest, button
from tests.clocks import now
from tests.log_in_browser import first_key
from tests.provider import CLIENT, SECRET, OpenIdProvider, open_id_provider
from tests.servers import Server, serve_console

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    """A provider on loopback that asks people to log in, and knows them until they log out."""
    with open_id_provider() as running:
        running.asks = True
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, provider: OpenIdProvider) -> Iterator[Server]:
    """A console to which people come by that provider."""
    provider_settings = {
        "CONSOLE_LOG_IN": "provider", "CONSOLE_PROVIDER__ISSUER": provider.issuer,
        "CONSOLE_PROVIDER__CLIENT_ID": CLIENT, "CONSOLE_PROVIDER__CLIENT_SECRET": SECRET,
    }  # fmt: skip
    with serve_console(tmp_path_factory.mktemp("provider"), settings=provider_settings) as running:
        yield running


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    """The database of the console, looked at beside it."""
    opened = open_database(f"sqlite:///{server.data / 'console.sqlite'}")
    yield opened
    opened.close()


def enter(page: Page) -> None:
    """Go on from the log-in of the console, by the form of the provider."""
    page.get_by_role("link", name="Log in at 127.0.0.1").click()
    page.get_by_role("button", name="Log in there").click()
    expect(at_rest(page).get_by_text(re.compile("Logged in as"))).to_be_visible()


def test_in_at_work_another_role_out_of_both_and_too_late(
    server: Server, provider: OpenIdProvider, database: Database, page: Page
) -> None:
    page.goto(f"{server.address}/invitation?key={first_key(server)}")
    enter(page)
    people = PeopleStore(database, now)
    people.add("ben", "Ben", {Role.ADMINISTRATOR}, "admin")  # so that the first may lose the role
    people.invite("ben", "a key", now() + timedelta(days=1), "admin")
    people.accept("a key", provider.issuer, "of ben")

    page.goto(f"{server.address}/administration")
    expect(at_rest(page).get_by_role("heading", level=1)).to_have_text("Administration")
    page.goto(server.address)
    expect(at_rest(page).get_by_role("button", name="Try with the built-in sandbox")).to_be_visible()
    people.change("admin", {Role.VIEWER}, "ben")
    page.get_by_role("button", name="Try with the built-in sandbox").click()
    expect(at_rest(page).get_by_role("button", name="Try with the built-in sandbox")).to_have_count(0)
    is_sandboxed = sa.select(sa.func.count()).select_from(settings).where(settings.c.name == "sandbox")
    assert database.scalar(is_sandboxed) == 0
    people.change("admin", {Role.ADMINISTRATOR}, "ben")

    button(page, "Log out")
    expect(page).to_have_url(f"{server.address}/login")
    assert len(provider.ended) == 1
    assert provider.ended[0]["post_logout_redirect_uri"] == f"{server.address}/login"
    assert provider.session_marks == set()
    page.get_by_role("link", name="Log in at 127.0.0.1").click()
    expect(page.get_by_role("button", name="Log in there")).to_be_visible()  # the provider asks again

    page.goto(f"{server.address}/login?next=%2Fruns")
    enter(page)
    expect(page).to_have_url(re.compile("/runs"))
    with database.write() as connection:
        connection.execute(sessions.update().values(until=now() - timedelta(seconds=1)))
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Days").click()
    expect(page.get_by_text("You are not logged in, or your session has ended.")).to_be_visible()
    page.goto(f"{server.address}/runs")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    page.get_by_role("link", name="Log in at 127.0.0.1").click()  # who is known there still comes in at once
    expect(at_rest(page).get_by_text(re.compile("Logged in as"))).to_be_visible()


def test_a_provider_without_a_log_out_goes_on_and_the_console_says_so(
    server: Server, provider: OpenIdProvider, database: Database, page: Page
) -> None:
    people = PeopleStore(database, now)
    people.add("cas", "Cas", {Role.VIEWER}, "admin")
    people.invite("cas", "another key", now() + timedelta(days=1), "admin")
    provider.subject, provider.ends = "of cas", False
    page.goto(f"{server.address}/invitation?key=another%20key")
    enter(page)
    button(page, "Log out")
    expect(page).to_have_url(f"{server.address}/login?left=1")
    expect(page.get_by_text("You are still logged in at 127.0.0.1")).to_be_visible()
