"""Our additions to the HTML of a page."""

import re

import pytest

from integration.web.page_html import FONTS
from tests.raw_http import send_request
from tests.servers import Server


@pytest.mark.long
@pytest.mark.parametrize(("page", "is_listened"), [("", 1), ("runs", 1), ("nothing/at/all", 1), ("login", 0)])
def test_every_page_brings_what_listens_to_a_person_before_it_is_drawn(
    server: Server, page: str, is_listened: int
) -> None:
    host = f"Host: 127.0.0.1:{server.port}"
    answer = send_request(server.port, f"GET /{page} HTTP/1.1", host, "Accept: text/html")

    (script_path, *_) = [*re.findall(rb'<script defer src="([^"]+)"', answer.body), b""]
    assert answer.body.count(b"/frame.js") == is_listened
    if is_listened:
        listens, draws = answer.body.index(b"/frame.js"), answer.body.index(b'<script type="module"')
        assert listens < draws  # scripts run in this order
        assert (
            re.findall(rb'(?:src|href)="(?!/)[^"]*"', answer.body) == []
        )  # each is found from wherever it is asked for
        script = send_request(server.port, f"GET {script_path.decode()} HTTP/1.1", host)
        assert (script.status, b"isPressed" in script.body) == (200, True)


@pytest.mark.long
@pytest.mark.parametrize(("language", "text"), [("nl-BE,nl;q=0.9", "wordt gestart"), ("fr", "is starting")])
def test_a_page_says_what_is_starting_until_it_is_drawn(server: Server, language: str, text: str) -> None:
    host = f"Host: 127.0.0.1:{server.port}"
    body = send_request(server.port, "GET / HTTP/1.1", host, f"Accept-Language: {language}").body.decode()

    assert text in body.partition('<div id="starting"')[2].partition('<div id="root">')[0]
    assert "<title>Sluis</title>" in body


@pytest.mark.long
@pytest.mark.parametrize("page", ["", "preview"])
def test_every_file_that_the_html_of_a_page_names_exists(server: Server, page: str) -> None:
    host = f"Host: 127.0.0.1:{server.port}"
    answer = send_request(server.port, f"GET /{page} HTTP/1.1", host, "Accept-Encoding: gzip")

    font_paths = re.findall(rb'<link rel="preload"[^>]* href="/([^"]+)"', answer.body)
    assert {"etag", "last-modified"} & set(answer.headers) == set()  # of the file, of which this is more
    assert {font.encode() for font in FONTS} < set(font_paths)
    for name in font_paths[-3:]:
        response = send_request(server.port, f"GET /{name.decode()} HTTP/1.1", host)
        assert response.status == 200
