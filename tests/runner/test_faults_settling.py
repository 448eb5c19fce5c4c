"""Killed before a run is closed, with every kind of lost answer: see `crash_matrix`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runner.crash_matrix import assert_every_case_holds, before_the_cursor_moves

Recorded = Callable[[str, object], None]

pytestmark = [pytest.mark.long, pytest.mark.processes]


def test_a_kill_before_the_cursor_moves_loses_and_doubles_nothing(
    tmp_path: Path, calm: frozenset[str], record_property: Recorded
) -> None:
    record_property("cases", assert_every_case_holds(before_the_cursor_moves, tmp_path, calm))
