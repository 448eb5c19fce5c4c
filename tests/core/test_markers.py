"""Ranges of change numbers: only known numbers may be skipped."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.markers import MAX_RANGES, UNKNOWN, ChangeRanges, change_ranges, parse_change_ranges


@pytest.mark.parametrize(
    ("marker", "following"),
    [("3", "6"), ("4", "6"), ("5", "6"), ("6", "6"), ("2", "2"), ("7", "9"), ("9", "9"), ("", ""), ("now", "now")],
)
def test_a_marker_goes_on_over_the_stretch_right_after_it(marker: str, following: str) -> None:
    assert change_ranges([4, 5, 6, 8, 9]).last_contiguous(marker) == following


def test_what_is_over_is_dropped() -> None:
    ranges = change_ranges([4, 5, 8, 9, 12])
    assert ranges.after_marker("5") == change_ranges([8, 9, 12])
    assert ranges.after_marker("8") == change_ranges([8, 9, 12]), "a stretch that is under way stays"
    assert ranges.after_marker("") == ranges


def test_stretches_that_touch_are_one() -> None:
    ranges = change_ranges([4, 5, 9]).joined(change_ranges([6, 12]))
    assert ranges == change_ranges([4, 5, 6, 9, 12])
    assert [6 in ranges, 7 in ranges] == [True, False]


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)))
def test_stretches_hold_exactly_the_markers_of_both(markers: set[int], other: set[int]) -> None:
    ranges = change_ranges(sorted(markers)).joined(change_ranges(sorted(other)))
    assert {marker for marker in range(62) if marker in ranges} == markers | other
    assert parse_change_ranges(str(ranges)) == ranges == change_ranges(sorted(markers | other))


def test_nothing_is_known_of_no_markers() -> None:
    assert change_ranges([]) == UNKNOWN == parse_change_ranges(str(UNKNOWN))


def test_only_so_many_are_kept_the_longest_of_them() -> None:
    gaps = range(0, 8 * MAX_RANGES, 2)
    long = range(8 * MAX_RANGES, 8 * MAX_RANGES + 5)
    ranges = change_ranges(chain(gaps, long))
    assert len(ranges.spans) == MAX_RANGES
    assert ranges.spans[-1] == (8 * MAX_RANGES, 8 * MAX_RANGES + 4)
    assert isinstance(ranges, ChangeRanges)
    assert all(first == last and first in gaps for first, last in ranges.spans[:-1])
