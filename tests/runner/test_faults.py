"""Killed while a plan is sent, with every kind of lost answer: see `killing`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runner.killing import (
    after_sent_was_kept,
    after_the_till_accepted,
    assert_every_case_holds,
    before_anything_was_sent,
)

Recorded = Callable[[str, object], None]

pytestmark = [pytest.mark.long, pytest.mark.processes]


def test_a_kill_before_anything_was_sent_loses_and_doubles_nothing(
    tmp_path: Path, calm: frozenset[str], record_property: Recorded
) -> None:
    record_property("cases", assert_every_case_holds(before_anything_was_sent, tmp_path, calm))


def test_a_kill_after_sent_was_kept_loses_and_doubles_nothing(
    tmp_path: Path, calm: frozenset[str], record_property: Recorded
) -> None:
    record_property("cases", assert_every_case_holds(after_sent_was_kept, tmp_path, calm))


def test_a_kill_after_the_till_accepted_loses_and_doubles_nothing(
    tmp_path: Path, calm: frozenset[str], record_property: Recorded
) -> None:
    record_property("cases", assert_every_case_holds(after_the_till_accepted, tmp_path, calm))
