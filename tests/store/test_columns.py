"""What a column takes beyond text and numbers."""

from datetime import datetime

import pytest

from integration.store.columns import Moment


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        Moment().process_bind_param(datetime(2026, 1, 1), None)  # type: ignore[arg-type]  # noqa: DTZ001
