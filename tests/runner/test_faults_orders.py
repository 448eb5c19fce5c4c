"""Trouble while orders are booked with their debtors and addresses, or posted: see `crash_matrix`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runner.crash_matrix import (
    ADDRESS_ACCEPTED,
    ADDRESS_SENT,
    BEFORE_ANYTHING,
    BEFORE_CLOSING,
    DEBTOR_ACCEPTED,
    DEBTOR_SENT,
    ORDER_ACCEPTED,
    ORDER_SENT,
    POSTING_ACCEPTED,
    POSTING_SENT,
    Boundary,
    Calm,
    assert_every_trouble_passes,
)

Recorded = Callable[[str, object], None]

pytestmark = [pytest.mark.long, pytest.mark.processes]


@pytest.mark.parametrize(
    "boundary",
    [
        BEFORE_ANYTHING, DEBTOR_SENT, DEBTOR_ACCEPTED, ADDRESS_SENT, ADDRESS_ACCEPTED, ORDER_SENT, ORDER_ACCEPTED,
        BEFORE_CLOSING,
    ],
    ids=str,
)  # fmt: skip
def test_trouble_with_orders_loses_and_doubles_nothing(
    tmp_path: Path, calm_orders: Calm, record_property: Recorded, boundary: Boundary
) -> None:
    record_property("cases", assert_every_trouble_passes(boundary, tmp_path, calm_orders))


@pytest.mark.parametrize("boundary", [POSTING_SENT, POSTING_ACCEPTED], ids=str)
def test_trouble_with_postings_loses_and_doubles_nothing(
    tmp_path: Path, calm_postings: Calm, record_property: Recorded, boundary: Boundary
) -> None:
    record_property("cases", assert_every_trouble_passes(boundary, tmp_path, calm_postings))
