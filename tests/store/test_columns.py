"""What a column takes beyond text and numbers."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.dialects import sqlite

from integration.store.columns import Moment


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        Moment().process_bind_param(datetime(2026, 1, 1), None)  # type: ignore[arg-type]  # noqa: DTZ001


def test_a_time_of_many_rows_is_converted_once_and_a_repeated_hour_stays_two_times() -> None:
    convert = Moment().dialect_impl(sqlite.dialect()).bind_processor(sqlite.dialect())
    assert convert is not None
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert convert(now) is convert(now)
    summer, winter = (datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Amsterdam"), fold=fold) for fold in (0, 1))
    assert (convert(summer), convert(winter)) == ("2026-10-25 00:30:00.000000", "2026-10-25 01:30:00.000000")
