"""Addresses on which a console listens; it calls no other machine."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from integration.core.errors import ConfigurationError
from integration.settings import Settings
from tests.programs import CommandResult
from tests.raw_http import SOCKET, RawResponse, read_response, send_request
from tests.servers import (
    COMMAND,
    DIRECTLY,
    ROOT,
    Server,
    environment,
    free_port,
    outside_connections,
    serve_console,
    watching,
)
from tests.timeouts import SECONDS, wait_until

PUBLIC = {"CONSOLE_ADDRESS": "https://console.example.com", "CONSOLE_LOG_IN": "proxy"}
ALL = "0.0.0.0"  # noqa: S104 - said, and refused
EVERYWHERE = [ALL, "::", "", "192.168.1.5", "console.example.com", "0", "127.1", "::ffff:127.0.0.1"]


def start_console(data: Path, *arguments: str, **settings: str) -> CommandResult:
    """Return how a console ended that is not to run."""
    port = str(free_port())
    process = subprocess.run(
        [sys.executable, *(part.format(port=port) for part in arguments)], cwd=ROOT, env=environment(data, settings),
        capture_output=True, text=True, check=False, timeout=SECONDS,
    )  # fmt: skip
    return CommandResult(process.returncode, process.stdout, process.stderr)


@pytest.mark.parametrize("host", EVERYWHERE)
def test_it_listens_to_others_only_behind_a_log_in(host: str) -> None:
    published = PUBLIC["CONSOLE_ADDRESS"]
    halves = [Settings(_env_file=None, address=published), Settings(_env_file=None, log_in="proxy")]
    for settings in (Settings(_env_file=None), *halves):
        with pytest.raises(ConfigurationError, match="listens_without_log_in"):
            settings.listen(host)
    proxied_settings = Settings(_env_file=None, address=published, log_in="proxy")
    assert proxied_settings.listen(host) == host


def test_it_is_published_by_a_proxy_of_this_machine_only_behind_a_log_in() -> None:
    with pytest.raises(ConfigurationError, match=r"host=console\.example\.com"):
        Settings(_env_file=None, address=PUBLIC["CONSOLE_ADDRESS"]).listen("127.0.0.1")
    assert Settings(_env_file=None, address=PUBLIC["CONSOLE_ADDRESS"], log_in="proxy").listen("::1") == "::1"
    assert Settings(_env_file=None, address="http://localhost:9000").listen("127.0.0.1") == "127.0.0.1"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_it_listens_to_this_machine_without_any(host: str) -> None:
    assert Settings(_env_file=None).listen(host) == host


@pytest.mark.parametrize(
    "address",
    [
        "console.example.com", "ftp://console.example.com", "http://console.example.com", "https://u:p@console.example.com",
        "https://console.example.com/path", "https://console.example.com?x", "https://", "https://a b", "*", "https://*",
        "https://console.example.com:0", "https://console.example.com:99999",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_console_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="expected_console_address"):
        Settings(_env_file=None, address=address)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://Console.Example.com/", "https://console.example.com"),
        ("https://console.example.com:443", "https://console.example.com"),
        ("https://console.example.com:8443", "https://console.example.com:8443"),
        ("http://localhost:9000", "http://localhost:9000"),
        ("http://[::1]:80", "http://[::1]"),
        ("https://büro.example", "https://xn--bro-hoa.example"),
    ],
)
def test_an_address_is_kept_as_browsers_name_it(address: str, origin: str) -> None:
    assert Settings(_env_file=None, address=address).address == origin


@pytest.mark.parametrize(
    "arguments",
    [
        (*COMMAND, "--host", ALL),
        pytest.param((*COMMAND, "--host", ""), marks=pytest.mark.long),
        pytest.param((*DIRECTLY, "--server.address", ALL), marks=pytest.mark.long),
        pytest.param((*DIRECTLY, "--server.address", ""), marks=pytest.mark.long),
        pytest.param(DIRECTLY, marks=pytest.mark.long),
        pytest.param(COMMAND, marks=pytest.mark.long),
    ],
)
def test_a_console_for_everybody_or_published_without_a_log_in_does_not_start(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ended = start_console(tmp_path, *arguments, CONSOLE_ADDRESS=PUBLIC["CONSOLE_ADDRESS"])

    assert ended.status == 5
    error_text = " ".join(ended.err.split())
    assert "without logging in" in error_text
    assert "Nothing was started" in error_text
    assert "CONSOLE_LOG_IN" in error_text
    assert "Traceback" not in ended.err + ended.out
    assert not (tmp_path / "console.sqlite").exists()
    assert outside_connections(tmp_path) == []


def test_what_watches_a_program_sees_whom_it_asks_for(tmp_path: Path) -> None:
    tries = """if True:
        import socket, contextlib
        with contextlib.suppress(OSError):
            socket.create_connection(("192.0.2.1", 9), 0.1)
        with contextlib.suppress(OSError):
            socket.getaddrinfo("outside.invalid", 80)
    """
    subprocess.run([sys.executable, "-c", tries], env=watching(tmp_path), check=True)

    assert "socket.connect 192.0.2.1" in outside_connections(tmp_path)
    assert "socket.getaddrinfo outside.invalid" in outside_connections(tmp_path)


def try_origins(server: Server) -> list[int]:
    """Send requests with many origins, and return the status of each answer."""
    own = f"127.0.0.1:{server.port}"
    tries = [
        (own, "http://evil.test"), (own, "null"), (f"evil.test:{server.port}", f"http://evil.test:{server.port}"),
        (own, "http://192.0.2.1"), (own, f"http://{own}"), (own, PUBLIC["CONSOLE_ADDRESS"]),
        ("console.example.com", PUBLIC["CONSOLE_ADDRESS"]),
    ]  # fmt: skip
    return [
        send_request(server.port, "GET /_stcore/stream HTTP/1.1", f"Host: {host}", f"Origin: {origin}", *SOCKET).status
        for host, origin in tries
    ]


def test_nobody_outside_is_asked_for_anything(server: Server) -> None:
    assert try_origins(server) == [403, 403, 421, 403, 101, 403, 421]
    assert server.outside == []


@pytest.mark.parametrize("command", [(), pytest.param(DIRECTLY, marks=pytest.mark.long)])
def test_nor_by_a_console_that_is_published(tmp_path: Path, command: tuple[str, ...]) -> None:
    host = ("--server.address", ALL) if command else ("--host", ALL)
    opened = {"STREAMLIT_BROWSER_GATHER_USAGE_STATS": "true", "STREAMLIT_SERVER_ENABLE_CORS": "false"}
    with serve_console(tmp_path, *host, command=command, settings={**PUBLIC, **opened}) as server:
        assert try_origins(server) == [403, 403, 421, 403, 101, 101, 101]
        assert server.outside == []


@pytest.fixture
def outside_address() -> str:
    """An address of this machine that others can reach, too."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        try:
            line.connect(("192.0.2.1", 9))  # sends nothing
            return str(line.getsockname()[0])
        except OSError:
            pytest.skip("this machine has no address but its own")


def test_a_server_that_streamlit_did_not_start_answers_nobody_from_elsewhere(
    tmp_path: Path, outside_address: str
) -> None:
    command = ("-m", "uvicorn", "app:app", "--port", "{port}", "--host", ALL)
    with serve_console(tmp_path, settings={}, command=command) as server:
        own_host = f"Host: 127.0.0.1:{server.port}"
        for host in (own_host, f"Host: {outside_address}:{server.port}"):
            with socket.create_connection((outside_address, server.port), timeout=SECONDS) as line:
                line.sendall(f"GET /healthz HTTP/1.1\r\n{host}\r\n\r\n".encode())
                assert RawResponse.parse(read_response(line)).status == 403
        assert send_request(server.port, "GET /healthz HTTP/1.1", own_host).status == 200


@pytest.mark.long
def test_a_browser_is_opened_where_somebody_starts_the_console_at_a_screen(tmp_path: Path) -> None:
    opened, port = tmp_path / "opened", free_port()
    browser = tmp_path / "xdg-open"
    browser.write_text(f'#!/bin/sh\n(echo "$1"; env) >{opened}.new && mv {opened}.new {opened}\n', encoding="utf-8")
    browser.chmod(0o700)
    variables = {"CONSOLE_KEY": "a-key-of-nobody-else", "DISPLAY": ":0", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "integration", "console", "--port", str(port)]
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "wb") as screen:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(tmp_path, variables), stdout=screen, stderr=screen
        )
        try:
            wait_until(opened.exists, "a browser")
        finally:
            process.terminate()
            process.wait(SECONDS)
    address, *environment_of_it = opened.read_text(encoding="utf-8").splitlines()
    assert address == f"http://127.0.0.1:{port}"
    assert "DISPLAY=:0" in environment_of_it
    assert not [line for line in environment_of_it if "CONSOLE" in line]
