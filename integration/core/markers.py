"""Change numbers of a system, which rise with every change of a kind, and the ranges that are already processed."""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import merge, nlargest

MAX_RANGES = 1_000  # stored ranges; markers of dropped ranges are queried again, which costs calls but loses nothing

_Span = tuple[int, int]  # first and last marker


@dataclass(frozen=True, slots=True)
class ChangeRanges:
    """Contiguous ranges of change numbers whose outcome is known."""

    spans: tuple[_Span, ...] = ()

    def __contains__(self, marker: int) -> bool:
        return any(first <= marker <= last for first, last in self.spans)

    def __str__(self) -> str:
        return " ".join(f"{first}-{last}" for first, last in self.spans)

    def last_contiguous(self, marker: str) -> str:
        """Return the last marker of the range that begins at or contains the next marker, or `marker` itself."""
        if not marker.isdecimal():
            return marker
        following = int(marker) + 1
        return str(next((last for first, last in self.spans if first <= following <= last), marker))

    def after_marker(self, marker: str) -> "ChangeRanges":
        """Return the ranges that end after this marker."""
        return ChangeRanges(tuple(span for span in self.spans if not marker.isdecimal() or span[1] > int(marker)))

    def joined(self, other: "ChangeRanges") -> "ChangeRanges":
        """Return the union of both, limited to the longest ranges."""
        return _merge_spans(merge(self.spans, other.spans))


UNKNOWN = ChangeRanges()


def change_ranges(markers: Iterable[int]) -> ChangeRanges:
    """Return the ranges of ascending markers."""
    return _merge_spans((marker, marker) for marker in markers)


def parse_change_ranges(text: str) -> ChangeRanges:
    pairs = (span.split("-") for span in text.split())
    return ChangeRanges(tuple((int(first), int(last)) for first, last in pairs))


def _merge_spans(spans: Iterable[_Span]) -> ChangeRanges:
    """Merge ascending spans that overlap or touch."""
    merged_spans: list[_Span] = []
    for first, last in spans:
        if merged_spans and first <= merged_spans[-1][1] + 1:
            merged_spans[-1] = (merged_spans[-1][0], max(merged_spans[-1][1], last))
        else:
            merged_spans.append((first, last))
            if len(merged_spans) > 2 * MAX_RANGES:  # limits memory for any number of spans
                merged_spans = [*_longest_spans(merged_spans[:-1]), merged_spans[-1]]
    return ChangeRanges(tuple(_longest_spans(merged_spans)))


def _longest_spans(spans: list[_Span]) -> list[_Span]:
    return sorted(nlargest(MAX_RANGES, spans, key=lambda span: span[1] - span[0]))
