"""The security headers of a console's answers, for every kind of answer."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import anyio
import pytest
from streamlit import file_util

from integration.web.headers import Headers, content_security_policy, headers_of
from tests.raw_http import send_request
from tests.servers import Server

EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
ANSWERS = {
    "page": ("GET /runs HTTP/1.1", 200),
    "static": ("GET /app/static/icon.svg HTTP/1.1", 200),
    "health": ("GET /healthz HTTP/1.1", 200),
    "numbers": ("GET /metrics HTTP/1.1", 200),
    "what Streamlit says": ("GET /_stcore/host-config HTTP/1.1", 200),
    "not there": ("GET /media/none HTTP/1.1", 404),
    "a way out of the folder": ("GET /app/static/../../etc/passwd HTTP/1.1", 400),
    "refused": ("GET /api/log/log.csv?ticket=x HTTP/1.1", 403),
    "without a token": ("POST /api/log HTTP/1.1", 403),
    "a method": ("DELETE / HTTP/1.1", 405),
    "moved": ("GET /runs/ HTTP/1.1", 301),
    "seen before": ("GET / HTTP/1.1", 200),
}


@pytest.mark.parametrize("request_name", ANSWERS)
def test_every_answer_is_under_the_headers(server: Server, request_name: str) -> None:
    line, status = ANSWERS[request_name]

    answer = send_request(server.port, line, f"Host: 127.0.0.1:{server.port}")

    assert answer.status == status
    assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    assert "camera=()" in answer.headers["permissions-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("file", "cache_control"), [("plex-sans-400.woff2", "public, max-age=604800"), ("frame.js", "no-cache")]
)
def test_a_browser_keeps_our_fonts_and_asks_whether_a_script_is_still_the_same(
    server: Server, file: str, cache_control: str
) -> None:
    host = f"Host: 127.0.0.1:{server.port}"
    answer = send_request(server.port, f"GET /app/static/{file} HTTP/1.1", host)

    assert (answer.status, answer.headers["cache-control"]) == (200, cache_control)


def test_the_scripts_of_the_frame_run_by_their_hashes_and_no_others() -> None:
    index = "<script>\n one() </script><script src='x.js'></script><SCRIPT type=module>two()</SCRIPT>"
    hashes = re.findall(r"'sha256-([^']+)'", content_security_policy(index))

    assert hashes == [base64.b64encode(hashlib.sha256(text).digest()).decode() for text in (b"\n one() ", b"two()")]
    assert content_security_policy(index.replace("\n", "\r\n")) == content_security_policy(index)
    assert "sha256" not in content_security_policy("<html></html>")


def test_the_policy_is_of_the_frame_that_is_installed(server: Server) -> None:
    index = send_request(server.port, "GET / HTTP/1.1", f"Host: 127.0.0.1:{server.port}")
    shipped = re.sub(rb'(href|src)="\./', rb'\1="/', Path(file_util.get_static_dir(), "index.html").read_bytes())
    head, entry, rest = shipped.replace(b"<title>Streamlit<", b"<title>Sluis<").partition(b'<script type="module"')
    before, within, drawn = rest.partition(b'<div id="root">')

    assert index.body.startswith(head)
    assert entry + before in index.body
    assert index.body.endswith(within + drawn)
    assert index.headers["content-security-policy"] == content_security_policy(index.body.decode())
    scripts = next(
        directive
        for directive in index.headers["content-security-policy"].split("; ")
        if directive.startswith("script-src")
    )
    assert "unsafe-inline" not in scripts
    assert "'unsafe-eval'" not in scripts
    assert "http" not in index.headers["content-security-policy"]


def test_a_failure_of_our_own_is_answered_under_the_headers() -> None:
    async def failing(_scope: Any, _receive: Any, _send: Any) -> None:
        raise ZeroDivisionError

    messages: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        messages.append(message)

    async def answer() -> None:
        await Headers(failing, headers_of(""))({"type": "http", "path": "/", "method": "GET"}, receive, send)

    anyio.run(answer)

    assert messages[0]["status"] == 500
    assert (b"x-frame-options", b"DENY") in messages[0]["headers"]
    assert messages[1]["body"] == b""
