"""The step chart of a clearing account."""

from datetime import date
from decimal import Decimal

import pandas as pd

from integration.core.days.clearing import ClearingDay
from pages.components.days.clearing import takings_under_way


def test_the_level_of_the_last_day_is_drawn_for_the_whole_day() -> None:
    days = [
        ClearingDay(date(2026, 11, number), Decimal(0), Decimal(0), Decimal(0), Decimal(number)) for number in (23, 24)
    ]
    frame = takings_under_way(days)
    assert list(frame.index) == [pd.Timestamp(2026, 11, number) for number in (23, 24, 25)]
    assert list(frame["under_way"]) == [23.0, 24.0, 24.0]
