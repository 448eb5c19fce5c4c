"""Single values of rows."""

from datetime import UTC, datetime

import pytest

from integration.connectors.accountview.codec import flag, literal, stamp


@pytest.mark.parametrize(
    ("wire", "moment"),
    [
        ("2025-03-10T16:02:44", "2025-03-10T16:02:44"),
        ("2025-03-10T16:02:44.120Z", "2025-03-10T16:02:44"),
        ("2025-03-10T16:02:44+01:00", "2025-03-10T16:02:44"),
        ("2025-03-10", "2025-03-10T00:00:00"),
        ("", None),
        (None, None),
        ("0001-01-01T00:00:00", None),
        ("gisteren", None),
    ],
)
def test_moments_come_in_three_shapes_and_no_zone_is_converted(wire: object, moment: str | None) -> None:
    assert stamp(wire) == moment


@pytest.mark.parametrize(
    ("wire", "meant"), [(True, True), ("True", True), (".T.", True), (False, False), (None, False), ("", False)]
)
def test_a_flag_comes_as_json_or_as_a_word(wire: object, meant: object) -> None:
    assert flag(wire) is meant


def test_a_filter_on_a_moment_is_a_strict_literal_in_braces() -> None:
    assert literal(datetime(2025, 3, 1, 7, 5, tzinfo=UTC)) == "{^2025-03-01 07:05:00}"
