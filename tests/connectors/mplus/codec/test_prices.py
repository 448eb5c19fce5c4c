"""Prices for groups and agreements with customers, written into the very rows that were read."""

from decimal import Decimal

import pytest
from lxml import etree

from integration.connectors.mplus.client import NAMESPACE, Element, qualified
from integration.connectors.mplus.codec.edits import write_card
from integration.connectors.mplus.codec.fields import Vocabulary
from integration.connectors.mplus.codec.prices import decode_terms, encode_terms
from integration.connectors.mplus.codec.values import UnfitError
from integration.core.records import Kind, Record, Value, WrongValueError

D = Decimal
WORDS = Vocabulary()
ARTICLE = """<articleNumber>7</articleNumber><priceGroupList>
<priceGroup><priceGroupNumber>2</priceGroupNumber><description>Zakelijk</description><priceIncl>1800</priceIncl>
<priceExcl>1488</priceExcl></priceGroup>
<priceGroup><priceGroupNumber>2</priceGroupNumber><discountPercentage>10</discountPercentage>
<minimumAmount>10</minimumAmount><nieuw>x</nieuw></priceGroup>
<priceGroup><priceGroupNumber>3</priceGroupNumber><priceIncl>1700</priceIncl><discountPercentage>0</discountPercentage>
</priceGroup></priceGroupList>"""
RELATION = """<relationNumber>9</relationNumber><relationArticleDiscountList>
<relationArticleDiscount><relationArticleDiscountId>55</relationArticleDiscountId><articleNumber>7</articleNumber>
<minimumAmount>25</minimumAmount><minimumAmountDecimalPlaces>1</minimumAmountDecimalPlaces><priceExcl>999</priceExcl>
</relationArticleDiscount>
<relationArticleDiscount><articleDiscountGroupNumber>4</articleDiscountGroupNumber>
<discountPercentage>15</discountPercentage></relationArticleDiscount>
<relationArticleDiscount><discountPercentage>1</discountPercentage></relationArticleDiscount>
</relationArticleDiscountList>"""


def a_card(kind: Kind, inner: str) -> Element:
    return etree.fromstring(f'<{kind} xmlns="{NAMESPACE}">{inner}</{kind}>')


def card_with_values(kind: Kind, inner: str, values: dict[str, Value], words: Vocabulary = WORDS) -> Element:
    card = a_card(kind, inner)
    write_card(card, Record(kind, "7", values), words, {})
    return card


def rows(card: Element, item: str) -> list[dict[str, str]]:
    return [{etree.QName(child).localname: child.text or "" for child in row} for row in card.iter(qualified(item))]


def test_prices_of_groups_are_read() -> None:
    assert decode_terms(a_card(Kind.ARTICLE, ARTICLE), Kind.ARTICLE, WORDS) == {
        "price_group_incl:0:2": D("18.00"),
        "price_group_excl:0:2": D("14.88"),
        "price_group_percent:10:2": D(10),
        "price_group_incl:0:3": D("17.00"),
    }


def test_agreements_are_read_and_a_row_about_nothing_is_left_out() -> None:
    assert decode_terms(a_card(Kind.RELATION, RELATION), Kind.RELATION, WORDS) == {
        "article_excl:2,5:7": D("9.99"),
        "discount_group_percent:0:4": D(15),
    }


def test_a_percentage_can_travel_in_hundredths() -> None:
    words = Vocabulary(hundredths=True)
    card = card_with_values(Kind.RELATION, RELATION, {"discount_group_percent:0:4": D("12.5")}, words)
    assert rows(card, "relationArticleDiscount")[1]["discountPercentage"] == "1250"
    assert decode_terms(card, Kind.RELATION, words)["discount_group_percent:0:4"] == D("12.5")


def test_a_price_is_written_into_its_row_and_everything_else_stays() -> None:
    card = card_with_values(Kind.ARTICLE, ARTICLE, {"price_group_incl:0:2": D("18.50")})
    assert rows(card, "priceGroup") == [
        {"priceGroupNumber": "2", "description": "Zakelijk", "priceIncl": "1850"},  # the till computes the other
        {"priceGroupNumber": "2", "discountPercentage": "10", "minimumAmount": "10", "nieuw": "x"},
        {"priceGroupNumber": "3", "priceIncl": "1700", "discountPercentage": "0"},
    ]


def test_a_price_that_is_new_gets_a_row_in_the_order_of_the_interface() -> None:
    card = card_with_values(Kind.ARTICLE, "<articleNumber>7</articleNumber>", {"price_group_incl:10:3": D("15.00")})
    assert [etree.QName(child).localname for child in card.iter(qualified("priceGroup")).__next__()] == [
        "priceGroupNumber", "priceIncl", "minimumAmount",
    ]  # fmt: skip
    agreed = card_with_values(Kind.RELATION, RELATION, {"article_incl:0,25:8": D("3.10")})
    assert rows(agreed, "relationArticleDiscount")[-1] == {
        "articleNumber": "8", "minimumAmount": "25", "minimumAmountDecimalPlaces": "2", "priceIncl": "310",
    }  # fmt: skip
    assert rows(agreed, "relationArticleDiscount")[0]["relationArticleDiscountId"] == "55"


def test_a_row_that_says_nothing_any_more_goes() -> None:
    card = card_with_values(Kind.ARTICLE, ARTICLE, {"price_group_percent:10:2": None, "price_group_incl:0:9": None})
    assert [row["priceGroupNumber"] for row in rows(card, "priceGroup")] == ["2", "3"]


def test_a_new_card_carries_its_rows() -> None:
    article = Record(Kind.ARTICLE, "7", {"name": "Bel", "price_group_incl:0:2": D("1.5"), "price_group_excl:0:3": None})
    assert encode_terms(article, WORDS) == {
        "priceGroupList": {"priceGroup": [{"priceGroupNumber": "2", "priceIncl": "150"}]}
    }
    assert encode_terms(Record(Kind.RELATION, "9", {"name": "Klant"}), WORDS) == {}
    assert encode_terms(Record(Kind.PRODUCT, "9", {"name": "Bel"}), WORDS) == {}


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (Kind.ARTICLE, "price_group_percent:0:2", D("2.5")),  # no half percent without hundredths
        (Kind.ARTICLE, "price_group_incl:2,5:2", D(1)),  # no half pieces here
        (Kind.ARTICLE, "price_group_price:0:2", D(1)),  # whether it includes VAT has to be said
        (Kind.ARTICLE, "price_group_incl:0:GROOT", D(1)),
        (Kind.RELATION, "article_incl:0:7", "veel"),
    ],
)
def test_what_does_not_fit_is_not_written(kind: Kind, name: str, value: Value) -> None:
    with pytest.raises(UnfitError):
        card_with_values(kind, "", {name: value})


def test_a_row_that_holds_no_numbers_is_unreadable() -> None:
    for inner in ("<priceIncl>veel</priceIncl>", f"<minimumAmount>{'9' * 30}</minimumAmount>"):
        row = f"<priceGroup><priceGroupNumber>2</priceGroupNumber>{inner}</priceGroup>"
        with pytest.raises(WrongValueError):
            decode_terms(a_card(Kind.ARTICLE, f"<priceGroupList>{row}</priceGroupList>"), Kind.ARTICLE, WORDS)


@pytest.mark.parametrize(("second", "is_read"), [("1800", True), ("1700", False)])
def test_two_rows_about_the_same_have_to_agree(second: str, *, is_read: bool) -> None:
    rows = "".join(
        f"<priceGroup><priceGroupNumber>2</priceGroupNumber><priceIncl>{price}</priceIncl></priceGroup>"
        for price in ("1800", second)
    )
    card = a_card(Kind.ARTICLE, f"<priceGroupList>{rows}</priceGroupList>")
    if is_read:
        assert decode_terms(card, Kind.ARTICLE, WORDS) == {"price_group_incl:0:2": D("18.00")}
    else:
        with pytest.raises(WrongValueError, match="priceIncl"):
            decode_terms(card, Kind.ARTICLE, WORDS)


OFFERS = """<articleNumber>7</articleNumber><salesPriceList>
<salesPrice><salesPriceNumber>8</salesPriceNumber><description>Week 50</description>
<startDate><day>7</day><mon>12</mon><year>2026</year></startDate>
<endDate><day>13</day><mon>12</mon><year>2026</year></endDate><priceIncl>1500</priceIncl></salesPrice>
<salesPrice><salesPriceNumber>8</salesPriceNumber><priceIncl>900</priceIncl></salesPrice></salesPriceList>"""


def test_temporary_prices_with_both_dates_are_read() -> None:
    assert decode_terms(a_card(Kind.ARTICLE, OFFERS), Kind.ARTICLE, WORDS) == {
        "offer_incl:0@2026-12-07_2026-12-13:8": D("15.00")
    }


def test_a_temporary_price_is_removed_and_added_by_its_period_and_others_stay() -> None:
    values: dict[str, Value] = {
        "offer_incl:0@2026-12-07_2026-12-13:8": None,
        "offer_percent:3@2026-12-14_2026-12-20:8": D(10),
    }
    card = card_with_values(Kind.ARTICLE, OFFERS, values)
    assert [row["salesPriceNumber"] for row in rows(card, "salesPrice")] == ["8", "8"]
    assert rows(card, "salesPrice")[0] == {"salesPriceNumber": "8", "priceIncl": "900"}
    assert decode_terms(card, Kind.ARTICLE, WORDS) == {"offer_percent:3@2026-12-14_2026-12-20:8": D(10)}


def test_a_new_article_has_its_price_groups_and_its_temporary_prices() -> None:
    card = Record(Kind.ARTICLE, "7", {
        "price_group_incl:0:2": D("18.00"), "offer_incl:0@2026-12-07_2026-12-13:8": D("15.00"),
    })  # fmt: skip
    assert encode_terms(card, WORDS) == {
        "priceGroupList": {"priceGroup": [{"priceGroupNumber": "2", "priceIncl": "1800"}]},
        "salesPriceList": {
            "salesPrice": [
                {
                    "salesPriceNumber": "8",
                    "startDate": {"day": 7, "mon": 12, "year": 2026},
                    "endDate": {"day": 13, "mon": 12, "year": 2026},
                    "priceIncl": "1500",
                }
            ]
        },
    }
