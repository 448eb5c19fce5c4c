"""Killed while a plan is sent, with every kind of lost answer: see `killing`."""

from pathlib import Path

import pytest

from tests.runner.killing import (
    after_sent_was_kept,
    after_the_till_accepted,
    assert_every_case_holds,
    before_anything_was_sent,
    proven_without_trouble,
)

__all__ = ["proven_without_trouble"]

pytestmark = [pytest.mark.processes, pytest.mark.timeout(200)]


def test_a_kill_before_anything_was_sent_loses_and_doubles_nothing(
    tmp_path: Path, proven_without_trouble: frozenset[str], record_property: Callable[[str, object], None]
) -> None:
    record_property("cases", assert_every_case_holds(before_anything_was_sent, tmp_path, proven_without_trouble))


def test_a_kill_after_sent_was_kept_loses_and_doubles_nothing(
    tmp_path: Path, proven_without_trouble: frozenset[str], record_property: Callable[[str, object], None]
) -> None:
    record_property("cases", assert_every_case_holds(after_sent_was_kept, tmp_path, proven_without_trouble))


def test_a_kill_after_the_till_accepted_loses_and_doubles_nothing(
    tmp_path: Path, proven_without_trouble: frozenset[str], record_property: Callable[[str, object], None]
) -> None:
    record_property("cases", assert_every_case_holds(after_the_till_accepted, tmp_path, proven_without_trouble))
