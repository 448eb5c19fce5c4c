"""Stretches of markers: what may be passed over because it is known, and nothing else."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.markers import MOST, UNKNOWN, ChangeRanges, stretches, stretches_from


@pytest.mark.parametrize(
    ("marker", "following"),
    [("3", "6"), ("4", "6"), ("5", "6"), ("6", "6"), ("2", "2"), ("7", "9"), ("9", "9"), ("", ""), ("now", "now")],
)
def test_a_marker_goes_on_over_the_stretch_right_after_it(marker: str, following: str) -> None:
    assert stretches([4, 5, 6, 8, 9]).past(marker) == following


def test_what_is_over_is_dropped() -> None:
    known = stretches([4, 5, 8, 9, 12])
    assert known.beyond("5") == stretches([8, 9, 12])
    assert known.beyond("8") == stretches([8, 9, 12]), "a stretch that is under way stays"
    assert known.beyond("") == known


def test_stretches_that_touch_are_one() -> None:
    both = stretches([4, 5, 9]).joined(stretches([6, 12]))
    assert both == stretches([4, 5, 6, 9, 12])
    assert [6 in both, 7 in both] == [True, False]


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)))
def test_stretches_hold_exactly_the_markers_of_both(one: set[int], other: set[int]) -> None:
    both = stretches(sorted(one)).joined(stretches(sorted(other)))
    assert {marker for marker in range(62) if marker in both} == one | other
    assert stretches_from(str(both)) == both == stretches(sorted(one | other))


def test_nothing_is_known_of_no_markers() -> None:
    assert stretches([]) == UNKNOWN == stretches_from(str(UNKNOWN))


def test_only_so_many_are_kept_the_longest_of_them() -> None:
    gaps = range(0, 8 * MOST, 2)
    long = range(8 * MOST, 8 * MOST + 5)
    kept = stretches(chain(gaps, long))
    assert len(kept.spans) == MOST
    assert kept.spans[-1] == (8 * MOST, 8 * MOST + 4)
    assert isinstance(kept, ChangeRanges)
    assert all(first == last and first in gaps for first, last in kept.spans[:-1])
