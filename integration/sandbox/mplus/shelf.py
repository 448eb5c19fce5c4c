"""Objects of one kind, and the marker that every change of one of them raises."""

import bisect
import itertools
import time
from collections.abc import Iterator
from operator import itemgetter
from typing import Generic, Protocol, TypeVar

SPARE_ENTRIES = 1000


class Stored:
    """One object as XML, and for a while what it was before a change that readers cannot see yet."""

    __slots__ = ("_before", "_until", "marker", "xml")

    def __init__(self) -> None:
        self.xml = b""
        self.marker = 0
        self._before: tuple[bytes, int] | None = None
        self._until = 0.0

    def put(self, xml: bytes, marker: int, late: float = 0.0) -> None:
        """Replaces the object; readers see it after so many seconds, or when an earlier change becomes visible."""
        if late and self._is_visible:
            self._before = (self.xml, self.marker)
        if late:
            self._until = time.monotonic() + late
        self.xml, self.marker = xml, marker

    @property
    def seen(self) -> bytes:
        """What a reader gets; nothing while the object is new and late."""
        return self.xml if self._before is None or self._is_visible else self._before[0]

    @property
    def seen_marker(self) -> int:
        """The marker a reader gets."""
        return self.marker if self._before is None or self._is_visible else self._before[1]

    @property
    def _is_visible(self) -> bool:
        return time.monotonic() >= self._until


class Sized(Protocol):
    """What a shelf asks of its objects."""

    marker: int

    @property
    def seen_marker(self) -> int: ...  # see Stored


R = TypeVar("R", bound=Sized)


class Markers(Generic[R]):
    """The sequence of one kind, and which object holds which place in it."""

    def __init__(self, start: int = 1) -> None:
        self.last = start - 1
        self._entries: list[tuple[int, R]] = []
        self._live = 0

    def next(self) -> int:
        """A new marker."""
        self.last += 1
        return self.last

    def enter(self, marker: int, record: R, *, new: bool) -> None:
        """Notes that the object got this marker, which is the highest so far."""
        self._entries.append((marker, record))
        self._live += new
        if len(self._entries) > 2 * self._live + SPARE_ENTRIES:
            self._entries = [(entry, held) for entry, held in self._entries if entry in {held.marker, held.seen_marker}]

    def since(self, marker: int) -> Iterator[R]:
        """The objects that readers see with this marker or a higher one, lowest first."""
        start = bisect.bisect_left(self._entries, marker, key=itemgetter(0))
        return (record for entry, record in itertools.islice(self._entries, start, None) if record.seen_marker == entry)


def hash_of(key: object) -> int:
    """A number that scatters keys, the same in every process."""
    number = int.from_bytes(str(key).encode()[-8:], "big")
    return number * 2654435761 % 2**32
