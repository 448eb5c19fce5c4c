"""Amounts, quantities and percentages as the till writes them."""

from datetime import date
from decimal import Decimal

import pytest
from lxml import etree

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import qualified
from integration.connectors.mplus.codec.values import moment_in
from integration.core.records import WrongValueError
from tests.connectors.mplus.codec.elements import decode_element, the_product


def test_a_quantity_without_its_companion_is_whole() -> None:
    product = the_product()
    article = codec.articles(product)[0]
    companion = article.find(qualified("contentQuantityDecimalPlaces"))
    assert companion is not None
    article.remove(companion)
    assert decode_element(product).parts[0].values["contentQuantity"] == Decimal(530)


def test_an_empty_number_or_flag_is_no_value_and_an_empty_text_is_empty() -> None:
    values = decode_element(the_product()).parts[0].values
    assert "webshop" not in values
    assert values["plu"] == ""


@pytest.mark.parametrize(("wire", "rate"), [("21", "21"), ("2100", "21"), ("900", "9"), ("9", "9"), ("0", "0")])
def test_a_rate_is_a_percentage_in_either_unit(wire: str, rate: str) -> None:
    assert codec.percent(wire) == Decimal(rate)


@pytest.mark.parametrize("wire", ["1.234", "21.00", "21,00", "2.100", ".21", ""])
def test_a_rate_that_is_no_whole_number_cannot_be_read(wire: str) -> None:
    with pytest.raises(ValueError, match="no whole number"):
        codec.percent(wire)


@pytest.mark.parametrize("text", ["2026-11-09", "2026-11-09Z", "2026-11-09+01:00"])
def test_a_date_of_the_schema_may_have_a_zone(text: str) -> None:
    assert codec.parse_date(text) == date(2026, 11, 9)


@pytest.mark.parametrize(
    "text", ["2026-11-09x", "2026-11-091", "2026-11-09T10:00:00", "20261109", "2026-W46-1", "0026"]
)
def test_any_other_text_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match="not a date"):
        codec.parse_date(text)


@pytest.mark.parametrize("text", ["1_0", "\u0661", "1.0", "1e1", "0x1", "--1", "-1"])
def test_what_only_this_language_takes_for_a_number_and_a_negative_number_are_no_number_of_a_record(text: str) -> None:
    article = codec.articles(the_product())[0]
    number = article.find(qualified("articleNumber"))
    assert number is not None
    number.text = text
    with pytest.raises(WrongValueError, match="articleNumber"):
        codec.article_number(article)


@pytest.mark.parametrize("part", ["hour", "min", "sec", "timezone"])
def test_a_timestamp_without_a_part_of_its_time_cannot_be_read(part: str) -> None:
    parts = {"sec": 1, "min": 2, "hour": 3, "day": 9, "mon": 11, "year": 2026, "timezone": 60}
    content = "".join(f"<{name}>{number}</{name}>" for name, number in parts.items() if name != part)
    element = etree.fromstring(f'<move xmlns="urn:mplusqapi"><timestamp>{content}</timestamp></move>')
    with pytest.raises(WrongValueError, match="timestamp"):
        moment_in(element, "timestamp")
