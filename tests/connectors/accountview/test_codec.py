"""Single values of rows."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from integration.connectors.accountview.codec import (
    Body,
    Cell,
    cell_of,
    decode_column,
    decode_flag,
    encode_body,
    literal,
    stamp,
    typed_value,
)
from integration.connectors.accountview.settings import BusinessObject
from integration.connectors.protocol import DictionaryColumn
from integration.core.errors import RejectedError
from integration.core.records import WrongValueError


@pytest.mark.parametrize(
    ("wire", "moment"),
    [
        ("2025-03-10T16:02:44", "2025-03-10T16:02:44"),
        ("2025-03-10T16:02:44.120Z", "2025-03-10T16:02:44"),
        ("2025-03-10T16:02:44+01:00", "2025-03-10T16:02:44"),
        ("2025-03-10", "2025-03-10T00:00:00"),
        ("2025-03-10T16:02", "2025-03-10T16:02:00"),
        ("2025-03-10garbage", None),
        ("2025-03-10T16:02:44Zx", None),
        ("", None),
        (None, None),
        ("0001-01-01T00:00:00", None),
        ("gisteren", None),
    ],
)
def test_a_moment_with_further_text_is_none_and_no_zone_is_converted(wire: object, moment: str | None) -> None:
    assert stamp(wire) == moment


@pytest.mark.parametrize(
    ("wire", "expected"), [(True, True), ("True", True), (".T.", True), (False, False), (None, False)]
)
def test_a_flag_comes_as_json_or_as_a_word(wire: object, expected: object) -> None:
    assert decode_flag(wire) is expected


def test_a_filter_on_a_moment_is_a_strict_literal_in_braces() -> None:
    assert literal(datetime(2025, 3, 1, 7, 5, tzinfo=UTC)) == "{^2025-03-01 07:05:00}"


def test_a_document_travels_as_columns_and_rows_in_the_same_order() -> None:
    document = Body(
        {"SUB_NR": Cell("C", ""), "INV_DATE": Cell("T", date(2025, 3, 14))},
        {
            "SO_LINE": [
                {"ART_CODE": Cell("C", "A")},
                {"ART_CODE": Cell("C", "B"), "ART_PX": Cell("N", Decimal("19.99"))},
            ]
        },
    )
    body = encode_body(BusinessObject(code="SO1", table="SO_HDR"), document, date(2025, 3, 14))
    assert json.loads(json.dumps(body)) == {
        "BookDate": "2025-03-14T00:00:00.000Z",
        "BusinessObject": "SO1",
        "Table": {
            "Definition": {
                "Name": "SO_HDR",
                "Fields": [
                    {"Name": "RowId", "FieldType": "C"},
                    {"Name": "SUB_NR", "FieldType": "C"},
                    {"Name": "INV_DATE", "FieldType": "T"},
                ],
            },
            "DetailDefinitions": [
                {
                    "Name": "SO_LINE",
                    "Fields": [
                        {"Name": "RowId", "FieldType": "C"},
                        {"Name": "HeaderId", "FieldType": "C"},
                        {"Name": "ART_CODE", "FieldType": "C"},
                        {"Name": "ART_PX", "FieldType": "N"},
                    ],
                }
            ],
        },
        "TableData": {
            "Data": {"Rows": [{"Values": ["1", None, "2025-03-14T00:00:00.000Z"]}]},
            "DetailData": [{"Rows": [{"Values": ["1", "1", "A", None]}, {"Values": ["2", "1", "B", 19.99]}]}],
        },
    }


@pytest.mark.parametrize("word", ["misschien", "X", "2", 7, "", " "])
def test_a_word_that_is_neither_a_yes_nor_a_no_is_neither(word: object) -> None:
    assert decode_flag(word) is None
    assert not decode_column({"FIELD_NAME": "X", "REC_CUST": word, "INP_MAND": word, "COM_BLK": word}).blocked


@pytest.mark.parametrize("letter", ["N", "I"])
@pytest.mark.parametrize("text", ["1e99", "1_000", "٣", "NaN", "9" * 21, "7 stuks"])
def test_a_text_that_is_no_number_of_a_database_is_not_sent_as_one(letter: str, text: str) -> None:
    column = DictionaryColumn("QTY", "Aantal", letter)
    assert cell_of("article.quantity", column, " 12 ").value == 12
    with pytest.raises(RejectedError, match="request_refused"):
        cell_of("article.quantity", column, text)


@pytest.mark.parametrize("text", ["01-02-2025", "20250201", "2025-02-30", "onbekend", "/Date(1741)/", "0026-11-09"])
def test_a_day_that_cannot_be_read_is_not_taken_for_none(text: str) -> None:
    with pytest.raises(WrongValueError, match=text[:4]):
        typed_value(DictionaryColumn("DUE_DATE", "Due", "D", 8), text)


@pytest.mark.parametrize("value", [7, Decimal("7.0"), True, ["7"]])
def test_a_text_that_comes_as_another_type_is_not_taken_for_a_text(value: object) -> None:
    with pytest.raises(WrongValueError):
        typed_value(DictionaryColumn("TEL_BUS", "Telefoon", "C", 20), value)


@pytest.mark.parametrize(
    "text", [None, "", "  -  -    ", "0000-00-00", "1899-12-30T00:00:00", "0001-01-01", "00000000"]
)
def test_a_day_that_the_database_has_empty_is_none(text: str | None) -> None:
    assert typed_value(DictionaryColumn("DUE_DATE", "Due", "D", 8), text) is None
