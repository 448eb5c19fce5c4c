"""Compressed scripts and styles, for browsers that accept them."""

import gzip
import socket
import struct
import time
from pathlib import Path

import pytest
from streamlit import file_util

from tests.raw_http import RawResponse, send_request
from tests.servers import Server

STATIC = Path(file_util.get_static_dir(), "static")


def get_path(server: Server, path: str, *lines: str) -> RawResponse:
    return send_request(server.port, f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", *lines)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["js/index.*.js", "css/index.*.css"])
def test_a_file_that_stays_is_sent_in_a_third_of_its_bytes_each_time(server: Server, kind: str) -> None:
    file = next(STATIC.glob(kind))
    path = f"/static/{file.relative_to(STATIC)}"

    for _ in range(2):
        answer = get_path(server, path, "Accept-Encoding: gzip, br")
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert "immutable" in answer.headers["cache-control"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert len(answer.body) < file.stat().st_size / 2
        assert gzip.decompress(answer.body) == file.read_bytes()
    assert get_path(server, path).body == file.read_bytes()


def test_a_part_of_a_file_is_sent_as_it_was_asked_for(server: Server) -> None:
    file = next(STATIC.glob("js/index.*.js"))

    answer = get_path(server, f"/static/js/{file.name}", "Accept-Encoding: gzip", "Range: bytes=0-99")

    assert (answer.status, answer.body) == (206, file.read_bytes()[:100])


def test_a_missing_file_is_not_cached(server: Server) -> None:
    answer = get_path(server, "/static/js/none.js", "Accept-Encoding: gzip")

    assert "content-encoding" not in answer.headers
    assert answer.headers["cache-control"] == "no-cache"


def test_a_file_is_whole_after_somebody_asked_for_it_and_went_away(server: Server) -> None:
    files = sorted((STATIC / "js").glob("use*.js"))

    for file in files:
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            lines = (f"GET /static/js/{file.name} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Accept-Encoding: gzip")
            line.sendall("\r\n".join((*lines, "", "")).encode())
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # gone without a good-bye
    time.sleep(1)  # in which the server has met all of them

    assert len(files) > 10
    for file in files:
        answer = get_path(server, f"/static/js/{file.name}", "Accept-Encoding: gzip")
        is_small = "content-encoding" in answer.headers
        assert (gzip.decompress(answer.body) if is_small else answer.body) == file.read_bytes()
