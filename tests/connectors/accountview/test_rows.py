"""Rows as records."""

import json
from datetime import date
from decimal import Decimal

import pytest

from integration.connectors.accountview.codec import RepeatedColumn, Row
from integration.connectors.accountview.columns import ArticleFields, GroupFields
from integration.connectors.accountview.layout import named_columns
from integration.connectors.accountview.rows import row_decoder, whole_records
from integration.connectors.protocol import DictionaryColumn
from integration.core.records import Kind, Record, Unreadable

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


def decode_row(row: Row, fields: ArticleFields) -> Record:
    return row_decoder(Kind.ARTICLE, named_columns(fields))(row)


def test_columns_with_a_meaning_stand_under_our_names_and_others_under_their_own() -> None:
    record = decode_row(ROW, ArticleFields.model_validate({"ean": "k1_ean"}))
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


def test_an_unreadable_row_tells_the_values_that_can_be_read() -> None:
    fields = ArticleFields.model_validate({"ean": "K1_EAN"})
    several = RepeatedColumn("K2_EAN", ["8710000000024 ", [], "8710000000031"])
    record = decode_row({**ROW, "PX_SELL": "veel", "K2_EAN": several}, fields)
    assert isinstance(record, Unreadable)
    assert record.readable_values["ean"] == "8712345678906"
    assert record.readable_values["K2_EAN"] == ("8710000000024", "8710000000031")
    assert "price" not in record.readable_values
    (lacking,) = whole_records([ROW], row_decoder(Kind.ARTICLE, named_columns(fields)), [{**ROW, "X": 1}])
    assert isinstance(lacking, Unreadable)
    assert lacking.readable_values["ean"] == "8712345678906"


@pytest.mark.parametrize(("column", "key"), [("ART_CODE", "?"), ("K1_EAN", "TS-RED-M"), ("EXT_KEY", "TS-RED-M")])
def test_a_number_in_a_column_that_the_dictionary_has_as_text_is_no_value(column: str, key: str) -> None:
    names = named_columns(ArticleFields.model_validate({"ean": "k1_ean"}))
    texts = {name: DictionaryColumn(name, name, "C") for name in ("ART_CODE", "K1_EAN", "EXT_KEY")}
    row = {**ROW, column: 12345678905}  # the text may have had leading zeros
    record = row_decoder(Kind.ARTICLE, names, lambda: texts)(row)
    assert isinstance(record, Unreadable)
    assert (record.key[: len(key)], record.field) == (key, column)
    numbers = {name: DictionaryColumn(name, name, "N") for name in texts}
    assert row_decoder(Kind.ARTICLE, names, lambda: numbers)(row).key == str(row["ART_CODE"]).strip()


@pytest.mark.parametrize("value", [[], ["a"], {}, {"a": 1}])
def test_a_list_or_an_object_in_any_column_is_no_value(value: object) -> None:
    record = decode_row({**ROW, "IMG": value}, ArticleFields())
    assert isinstance(record, Unreadable)
    assert (record.key, record.field, record.raw_value) == ("TS-RED-M", "IMG", str(value))


def test_a_field_without_a_column_is_no_field() -> None:
    record = decode_row(ROW, ArticleFields.model_validate({"stock": "", "unit": ""}))
    assert not {"stock", "unit", "ean"} & set(record.values)


@pytest.mark.parametrize("row", [{"ART_CODE": "  "}, {"ART_CODE": None}, {"ART_CODE": []}, {"ART_CODE": False}, {}])
def test_a_row_without_a_code_stands_there_as_one_that_nobody_knows(row: Row) -> None:
    record, other = (decode_row({**row, "ART_DESC1": name}, ArticleFields()) for name in ("x", "y"))
    assert isinstance(record, Unreadable)
    assert (record.nameless, record.field, record.key == other.key) == (True, "ART_CODE", False)


HIDDEN = [
    " 1001",
    "\u00a01001",
    "1001\u00a0 ",
    "\u200b1001",
    "1001\u200b",
    "10\u200d01",
    "1001\t",
    "\r\n1001",
    "\x001001",
]


@pytest.mark.parametrize("code", HIDDEN)
def test_a_code_with_a_sign_that_nobody_sees_is_not_known_for_another(code: str) -> None:
    article = decode_row({**ROW, "ART_CODE": code}, ArticleFields())
    assert isinstance(article, Unreadable)
    assert (article.nameless, article.field) == (True, "ART_CODE")


@pytest.mark.parametrize("code", ["1001", "1001    ", "TS RED", "Caf\u00e9"])
def test_a_code_that_everybody_sees_is_read(code: str) -> None:
    article = decode_row({**ROW, "ART_CODE": code}, ArticleFields())
    assert (type(article), article.key) == (Record, code.rstrip())


def test_a_group_has_its_name_and_its_parent() -> None:
    names = named_columns(GroupFields(parent="UP"))
    group = row_decoder(Kind.GROUP, names)({"AG_CODE": "SHIRT", "AG_DESC": "Shirts ", "UP": "KLED"})
    assert dict(group.values) == {"code": "SHIRT", "name": "Shirts", "parent": "KLED"}


@pytest.mark.parametrize("price", [None, "", "  "])
def test_a_price_that_is_none_is_no_value(price: object) -> None:
    record = decode_row({**ROW, "PX_SELL": price}, ArticleFields())
    assert record.values["price"] is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("PX_SELL", "veel"),
        *(("PX_SELL", text) for text in ("1.234", "1,234", "1 234", "1.234,50", "1e3", "\u0661\u0662", "\u20ac 12")),
        ("QTY_AVAIL", "12.000"),
        ("PX_SELL", "9" * 40),
        ("PX_SELL", Decimal("9" * 40)),
        ("REC_UPD", "2026-02-31T10:00:00"),
        ("DUE_DATE", "01-02-2026"),
    ],
)
def test_a_row_that_cannot_be_read_stands_there_as_such(column: str, value: object) -> None:
    wrong = decode_row(
        {**ROW, column: value}, ArticleFields.model_validate({"changed": "REC_UPD", "stock_expected": "DUE_DATE"})
    )
    assert isinstance(wrong, Unreadable)
    assert (wrong.key, wrong.field, wrong.raw_value) == ("TS-RED-M", column, str(value))
    assert json.loads(wrong.raw)["ART_CODE"] == ROW["ART_CODE"]


@pytest.mark.parametrize("value", [10**40, Decimal("9" * 40), -(10**15)])
def test_a_number_without_a_meaning_of_ours_is_a_text_where_no_sum_could_hold_it(value: object) -> None:
    record = decode_row({**ROW, "FREE": value}, ArticleFields())
    assert record.values["FREE"] == str(value)
