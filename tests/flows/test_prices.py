"""Prices of customers in the flows: sent where that is set, and withdrawn where the books have them no more."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from integration.core.flow import Ownership
from integration.core.plan import Change, Unchanged, diff
from integration.core.records import CurrentRecord, Kind, Record, Value
from integration.core.staged_records import StagedRecord
from integration.flows.customers.logic import Customers
from integration.flows.customers.settings import CustomerSettings
from integration.flows.prices import Terms
from integration.flows.products.logic import ProductsLogic
from integration.flows.products.settings import ProductSettings
from integration.flows.registry import FLOWS
from tests.builders import a_debtor, an_article, guard_counts
from tests.flow_harness import shipped_mapping

D = Decimal
TABLES = {"vat_codes": {"2": "20"}, "price_groups": {"GROOT": "3"}, "price_branches": {"Z": "2"}}
ARTICLES, DEBTORS = FLOWS["products"].flow.counted_stage, FLOWS["customers"].flow.counted_stage
GIVEN: dict[str, Value] = {
    "price_group_price:0:GROOT": D("14.8760"),
    "price_group_price:10:GROOT": D("13.2231"),
    "price_group_percent:50:GROOT": D(25),
    "branch_price:0:Z": D("17.3554"),
}
SENT = {
    "price_group_incl:0:3": D("18.00"),
    "price_group_incl:10:3": D("16.00"),
    "price_group_percent:50:3": D(25),
    "branch_incl:0:2": D("21.00"),
}


def terms(agreed: Record | None = None, **changed: Any) -> Terms:
    options: dict[str, Any] = {
        "on": True, "tables": TABLES, "numbers": lambda _: {"1001": "700"}, "agreed": lambda _: agreed,
    }  # fmt: skip
    return Terms(**options | changed)


def products(of: Terms, **settings: Any) -> ProductsLogic:
    rates = {"2": D(21)}
    return ProductsLogic(
        ProductSettings(**settings), shipped_mapping("products"), 7, TABLES, rates, lambda _: "1", terms=of
    )


def customers(of: Terms, *, incl: bool = False) -> Customers:
    return Customers(CustomerSettings(), shipped_mapping("customers"), 7, TABLES, of, lambda: incl)


def stage_record(logic: ProductsLogic | Customers, record: Record) -> StagedRecord:
    (result,) = logic.stage(ARTICLES if record.kind is Kind.ARTICLE else DEBTORS, [record])
    return result


def shape_record(logic: ProductsLogic | Customers, record: Record) -> Record:
    stage = ARTICLES if record.kind is Kind.ARTICLE else DEBTORS
    desired = logic.shape(stage, [stage_record(logic, record)], {}, {}).desired
    assert desired is not None
    return desired


def of_part(product: Record) -> dict[str, Value]:
    return {name: value for name, value in product.parts[0].values.items() if ":" in name}


def price_values(record: Record) -> dict[str, Value]:
    return {name: value for name, value in record.values.items() if ":" in name}


# ---- articles


def test_terms_of_an_article_are_sent_with_vat_like_its_price() -> None:
    product = shape_record(products(terms()), an_article("1001", **GIVEN))
    assert of_part(product) == SENT
    assert product.parts[0].values["price_incl"] == D("20.00")


def test_the_one_switch_of_prices_counts_for_them_too() -> None:
    product = shape_record(products(terms(), price_sent="excl", decimals=1), an_article("1001", **GIVEN))
    assert of_part(product)["price_group_excl:0:3"] == D("14.9")


def test_nothing_of_them_is_sent_until_it_is_set() -> None:
    logic = products(Terms())
    assert of_part(shape_record(logic, an_article("1001", **GIVEN))) == {}
    assert logic.policy.get("article.price_group_incl:0:3", Ownership.NEVER) is Ownership.NEVER


@pytest.mark.parametrize(
    ("field", "table", "value"),
    [("price_group_price:0:KLEIN", "price_groups", "KLEIN"), ("branch_price:0:X", "price_branches", "X")],
)
def test_a_list_or_branch_without_a_counterpart_is_a_question(field: str, table: str, value: str) -> None:
    issue = stage_record(products(terms()), an_article("1001", **{field: D(1)})).issue
    assert issue is not None
    assert (issue.cause, issue.facts["table"], issue.facts["value"]) == ("value_unmapped", table, value)


TWO_LISTS = {"price_groups": {"GROOT": "3", "HORECA": "3"}, "price_branches": {"Z": "2", "Y": "2"}}


@pytest.mark.parametrize("of_whom", ["price_group", "branch"])
def test_two_prices_that_are_one_at_the_till_are_a_question_unless_they_are_the_same(of_whom: str) -> None:
    first_field, second_field = (
        f"{of_whom}_price:0:{code}" for code in {"price_group": ("GROOT", "HORECA"), "branch": ("Z", "Y")}[of_whom]
    )
    logic = products(terms(tables={**TABLES, **TWO_LISTS}))
    issue = stage_record(logic, an_article("1001", **{first_field: D(10), second_field: D(20)})).issue
    assert issue is not None
    assert (issue.cause, issue.facts["value"], issue.facts["other"]) == ("price_ambiguous", "12.10", "24.20")
    assert stage_record(logic, an_article("1001", **{first_field: D(10), second_field: D(10)})).issue is None


@pytest.mark.parametrize("field", ["price_group_{}:2:GROOT", "offer_{}:0@2026-12-07_2026-12-13:WEEK"])
def test_a_price_and_a_percentage_in_one_row_of_the_till_are_a_question(field: str) -> None:
    logic = products(with_offers(on=True))
    both = {field.format("price"): D(10), field.format("percent"): D(5)}
    issue = stage_record(logic, an_article("1001", **both)).issue
    assert issue is not None
    assert (issue.cause, issue.facts["value"], issue.facts["other"]) == ("price_ambiguous", "12.10", "5 %")
    debtor = a_debtor("20001", **{"discount_group_price:0:4": D(10), "discount_group_percent:0:4": D(5)})
    issue = stage_record(customers(terms()), debtor).issue
    assert issue is not None
    assert issue.cause == "price_ambiguous"


def test_nobody_is_paid_for_what_they_buy() -> None:
    issues = [
        stage_record(products(terms()), an_article("1001", **{"price_group_percent:0:GROOT": D("100.01")})).issue,
        stage_record(customers(terms()), a_debtor("20001", **{"discount_group_percent:0:4": D(150)})).issue,
        stage_record(customers(terms()), a_debtor("20001", **{"article_price:0:1001": D("-5.00")})).issue,
    ]
    causes = [(issue.cause, issue.facts["value"]) for issue in issues if issue]
    assert causes == [("price_impossible", value) for value in ("100.01 %", "150 %", "-5.00")]
    assert stage_record(customers(terms()), a_debtor("20001", **{"discount_group_percent:0:4": D(100)})).issue is None


def test_a_price_that_is_gone_from_the_books_is_withdrawn_and_no_other() -> None:
    agreed = shape_record(products(terms()), an_article("1001", **GIVEN))
    remaining = {name: value for name, value in GIVEN.items() if "branch" not in name}
    desired = shape_record(products(terms(agreed)), an_article("1001", **remaining))
    assert of_part(desired) == {**SENT, "branch_incl:0:2": None}
    current = Record(Kind.PRODUCT, "1001", agreed.values, agreed.parts, agreed.source)
    change = compare_records(products(terms(agreed)), desired, current, agreed)
    assert isinstance(change, Change)
    assert change.desired.flat() == {"1001/branch_incl:0:2": None}
    assert (
        shape_record(products(terms(None)), an_article("1001", **remaining))
        .flat()
        .keys()
        .isdisjoint(change.desired.flat())
    )


def compare_records(logic: ProductsLogic | Customers, desired: Record, current: Record, agreed: Record) -> object:
    return diff(desired, current, agreed, logic.policy, title="t")


@pytest.mark.parametrize(
    ("owner", "is_written"),
    [("keep_equal", True), ("keep_unless_changed", False), ("on_create", False), ("never", False)],
)
def test_who_owns_them_decides_what_the_till_may_change(owner: str, is_written: bool) -> None:
    logic = products(terms(owner=Ownership(owner)))
    agreed = shape_record(logic, an_article("1001", **GIVEN))
    part = agreed.parts[0]
    edited = Record(part.kind, part.key, {**part.values, "price_group_incl:0:3": D(1)}, source=part.source)
    current = Record(agreed.kind, agreed.key, agreed.values, (edited,), agreed.source)
    difference = compare_records(logic, agreed, current, agreed)
    assert isinstance(difference, Change if is_written else Unchanged)


def test_the_brake_of_prices_counts_them() -> None:
    logic = products(terms())
    agreed = shape_record(logic, an_article("1001", **GIVEN))
    desired = shape_record(logic, an_article("1001", **{**GIVEN, "price_group_price:0:GROOT": D("1.0000")}))
    change = compare_records(logic, desired, agreed, agreed)
    assert isinstance(change, Change)
    assert guard_counts(logic, change) == {"price_percent": 1}


def test_prices_of_customers_are_part_of_the_offer() -> None:
    logic = products(terms(), offer={"create": False, "update": False}, content={"create": True, "update": True})
    assert of_part(shape_record(logic, an_article("1001", **GIVEN))) == {}
    only_new = products(terms(), offer={"create": True, "update": False})
    desired = shape_record(only_new, an_article("1001", **GIVEN))
    current = CurrentRecord(Record(Kind.PRODUCT, "1001", {}, (Record(Kind.ARTICLE, "1001", {}),)), "5")
    fitting = only_new.writable_part(ARTICLES, desired, current)
    assert isinstance(fitting, Record)
    assert of_part(fitting) == {}


# ---- customers


AGREED: Mapping[str, Value] = {"article_price:2:1001": D("12.3456"), "discount_group_percent:0:4": D(15)}


def test_agreements_are_sent_as_the_books_have_their_prices() -> None:
    debtor = a_debtor("20001", **AGREED)
    assert price_values(shape_record(customers(terms()), debtor)) == {
        "article_excl:2:700": D("12.35"), "discount_group_percent:0:4": D(15),
    }  # fmt: skip
    assert "article_incl:2:700" in price_values(shape_record(customers(terms(), incl=True), debtor))
    assert price_values(shape_record(customers(Terms()), debtor)) == {}


def test_an_agreement_about_an_article_that_is_missing_waits() -> None:
    issue = stage_record(customers(terms()), a_debtor("20001", **{"article_price:0:NIEUW": D(1)})).issue
    assert issue is not None
    assert (issue.cause, issue.facts["article"]) == ("price_article_missing", "NIEUW")


def test_an_agreement_that_ended_is_withdrawn_though_nothing_empty_is_written_else() -> None:
    agreed = shape_record(customers(terms()), a_debtor("20001", **AGREED))
    logic = customers(terms(agreed))
    desired = shape_record(logic, a_debtor("20001"))
    fitting = logic.writable_part(DEBTORS, desired, CurrentRecord(agreed, "9"))
    assert isinstance(fitting, Record)
    change = compare_records(logic, fitting, agreed, agreed)
    assert isinstance(change, Change)
    assert change.desired.values == {"article_excl:2:700": None, "discount_group_percent:0:4": None}
    assert guard_counts(logic, change) == {"emptied": 2}


# ---- offers

WEEK: Mapping[str, Value] = {"offer_price:0@2026-12-07_2026-12-13:WEEK": D("12.3967")}
WEEK_SENT = {"offer_incl:0@2026-12-07_2026-12-13:1": D("15.00")}
WITH_OFFERS = {**TABLES, "sales_prices": {"WEEK": "1"}}


def with_offers(agreed: Record | None = None, **changed: Any) -> Terms:
    return terms(agreed, **{"on": False, "offers_on": True, "tables": WITH_OFFERS} | changed)


def test_offers_have_a_switch_of_their_own() -> None:
    record = an_article("1001", **GIVEN, **WEEK)
    assert of_part(shape_record(products(with_offers()), record)) == WEEK_SENT
    assert of_part(shape_record(products(terms()), record)) == SENT
    (name,) = WEEK_SENT
    assert products(terms()).policy.get(f"article.{name}", Ownership.NEVER) is Ownership.NEVER
    owned = products(with_offers(offers_owner=Ownership.ON_CREATE)).policy
    assert owned.get(f"article.{name}", Ownership.NEVER) is Ownership.ON_CREATE


def test_an_offer_without_a_counterpart_is_a_question() -> None:
    issue = stage_record(products(with_offers(tables=TABLES)), an_article("1001", **WEEK)).issue
    assert issue is not None
    assert (issue.cause, issue.facts["table"], issue.facts["value"]) == ("value_unmapped", "sales_prices", "WEEK")


def test_an_offer_that_is_gone_is_withdrawn_unless_offers_are_off() -> None:
    agreed = shape_record(products(with_offers()), an_article("1001", **WEEK))
    assert of_part(shape_record(products(with_offers(agreed)), an_article("1001"))) == dict.fromkeys(WEEK_SENT)
    assert of_part(shape_record(products(terms(agreed)), an_article("1001"))) == {}


@pytest.mark.parametrize(
    ("changed", "expected_counts"),
    [
        ({"offer_price:0@2026-12-13_2026-12-20:WEEK": D("11.0000")}, {"offers_overlap": 1}),
        ({"offer_price:0@2026-12-14_2026-12-20:WEEK": D("16.5289")}, {}),  # 20.00, the normal price
        ({"offer_price:0@2026-12-14_2026-12-20:WEEK": D("16.5400")}, {"offers_above": 1}),
        ({"price": D("12.3900")}, {"offers_above": 1, "price_percent": 1}),
    ],
)
def test_overlapping_offers_and_offers_above_the_price_are_brakes(
    changed: dict[str, Value], expected_counts: dict[str, int]
) -> None:
    logic = products(with_offers())
    agreed = shape_record(logic, an_article("1001", **WEEK))
    change = compare_records(logic, shape_record(logic, an_article("1001", **{**WEEK, **changed})), agreed, agreed)
    assert isinstance(change, Change)
    assert {name: count for name, count in guard_counts(logic, change).items() if count} == expected_counts


@pytest.mark.parametrize(
    ("period", "minimum", "count"),
    [("2026-12-13_2026-12-20", "0", 1), ("2026-12-13_2026-12-20", "5", 0), ("2026-12-21_2026-12-27", "0", 0)],
)
def test_an_offer_that_was_typed_at_the_till_counts_as_an_overlap(period: str, minimum: str, count: int) -> None:
    logic = products(with_offers())
    agreed = shape_record(logic, an_article("1001", **WEEK))
    typed_offer: dict[str, Value] = {f"offer_incl:{minimum}@{period}:99": D("12.00")}
    article = replace(agreed.parts[0], values={**agreed.parts[0].values, **typed_offer})
    current = replace(agreed, parts=(article,))
    cheaper = {name: D("10.0000") for name in WEEK}
    change = compare_records(logic, shape_record(logic, an_article("1001", **cheaper)), current, agreed)
    assert isinstance(change, Change)
    assert not any("99" in path for path in change.desired.flat())
    assert guard_counts(logic, change, current).get("offers_overlap", 0) == count
