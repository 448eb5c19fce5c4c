"""The sample shop: its contents, at every size."""

import time
from collections import Counter
from decimal import Decimal

import pytest

from integration.sandbox.shop.assortment import NAME_LIMIT, check_digit
from integration.sandbox.shop.records import ShopArticle
from integration.sandbox.shop.shop import make_shop

CENT = Decimal("0.01")
FAULTS = {
    "letters_in_code": 4,
    "leading_zero": 2,
    "leading_zero_collides": 1,
    "wrong_check_digit": 4,
    "foreign_currency": 3,
    "missing_vat": 3,
    "long_name": 3,
    "emoji": 2,
    "duplicate_barcode": 4,
    "blocked": 3,
}


def faults(articles: tuple[ShopArticle, ...]) -> dict[str, int]:
    return dict(Counter(article.fault for article in articles if article.fault))


def test_the_same_seed_is_the_same_shop() -> None:
    assert make_shop() == make_shop()
    assert make_shop() != make_shop(seed=1)


def test_the_shop_has_the_size_that_was_asked() -> None:
    shop = make_shop(400)
    assert len(shop.articles) == 400
    assert len(shop.branches) == 3
    assert len(shop.customers) == 120
    assert len(shop.vats) == 5


def test_half_of_the_articles_are_variants_of_forty_styles() -> None:
    variants = [article for article in make_shop(400).articles if article.parent]
    assert len(variants) == 200
    assert len({article.parent for article in variants}) == 40
    assert len({(article.parent, article.colour, article.size) for article in variants}) == 200
    assert all(article.number for article in variants)


def test_every_fault_is_there_as_often_in_a_big_shop_as_in_a_small_one() -> None:
    assert faults(make_shop(400).articles) == FAULTS
    assert faults(make_shop(5000).articles) == FAULTS


@pytest.mark.long
def test_a_hundred_thousand_articles_take_seconds() -> None:
    begin = time.process_time()  # others may be at work on the machine
    assert len({article.code for article in make_shop(100_000).articles}) == 100_000
    assert time.process_time() - begin < 20


def test_one_leading_zero_collides_with_another_article() -> None:
    articles = make_shop().articles
    collides = next(article for article in articles if article.fault == "leading_zero_collides")
    assert [article.code for article in articles if article.number == collides.number] == [collides.code, "10007"]


def test_only_the_faulty_barcodes_fail_their_check_or_occur_twice() -> None:
    coded = [article for article in make_shop().articles if article.ean]
    wrong = {article.fault for article in coded if check_digit(article.ean[:12]) != article.ean[12]}
    assert wrong == {"wrong_check_digit"}
    twice = [ean for ean, times in Counter(article.ean for article in coded).items() if times > 1]
    assert {article.fault for article in coded if article.ean in twice} == {"duplicate_barcode"}


def test_a_long_name_stands_whole_in_the_text() -> None:
    long = [article for article in make_shop().articles if article.fault == "long_name"]
    assert all(len(article.name) == NAME_LIMIT or article.name.endswith(" ") for article in long)
    assert all(article.text.startswith(article.name) and article.text.index(".") >= 50 for article in long)


def test_an_emoji_is_a_question_mark_in_accountview() -> None:
    names = [(article.name, article.text) for article in make_shop().articles if article.fault == "emoji"]
    assert names == [
        ("Fietsbel ??", "Vrolijke bel ?? in vijf tinten."),
        ("Stuurlint ? regenboog", "Voor wie van kleur houdt ?"),
    ]


def test_accountview_can_hold_every_text() -> None:
    shop = make_shop()
    for article in shop.articles:
        (article.name + article.text).encode("cp1252")
        assert len(article.name) <= NAME_LIMIT
        assert len(article.code) <= 15
    for customer in shop.customers:
        f"{customer.company} {customer.contact} {customer.street} {customer.city}".encode("cp1252")
        assert len(customer.company) <= 40


def test_groups_form_a_tree_of_two_levels() -> None:
    shop = make_shop()
    codes = {group.code for group in shop.groups}
    assert {group.parent for group in shop.groups} - {""} <= codes
    assert all(len(group.code) <= 5 for group in shop.groups)
    assert {article.group for article in shop.articles} <= codes


def test_customers_share_an_address_or_have_none() -> None:
    customers = make_shop().customers
    shared = [customer.email for customer in customers if customer.fault == "shared_email"]
    assert len(shared) == 6
    assert len(set(shared)) == 3
    assert sum(not customer.email for customer in customers) == 5
    assert len({customer.country for customer in customers}) > 4


def test_prices_give_a_shelf_price_in_whole_cents() -> None:
    for article in (article for article in make_shop().articles if article.vat):
        incl = article.price_excl * (100 + article.vat_pct) / 100
        assert abs(incl - incl.quantize(CENT)) < CENT / 50
