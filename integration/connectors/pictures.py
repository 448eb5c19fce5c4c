"""Reads pictures of articles from a configured folder or address, within limits, and stores them by content hash.

The books give only a file name. It can only lead into that folder or below that address. A picture is stored under its
content hash until it is written, so that the planned picture is the one that is sent.
"""

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from integration.connectors.limits import DIRECT, MEGABYTE, NetworkRoute, RateLimits
from integration.connectors.parallel import run_parallel
from integration.core.errors import IntegrationError, RejectedError, UnavailableError

if TYPE_CHECKING:  # httpx is imported for the first call
    from integration.connectors.http import Gateway

# First bytes of a picture, by file extension.
_SIGNS: Mapping[str, bytes] = {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "gif": b"GIF8", "webp": b"RIFF"}
MIME: Mapping[str, str] = {kind: f"image/{'jpeg' if kind == 'jpg' else kind}" for kind in _SIGNS}
KINDS = "JPEG, PNG, GIF, WEBP"
AT_ONCE = 4
AWAY_SECONDS = 60.0  # how long an address that does not answer is not called again
CACHE_SECONDS = 90 * 24 * 3600.0  # how long a picture is stored after its last use
_MARK = re.compile(r"[0-9a-f]{32}")
NOT_MODIFIED, OK = 304, 200


@dataclass(frozen=True, slots=True)
class PictureLocations:
    """Folder or address of the pictures, and the folder that stores them. `most` is the maximum size in bytes."""

    store_folder: Path
    folder: Path | None = None
    address: str = ""
    most: int = 5 * MEGABYTE
    route: NetworkRoute = DIRECT


@dataclass(frozen=True, slots=True)
class Picture:
    """A stored picture: its content hash, its type (`jpg`, ...) and its size in bytes."""

    content: str
    kind: str
    size: int


class _NoPictureError(Exception):
    """A missing picture, with the error code and facts in addition to the file name."""

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class PictureReader:
    """Reads pictures by the file names in the books. Safe to share between threads, closed with `close()`."""

    def __init__(self, places: PictureLocations) -> None:
        self._places = places
        self._gateway: Gateway | None = None
        self._unreachable_until = 0.0
        self._base = urlsplit(places.address)

    def close(self) -> None:
        if self._gateway is not None:
            self._gateway.close()

    def read(self, files: Sequence[str]) -> list[Picture | IntegrationError]:
        """Return each picture, in the order asked, or the error why there is none.

        An unchanged picture is not read again where that can be detected by size and time, ETag or Last-Modified.
        """
        return run_parallel(self._read_picture, files, AT_ONCE)

    def _read_picture(self, file: str) -> Picture:
        facts = {"file": file, "limit": f"{self._places.most / MEGABYTE:g} MB", "kinds": KINDS}
        try:
            return self._download(file) if "://" in file or not self._places.folder else self._read_file(file)
        except _NoPictureError as error:
            failure: IntegrationError = RejectedError(error.code, **{**facts, **error.facts})
        except IntegrationError as error:
            code = "picture_too_large" if error.code == "answer_too_large" else "picture_unreachable"
            error_facts = {"message": error.code, "size": f"> {facts['limit']}"}
            failure = RejectedError(code, **{**facts, **error_facts})
        raise failure

    # ---- in the folder

    def _read_file(self, file: str) -> Picture:
        path = self._path_inside(file)
        try:
            with path.open("rb") as stream:
                file_status = os.fstat(stream.fileno())
                tag = f"{file_status.st_size}:{file_status.st_mtime_ns}"
                if (cached_entry := self._cached_picture(str(path))) and cached_entry[0] == tag:
                    return cached_entry[1]
                data = stream.read(self._places.most + 1)
        except (OSError, ValueError):
            raise _NoPictureError("picture_missing") from None
        return self._store_picture(str(path), tag, data)

    def _path_inside(self, file: str) -> Path:
        """Return the path of the file with links resolved. Raises _NoPictureError if that is outside the folder."""
        folder = self._places.folder
        if folder is None:
            raise _NoPictureError("picture_outside")
        try:
            root = folder.resolve(strict=True)
            path = (root / file.replace("\\", "/")).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            raise _NoPictureError("picture_missing") from None
        if not path.is_relative_to(root):
            raise _NoPictureError("picture_outside")
        if not path.is_file():
            raise _NoPictureError("picture_missing")
        return path

    # ---- at the address

    def _download(self, file: str) -> Picture:
        url = self._url_below(file)
        if time.monotonic() < self._unreachable_until:
            raise UnavailableError("service_unavailable", system="", operation="picture")
        cached_entry = self._cached_picture(url)
        headers = {"Accept": ", ".join(MIME.values())}
        if cached_entry and cached_entry[0]:
            name = "If-Modified-Since" if cached_entry[0].startswith("@") else "If-None-Match"
            headers[name] = cached_entry[0].removeprefix("@")
        try:
            answer = self._open_gateway().send("GET", url, operation="picture", repeatable=True, headers=headers)
        except UnavailableError:
            self._unreachable_until = time.monotonic() + AWAY_SECONDS
            raise
        if answer.status == NOT_MODIFIED and cached_entry:
            return cached_entry[1]
        if answer.status in (404, 410):
            raise _NoPictureError("picture_missing")
        if answer.status != OK:  # redirects are not followed: they may lead anywhere
            raise _NoPictureError("picture_unreachable", message=f"HTTP {answer.status}")
        if not answer.headers.get("content-type", "").lower().startswith(("image/", "application/octet-stream")):
            raise _NoPictureError("picture_unsupported", found=answer.headers.get("content-type", "")[:60])
        modified = answer.headers.get("last-modified", "")
        return self._store_picture(
            url, answer.headers.get("etag", "") or (f"@{modified}" if modified else ""), answer.body
        )

    def _url_below(self, file: str) -> str:
        """Return the address of the file. Raises _NoPictureError if it is not below the configured address."""
        base = self._base
        if not base.netloc:
            raise _NoPictureError("picture_outside")
        try:
            file_url = urlsplit(file if "://" in file else f"{self._places.address.rstrip('/')}/{_quote_path(file)}")
            same_place = (file_url.scheme, file_url.netloc) == (base.scheme, base.netloc)
        except ValueError:
            raise _NoPictureError("picture_outside") from None
        steps, below = PurePosixPath(unquote(file_url.path)).parts, PurePosixPath(base.path or "/").parts
        if not same_place or ".." in steps or steps[: len(below)] != below or "\\" in unquote(file_url.path):
            raise _NoPictureError("picture_outside")
        return file_url._replace(fragment="").geturl()

    def _open_gateway(self) -> "Gateway":
        from integration.connectors.http import Gateway  # noqa: PLC0415 - as said at the top

        if self._gateway is None:
            limits = RateLimits(
                AT_ONCE, 50, connect_seconds=5, read_seconds=20, attempts=2, patience_seconds=30,
                answer_bytes=self._places.most,
            )  # fmt: skip
            host = self._base.netloc.rpartition("@")[2]
            self._gateway = Gateway(system=host, host_shown=host, limits=limits, route=self._places.route)
        return self._gateway

    # ---- stored pictures

    def _cached_picture(self, place: str) -> tuple[str, Picture] | None:
        """Return the change tag and the picture last read from a place, or None if they are no longer stored."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            note = json.loads(self._note_path(place).read_text(encoding="utf-8"))
            picture = Picture(str(note["content"]), str(note["kind"]), int(note["size"]))
            os.utime(_file(self._places.store_folder, picture))
            return str(note["tag"]), picture
        return None

    def _note_path(self, place: str) -> Path:
        return self._places.store_folder / f"{hashlib.sha256(place.encode()).hexdigest()[:40]}.json"

    def _store_picture(self, place: str, tag: str, data: bytes) -> Picture:
        if len(data) > self._places.most:
            raise _NoPictureError("picture_too_large", size=f"> {self._places.most / MEGABYTE:g} MB")
        kind = next((kind for kind, sign in _SIGNS.items() if data.startswith(sign)), "")
        if not kind or (kind == "webp" and data[8:12] != b"WEBP"):
            raise _NoPictureError("picture_unsupported", found=repr(data[:8])[2:-1])
        picture = Picture(hashlib.sha256(data).hexdigest()[:32], kind, len(data))
        self._places.store_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (path := _file(self._places.store_folder, picture)).exists():
            _write(path, data)
        os.utime(path)
        note = {"tag": tag, "content": picture.content, "kind": picture.kind, "size": picture.size}
        _write(self._note_path(place), json.dumps(note).encode())
        return picture

    def remove_unused(self) -> int:
        """Remove files that were not used for 90 days, and return their number."""
        old = [path for path in _files(self._places.store_folder) if time.time() - path.stat().st_mtime > CACHE_SECONDS]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.glob("*") if path.is_file())


def _file(folder: Path, picture: Picture) -> Path:
    return folder / f"{picture.content}.{picture.kind}"


def _write(path: Path, data: bytes) -> None:
    """Write a file atomically, readable by this user only."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(data)
    beside.replace(path)


def _quote_path(file: str) -> str:
    return quote(file.replace("\\", "/").lstrip("/"))


def load_picture(folder: Path | None, content: str) -> tuple[bytes, str]:
    """Return the bytes and type of a stored picture. Raises RejectedError if it is no longer stored."""
    if folder is not None and _MARK.fullmatch(content):
        for kind in _SIGNS:
            with suppress(OSError):
                data = (folder / f"{content}.{kind}").read_bytes()
                if hashlib.sha256(data).hexdigest()[:32] == content:
                    return data, kind
    raise RejectedError("picture_gone")
