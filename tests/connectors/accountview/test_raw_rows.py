"""Raw rows: recognised by their content, and parsed on demand only."""

import json

import pytest

from integration.connectors.accountview.answers import in_capitals, parse_json
from integration.connectors.accountview.raw_rows import raw_rows_of, split_rows
from integration.connectors.accountview.settings import BusinessObject
from integration.core.errors import MalformedAnswerError

ARTICLES = BusinessObject(code="AK1", table="ARTICLE")
ROWS = [
    {"ART_CODE": "9001  ", "PX_SELL": 12.50, "ART.NAME": "Bel \u20ac"},
    {"ART_CODE": "9002", "PX_SELL": 12.5, "ART.NAME": '"}'},
]


def _split_keys_and_contents(text: str) -> list[tuple[str, bytes]] | None:
    rows = split_rows(text.encode(), ARTICLES, "ART_CODE")
    return None if rows is None else [(row.key, row.content) for row in rows]


def test_a_row_that_was_not_read_is_read_as_any_other() -> None:
    body = json.dumps({"article": ROWS}).encode()
    rows = split_rows(body, ARTICLES, "ART_CODE")
    assert rows is not None
    assert [row.key for row in rows] == ["9001", "9002"]
    parsed_rows = [in_capitals(row) for row in parse_json(body)["article"]]  # type: ignore[index]
    assert [row.row("read AK1") for row in rows] == parsed_rows


def test_rows_that_differ_in_one_digit_have_different_contents() -> None:
    (_, content), (_, other) = (
        _split_keys_and_contents('{"ARTICLE": [{"ART_CODE": "1", "PX": 1.0}, {"ART_CODE": "1", "PX": 1.00}]}') or []
    )
    assert content != other


def test_what_numbers_the_rows_of_one_answer_is_no_part_of_it() -> None:
    first = _split_keys_and_contents(
        '{"ARTICLE": [{"Article_Id": 1, "ART_CODE": "1"}, {"ART_CODE": "2", "Article_Id" : "2"}]}'
    )
    later = _split_keys_and_contents(
        '{"ARTICLE": [{"Article_Id": 8, "ART_CODE": "1"}, {"ART_CODE": "2", "Article_Id" : "9"}]}'
    )
    assert first == later
    assert first is not None


@pytest.mark.parametrize(
    "body",
    [
        '{"ARTICLE": []}', "{}", "[]", "", '{"ARTICLE": {"ART_CODE": "1"}}', '{"ARTICLE": [{"ART_CODE": 1}]}',
        '{"ARTICLE": [{"ART_CODE": "1"}, {"art_code": "2"}]}', '{"ARTICLE": [{"ART_CODE": "1"}, 2]}',
        '{"ARTICLE": [{"ART_CODE": "1"}], "ERRORMESSAGE": "x"}', '{"ARTICLE": [{"OTHER": "1"}]}',
        '{"ARTICLE": [{"ART_CODE": "1"}], "ARTICLE": [{"ART_CODE": "2"}]}',
        '{"ARTICLE": [{"ART_CODE": "1", "ART_CODE": "2"}]}',
        '{"ARTICLE": [{"ART_CODE": "1", "art_code": "2"}]}',
        '{"OTHERS": [{"ART_CODE": "1"}]}', '{"ARTICLE": [{"ART_CODE": "1"}', "<html>", "[" * 100_000,
    ],
    ids=range(17),
)  # fmt: skip
def test_any_other_answer_has_to_be_read_to_be_understood(body: str) -> None:
    assert _split_keys_and_contents(body) is None


def test_a_row_that_cannot_be_read_is_an_answer_that_cannot_be() -> None:
    rows = split_rows(b'{"ARTICLE": [{"ART_CODE": "1", "NAME": "\xff"}]}', ARTICLES, "ART_CODE")
    assert rows is not None
    with pytest.raises(MalformedAnswerError):
        rows[0].row("read AK1")


def test_rows_that_were_read_are_the_same_as_long_as_they_say_the_same() -> None:
    row, other = raw_rows_of([{"ART_CODE": "1 ", "PX": 1}, {"ART_CODE": "1", "PX": 2}], "ART_CODE")
    assert (row.key, other.key) == ("1", "1")
    assert row.content != other.content
    assert other.row("read AK1") == {"ART_CODE": "1", "PX": 2}


@pytest.mark.parametrize("name", ["PX", "px"])
def test_a_column_that_a_row_has_twice_has_no_single_value(name: str) -> None:
    rows = split_rows(b'{"ARTICLE": [{"ART_CODE": "1", "PX": 1, "%b": 2}]}' % name.encode(), ARTICLES, "ART_CODE")
    assert rows is not None
    assert rows[0].row("read AK1") == {"ART_CODE": "1", "PX": [1, 2]}
