"""Trouble while the debtors of orders are written, and while orders are posted: see `killing_orders`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runner.crash_matrix_orders import (
    BEFORE_ANYTHING,
    DEBTOR_ACCEPTED,
    DEBTOR_SENT,
    POSTING_ACCEPTED,
    POSTING_SENT,
    Calm,
    assert_every_trouble_passes,
)

Recorded = Callable[[str, object], None]

pytestmark = [pytest.mark.long, pytest.mark.processes]


def test_trouble_before_anything_was_sent_loses_and_doubles_nothing(
    tmp_path: Path, calm_orders: Calm, record_property: Recorded
) -> None:
    record_property("cases", assert_every_trouble_passes(BEFORE_ANYTHING, tmp_path, calm_orders))


def test_trouble_while_a_debtor_is_sent_loses_and_doubles_nothing(
    tmp_path: Path, calm_orders: Calm, record_property: Recorded
) -> None:
    record_property("cases", assert_every_trouble_passes(DEBTOR_SENT, tmp_path, calm_orders))


def test_trouble_before_a_debtor_is_read_back_loses_and_doubles_nothing(
    tmp_path: Path, calm_orders: Calm, record_property: Recorded
) -> None:
    record_property("cases", assert_every_trouble_passes(DEBTOR_ACCEPTED, tmp_path, calm_orders))


def test_trouble_while_a_posting_is_sent_loses_and_doubles_nothing(
    tmp_path: Path, calm_postings: Calm, record_property: Recorded
) -> None:
    record_property("cases", assert_every_trouble_passes(POSTING_SENT, tmp_path, calm_postings))


def test_trouble_before_a_posting_is_read_back_loses_and_doubles_nothing(
    tmp_path: Path, calm_postings: Calm, record_property: Recorded
) -> None:
    record_property("cases", assert_every_trouble_passes(POSTING_ACCEPTED, tmp_path, calm_postings))
