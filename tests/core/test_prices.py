"""Prices that differ between customers: their names, and the one that applies."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType

import pytest

from integration.core.prices import (
    OfferPeriod,
    OfferPrecedence,
    PriceScope,
    PriceTerm,
    PriceType,
    Purchase,
    effective_price,
    offer_queries,
    offers_above_price,
    overlapping_offers,
    price_queries,
    term_counts,
    term_of,
    terms_in,
)
from integration.core.records import Kind, Record, Value

D = Decimal


def an_article(number: str = "10007", values: Mapping[str, Value] = MappingProxyType({})) -> Record:
    return Record(Kind.ARTICLE, number, {"price_incl": D("20.00"), **values})


def a_customer(values: Mapping[str, Value] = MappingProxyType({})) -> Record:
    return Record(Kind.RELATION, "20001", values)


def buying(article: Record, customer: Record | None = None, quantity: str = "1", branch: str = "1") -> Purchase:
    return Purchase(article, customer, D(quantity), branch)


@pytest.mark.parametrize(
    ("field", "term"),
    [
        ("price_group_incl:0:2", PriceTerm(PriceScope.PRICE_GROUP, PriceType.INCL, D(0), "2")),
        ("price_group_price:10:GROOT", PriceTerm(PriceScope.PRICE_GROUP, PriceType.PRICE, D(10), "GROOT")),
        ("article_percent:2,5:A:7", PriceTerm(PriceScope.ARTICLE, PriceType.PERCENT, D("2.5"), "A:7")),
        ("branch_excl:0:3", PriceTerm(PriceScope.BRANCH, PriceType.EXCL, D(0), "3")),
    ],
)
def test_a_term_has_a_name_that_says_all_of_it(field: str, term: PriceTerm) -> None:
    assert term_of(field) == term
    assert term.name == field


@pytest.mark.parametrize("field", ["price_group", "price_incl", "price_group_incl:x:2", "price_group_incl:0:", ""])
def test_other_fields_are_no_terms(field: str) -> None:
    assert term_of(field) is None


def test_a_quantity_is_named_in_one_way() -> None:
    assert PriceTerm(PriceScope.ARTICLE, PriceType.INCL, D("10.0000"), "7").name == "article_incl:10:7"


def test_terms_are_distinguished_from_other_values() -> None:
    values: dict[str, Value] = {"name": "Bel", "branch_incl:0:3": D("9.00")}
    assert terms_in(values) == {PriceTerm(PriceScope.BRANCH, PriceType.INCL, D(0), "3"): D("9.00")}


def test_without_a_price_nothing_is_known() -> None:
    assert effective_price(buying(Record(Kind.ARTICLE, "1", {}))) is None


def test_nobody_in_particular_pays_the_price() -> None:
    result = effective_price(buying(an_article(), quantity="3"))
    assert result is not None
    assert (result.total, result.incl, [step.by for step in result.steps]) == (D("60.00"), True, ["base"])


def test_prices_without_vat_stay_so() -> None:
    result = effective_price(buying(Record(Kind.ARTICLE, "1", {"price_excl": D("10.00")})))
    assert result is not None
    assert (result.total, result.incl) == (D("10.00"), False)


GROUPS: dict[str, Value] = {
    "price_group_incl:0:2": D("18.00"),
    "price_group_incl:10:2": D("15.50"),
    "price_group_incl:5:3": D("1.00"),
    "branch_incl:0:3": D("25.00"),
    "articleDiscountGroupNumber": "4",
}


@pytest.mark.parametrize(
    ("customer", "quantity", "branch", "total", "by"),
    [
        ({}, "1", "1", "20.00", "base"),
        ({}, "2", "3", "50.00", "branch"),
        ({"discount_percent": D(5)}, "1", "3", "23.75", "customer"),
        ({"discount_percent": D(0)}, "1", "1", "20.00", "base"),
        ({"price_group": "2"}, "9", "1", "162.00", "price_group"),
        ({"price_group": "2", "discount_percent": D(50)}, "10", "3", "155.00", "price_group"),
        ({"price_group": "3"}, "4", "1", "80.00", "base"),
        ({"price_group": "2", "discount_group_percent:0:4": D(15)}, "1", "1", "17.00", "discount_group"),
        ({"price_group": "2", "discount_group_percent:2:4": D(15)}, "1", "1", "18.00", "price_group"),
        ({"discount_group_percent:0:4": D(15), "article_incl:3:10007": D("9.99")}, "3", "1", "29.97", "article"),
        ({"discount_group_percent:0:4": D(15), "article_incl:0:10008": D("9.99")}, "1", "1", "17.00", "discount_group"),
        ({"article_excl:0:10007": D("9.99"), "price_group": "2"}, "2", "1", "19.98", "article"),
        ({"article_incl:0:10007": None}, "1", "1", "20.00", "base"),
    ],
)
def test_the_most_particular_term_is_paid(
    customer: dict[str, Value], quantity: str, branch: str, total: str, by: str
) -> None:
    result = effective_price(buying(an_article(values=GROUPS), a_customer(customer), quantity, branch))
    assert result is not None
    assert (result.total, [step.by for step in result.steps if step.wins]) == (D(total), [by])


def test_who_has_no_price_group_is_in_that_of_the_branch() -> None:
    result = effective_price(Purchase(an_article(values=GROUPS), None, D(1), "1", group="2"))
    assert result is not None
    assert result.total == D("18.00")


def test_a_percentage_is_rounded_once() -> None:
    article = an_article(values={"price_incl": D("0.99")})
    result = effective_price(buying(article, a_customer({"discount_percent": D(15)}), "100"))
    assert result is not None
    assert result.total == D("84.15")


def test_all_that_could_decide_is_reported() -> None:
    result = effective_price(
        buying(an_article(values=GROUPS), a_customer({"price_group": "2", "discount_percent": D(5)}), "10", "3")
    )
    assert result is not None
    steps = [(step.by, step.number, step.minimum, step.candidate_value, step.price) for step in result.steps]
    assert steps == [
        ("base", "", D(0), D("20.00"), D("20.00")),
        ("branch", "3", D(0), D("25.00"), D("25.00")),
        ("customer", "", D(0), D(5), D("23.75")),
        ("price_group", "2", D(0), D("18.00"), D("18.00")),
        ("price_group", "2", D(10), D("15.50"), D("15.50")),
    ]


def test_what_is_asked_about_is_where_something_else_is_paid() -> None:
    articles = [an_article("1"), an_article("2", GROUPS), an_article("3", {"articleDiscountGroupNumber": "4"})]
    wholesaler = a_customer({"price_group": "2", "discount_group_percent:0:4": D(15), "article_incl:0,5:1": D(9)})
    assert [f"{quantity} x {article.key}" for article, quantity in price_queries(articles, wholesaler, 10)] == [
        "1 x 1", "1 x 2", "10 x 2", "1 x 3",
    ]  # fmt: skip
    assert len(price_queries(articles, wholesaler, 2)) == 2
    assert price_queries(articles, a_customer({"discount_percent": D(5)}), 10) == [
        (article, D(1)) for article in articles
    ]
    assert price_queries(articles, a_customer(), 10) == []
    assert price_queries(articles, None, 10) == [(articles[1], D(1))], "what branches charge is asked for nobody"


def test_an_agreement_without_vat_stays_so() -> None:
    result = effective_price(buying(an_article(), a_customer({"article_excl:0:10007": D("9.99")})))
    assert result is not None
    assert (result.total, result.incl) == (D("9.99"), False)


# ---- offers

WEEK = "offer_incl:0@2026-12-07_2026-12-13:8"


def test_the_name_of_an_offer_has_its_period() -> None:
    term = term_of(WEEK)
    assert term is not None
    assert (term.scope, term.number, term.name) == (PriceScope.OFFER, "8", WEEK)
    assert term.period == OfferPeriod(date(2026, 12, 7), date(2026, 12, 13))
    no_offers = ("offer_incl:0:8", "offer_incl:0@2026-12-13_2026-12-07:8", "offer_incl:0@2026-02-30_2026-03-01:8",
                 "branch_incl:0@2026-12-07_2026-12-13:8")  # fmt: skip
    assert [term_of(name) for name in no_offers] == [None] * 4


@pytest.mark.parametrize(
    ("day", "quantity", "price"),
    [
        (None, "1", "20.00"),
        ("2026-12-06", "1", "20.00"),
        ("2026-12-07", "1", "15.00"),
        ("2026-12-13", "4", "15.00"),
        ("2026-12-13", "5", "10.00"),
        ("2026-12-14", "5", "20.00"),
    ],
)
def test_an_offer_is_paid_in_its_period_from_its_minimum_quantity(day: str | None, quantity: str, price: str) -> None:
    offers: dict[str, Value] = {WEEK: D("15.00"), "offer_percent:5@2026-12-13_2026-12-13:9": D(50)}
    article = Record(Kind.ARTICLE, "1", {"price_incl": D("20.00"), **offers})
    on = date.fromisoformat(day) if day else None
    result = effective_price(Purchase(article, None, D(quantity), "1", day=on))
    assert result is not None
    assert result.total == D(price) * D(quantity)


@pytest.mark.parametrize(
    ("precedence", "winners"),
    [
        (OfferPrecedence.DISCOUNTS, ["offer", "price_group", "article"]),
        (OfferPrecedence.PRICE_GROUPS, ["offer", "offer", "article"]),
        (OfferPrecedence.EVERYTHING, ["offer", "offer", "offer"]),
    ],
)
def test_an_offer_replaces_the_prices_of_a_customer_that_the_setting_names(
    precedence: OfferPrecedence, winners: list[str]
) -> None:
    article = Record(
        Kind.ARTICLE, "1", {"price_incl": D("20.00"), WEEK: D("15.00"), "price_group_incl:0:2": D("18.00")}
    )
    agreements: tuple[dict[str, Value], ...] = (
        {"discount_percent": D(50)}, {"price_group": "2"}, {"price_group": "2", "article_incl:0:1": D("19.00")}
    )  # fmt: skip
    by = []
    for values in agreements:
        customer = Record(Kind.RELATION, "c", values)
        buying = Purchase(article, customer, D(1), "1", day=date(2026, 12, 8), offers_win_over=precedence)
        result = effective_price(buying)
        assert result is not None
        by += [step.by for step in result.steps if step.wins]
    assert by == winners


def test_offers_overlap_that_share_a_day_and_a_minimum() -> None:
    others = {
        "offer_percent:0@2026-12-07_2026-12-13:8": 0,  # of the same offer
        "offer_incl:0@2026-12-14_2026-12-20:8": 0,
        "offer_incl:5@2026-12-13_2026-12-20:8": 0,
        "offer_incl:0@2026-12-13_2026-12-20:8": 1,
        "offer_incl:0@2026-12-07_2026-12-13:9": 1,
    }
    assert {name: overlapping_offers({WEEK: D(15), name: D(10)}) for name in others} == others
    assert overlapping_offers({WEEK: None, "offer_incl:0@2026-12-07_2026-12-13:9": D(10)}) == 0


def test_an_offer_that_is_certainly_above_the_normal_price_is_counted() -> None:
    assert offers_above_price({"price_incl": D(20), WEEK: D("20.01")}) == 1
    assert offers_above_price({"price_incl": D(20), WEEK: D(20)}) == 0
    assert offers_above_price({"price_excl": D(16), WEEK: D(18)}) == 0
    assert offers_above_price({"price_incl": D(20), WEEK.replace("incl", "excl"): D("20.01")}) == 1
    assert offers_above_price({"price_incl": D(20), WEEK.replace("incl", "excl"): D(19)}) == 0
    assert offers_above_price({"price_incl": D(20), "price_excl": D(16), WEEK.replace("incl", "excl"): D(17)}) == 1
    assert offers_above_price({"price_incl": D(20), WEEK.replace("incl", "percent"): D(25)}) == 0
    assert offers_above_price({"price_incl": D(20), WEEK.replace("incl", "percent"): D(-1)}) == 1


def test_an_offer_is_asked_about_around_both_ends_and_its_minimum() -> None:
    queries = offer_queries(Record(Kind.ARTICLE, "1", {"offer_incl:3@2026-12-07_2026-12-13:8": D(15)}))
    assert {quantity for quantity, _ in queries} == {D(1), D(2), D(3)}
    assert [day.day for quantity, day in queries if quantity == 1] == [6, 7, 13, 14]


def test_terms_are_counted_by_list_and_those_of_a_customer_by_scope() -> None:
    records: tuple[Mapping[str, Value], ...] = (
        {"price_group_price:0:1": D("9"), "price_group_percent:10:1": D("5"), "branch_price:0:2": D("8")},
        {"article_price:0:1001": D("9"), "article_price:0:1002": D("9"), "name": "Jansen"},
        {"offer_price:0@2026-12-07_2026-12-13:8": D("7")},
    )
    assert term_counts(records) == {
        "prices": 2, "prices:price_group 1": 1, "prices:branch 2": 1, "prices:article": 1
    }  # fmt: skip
