"""Single values of rows."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from integration.connectors.accountview.codec import Body, Cell, Row, decoder, encode_body, flag, literal, stamp
from integration.connectors.accountview.layout import named_columns
from integration.connectors.accountview.settings import (
    ArticleFields,
    BusinessObject,
    GroupFields,
)
from integration.core.errors import MalformedAnswerError
from integration.core.records import Kind, Record, Unreadable


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


ROW: Row = {
    "ART_CODE": "TS-RED-M       ",
    "ART_DESC1": "T-shirt rood M   ",
    "PX_SELL": Decimal("16.5289"),
    "AG_CODE": "KLED",
    "VAT_CODE": "2",
    "REC_BLK": False,
    "CNG_DATE": "2025-03-10T16:02:44",
    "QTY_AVAIL": 14,
    "K1_EAN": "8712345678906",
    "EXT_KEY": 901,
    "WEIGHT": Decimal("0.125"),
    "IMG": "",
}


def decoded(row: Row, fields: ArticleFields) -> Record | None:
    return decoder(Kind.ARTICLE, named_columns(fields))(row)


def test_columns_with_a_meaning_stand_under_our_names_and_others_under_their_own() -> None:
    record = decoded(ROW, ArticleFields.model_validate({"ean": "k1_ean"}))
    assert record is not None
    assert (record.kind, record.key) == (Kind.ARTICLE, "TS-RED-M")
    assert dict(record.values) == {
        "code": "TS-RED-M",
        "name": "T-shirt rood M",
        "price": Decimal("16.5289"),
        "group": "KLED",
        "vat_code": "2",
        "unit": None,
        "blocked": False,
        "changed": date(2025, 3, 10),
        "ean": "8712345678906",
        "stock": Decimal("14.0000"),
        "EXT_KEY": Decimal(901),
        "WEIGHT": Decimal("0.125"),
        "IMG": None,
    }


def test_a_field_without_a_column_is_no_field() -> None:
    record = decoded(ROW, ArticleFields.model_validate({"stock": "", "unit": ""}))
    assert record is not None
    assert not {"stock", "unit", "ean"} & set(record.values)


def test_a_row_without_a_code_is_no_article() -> None:
    assert decoded({"ART_CODE": "  ", "ART_DESC1": "x"}, ArticleFields()) is None


def test_a_group_has_its_name_and_its_parent() -> None:
    names = named_columns(GroupFields(parent="UP"))
    group = decoder(Kind.GROUP, names)({"AG_CODE": "SHIRT", "AG_DESC": "Shirts ", "UP": "KLED"})
    assert group is not None
    assert dict(group.values) == {"code": "SHIRT", "name": "Shirts", "parent": "KLED"}


@pytest.mark.parametrize("price", [None, "", "  "])
def test_a_price_that_is_none_is_no_value(price: object) -> None:
    record = decoded({**ROW, "PX_SELL": price}, ArticleFields())
    assert record is not None
    assert record.values["price"] is None


@pytest.mark.parametrize(
    ("column", "held"),
    [("PX_SELL", "veel"), ("PX_SELL", "9" * 40), ("PX_SELL", Decimal("9" * 40)), ("REC_UPD", "2026-02-31T10:00:00")],
)
def test_a_row_that_cannot_be_read_stands_there_as_such(column: str, held: object) -> None:
    wrong = decoded({**ROW, column: held}, ArticleFields.model_validate({"changed": "REC_UPD"}))
    assert isinstance(wrong, Unreadable)
    assert (wrong.key, wrong.field, wrong.found) == ("TS-RED-M", column, str(held))
    assert json.loads(wrong.raw)["ART_CODE"] == ROW["ART_CODE"]


@pytest.mark.parametrize("held", [10**40, Decimal("9" * 40), -(10**15)])
def test_a_number_without_a_meaning_of_ours_is_a_text_where_no_sum_could_hold_it(held: object) -> None:
    record = decoded({**ROW, "FREE": held}, ArticleFields())
    assert record is not None
    assert record.values["FREE"] == str(held)


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


@pytest.mark.parametrize("word", ["misschien", "X", "2", 7])
def test_a_word_that_is_neither_a_yes_nor_a_no_is_not_taken_for_a_no(word: object) -> None:
    with pytest.raises(MalformedAnswerError, match="flag_unknown"):
        flag(word)
