"""Answers of a system, and their decompression within a size limit."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

ENCODINGS = "gzip, deflate"  # compressions that are accepted, each by itself and applied once
MAX_PARTS = 2_500_000  # elements, their attributes, lists and objects of one answer: each takes 130 bytes and more
MAX_VALUES = 4_000_000  # in its lists and objects: a value in a database's answer takes some 17 bytes of it
REFUSED_STATUSES = frozenset(
    {400, 411, 413, 414, 415, 417, 431}
)  # statuses: the request was rejected, nothing was done
_EITHER, _RAW = 47, -15  # window sizes for zlib: gzip or deflate with a header, deflate without


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One HTTP answer of a system. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class PackingError(Exception):
    """An answer cannot be decompressed."""


class TooLargeError(PackingError):
    """An answer has more bytes than allowed."""


def unpack(pieces: Iterable[bytes], encoding: str, limit: int) -> Iterator[bytes]:
    """Yield the bytes of an answer, decompressed.

    Raises TooLargeError once there are more than `limit` bytes, and PackingError for data that cannot be decompressed.
    """
    remaining = limit
    packing = _Packing(encoding)
    for piece in pieces:
        for part in packing.parts(piece, remaining + 1):
            remaining -= len(part)
            if remaining < 0:
                raise TooLargeError("the answer has more bytes than allowed")
            yield part


class _Packing:
    """Decompresses the pieces of one answer into portions of limited size."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding.strip().lower()
        if self._encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise PackingError("compressed in an unknown way, or more than once")
        self._stream: zlib._Decompress | None = None
        self._is_uncompressed = self._encoding in {"", "identity"}

    def parts(self, piece: bytes, limit: int) -> Iterator[bytes]:
        """Yield the content of a piece in portions of at most `limit` bytes; plain pieces stay whole."""
        if self._is_uncompressed:
            yield piece
            return
        portion = min(limit, 1 << 20)
        while piece:
            stream = self._open_stream(piece)
            try:
                part = stream.decompress(piece, portion)
            except zlib.error as error:
                raise PackingError(str(error)) from error
            piece = stream.unconsumed_tail
            if stream.eof:  # after the end another gzip member may follow
                piece, self._stream = stream.unused_data.lstrip(b"\0"), None
            if part:
                yield part
            elif not piece:
                return

    def _open_stream(self, piece: bytes) -> "zlib._Decompress":
        if self._stream is None:
            headless = self._encoding == "deflate" and piece[0] & 0x0F != 8  # noqa: PLR2004 - RFC 1950, 2.2: CM
            self._stream = zlib.decompressobj(_RAW if headless else _EITHER)
        return self._stream
