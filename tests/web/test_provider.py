"""Log-ins with a real OpenID Connect provider: only an invited person gets a session."""

import re
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa

from integration.accounts.store.people import PeopleStore
from integration.core.people import Role
from integration.store.database import Database, open_database
from integration.store.tables import sessions
from tests.clocks import now
from tests.log_in_browser import Browser, first_key
from tests.provider import CLIENT, SECRET, OpenIdProvider, open_id_provider
from tests.raw_http import SOCKET, RawResponse, send_request
from tests.servers import Server, free_port, serve_console
from tests.timeouts import wait_until

BEGUN = re.compile(r"sluis-log-in=([\w-]+)")


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    """A provider on loopback."""
    with open_id_provider() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, provider: OpenIdProvider) -> Iterator[Server]:
    """A console to which people come by that provider."""
    yield from console(tmp_path_factory.mktemp("console"), provider.issuer, CLIENT, SECRET)


def console(folder: object, issuer: str, client: str, secret: str) -> Iterator[Server]:
    settings = {
        "CONSOLE_LOG_IN": "provider", "CONSOLE_PROVIDER__ISSUER": issuer,
        "CONSOLE_PROVIDER__CLIENT_ID": client, "CONSOLE_PROVIDER__CLIENT_SECRET": secret,
    }  # fmt: skip
    with serve_console(folder, settings=settings) as running:  # type: ignore[arg-type]
        yield running


@pytest.fixture(scope="module")
def admin(server: Server, provider: OpenIdProvider) -> Browser:
    """The browser of the first administrator, who came by the link of the start."""
    provider.subject = "the first"
    return open_browser(server, invitation=first_key(server))


@pytest.fixture(autouse=True)
def reset_provider(provider: OpenIdProvider) -> None:
    """Reset the provider to correct claims."""
    provider.claims, provider.forges, provider.subject = {}, "", "the first"


def start_log_in(browser: Browser, **asking: str) -> tuple[str, str]:
    """Start a log-in; return the address that the provider redirects to, and the cookie of the log-in."""
    begun = browser.get("/login/provider?" + urllib.parse.urlencode(asking))
    assert begun.status == 303, begun
    mark = BEGUN.search(begun.headers["set-cookie"])
    assert mark is not None
    url = urlsplit(httpx.get(begun.headers["location"]).headers["location"])
    return f"{url.path}?{url.query}", f"sluis-log-in={mark[1]}"


def answer_to(browser: Browser, **asking: str) -> RawResponse:
    """Log in at the provider; return the response, and keep the session in the browser."""
    path, mark = start_log_in(browser, **asking)
    answer = Browser(browser.server, mark).get(path)
    match = re.search(r"sluis=[\w-]{43}", answer.headers.get("set-cookie", ""))
    browser.cookie = match[0] if match else browser.cookie
    return answer


def open_browser(server: Server, **asking: str) -> Browser:
    browser = Browser(server)
    answer = answer_to(browser, **asking)
    assert answer.status == 303, answer.body
    return browser


def people_store(server: Server) -> tuple[Database, PeopleStore]:
    database = open_database(f"sqlite:///{server.data / 'console.sqlite'}")
    return database, PeopleStore(database, now)


def socket(server: Server, browser: Browser) -> int:
    head = [f"Host: 127.0.0.1:{server.port}", f"Origin: {server.address}", f"Cookie: {browser.cookie}"]
    return send_request(server.port, "GET /_stcore/stream HTTP/1.1", *head, *SOCKET).status


def test_who_was_invited_comes_in_and_is_shown_on(server: Server, admin: Browser) -> None:
    assert (admin.get("/").status, socket(server, admin)) == (200, 101)
    page = Browser(server).get("/login?next=%2Fruns")
    assert b'href="/login/provider?next=%2Fruns"' in page.body
    assert b"password" not in page.body
    answer = answer_to(Browser(server), next="/runs?flow=orders")
    assert (answer.status, answer.headers["location"]) == (303, "/runs?flow=orders")
    assert answer_to(Browser(server), next="//evil.test").headers["location"] == "/"


def test_roles_come_from_our_table_and_never_from_a_group(
    server: Server, admin: Browser, provider: OpenIdProvider
) -> None:
    """The tokens of this provider claim that every person is an administrator."""
    assert admin.cookie
    database, people = people_store(server)
    people.add("vera", "Vera", {Role.VIEWER}, "admin")
    people.invite("vera", "a key of an invitation", now() + timedelta(days=1), "admin")
    provider.subject = "of vera"
    vera = open_browser(server, invitation="a key of an invitation")
    actor = people.in_session(key=vera.cookie.partition("=")[2])
    assert actor is not None
    assert (actor.ref, actor.roles) == ("vera", frozenset({Role.VIEWER}))
    people.change("vera", {Role.OPERATOR}, "admin")  # holds from the next question on, in the same session
    actor = people.in_session(key=vera.cookie.partition("=")[2])
    assert actor is not None
    assert actor.roles == frozenset({Role.OPERATOR})
    people.set_active("vera", "admin", on=False)
    assert (vera.get("/").status, socket(server, vera)) == (303, 401)
    assert answer_to(Browser(server)).status == 401
    database.close()


def test_who_was_not_invited_is_nobody(server: Server, admin: Browser, provider: OpenIdProvider) -> None:
    assert admin.cookie
    provider.subject = "a stranger"
    answer = answer_to(Browser(server))
    assert (answer.status, b"There is no invitation under this name" in answer.body) == (401, True)
    assert answer_to(Browser(server), invitation="no invitation").status == 401


@pytest.mark.parametrize(
    "claims", [{"aud": "another"}, {"iss": "http://127.0.0.1:1"}, {"nonce": "another"}, {"exp": 1}], ids=str
)
def test_what_proves_nothing_lets_nobody_in(
    server: Server, admin: Browser, provider: OpenIdProvider, claims: dict[str, object]
) -> None:
    assert admin.cookie
    provider.claims = dict(claims)
    browser = Browser(server)
    answer = answer_to(browser)
    assert (answer.status, b"could not verify your identity" in answer.body, browser.cookie) == (401, True, "")


def test_a_rotated_key_lets_nobody_in(server: Server, admin: Browser, provider: OpenIdProvider) -> None:
    assert admin.cookie
    provider.rotate()
    assert answer_to(Browser(server)).status == 401
    provider.signs_with = provider.shows[0]
    assert answer_to(Browser(server)).status == 303


def test_a_way_back_holds_in_the_browser_that_began_it_and_once(server: Server, admin: Browser) -> None:
    path, mark = start_log_in(admin)
    assert Browser(server).get(path).status == 401
    path, mark = start_log_in(admin)
    assert Browser(server, "sluis-log-in=forged").get(path).status == 401
    path, mark = start_log_in(admin)
    assert Browser(server, mark).get(path).status == 303
    assert Browser(server, mark).get(path).status == 401
    state = parse_qs(urlsplit(path).query)["state"][0]
    for forged in ("/login/answer", f"/login/answer?state={state}", "/login/answer?state=x&code=y"):
        assert Browser(server, mark).get(forged).status == 401


def test_a_session_ends_with_its_time_and_with_a_log_out(server: Server, admin: Browser) -> None:
    assert admin.cookie
    database, people = people_store(server)
    revoked, expired = open_browser(server), open_browser(server)
    actors = [people.in_session(key=browser.cookie.partition("=")[2]) for browser in (revoked, expired)]
    assert actors[0] is not None
    assert actors[1] is not None
    people.revoke(actors[0].session, actors[0].ref)
    with database.write() as connection:
        ends = sessions.update().where(sessions.c.id == actors[1].session)
        connection.execute(ends.values(until=now() - timedelta(seconds=1)))
        kept_rows = connection.execute(sa.select(sa.func.count()).select_from(sessions)).scalar_one()
    assert kept_rows >= 3
    for browser in (revoked, expired):
        assert (browser.get("/").status, socket(server, browser)) == (303, 401)
    assert admin.get("/").status == 200
    database.close()


def test_who_logs_out_is_logged_out_at_the_provider_too(
    server: Server, admin: Browser, provider: OpenIdProvider
) -> None:
    assert admin.cookie
    leaver, before = open_browser(server), len(provider.ended)
    another = leaver.get("/login/out", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: document")
    assert (another.status, another.headers["location"], leaver.get("/").status) == (303, "/login", 200)
    answer = leaver.get("/login/out", "Sec-Fetch-Site: same-origin")
    assert (answer.status, "Max-Age=0" in answer.headers["set-cookie"]) == (303, True)
    assert (leaver.get("/").status, socket(server, leaver)) == (303, 401)
    back = httpx.get(answer.headers["location"]).headers["location"]
    assert (back, len(provider.ended)) == (f"{server.address}/login", before + 1)
    assert provider.ended[-1]["client_id"] == CLIENT
    forgotten = Browser(server, "sluis=of a session that nobody knows")
    assert "id_token_hint" not in forgotten.get("/login/out", "Sec-Fetch-Site: same-origin").headers["location"]


def test_a_provider_that_knows_no_log_out_goes_on_and_that_is_said(
    server: Server, admin: Browser, provider: OpenIdProvider
) -> None:
    assert admin.cookie
    leaver, provider.ends = open_browser(server), False
    try:
        answer = leaver.get("/login/out", "Sec-Fetch-Site: same-origin")
    finally:
        provider.ends = True
    assert (answer.headers["location"], leaver.get("/").status) == ("/login?left=1", 303)
    assert b"You are still logged in at 127.0.0.1" in Browser(server).get("/login?left=1").body


def test_an_account_here_is_no_way_in(server: Server, admin: Browser) -> None:
    assert admin.cookie
    assert Browser(server).send("/login", name="admin", password="correct horse battery").status == 400
    database, people = people_store(server)
    people.add("ann", "Ann", {Role.ADMINISTRATOR}, "admin")
    people.invite("ann", "another key", now() + timedelta(days=1), "admin")
    database.close()
    page = Browser(server).get("/invitation?key=another%20key")
    assert b"/login/provider?invitation=another+key" in page.body
    assert Browser(server).send("/invitation", key="another key", password="correct horse battery").status == 405


@pytest.mark.long
def test_another_provider_that_nobody_of_us_wrote_lets_people_in(tmp_path_factory: pytest.TempPathFactory) -> None:
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    issuer = f"http://localhost:{port}"
    try:
        wait_until(lambda: _is_reachable(issuer), "the provider")
        issuer_name = httpx.get(f"{issuer}/.well-known/openid-configuration").json()["issuer"]
        for server in console(tmp_path_factory.mktemp("console"), issuer_name, CLIENT, SECRET):
            browser = Browser(server)
            begun = browser.get(f"/login/provider?invitation={first_key(server)}")
            mark = BEGUN.search(begun.headers["set-cookie"])
            assert mark is not None
            answer = httpx.post(begun.headers["location"], data={"sub": "somebody"})
            url = urlsplit(answer.headers["location"])
            entered = Browser(server, f"sluis-log-in={mark[1]}").get(f"{url.path}?{url.query}")
            assert entered.status == 303, entered.body
    finally:
        process.terminate()
        process.wait()


def _is_reachable(issuer: str) -> bool:
    try:
        return httpx.get(f"{issuer}/.well-known/openid-configuration").status_code == 200
    except httpx.TransportError:
        return False
