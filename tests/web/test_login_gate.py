"""Without a session, a console serves only the log-in; with a session, it serves what the rights allow."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from integration.accounts.people import Identity, People
from integration.accounts.store.people import PeopleStore as Stored
from integration.core.people import Role
from integration.store import tables
from integration.store.database import open_database
from tests.clocks import now
from tests.log_in_browser import PASSWORD, Browser, first_key
from tests.people import make_actor
from tests.raw_http import SOCKET, send_request
from tests.servers import Server, serve_console
from tests.visitor import Person

ADMIN = make_actor("admin")
TOKEN = "token-of-the-monitor"
SERVED: list[Server] = []
FORGED = [
    "", "sluis=", "sluis=operator", "sluis=admin", "sluis=' OR 1=1 --", "sluis=" + "A" * 43, "__Host-sluis=x",
    "_streamlit_user=x",
]  # fmt: skip
HEADERS = [
    "X-Forwarded-User: admin", "Remote-User: admin", "X-Remote-User: admin", "X-Auth-Request-Email: admin@example.com",
    "Authorization: Basic YWRtaW46YWRtaW4=", "Authorization: Bearer admin", "X-Original-URL: /login",
    "X-Forwarded-For: 127.0.0.1",
]  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A console that asks for a log-in, in which nobody is yet."""
    settings = {"CONSOLE_LOG_IN": "accounts", "CONSOLE_METRICS_TOKEN": TOKEN}
    with serve_console(tmp_path_factory.mktemp("console"), settings=settings) as running:
        SERVED.append(running)
        yield running


@pytest.fixture(scope="module")
def admin(server: Server) -> Browser:
    """The browser of the first administrator."""
    browser = Browser(server)
    assert browser.send("/invitation", key=first_key(server), password=PASSWORD).status == 303
    return browser


def test_the_link_of_the_start_makes_the_first_administrator_once(server: Server, admin: Browser) -> None:
    key = first_key(server)
    assert Browser(server).get(f"/invitation?key={key}").status == 403
    assert Browser(server).send("/invitation", key=key, password=PASSWORD).status == 403
    assert admin.get("/").status == 200
    for path in server.data.rglob("*.sqlite*"):
        assert key.encode() not in path.read_bytes()
        assert admin.cookie.partition("=")[2].encode() not in path.read_bytes()


@pytest.mark.parametrize("cookie", FORGED)
def test_without_a_session_there_is_the_log_in_and_nothing_else(server: Server, admin: Browser, cookie: str) -> None:
    assert admin.cookie
    nobody = Browser(server, cookie)
    page = nobody.get("/runs?run=1")
    assert (page.status, page.headers["location"]) == (303, "/login?next=%2Fruns%3Frun%3D1")
    for path in ("/_stcore/host-config", "/media/x", "/api/log/log.csv?ticket=x", "/component/x"):
        assert nobody.get(path, mode="cors").status == 401
    for path in ("/api/log", "/api/log?x=1", "/api/log/", "/api"):
        assert {nobody.get(path).status, nobody.get(path, mode="cors").status} == {401}
    assert admin.get("/api/log").status == 405
    assert socket(server, f"Cookie: {cookie}") in (401, 403)


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_is_no_session(server: Server, admin: Browser, header: str) -> None:
    assert admin.cookie
    assert Browser(server).get("/", header).status == 303
    assert socket(server, header) in (401, 403)


def socket(server: Server, *lines: str) -> int:
    """Return how a socket of Streamlit is answered."""
    head = [f"Host: 127.0.0.1:{server.port}", f"Origin: {server.address}", *SOCKET, *lines]
    return send_request(server.port, "GET /_stcore/stream HTTP/1.1", *head).status


def test_a_name_and_its_password_give_a_session_that_no_script_and_no_other_site_has(
    server: Server, admin: Browser
) -> None:
    assert admin.cookie
    browser = Browser(server)
    page = browser.get("/login?next=%2Fruns")
    assert (page.status, "form-action 'self'" in page.headers["content-security-policy"]) == (200, True)
    assert b'value="/runs"' in page.body
    answer = browser.send("/login", name="admin", password=PASSWORD, next="/runs")
    assert (answer.status, answer.headers["location"]) == (303, "/runs")
    assert re.fullmatch(r"sluis=[\w-]{43}; HttpOnly; Max-Age=43200; Path=/; SameSite=lax", answer.headers["set-cookie"])
    assert browser.get("/").status == 200
    assert socket(server, f"Cookie: {browser.cookie}") == 101


@pytest.mark.parametrize(
    "target_page", ["//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)", "/\tx"]
)
def test_nobody_is_shown_on_to_another_site(server: Server, target_page: str) -> None:
    page = Browser(server).get("/login?" + "next=" + target_page.replace("\t", "%09"))
    assert b'name="next" value="/"' in page.body


def test_what_another_site_sends_logs_nobody_in(server: Server, admin: Browser) -> None:
    assert admin.cookie
    form = {"name": "admin", "password": PASSWORD}
    assert Browser(server).send("/login", "https://evil.test", **form).status == 403
    body = f"name=admin&password={PASSWORD}".encode()
    head = [f"Host: 127.0.0.1:{server.port}", f"Content-Length: {len(body)}"]
    assert send_request(server.port, "POST /login HTTP/1.1", *head, body=body).status == 400
    assert send_request(server.port, "POST / HTTP/1.1", *head, f"Cookie: {admin.cookie}", body=body).status == 405


def test_a_wrong_password_is_reported_in_the_language_of_the_browser(server: Server) -> None:
    answer = Browser(server).send("/login", name="<b>nobody</b>", password="wrong")
    assert answer.status == 401
    assert b"Name or password is wrong." in answer.body
    assert "set-cookie" not in answer.headers
    assert b"<b>" not in answer.body
    assert "Aanmelden" in Browser(server).get("/login", "Accept-Language: nl-BE").body.decode()


def test_a_stranger_who_tries_a_name_keeps_nobody_out(server: Server, admin: Browser) -> None:
    assert admin.cookie
    stranger, person = Browser(server, at="203.0.113.9"), Browser(server, at="198.51.100.4")
    bodies = [stranger.send("/login", name="admin", password=f"guess {number}").body for number in range(6)]
    assert b"Too many log-ins" in bodies[-1]
    assert b"Too many log-ins" in stranger.send("/login", name="admin", password=PASSWORD).body
    assert person.send("/login", name="admin", password=PASSWORD).status == 303


def test_numbers_are_read_with_their_token_or_by_who_has_logged_in(server: Server, admin: Browser) -> None:
    nobody = Browser(server)
    assert nobody.get("/healthz").status == 200
    assert admin.get("/metrics").status == 200
    assert nobody.get("/metrics", f"Authorization: Bearer {TOKEN}").body.startswith(b"# HELP")
    for header in (
        "X-Nothing: 1",
        "Authorization: Bearer ",
        f"Authorization: Bearer {TOKEN}x",
        "Authorization: Bearer é",
    ):
        assert {nobody.get("/metrics", header, mode=mode).status for mode in ("cors", "")} == {401}
    assert nobody.get("/runs", f"Authorization: Bearer {TOKEN}", mode="cors").status == 401


@pytest.fixture
def people(server: Server, admin: Browser) -> Iterator[People]:
    """The people of the console, asked beside it."""
    assert admin.cookie
    database = open_database(f"sqlite:///{server.data / 'console.sqlite'}")
    yield People(Stored(database, now), now, asks=True, is_safe=False)
    database.close()


def log_in(people: People, ref: str, *grants: str) -> Person:
    """Return somebody at a socket, who has just come in."""
    key = people.enter(Identity("https://id.example.com", ref), people.invite(ref, "", grants, ADMIN))
    return Person(SERVED[0], f"sluis={key}")


def session_of(people: People, ref: str) -> str:
    return next(session.id for session in people.sessions() if session.person == ref)


def test_a_session_that_is_revoked_opens_nothing(server: Server, admin: Browser, people: People) -> None:
    browser = Browser(server)
    browser.send("/login", name="admin", password=PASSWORD)
    people.revoke(people.actor_of_session(browser.cookie.partition("=")[2]).session, ADMIN)
    assert browser.get("/").status == 303
    assert socket(server, f"Cookie: {browser.cookie}") in (401, 403)
    assert admin.get("/").status == 200


TRIED = "the built-in sandbox"
LOG_IN = "](/login)"


@pytest.mark.parametrize("way", ["role", "session", "off"])
def test_what_was_taken_away_holds_for_a_page_that_is_open(people: People, way: str) -> None:
    ref = f"ann-{way}"
    ann = log_in(people, ref, Role.ADMINISTRATOR)
    assert TRIED in ann.open_page("overview")
    button, before = ann.buttons["sandbox"], stored_rows(SERVED[0])
    match way:
        case "role":
            people.change(ref, [Role.VIEWER], ADMIN)
        case "session":  # as when they log out in another tab
            people.revoke(session_of(people, ref), ADMIN)
        case _:
            people.set_active(ref, ADMIN, on=False)
    content = ann.open_page("overview", presses=button)
    ann.close()
    assert (LOG_IN in content) is (way != "role")
    assert TRIED not in content
    assert stored_rows(SERVED[0]) == before


def stored_rows(server: Server) -> dict[str, list[sa.Row[Any]]]:
    """Return everything that somebody could have changed."""
    of = (tables.settings, tables.connections, tables.runs, tables.mappings, tables.value_tables, tables.corrections)
    database = open_database(f"sqlite:///{server.data / 'console.sqlite'}")
    try:
        return {table.name: list(database.rows(sa.select(table))) for table in of}
    finally:
        database.close()


@pytest.mark.parametrize("role", [Role.VIEWER, pytest.param(Role.ACCOUNTANT, marks=pytest.mark.long)])
def test_who_may_only_look_does_nothing_by_pressing_what_was_not_shown(people: People, role: Role) -> None:
    before = stored_rows(SERVED[0])
    admin, cas = log_in(people, f"admin-{role}", Role.ADMINISTRATOR), log_in(people, f"cas-{role}", role)
    for page in ("overview", "setup", "administration", "flows", "monitoring"):
        admin.open_page(page)
        pressed = dict(admin.buttons)
        assert "page failed" not in cas.open_page(page)
        for button in {*pressed.values(), *cas.buttons.values()}:
            if not button.endswith("-log-out"):
                cas.open_page(page, presses=button)
    admin.close()
    cas.close()
    assert stored_rows(SERVED[0]) == before
