"""Markers of a system: whole numbers that rise with every change of a kind, and stretches of them that are known."""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import merge, nlargest

MOST = 1_000  # stretches that are kept: a system whose numbers leave gaps is asked, which costs calls and loses nothing

_Stretch = tuple[int, int]  # its first marker and its last


@dataclass(frozen=True, slots=True)
class ChangeRanges:
    """Markers of which it is known what became of them: from one to another, without a gap."""

    spans: tuple[_Stretch, ...] = ()

    def __contains__(self, marker: int) -> bool:
        return any(first <= marker <= last for first, last in self.spans)

    def __str__(self) -> str:
        return " ".join(f"{first}-{last}" for first, last in self.spans)

    def past(self, marker: str) -> str:
        """Return the last marker of the stretch that goes on right after this one; this one where none does."""
        if not marker.isdecimal():
            return marker
        following = int(marker) + 1
        return str(next((last for first, last in self.spans if first <= following <= last), marker))

    def beyond(self, marker: str) -> "ChangeRanges":
        """Return those that are not over by this marker."""
        return ChangeRanges(tuple(span for span in self.spans if not marker.isdecimal() or span[1] > int(marker)))

    def joined(self, other: "ChangeRanges") -> "ChangeRanges":
        """Return the markers of both: the longest stretches of them, where there are too many."""
        return _joined(merge(self.spans, other.spans))


UNKNOWN = ChangeRanges()


def stretches(markers: Iterable[int]) -> ChangeRanges:
    """Return the stretches that rising markers make."""
    return _joined((marker, marker) for marker in markers)


def stretches_from(text: str) -> ChangeRanges:
    """Return stretches as `str` tells them."""
    pairs = (one.split("-") for one in text.split())
    return ChangeRanges(tuple((int(first), int(last)) for first, last in pairs))


def _joined(spans: Iterable[_Stretch]) -> ChangeRanges:
    """Return spans that rise, with those in one that touch each other."""
    found: list[_Stretch] = []
    for first, last in spans:
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
            if len(found) > 2 * MOST:  # never more at once, however many there are
                found = [*_longest(found[:-1]), found[-1]]
    return ChangeRanges(tuple(_longest(found)))


def _longest(spans: list[_Stretch]) -> list[_Stretch]:
    return sorted(nlargest(MOST, spans, key=lambda span: span[1] - span[0]))
