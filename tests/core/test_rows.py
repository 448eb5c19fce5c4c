"""Rows of a value table: which one applies."""

from integration.core.rows import row_key, row_value


def test_the_first_key_with_a_row_counts_and_the_row_for_all_last() -> None:
    rows = {"30": "8000", "30/3": "8030", "*": "8999"}
    assert [row_key(rows, *keys) for keys in (("30/3", "30"), ("30/1", "30"), ("40",))] == ["30/3", "30", "*"]
    assert row_value(rows, "30/1", "30") == "8000"
    assert row_value({}, "30") == ""


def test_a_row_without_a_counterpart_is_not_guessed_with_another() -> None:
    assert row_key({"30": "8000", "30/3": " "}, "30/3", "30") == ""
