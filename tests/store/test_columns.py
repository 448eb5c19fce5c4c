"""Column types beyond text and numbers."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.dialects import sqlite

from integration.core.records import Kind
from integration.store.columns import Json, Moment


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


@pytest.mark.parametrize(
    "value", [{"a": ["é€\u2028", None, True, 1, {}]}, [], "", "a\0b", "\ud800", {"\udfff": ["\ud83d"]}]
)
def test_a_value_comes_back_from_its_json(value: object) -> None:
    dialect = sqlite.dialect()
    text = Json().bind_processor(dialect)(value)
    assert text is not None
    assert text.encode()  # both databases store UTF-8
    assert "\0" not in text
    assert Json().result_processor(dialect, None)(text) == value


def test_a_kind_is_text_in_json_and_an_object_is_refused() -> None:
    as_json = Json().bind_processor(sqlite.dialect())
    assert as_json({Kind.ORDER: Kind.LINE}) == '{"order":"line"}'
    with pytest.raises(TypeError, match="no JSON value"):
        as_json({"value": object()})


def test_a_time_of_sqlite_comes_back_in_utc() -> None:
    moment = Moment().dialect_impl(sqlite.dialect())
    now = datetime(2026, 1, 1, 12, 30, 15, 250, tzinfo=UTC)
    bind, load = moment.bind_processor(sqlite.dialect()), moment.result_processor(sqlite.dialect(), None)
    assert bind is not None
    assert load is not None
    assert (load(bind(now)), load(None)) == (now, None)
    assert getattr(load(bind(now)), "tzinfo", None) is UTC
