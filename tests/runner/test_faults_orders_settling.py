"""Trouble while addresses and orders are written, and while their run is closed: see `killing_orders`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runner.crash_matrix_orders import (
    ADDRESS_ACCEPTED,
    ADDRESS_SENT,
    BEFORE_CLOSING,
    ORDER_ACCEPTED,
    ORDER_SENT,
    Calm,
    assert_every_trouble_passes,
)

Recorded = Callable[[str, object], None]

pytestmark = [pytest.mark.long, pytest.mark.processes]


def test_trouble_while_an_address_is_sent_loses_and_doubles_nothing(
    tmp_path: Path, calm_orders: Calm, record_property: Recorded
) -> None:
    record_property("cases", assert_every_trouble_passes(ADDRESS_SENT, tmp_path, calm_orders))


def test_trouble_before_an_address_is_read_back_loses_and_doubles_nothing(
    tmp_path: Path, calm_orders: Calm, record_property: Recorded
) -> None:
    record_property("cases", assert_every_trouble_passes(ADDRESS_ACCEPTED, tmp_path, calm_orders))


def test_trouble_while_an_order_is_sent_loses_and_doubles_nothing(
    tmp_path: Path, calm_orders: Calm, record_property: Recorded
) -> None:
    record_property("cases", assert_every_trouble_passes(ORDER_SENT, tmp_path, calm_orders))


def test_trouble_before_an_order_is_read_back_loses_and_doubles_nothing(
    tmp_path: Path, calm_orders: Calm, record_property: Recorded
) -> None:
    record_property("cases", assert_every_trouble_passes(ORDER_ACCEPTED, tmp_path, calm_orders))


def test_trouble_before_the_run_is_closed_loses_and_doubles_nothing(
    tmp_path: Path, calm_orders: Calm, record_property: Recorded
) -> None:
    record_property("cases", assert_every_trouble_passes(BEFORE_CLOSING, tmp_path, calm_orders))
