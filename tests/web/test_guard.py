"""The guard serves only pages of the console and programs of this machine, for any address in a request."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.web.guard import HostPolicy, RequestOrigin
from tests.raw_http import SOCKET, RawResponse, read_response, send_request
from tests.servers import Server

HERE = ("127.0.0.1", 8501)
PUBLIC = "https://console.example.com"


def wants(
    host: str = "127.0.0.1:8501", origin: str = "", kind: str = "http", method: str = "GET", path: str = "/",
    site: str = "", *, opens: bool = False, at: tuple[str, int | None] | None = HERE,
) -> RequestOrigin:  # fmt: skip
    return RequestOrigin(kind, method, path, (host,) if host else (), (origin,) if origin else (), site, opens, at)


def status(policy: HostPolicy, request: RequestOrigin) -> int:
    """Return with which status something is refused, 200 where it is not."""
    refusal = policy.refusal(request)
    return refusal[0] if refusal else 200


# ---- by the rule


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1:8501", "[::1]:8501", "LOCALHOST:8501"])
def test_this_machine_is_asked_by_its_own_names_at_the_port(host: str) -> None:
    assert status(HostPolicy(), wants(host)) == 200
    assert status(HostPolicy(), wants(host, f"http://{host.lower()}", "websocket")) == 200


@pytest.mark.parametrize(
    "host",
    [
        "", "localhost", "127.0.0.1", "localhost:8502", "localhost:80", "localhost.:8501", "evil.test:8501",
        "evil.test",
        "127.0.0.1.evil.test:8501", "localhost.evil.test:8501", "evil.test@localhost:8501", "localhost:8501@evil.test",
        "localhost:8501, evil.test", "localhost:8501 evil.test", " localhost:8501", "localhost:08501",
        "localhost:8501/",
        "localhost:8501#", "127.1:8501", "2130706433:8501", "0x7f000001:8501", "0177.0.0.1:8501", "0.0.0.0:8501",
        "127.0.0.2:8501", "[::]:8501", "::1:8501", "[::ffff:127.0.0.1]:8501", "[0:0:0:0:0:0:0:1]:8501", "[::1%lo]:8501",
        "①27.0.0.1:8501", "localhost\x00:8501", "console.example.com", "*", "null", "127.0.0.1.nip.io:8501",
    ],
)  # fmt: skip
def test_by_no_other_name(host: str) -> None:
    assert status(HostPolicy(), wants(host)) == 421
    assert status(HostPolicy(), wants(host, f"http://{host}", "websocket")) == 421


@given(st.text(max_size=40))
def test_no_text_is_taken_for_a_name_of_this_machine(host: str) -> None:
    known_hosts = {f"{name}:8501" for name in ("localhost", "127.0.0.1", "[::1]")}
    assert status(HostPolicy(), wants(host)) == (200 if host.lower() in known_hosts else 421)


def test_two_hosts_are_none() -> None:
    two = RequestOrigin("http", "GET", "/", ("localhost:8501", "localhost:8501"), (), "", False, HERE)
    assert status(HostPolicy(), two) == 421


@pytest.mark.parametrize(
    "origin",
    [
        "null", "http://evil.test", "http://evil.test:8501", "http://localhost:9000", "http://127.0.0.1:8502",
        "http://127.0.0.1", "http://[::1]:8501", "http://localhost:8501", "http://127.0.0.1:8501.evil.test",
        "http://127.0.0.1:8501@evil.test", "http://127.0.0.1:8501/", "http://127.0.0.1:8501 ", "HTTP://127.0.0.1:8501",
        "file://", "chrome-extension://abc", "ws://127.0.0.1:8501", "ftp://127.0.0.1:8501", "127.0.0.1:8501", "*",
        "http://127.0.0.1:8501, http://evil.test", "https://console.example.com", "http://0.0.0.0:8501",
    ],
)  # fmt: skip
def test_a_page_of_another_origin_is_not_answered(origin: str) -> None:
    for kind in ("http", "websocket"):
        assert status(HostPolicy(), wants(origin=origin, kind=kind)) == 403, kind


def test_a_socket_says_from_which_page_it_is_and_a_program_need_not() -> None:
    assert status(HostPolicy(), wants(kind="websocket")) == 403
    assert [status(HostPolicy(), wants(path=path)) for path in ("/healthz", "/metrics")] == [200, 200]
    twice = RequestOrigin("http", "GET", "/", ("localhost:8501",), ("http://localhost:8501",) * 2, "", False, HERE)
    assert status(HostPolicy(), twice) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something-new"])
def test_nothing_of_the_console_is_drawn_inside_another_page_but_a_link_leads_to_it(site: str) -> None:
    assert status(HostPolicy(), wants(site=site)) == 403
    assert status(HostPolicy(), wants(site=site, method="POST", path="/api/log", opens=True)) == 403
    assert status(HostPolicy(), wants(site=site, path="/setup", opens=True)) == 200


def test_a_published_console_is_asked_at_its_address_too() -> None:
    policy = HostPolicy(PUBLIC, is_guarded=True)
    for host in ("console.example.com", "console.example.com:443", "127.0.0.1:8501"):  # by a proxy, in its ways
        assert status(policy, wants(host, PUBLIC, "websocket")) == 200
    for host in ("console.example.com:80", "console.example.com:8501", "example.com", "x.console.example.com"):
        assert status(policy, wants(host)) == 421
    for origin in ("http://console.example.com", "https://console.example.com:8443", "https://example.com", "null"):
        assert status(policy, wants("console.example.com", origin, "websocket")) == 403
    odd = HostPolicy("http://localhost:9000")  # the port of a container as its machine publishes it
    assert status(odd, wants("localhost:9000", "http://localhost:9000", "websocket")) == 200
    assert status(odd, wants("localhost:9001", "http://localhost:9001", "websocket")) == 421


def test_what_arrives_from_elsewhere_is_answered_only_behind_a_log_in() -> None:
    for at in (("192.168.1.5", 8501), ("::", 8501), ("10.0.0.1", None), None):
        assert status(HostPolicy(), wants(at=at)) == 403
        assert status(HostPolicy(PUBLIC), wants("console.example.com", at=at)) == 403
        assert status(HostPolicy(PUBLIC, is_guarded=True), wants("console.example.com", at=at)) == 200
    assert (
        status(HostPolicy(PUBLIC, is_guarded=True), wants(at=("192.168.1.5", 8501))) == 200
    )  # a monitor of the container


def test_a_port_that_browsers_leave_out_may_be_left_out() -> None:
    assert status(HostPolicy(), wants("localhost", "http://localhost", "websocket", at=("127.0.0.1", 80))) == 200
    assert status(HostPolicy(), wants("localhost", at=("127.0.0.1", 8080))) == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"])
def test_nothing_but_reading_is_offered(method: str) -> None:
    for path in ("/", "/healthz", "/media/x", "/api/log/log.csv", "/_stcore/health"):
        assert status(HostPolicy(), wants(method=method, path=path)) == 405
    assert status(HostPolicy(), wants(method=method, path="/api/log")) == (200 if method == "POST" else 405)


@pytest.mark.parametrize("path", ["/_stcore/upload_file/a/b", "/base/_stcore/upload_file/a/b", "/_stcore/agent/mcp"])
def test_no_file_is_taken_and_no_program_drives_the_pages(path: str) -> None:
    for method in ("GET", "PUT", "POST", "DELETE", "OPTIONS"):
        assert status(HostPolicy(), wants(method=method, path=path)) == 403, method


def test_a_file_is_taken_from_a_page_of_ours_alone() -> None:
    path, ours = "/_stcore/upload_file/a/b", "http://127.0.0.1:8501"
    for method, expected in (("PUT", 200), ("DELETE", 200), ("POST", 403), ("GET", 403), ("OPTIONS", 403)):
        assert status(HostPolicy(), wants(origin=ours, method=method, path=path)) == expected
    assert status(HostPolicy(), wants(origin="http://evil.test", method="PUT", path=path)) == 403
    assert status(HostPolicy(), wants(origin=ours, method="PUT", path=f"/base{path}")) == 403


# ---- over the line


HOSTS = {
    "none": [],
    "two": ["Host: 127.0.0.1:{port}", "Host: evil.test"],
    "twice the same": ["Host: 127.0.0.1:{port}", "Host: 127.0.0.1:{port}"],
    "rebound": ["Host: evil.test:{port}"],
    "without its port": ["Host: 127.0.0.1"],
    "another port": ["Host: 127.0.0.1:1"],
    "with a user": ["Host: me@127.0.0.1:{port}"],
    "with a dot": ["Host: localhost.:{port}"],
    "with a tab": ["Host: 127.0.0.1:{port}\tevil.test"],
    "forwarded": ["Host: evil.test", "X-Forwarded-Host: 127.0.0.1:{port}", "Forwarded: host=127.0.0.1:{port}"],
    "forwarded scheme": ["Host: evil.test:{port}", "X-Forwarded-Proto: https", "X-Forwarded-For: 127.0.0.1"],
    "folded": ["Host: 127.0.0.1:{port}", " evil.test"],
    "in brackets": ["Host: [::ffff:7f00:1]:{port}"],
    "empty": ["Host:"],
}


@pytest.mark.parametrize("host_case", HOSTS)
def test_a_request_that_names_another_host_reads_nothing(server: Server, host_case: str) -> None:
    lines = [line.format(port=server.port) for line in HOSTS[host_case]]
    for path in ("/", "/healthz", "/metrics", "/api/log/log.csv", "/app/static/icon.svg", "/_stcore/health"):
        answer = send_request(server.port, f"GET {path} HTTP/1.1", *lines)
        assert answer.status in (400, 421), path
        assert len(answer.body) < 400
        assert b"<html" not in answer.body


def test_an_old_request_without_a_host_reads_nothing(server: Server) -> None:
    assert send_request(server.port, "GET /healthz HTTP/1.0").status == 421


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:{port}/healthz", "http://evil.test/healthz", "*", "evil.test:443"]
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "CONNECT"])
def test_nothing_is_asked_as_of_a_proxy(server: Server, method: str, target: str) -> None:
    target = target.format(port=server.port)
    answer = send_request(server.port, f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{server.port}")

    assert answer.status in (400, 405)
    assert b"free_bytes" not in answer.body


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["Origin: http://127.0.0.1:{port}"], 101),
        ([], 403),
        (["Origin: null"], 403),
        (["Origin: http://evil.test"], 403),
        (["Origin: http://localhost:{port}"], 403),
        (["Origin: http://127.0.0.1:1"], 403),
        (["Origin: http://127.0.0.1:{port}", "Origin: http://evil.test"], 400),
        (["Origin: http://127.0.0.1:{port}", "Sec-Fetch-Site: cross-site"], 403),
    ],
)
def test_a_socket_opens_for_our_own_page_alone(server: Server, headers: list[str], expected: int) -> None:
    lines = [line.format(port=server.port) for line in ["Host: 127.0.0.1:{port}", *SOCKET, *headers]]

    answer = send_request(server.port, "GET /_stcore/stream HTTP/1.1", *lines)

    assert answer.status == expected
    if expected == 403:
        assert answer.headers["x-frame-options"] == "DENY"


def test_a_socket_of_a_name_that_was_bound_anew_does_not_open(server: Server) -> None:
    lines = [f"Host: evil.test:{server.port}", *SOCKET, f"Origin: http://evil.test:{server.port}"]
    assert send_request(server.port, "GET /_stcore/stream HTTP/1.1", *lines).status == 421


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "PUT", "DELETE", "PATCH", "POST", "FOO"])
def test_a_method_that_changes_or_echoes_is_not_offered(server: Server, method: str) -> None:
    answer = send_request(server.port, f"{method} / HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Cookie: secret=1")

    assert answer.status == 405
    assert b"secret" not in answer.body


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_upload_is_refused_before_it_is_read(server: Server, method: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
        head = f"{method} /_stcore/upload_file/a/b HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        line.sendall(f"{head}Content-Length: 1000000000\r\n\r\n".encode())
        answer = RawResponse.parse(read_response(line))  # without a byte of what was announced

    assert answer.status == 403
    assert answer.headers["connection"] == "close"


def test_a_refusal_is_reported_in_sentences_of_the_language_that_is_asked_for(server: Server) -> None:
    texts = [
        send_request(server.port, "GET / HTTP/1.1", "Host: evil.test", f"Accept-Language: {language}").body.decode()
        for language in ("nl-BE,nl;q=0.9", "de", "en-GB", "fr", "*")
    ]

    assert [text.split()[0] for text in texts] == ["De", "Die", "The", "The", "The"]
    assert all(text.count("\n") == 3 and "CONSOLE_ADDRESS" in text for text in texts)
