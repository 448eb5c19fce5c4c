"""Pictures are read within bounds: nowhere but where they were named for, no larger than allowed, and once."""

import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from integration.connectors.pictures import CACHE_SECONDS, Picture, PictureLocations, PictureReader, load_picture
from integration.core.errors import IntegrationError, RejectedError

PNG, JPG, WEBP = b"\x89PNG\r\n\x1a\nbel", b"\xff\xd8\xffbel", b"RIFF....WEBPbel"
MOST = 1000


class Shelf(ThreadingHTTPServer):
    """A server of pictures that records its requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _PictureHandler)
        self.asked: list[tuple[str, str]] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/foto"


class _PictureHandler(BaseHTTPRequestHandler):
    server: Shelf

    def do_GET(self) -> None:
        mark = self.headers.get("If-None-Match") or self.headers.get("If-Modified-Since") or ""
        self.server.asked.append((self.path, mark))
        status, headers, body = self.server.answers.get(self.path, (404, {}, b""))
        if mark and mark in headers.values():
            status, body = 304, b""
        self.send_response(status)
        for name, value in {"Content-Type": "image/png", **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with Shelf() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pictures = tmp_path / "pictures"
    (pictures / "deep").mkdir(parents=True)
    return pictures


def reader(tmp_path: Path, **places: Any) -> PictureReader:
    return PictureReader(PictureLocations(tmp_path / "kept", most=MOST, **places))


def read_picture(pictures: PictureReader, file: str) -> Picture:
    (picture,) = pictures.read([file])
    assert isinstance(picture, Picture), picture
    return picture


def read_error(pictures: PictureReader, file: str) -> IntegrationError:
    (error,) = pictures.read([file])
    assert isinstance(error, IntegrationError), error
    assert error.facts["file"] == file
    return error


# ---- from a folder


@pytest.mark.parametrize(("data", "kind"), [(PNG, "png"), (JPG, "jpg"), (WEBP, "webp"), (b"GIF89abel", "gif")])
def test_a_picture_is_known_by_its_content_and_kept_under_it(
    tmp_path: Path, folder: Path, data: bytes, kind: str
) -> None:
    (folder / "deep" / "bel.dat").write_bytes(data)
    pictures = reader(tmp_path, folder=folder)

    picture = read_picture(pictures, "deep\\bel.dat")

    assert (picture.kind, picture.size) == (kind, len(data))
    assert load_picture(tmp_path / "kept", picture.content) == (data, kind)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "kept").iterdir())


def test_the_same_content_under_two_names_is_one_picture_and_another_content_another(
    tmp_path: Path, folder: Path
) -> None:
    for name, data in (("a.png", PNG), ("b.png", PNG), ("c.png", PNG + b"!")):
        (folder / name).write_bytes(data)
    first, second, third = (read_picture(reader(tmp_path, folder=folder), name) for name in ("a.png", "b.png", "c.png"))

    assert first == second
    assert first.content != third.content


@pytest.mark.parametrize("file", ["../secret.png", "deep/../../secret.png", "{outside}", "link.png", "way/secret.png"])
def test_nothing_outside_the_folder_is_opened(tmp_path: Path, folder: Path, file: str) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(PNG)
    (folder / "link.png").symlink_to(secret)
    (folder / "way").symlink_to(tmp_path)

    error = read_error(reader(tmp_path, folder=folder), file.format(outside=secret))

    assert error.code == "picture_outside"
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("file", ["weg.png", "deep", "bel\0.png", "x" * 5000])
def test_what_is_no_file_is_missing(tmp_path: Path, folder: Path, file: str) -> None:
    assert read_error(reader(tmp_path, folder=folder), file).code == "picture_missing"


def test_a_picture_that_is_too_large_or_none_is_reported_with_what_may_be(tmp_path: Path, folder: Path) -> None:
    (folder / "groot.png").write_bytes(PNG + bytes(MOST))
    (folder / "tekst.png").write_bytes(b"<svg onload=alert(1)>")
    (folder / "leeg.png").write_bytes(b"")
    (folder / "geluid.wav").write_bytes(b"RIFF....WAVE")
    pictures = reader(tmp_path, folder=folder)

    large = read_error(pictures, "groot.png")

    assert (large.code, large.facts["limit"]) == ("picture_too_large", "0.001 MB")
    for file in ("tekst.png", "leeg.png", "geluid.wav"):
        error = read_error(pictures, file)
        assert (error.code, error.facts["kinds"]) == ("picture_unsupported", "JPEG, PNG, GIF, WEBP")


def test_a_file_that_did_not_change_is_not_read_again_and_one_that_did_is(tmp_path: Path, folder: Path) -> None:
    path = folder / "bel.png"
    path.write_bytes(PNG)
    before = read_picture(reader(tmp_path, folder=folder), "bel.png")
    at = path.stat().st_mtime_ns
    path.write_bytes(PNG[:-1] + b"!")  # of the same length
    os.utime(path, ns=(at, at))
    assert read_picture(reader(tmp_path, folder=folder), "bel.png") == before

    os.utime(path, ns=(at + 1, at + 1))
    assert read_picture(reader(tmp_path, folder=folder), "bel.png") != before


def test_without_a_place_nothing_is_read(tmp_path: Path) -> None:
    for file in ("bel.png", "https://example.com/bel.png"):
        assert read_error(reader(tmp_path), file).code == "picture_outside"


# ---- from an address


def test_a_name_and_a_whole_address_are_the_same_picture(tmp_path: Path, shelf: Shelf) -> None:
    shelf.answers["/foto/rode%20bel.png"] = (200, {}, PNG)
    pictures = reader(tmp_path, address=shelf.address)

    assert read_picture(pictures, "rode bel.png") == read_picture(pictures, f"{shelf.address}/rode%20bel.png")


@pytest.mark.parametrize(("name", "value"), [("ETag", '"v1"'), ("Last-Modified", "Thu, 26 Nov 2026 10:00:00 GMT")])
def test_what_did_not_change_is_not_sent_again_by_the_server(
    tmp_path: Path, shelf: Shelf, name: str, value: str
) -> None:
    shelf.answers["/foto/bel.png"] = (200, {name: value}, PNG)

    first = read_picture(reader(tmp_path, address=shelf.address), "bel.png")
    second = read_picture(reader(tmp_path, address=shelf.address), "bel.png")  # also after a restart

    assert first == second
    assert [mark for _, mark in shelf.asked] == ["", value]


@pytest.mark.parametrize(
    "file",
    [
        "http://127.0.0.1:1/foto/bel.png", "https://example.com/foto/bel.png", "{root}/geheim/bel.png",
        "{root}/foto/../geheim/bel.png", "{root}/foto/%2e%2e/geheim/bel.png", "../geheim/bel.png",
        "{root}/foto%5c..%5cgeheim", "file:///etc/passwd", "{root}/fotos/bel.png", "http://[::1",
        "http://127.0.0.1@example.com/foto/bel.png",
    ],
)  # fmt: skip
def test_no_other_address_is_asked(tmp_path: Path, shelf: Shelf, file: str) -> None:
    root = shelf.address.removesuffix("/foto")

    error = read_error(reader(tmp_path, address=shelf.address), file.format(root=root))

    assert (error.code, shelf.asked) == ("picture_outside", [])


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        ((302, {"Location": "http://127.0.0.1:1/intern"}, b""), "picture_unreachable", "HTTP 302"),
        ((403, {}, b"no"), "picture_unreachable", "HTTP 403"),
        ((404, {}, b""), "picture_missing", ""),
        ((200, {}, PNG + bytes(MOST)), "picture_too_large", ""),
        ((200, {"Content-Type": "text/html"}, PNG), "picture_unsupported", ""),
        ((200, {}, b"<html>"), "picture_unsupported", ""),
    ],
)
def test_whatever_else_is_answered_is_reported(
    tmp_path: Path, shelf: Shelf, answer: tuple[int, dict[str, str], bytes], code: str, message: str
) -> None:
    shelf.answers["/foto/bel.png"] = answer

    error = read_error(reader(tmp_path, address=shelf.address), "bel.png")

    assert error.code == code
    assert not message or error.facts["message"] == message
    assert len(shelf.asked) == 1


def test_an_address_that_does_not_answer_is_not_asked_for_each_picture(tmp_path: Path) -> None:
    pictures = reader(tmp_path, address="http://127.0.0.1:9/foto")

    results = [*pictures.read(["a.png"]), *pictures.read([f"{number}.png" for number in range(200)])]

    assert {result.code for result in results if isinstance(result, IntegrationError)} == {"picture_unreachable"}


# ---- what is kept


def test_bytes_that_are_not_what_their_mark_says_are_not_sent(tmp_path: Path, folder: Path) -> None:
    (folder / "bel.png").write_bytes(PNG)
    picture = read_picture(reader(tmp_path, folder=folder), "bel.png")
    (tmp_path / "kept" / f"{picture.content}.png").write_bytes(JPG)

    for root, content in ((tmp_path / "kept", picture.content), (tmp_path / "kept", "../bel"), (None, picture.content)):
        with pytest.raises(RejectedError, match="picture_gone"):
            load_picture(root, content)


def test_what_nobody_asks_for_is_not_kept_for_ever(tmp_path: Path, folder: Path) -> None:
    (folder / "bel.png").write_bytes(PNG)
    pictures = reader(tmp_path, folder=folder)
    read_picture(pictures, "bel.png")
    assert pictures.remove_unused() == 0
    for path in (tmp_path / "kept").iterdir():
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - CACHE_SECONDS - 1))

    assert pictures.remove_unused() == 2
    assert read_picture(pictures, "bel.png").size == len(PNG)
