"""Killed while a plan is settled, with every kind of lost answer: see `killing`."""

from pathlib import Path

import pytest

from tests.runner.killing import (
    after_the_read_back,
    assert_every_case_holds,
    before_the_cursor_moves,
    proven_without_trouble,
)

__all__ = ["proven_without_trouble"]

pytestmark = [pytest.mark.processes, pytest.mark.timeout(200)]


def test_a_kill_after_the_read_back_loses_and_doubles_nothing(
    tmp_path: Path, proven_without_trouble: frozenset[str], record_property: Callable[[str, object], None]
) -> None:
    record_property("cases", assert_every_case_holds(after_the_read_back, tmp_path, proven_without_trouble))


def test_a_kill_before_the_cursor_moves_loses_and_doubles_nothing(
    tmp_path: Path, proven_without_trouble: frozenset[str], record_property: Callable[[str, object], None]
) -> None:
    record_property("cases", assert_every_case_holds(before_the_cursor_moves, tmp_path, proven_without_trouble))
