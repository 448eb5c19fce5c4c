"""The translation between the till's XML and our records, without any line."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import interface_contract, qualified
from integration.connectors.mplus.codec import Vocabulary
from integration.core.plan import differences
from integration.core.records import Kind, Record, Value
from tests.connectors.mplus.codec.elements import CUSTOM, PRODUCT, WORDS, decode_element, edit, part, text, the_product


def test_amounts_are_cents_and_quantities_have_a_companion() -> None:
    values = decode_element(the_product()).parts[0].values
    assert values["price_incl"] == Decimal("19.95")
    assert values["contentQuantity"] == Decimal("0.530")


def test_an_article_is_known_by_its_number_and_by_the_code_it_came_from() -> None:
    article = decode_element(the_product()).parts[0]
    assert (article.key, article.source) == ("100101", "JAS-R")


def test_groups_that_are_not_ours_are_left_out_of_the_record() -> None:
    assert decode_element(the_product()).values["groups"] == ("KLED",)


def test_the_marker_is_the_highest_of_product_and_articles() -> None:
    assert codec.change_marker(the_product()) == 9121


def test_a_number_that_is_none_is_reported() -> None:
    product = etree.fromstring(PRODUCT.replace("<ns:priceIncl>1995", "<ns:priceIncl>gratis"))
    with pytest.raises(ValueError, match="gratis"):
        decode_element(product)


def test_characters_of_every_language_and_pictures_survive_the_round_trip() -> None:
    desired = part(name="Šálek & <čaj> 🫖")
    assert differences(desired, decode_element(edit(desired))) == ()


def test_active_can_be_kept_in_the_flag_that_says_the_opposite() -> None:
    words = Vocabulary("discontinued")
    edited = edit(part(active=False), words)
    assert (text(edited, "active"), text(edited, "discontinued")) == ("true", "true")
    assert decode_element(edited, words).parts[0].values["active"] is False
    assert "discontinued" not in [field.name for field in words.fields_of_kind(Kind.ARTICLE)]


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"]), min_size=1, max_size=30)


AMOUNTS = st.decimals(Decimal(0), Decimal(99999), places=2)


@given(name=TEXTS, price=AMOUNTS, active=st.booleans(), vat=st.integers(0, 99), weight=AMOUNTS)
def test_what_is_encoded_decodes_to_the_same(
    name: str, price: Decimal, active: bool, vat: int, weight: Decimal
) -> None:
    values: dict[str, Value] = {
        "name": name, "price_incl": price, "active": active, "vat_code": str(vat), "contentQuantity": weight,
        "custom:gewicht": weight, "barcodeDate": date(2026, 3, 4), "oldestBestBeforeDate": date(2026, 3, 5),
    }  # fmt: skip
    desired = Record(Kind.PRODUCT, "JAS", {"name": name}, (Record(Kind.ARTICLE, "7", values),))
    content = {"product": codec.encode_product(desired, ["12"], CUSTOM, WORDS)}
    message = etree.fromstring(interface_contract().message("createProduct", content))
    product = next(message.iter(qualified("product")))
    assert differences(desired, decode_element(product)) == ()
    assert codec.group_numbers(product) == ("12",)


@pytest.mark.parametrize(
    ("articles", "settings"),
    [
        (("<ns:articleNumber>0101</ns:articleNumber><ns:stockArticle>true</ns:stockArticle>",) * 2, ["true", "true"]),
        (("<ns:articleNumber>101</ns:articleNumber>",), [""]),
        (("<ns:articleNumber>101</ns:articleNumber><ns:stockArticle/>",), [""]),
        (("<ns:articleNumber>?</ns:articleNumber><ns:stockArticle>true</ns:stockArticle>",), []),
        (
            (
                "<ns:articleNumber>101</ns:articleNumber><ns:articleNumber>102</ns:articleNumber>",
                "<ns:stockArticle>true</ns:stockArticle><ns:stockArticle>false</ns:stockArticle>",
            ),
            [""],
        ),
    ],
    ids=["each once", "not told", "empty", "no number", "one twice and one never"],
)
def test_whether_stock_is_kept_is_reported_all_articles_as_of_each(
    articles: tuple[str, ...], settings: list[str]
) -> None:
    inside = "".join(f"<ns:article>{article}</ns:article>" for article in articles)
    product = f"<ns:product><ns:articleList>{inside}</ns:articleList></ns:product>"
    answer = etree.fromstring(
        f'<ns:answer xmlns:ns="urn:mplusqapi"><ns:productList>{product}</ns:productList></ns:answer>'
    )
    assert [setting for _, setting, _ in codec.stock_settings(answer)] == settings
    elements = answer.iterfind(f".//{qualified('article')}")
    assert [
        codec.raw_stock_setting(article) for article in elements if codec.if_readable(codec.article_number, article)
    ] == settings
