"""A proxy that signs for a person: the console checks each request and socket against its signature."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.log_in_browser import Browser, first_key
from tests.provider import CLIENT, OpenIdProvider, new_key, open_id_provider
from tests.raw_http import SOCKET, RawResponse, send_request
from tests.servers import Server, serve_console

HEADER = "X-Proof"


@pytest.fixture(scope="module")
def signer() -> Iterator[OpenIdProvider]:
    """The signer of the proxy."""
    with open_id_provider() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, signer: OpenIdProvider) -> Iterator[Server]:
    """A console behind that proxy."""
    settings = {
        "CONSOLE_LOG_IN": "proxy",
        "CONSOLE_LOGIN_PROXY__ISSUER": signer.issuer,
        "CONSOLE_LOGIN_PROXY__AUDIENCE": CLIENT,
        "CONSOLE_LOGIN_PROXY__KEYS": f"{signer.issuer}/keys",
        "CONSOLE_LOGIN_PROXY__HEADER": HEADER,
    }
    with serve_console(tmp_path_factory.mktemp("console"), settings=settings) as running:
        yield running


def signed_header(signer: OpenIdProvider, subject: str, audience: str = CLIENT) -> str:
    signer.subject = subject
    return f"{HEADER}: {signer.token(audience)}"


def accept_cookie(answer: RawResponse, browser: Browser) -> Browser:
    assert answer.status == 303, answer.body
    browser.cookie = answer.headers["set-cookie"].partition(";")[0]
    return browser


@pytest.fixture(scope="module")
def admin(server: Server, signer: OpenIdProvider) -> Browser:
    """The browser of the first administrator."""
    key, browser = first_key(server), Browser(server)
    line = signed_header(signer, "the first")
    assert b"password" not in browser.get(f"/invitation?key={key}", line).body
    body = urlencode({"key": key}).encode()
    answer = send_request(
        server.port, "POST /invitation HTTP/1.1", f"Host: 127.0.0.1:{server.port}", f"Origin: {server.address}",
        "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}", line, body=body,
    )  # fmt: skip
    return accept_cookie(answer, browser)


def socket(server: Server, *lines: str) -> int:
    head = [f"Host: 127.0.0.1:{server.port}", f"Origin: {server.address}"]
    return send_request(server.port, "GET /_stcore/stream HTTP/1.1", *head, *lines, *SOCKET).status


def test_for_whom_it_asks_gets_a_session_and_is_let_in(server: Server, admin: Browser, signer: OpenIdProvider) -> None:
    line = signed_header(signer, "the first")
    assert admin.get("/", line).status == 200
    assert socket(server, line, f"Cookie: {admin.cookie}") == 101
    another = Browser(server)
    answer = another.get("/runs?run=1", line)
    assert (answer.status, answer.headers["location"]) == (303, "/runs?run=1")
    assert accept_cookie(answer, another).get("/", line).status == 200


def test_without_its_signature_a_session_opens_nothing(server: Server, admin: Browser) -> None:
    assert admin.get("/").status == 401
    assert socket(server, f"Cookie: {admin.cookie}") == 401


def test_a_session_of_another_person_opens_nothing(server: Server, admin: Browser, signer: OpenIdProvider) -> None:
    stranger = signed_header(signer, "a stranger")
    assert admin.get("/", stranger).status == 401
    assert socket(server, stranger, f"Cookie: {admin.cookie}") == 401
    assert Browser(server).get("/", stranger).status == 401


def test_forged_headers_let_nobody_in(server: Server, admin: Browser, signer: OpenIdProvider) -> None:
    good = signed_header(signer, "the first")
    forged = [
        "X-Forwarded-User: admin", "Remote-User: admin", "X-Auth-Request-Email: admin@example.com", f"{HEADER}: admin",
        f"{HEADER}: ", good[:-5] + "AAAAA", signed_header(signer, "the first", "another"),
        "Authorization: Bearer " + good.partition(": ")[2],
    ]  # fmt: skip
    own, signer.signs_with = signer.signs_with, new_key()
    forged.append(signed_header(signer, "the first"))
    signer.signs_with = own
    for forges in ("none", "public"):
        signer.forges = forges
        forged.append(signed_header(signer, "the first"))
    signer.forges = ""
    for line in forged:
        assert admin.get("/", line).status == 401, line
        assert Browser(server).get("/", line).status == 401, line
        assert socket(server, line, f"Cookie: {admin.cookie}") == 401, line
    assert admin.get("/", good, good).status == 401  # which of two is its own, nobody knows
    assert admin.get("/", good).status == 200
