"""Logic of products: numbers, prices, barcodes, variants, and the two parts with switches of their own."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tomllib import loads
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.errors import ConfigurationError
from integration.core.flow import Ownership
from integration.core.issues import Issue, Skip
from integration.core.links import Link
from integration.core.plan import Action, Change, Unchanged, diff
from integration.core.records import CurrentRecord, Kind, Record, Value
from integration.core.staged_records import StagedRecord
from integration.flows.products.logic import ProductsLogic
from integration.flows.products.settings import ProductSettings
from integration.flows.registry import FLOWS
from integration.flows.spec import FlowLogic, TargetRecord
from integration.words import has_sentences, say
from tests.builders import a_group, an_article, an_update_at, guard_counts

BODY = loads((Path(__file__).parents[3] / "data" / "mappings" / "products.toml").read_text(encoding="utf-8"))
TABLES = {"vat_codes": {"1": "10", "2": "20"}}
RATES = {"1": Decimal("9.00"), "2": Decimal("21.00")}
GROUPS, ARTICLES, _ = FLOWS["products"].flow.stages
EAN, OTHER_EAN = "8710000000024", "8710000000031"


def products(
    body: Mapping[str, Any] = BODY, tables: Mapping[str, Mapping[str, str]] = TABLES, **settings: Any
) -> ProductsLogic:
    allotted: dict[str, str] = {}

    def allot(code: str) -> str:
        return allotted.setdefault(code, str(900001 + len(allotted)))

    return ProductsLogic(ProductSettings(**settings), body, 7, tables, RATES, allot)


def products_with_links(numbers: Mapping[str, str], **settings: Any) -> ProductsLogic:
    """Return the logic where these codes are linked under these numbers."""

    def find_numbers(codes: Collection[str]) -> Mapping[str, str]:
        return {code: numbers[code] for code in codes if code in numbers}

    return ProductsLogic(ProductSettings(**settings), BODY, 7, TABLES, RATES, lambda _: "900001", find_numbers)


def with_rules(*rules: Mapping[str, object]) -> dict[str, object]:
    """Return the shipped mapping with some rules added, or put in the place of those for the same field."""
    targets = {rule["target"] for rule in rules}
    return {"version": 1, "rules": [*(rule for rule in BODY["rules"] if rule["target"] not in targets), *rules]}


def stage_record(record: Record, logic: ProductsLogic | None = None, **settings: Any) -> StagedRecord:
    (result,) = (logic or products(**settings)).stage(ARTICLES, [record])
    return result


def part_of(record: Record, logic: ProductsLogic | None = None, **settings: Any) -> Record:
    result = stage_record(record, logic, **settings)
    assert result.record is not None, result.issue
    (part,) = result.record.parts
    return part


def parked_issue(record: Record, logic: ProductsLogic | None = None, **settings: Any) -> Issue:
    result = stage_record(record, logic, **settings)
    assert result.issue is not None
    assert (result.record, result.skip) == (None, None)
    assert has_sentences(result.issue.cause)
    assert result.issue.key == record.key
    return result.issue


def shape_records(
    records: Iterable[Record],
    logic: ProductsLogic | None = None,
    duplicates: Any = None,
    marks: Any = None,
    **settings: Any,
) -> TargetRecord:
    logic = logic or products(**settings)
    members = logic.stage(ARTICLES, list(records))
    return logic.shape(ARTICLES, members, duplicates or {}, marks or {})


def desired_record(*records: Record, **settings: Any) -> Record:
    target_record = shape_records(records, **settings)
    assert target_record.desired is not None, target_record.parked
    assert target_record.parked == ()
    return target_record.desired


def a_variant(code: str, colour: str = "", size: str = "", **values: Value) -> Record:
    name = f"Trui Noord {colour} {size}".strip()
    return an_article(code, **{"parent": "TS-1", "colour": colour, "size": size, "name": name, **values})


# ---- the flow


def test_groups_come_before_the_products_that_need_them() -> None:
    logic: FlowLogic = products()
    assert logic.flow is FLOWS["products"].flow
    assert [(stage.source, stage.target, stage.is_counted) for stage in logic.flow.stages] == [
        (Kind.GROUP, Kind.GROUP, False),
        (Kind.ARTICLE, Kind.PRODUCT, True),
        (Kind.ARTICLE, Kind.PICTURE, False),
    ]
    assert logic.mapping_version == 7


def test_settings_work_as_they_come() -> None:
    logic = products()
    assert logic.settings.limits["changes"] == 500
    assert logic.retires
    assert not products(retire=False).retires
    assert products(brakes={"changes": None, "price_percent": 10}).settings.limits["price_percent"] == Decimal(10)


def test_the_price_is_owned_under_the_name_it_is_sent_by() -> None:
    assert products().policy["article.price_incl"] is Ownership.KEEP_EQUAL
    other = products(price_sent="excl")
    assert "article.price" not in other.policy
    assert other.policy["article.price_excl"] is Ownership.KEEP_EQUAL


@pytest.mark.parametrize(("price_basis", "counts"), [("incl", True), ("excl", False)])
def test_the_price_brake_counts_jumps_of_the_price_that_is_sent(price_basis: str, counts: bool) -> None:
    def item(price: str) -> Record:
        part = Record(Kind.ARTICLE, "1001", {"price_incl": Decimal(price)}, source="1001")
        return Record(Kind.PRODUCT, "1001", {}, (part,))

    change = Change(
        action=Action.UPDATE, kind=Kind.PRODUCT, key="1001", title="", sources=("1001",),
        desired=item("20.00"), before=item("10.00"), agreed=item("20.00"),
    )  # fmt: skip
    for brakes in ({}, {"price_percent": None}):  # a second limit counts them also while the brake is off
        logic = products(price_sent=price_basis, brakes=brakes)
        assert (guard_counts(logic, change) == {"price_percent": 1}) is counts


def test_a_price_mapped_twice_is_refused() -> None:
    rule = {"target": "article.price_incl", "source": "price"}
    with pytest.raises(ConfigurationError, match="reason_twice"):
        products(with_rules(rule))
    assert products(with_rules({"target": "article.price_excl", "source": "price"}))


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ({"sku_rule": "guess"}, "sku_rule"),
        ({"sku_rule": "field"}, "sku_field"),
        ({"rates": {"USD": 0}}, "rates.USD"),
        ({"schedule_minutes": 0}, "schedule_minutes"),
        ({"filters": [{"field": "group", "operator": "about"}]}, "filters.0.operator"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name(settings: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        ProductSettings(**settings)
    assert (refused.value.code, refused.value.facts["setting"]) == ("flow_setting_invalid", setting)
    assert "under Flows" in say(refused.value.code, refused.value.facts).do
    assert "Input" not in refused.value.facts["expected"]


def test_settings_survive_the_way_to_disk() -> None:
    settings = ProductSettings(
        rates={"USD": Decimal("0.92")},
        filters=({"field": "group", "operator": "in", "value": ("A", "B"), "take": "out"},),
        content={"update": False},
    )
    stored_settings = settings.model_dump(mode="json", exclude_defaults=True)
    assert ProductSettings(**stored_settings) == settings


# ---- one article


def test_an_article_becomes_a_product_with_one_article() -> None:
    result = stage_record(an_article("1001", ean=EAN, text="Lang verhaal"))
    assert (result.key, result.parent, result.title, result.number, result.mark) == (
        "1001",
        "1001",
        "Artikel 1001",
        "1001",
        EAN,
    )
    assert result.record == Record(
        Kind.PRODUCT,
        "1001",
        {"name": "Artikel 1001", "text": "Lang verhaal", "groups": ("KLED",)},
        (
            Record(
                Kind.ARTICLE,
                "1001",
                {
                    "external_id": "1001", "name": "Artikel 1001", "invoice_text": "Artikel 1001",
                    "receipt_text": "Artikel 1001", "display_text": "Artikel 1001", "text": "Lang verhaal",
                    "ean": EAN, "unit": "ST", "vat_code": "20", "price_incl": Decimal("20.00"), "active": True,
                    "stock_managed": True,
                },
                source="1001",
            ),
        ),
    )  # fmt: skip


def test_a_field_this_installation_does_not_have_is_left_to_the_till() -> None:
    product = desired_record(an_article())
    assert "text" not in product.values
    assert not {"ean", "colour", "size", "text"} & set(product.parts[0].values)


def test_a_field_that_is_empty_in_the_source_is_emptied() -> None:
    part = part_of(an_article(ean=None, text=None))
    assert part.values["ean"] is None
    assert part.values["text"] is None


def test_the_short_text_goes_on_the_receipt_where_there_is_one() -> None:
    assert part_of(an_article(short_text="Kort")).values["receipt_text"] == "Kort"


def test_features_go_to_custom_fields() -> None:
    logic = products(with_rules({"target": "article.custom:Herkomst", "source": "K9_ORIGIN"}))
    assert part_of(an_article(K9_ORIGIN="Portugal"), logic).values["custom:Herkomst"] == "Portugal"


def test_signs_the_till_cannot_store_are_taken_out_and_all_others_stay() -> None:
    part = part_of(an_article(name="Trui\x00\x0b 🧶 “ß”\ud800\ufffe", text="een\r\ntwee\rdrie\tvier"))
    assert part.values["name"] == "Trui 🧶 “ß”"
    assert part.values["text"] == "een\ntwee\ndrie\tvier"


@given(st.text(st.characters(codec=None, exclude_categories=[]), max_size=30))
def test_whatever_a_name_holds_the_till_can_hold_what_is_sent(name: str) -> None:
    result = stage_record(an_article(name=f"x{name}"))
    assert result.record is not None
    sent_name = str(result.record.values["name"])
    assert all(sign in "\t\n" or sign >= " " for sign in sent_name)
    sent_name.encode()


@pytest.mark.parametrize("name", ["", "   ", "\x00"])
def test_an_article_without_a_name_waits(name: str) -> None:
    issue = parked_issue(an_article(name=name))
    assert (issue.cause, issue.facts["field"]) == ("required_field_empty", "product.name")


def test_a_text_over_its_length_waits_only_where_a_rule_has_a_length() -> None:
    rule = {"target": "article.receipt_text", "source": "name", "max_length": 40}
    issue = parked_issue(an_article(name="x" * 41), products(with_rules(rule)))
    assert (issue.cause, issue.facts["length"], issue.facts["system"]) == ("field_too_long", "41", "mplus")
    assert part_of(an_article(name="x" * 300)).values["name"] == "x" * 300


# ---- who takes part


def test_a_blocked_article_is_skipped_with_the_reason() -> None:
    result = stage_record(an_article(blocked=True))
    assert result.skip == Skip("blocked", "1001", {"key": "1001"})
    assert (result.record, result.issue) == (None, None)


def test_a_blocked_article_that_cannot_be_mapped_goes_off_sale_alone() -> None:
    nothing = an_article("1001", blocked=True, ean="12", name="")
    result = stage_record(nothing, products_with_links({"1001": "1001"}))
    assert result.issue is None
    assert result.record is not None
    assert (result.record.values, [part.key for part in result.record.parts]) == ({}, ["1001"])
    logic = products_with_links({"1001": "1001"})
    desired_record = logic.shape(ARTICLES, [result], {}, {}).desired
    assert desired_record is not None
    current = CurrentRecord(
        Record(Kind.PRODUCT, "1001", {"name": "Fiets"}, (Record(Kind.ARTICLE, "1001", {"active": True}),)), "7"
    )
    written_part = logic.writable_part(ARTICLES, desired_record, current)
    assert isinstance(written_part, Record)
    assert written_part.flat() == {"1001/active": False}
    assert logic.writable_part(ARTICLES, desired_record, None) == Skip("blocked", "1001", {"key": "1001"})
    assert stage_record(nothing).skip == Skip("blocked", "1001", {"key": "1001"})
    assert (
        stage_record(nothing, products_with_links({"1001": "1001"}, offer={"create": False, "update": False})).issue
        is not None
    )


def test_the_other_variants_go_on_beside_one_that_only_goes_off_sale() -> None:
    logic = products_with_links({"12": "12"})
    records = [a_variant("11", "rood", "M"), a_variant("12", "rood", "L", blocked=True, ean="12")]
    target_record = logic.shape(ARTICLES, logic.stage(ARTICLES, records), {}, {})
    assert target_record.parked == ()
    assert target_record.desired is not None
    assert {part.key: set(part.values) == {"active"} for part in target_record.desired.parts} == {
        "11": False,
        "12": True,
    }
    assert str(target_record.desired.values["name"]).startswith("Trui Noord")
    elsewhere = CurrentRecord(Record(Kind.PRODUCT, "7", {}, (Record(Kind.ARTICLE, "11", {}),)), "7")
    written_part = logic.writable_part(ARTICLES, target_record.desired, elsewhere)
    assert isinstance(written_part, Record)
    assert [dict(part.values) for part in written_part.parts if part.key == "12"] == [{}]


def test_what_goes_off_sale_is_counted_by_a_brake() -> None:
    current = Record(Kind.PRODUCT, "1001", {}, (Record(Kind.ARTICLE, "1001", {"active": True}, source="1001"),))
    off = an_update_at(current, {"1001/active": False})
    assert guard_counts(products(), off) == {"off_sale": 1}
    assert guard_counts(products(), replace(off, action=Action.RETIRE)) == {"retirements": 1}
    assert products().settings.limits["off_sale"] == 10


def test_what_is_emptied_is_counted_by_a_brake() -> None:
    current = Record(Kind.PRODUCT, "1001", {"text": "Wol"}, (Record(Kind.ARTICLE, "1001", {"name": "Trui"}),))
    assert guard_counts(products(), an_update_at(current, {"text": ""})) == {"emptied": 1}
    assert products().settings.limits["emptied"] == 10


def test_a_blocked_article_may_be_sent_as_inactive_and_its_barcode_is_free() -> None:
    result = stage_record(an_article(blocked=True, ean=EAN), blocked="inactive")
    assert result.record is not None
    assert result.record.parts[0].values["active"] is False
    assert result.mark == ""


@pytest.mark.parametrize(
    ("filters", "takes_part"),
    [
        ([{"field": "group", "operator": "equal", "value": "KLED"}], True),
        ([{"field": "group", "operator": "equal", "value": "FIETS"}], False),
        ([{"field": "group", "operator": "in", "value": ["FIETS", "KLED"], "take": "out"}], False),
        ([{"field": "price", "operator": "greater", "value": "10"}], True),
        ([{"field": "price", "operator": "less", "value": "10"}], False),
        ([{"field": "missing", "operator": "empty", "take": "out"}], False),
        (
            [
                {"field": "group", "operator": "starts", "value": "KL"},
                {"field": "name", "operator": "contains", "value": "1001", "take": "out"},
            ],
            False,
        ),
    ],
)
def test_filters_decide_who_takes_part_and_say_why(filters: list[dict[str, Any]], takes_part: bool) -> None:
    result = stage_record(an_article(), filters=filters)
    assert (result.record is not None) is takes_part
    if result.skip:
        assert result.skip.reason == "filtered_out"
        assert result.skip.facts["field"] in {"group", "price", "missing", "name"}


# ---- numbers


@pytest.mark.parametrize("code", ["1001", "9" * 18, "7"])
def test_a_code_of_digits_is_the_number(code: str) -> None:
    assert part_of(an_article(code)).key == code


@pytest.mark.parametrize("code", ["TS-RED-M", "12.5", "-1", "9" * 19, "0", "000", "１２", "٣", "1 2", "²"])
def test_a_code_that_is_no_number_waits(code: str) -> None:
    issue = parked_issue(an_article(code))
    assert (issue.cause, issue.facts["article"]) == ("sku_not_numeric", code)


def test_a_code_that_would_lose_its_zero_waits() -> None:
    issue = parked_issue(an_article("0815"))
    assert (issue.cause, issue.facts["article"], issue.facts["number"]) == ("sku_leading_zero", "0815", "815")


def test_a_field_may_hold_the_number_and_the_code_stays_findable() -> None:
    logic = products(sku_rule="field", sku_field="NUMMER")
    for given_number in ("4711", Decimal(4711), Decimal("4711.00"), " 4711 "):
        part = part_of(an_article("TS-M", NUMMER=given_number), logic)
        assert (part.key, part.source, part.values["external_id"]) == ("4711", "TS-M", "TS-M")
    for empty in (None, "", Decimal("1.5")):
        assert parked_issue(an_article("TS-M", NUMMER=empty), logic).cause == "sku_not_numeric"


def test_a_number_is_allotted_once_and_not_to_what_is_parked() -> None:
    logic = products(sku_rule="allotted")
    assert parked_issue(an_article("TS-S", price=None), logic).cause == "price_missing"
    assert part_of(an_article("TS-M"), logic).key == "900001"
    assert part_of(an_article("TS-L"), logic).key == "900002"
    assert part_of(an_article("TS-M"), logic).key == "900001"


# ---- prices and VAT


@pytest.mark.parametrize(
    ("settings", "price", "field", "expected"),
    [
        ({}, "16.5289", "price_incl", "20.00"),
        ({"price_basis": "incl"}, "19.995", "price_incl", "20.00"),
        ({"price_sent": "excl"}, "16.5289", "price_excl", "16.53"),
        ({"price_basis": "incl", "price_sent": "excl"}, "20", "price_excl", "16.53"),
        ({"decimals": 0}, "8.6777", "price_incl", "11.00"),
        ({"decimals": 1}, "10.1653", "price_incl", "12.30"),
        ({}, "0", "price_incl", "0.00"),
    ],
)
def test_a_price_is_computed_once(settings: dict[str, Any], price: str, field: str, expected: str) -> None:
    values = part_of(an_article(price=Decimal(price)), **settings).values
    assert str(values[field]) == expected
    assert "price" not in values
    assert len({"price_incl", "price_excl"} & set(values)) == 1


@pytest.mark.parametrize("price", [None, "", "op aanvraag", True, Decimal("-0.01")])
def test_an_article_without_a_usable_price_waits(price: Value) -> None:
    issue = parked_issue(an_article(price=price))
    assert (issue.cause, issue.facts["article"]) == ("price_missing", "1001")


def test_a_price_of_zero_may_be_made_to_wait() -> None:
    assert parked_issue(an_article(price=Decimal(0)), zero_price="park").cause == "price_missing"


def test_a_price_may_come_as_text() -> None:
    assert part_of(an_article(price="10")).values["price_incl"] == Decimal("12.10")


def test_a_price_that_is_not_mapped_is_left_to_the_till() -> None:
    body = {"rules": [rule for rule in BODY["rules"] if rule["target"] != "article.price"]}
    assert "price_incl" not in part_of(an_article(price=None), products(body)).values


def test_a_foreign_price_is_converted_before_vat() -> None:
    part = part_of(an_article(currency="usd", price=Decimal(10)), rates={"USD": "0.925"})
    assert part.values["price_incl"] == Decimal("11.19")  # 9.25 and 21 %


def test_a_foreign_price_without_a_rate_waits() -> None:
    issue = parked_issue(an_article(currency="USD"))
    assert (issue.cause, issue.facts["currency"]) == ("currency_without_rate", "USD")
    assert issue.facts["base_currency"] == "EUR"


@pytest.mark.parametrize("currency", ["EUR", "eur ", "", None])
def test_the_own_currency_needs_no_rate(currency: str | None) -> None:
    assert part_of(an_article(currency=currency)).values["price_incl"] == Decimal("20.00")


def test_a_vat_code_without_a_counterpart_is_never_guessed() -> None:
    issue = parked_issue(an_article(vat_code="7"))
    assert (issue.cause, issue.facts["code"], issue.facts["system"]) == ("vat_code_unmapped", "7", "mplus")


@pytest.mark.parametrize("code", [None, "", " "])
def test_an_article_without_a_vat_code_is_parked_as_that(code: str | None) -> None:
    issue = parked_issue(an_article(vat_code=code))
    assert (issue.cause, issue.facts["article"]) == ("vat_code_missing", "1001")


def test_a_vat_code_that_waits_says_its_rate() -> None:
    issue = parked_issue(an_article(), products(tables={}))
    assert (issue.facts["code"], issue.facts["rate"]) == ("2", "21%")


def test_a_vat_code_without_a_percentage_gives_no_price_and_the_others_go_on() -> None:
    logic = products(tables={"vat_codes": {"9": "90", "2": "20"}})
    issue = parked_issue(an_article(vat_code="9"), logic)
    assert (issue.cause, issue.facts["vat"]) == ("vat_rate_unknown", "accountview - 9")
    assert part_of(an_article(), logic).values["price_incl"] == Decimal("20.00")
    net_logic = products(tables={"vat_codes": {"9": "90"}}, price_sent="excl")
    assert part_of(an_article(vat_code="9"), net_logic).values["vat_code"] == "90"


def test_the_vat_code_may_stand_in_another_field() -> None:
    rule = {"target": "article.vat_code", "source": "BTW", "table": "vat_codes"}
    part = part_of(an_article(BTW="1", price=Decimal(100)), products(with_rules(rule)))
    assert (part.values["vat_code"], part.values["price_incl"]) == ("10", Decimal("109.00"))


def test_another_code_without_a_row_names_its_table() -> None:
    rule = {"target": "product.groups", "source": "group", "table": "groups"}
    issue = parked_issue(an_article(), products(with_rules(rule)))
    assert (issue.cause, issue.facts["table"]) == ("value_unmapped", "groups")


def test_a_formula_without_a_result_waits_with_the_reason() -> None:
    issue = parked_issue(an_article(), products(with_rules({"target": "article.brand", "expression": "price / 0"})))
    assert (issue.cause, issue.facts["message"]) == ("expression_failed", "reason_by_zero")


# ---- barcodes


@pytest.mark.parametrize(
    "ean", [EAN, "96385074", "036000291452", "18710000000021", " 871 0000 0000 24 ", "871-0000000024"]
)
def test_a_barcode_is_checked_and_sent_bare(ean: str) -> None:
    assert str(part_of(an_article(ean=ean)).values["ean"]).isdigit()


@pytest.mark.parametrize("ean", ["8710000000025", "123", "871000000002X"])
def test_a_wrong_barcode_waits(ean: str) -> None:
    issue = parked_issue(an_article(ean=ean))
    assert (issue.cause, issue.facts["value"], issue.facts["article"]) == ("ean_check_digit", ean, "1001")


def test_two_articles_with_one_number_both_wait() -> None:
    duplicates = {"1001": ("1001", "TS-M")}
    logic = products(sku_rule="field", sku_field="NUMMER")
    for code, other in (("1001", "TS-M"), ("TS-M", "1001")):
        target_record = shape_records([an_article(code, NUMMER="1001")], logic, duplicates)
        (issue,) = target_record.parked
        assert target_record.desired is None
        assert (issue.cause, issue.key) == ("sku_duplicate", code)
        assert {"article": code, "other": other, "number": "1001"}.items() <= issue.facts.items()


def test_two_articles_with_one_barcode_both_wait() -> None:
    target_record = shape_records([an_article("1001", ean=EAN)], marks={EAN: ("1001", "1002")})
    (issue,) = target_record.parked
    assert (issue.cause, issue.facts["value"], issue.facts["other"]) == ("ean_duplicate", EAN, "1002")


def test_numbers_and_barcodes_of_others_do_not_matter() -> None:
    assert shape_records([an_article("1001")], duplicates={"1002": ("1002", "X")}, marks={EAN: ("3", "4")}).parked == ()


# ---- variants


def test_articles_that_share_a_parent_become_one_product() -> None:
    product = desired_record(a_variant("11", "rood", "M"), a_variant("12", "rood", "L"), a_variant("13", "blauw", "M"))
    assert (product.key, product.values["name"], product.source) == ("TS-1", "Trui Noord", "")
    assert [(part.key, part.values["colour"], part.values["size"]) for part in product.parts] == [
        ("11", "rood", "M"), ("12", "rood", "L"), ("13", "blauw", "M"),
    ]  # fmt: skip


def test_a_mapping_may_say_nothing_of_the_product_itself() -> None:
    body = {"rules": [rule for rule in BODY["rules"] if not rule["target"].startswith("product.")]}
    target_record = shape_records([a_variant("11", "rood"), a_variant("12", "blauw")], products(body))
    assert target_record.desired is not None
    assert (target_record.desired.values, target_record.title) == ({}, "Trui Noord rood")


def test_a_parent_field_can_be_switched_off() -> None:
    assert stage_record(a_variant("11", "rood"), parent_field="").parent == "11"
    assert stage_record(an_article("11", FAMILIE="F"), parent_field="FAMILIE").parent == "F"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Trui Noord rood M"], "Trui Noord"),
        (["Trui Noord rood M", "Trui Noord rood L"], "Trui Noord"),
        (["Trui Noord - rood", "Trui Noord - blauw"], "Trui Noord"),
        (["Noordertrui", "Noordertrui"], "Noordertrui"),
        (["Trui", "Broek"], "Trui"),
        (["Rood M", "Rood L"], "Rood M"),
    ],
)
def test_a_product_is_called_what_its_variants_have_in_common(names: list[str], expected: str) -> None:
    sizes = ["M", "L"]
    members = [a_variant(f"1{at}", "rood", sizes[at], name=name) for at, name in enumerate(names)]
    assert desired_record(*members).values["name"] == expected


def test_a_product_has_the_groups_of_all_and_the_first_text_there_is() -> None:
    members = (
        a_variant("11", "rood", group="KLED", text=None),
        a_variant("12", "blauw", group="AANB", text="Wol"),
        a_variant("13", "groen", group="KLED", text="Katoen"),
    )
    product = desired_record(*members)
    assert product.values["groups"] == ("KLED", "AANB")
    assert product.values["text"] == "Wol"


def test_variants_that_cannot_be_distinguished_hold_the_whole_product() -> None:
    target_record = shape_records(
        [a_variant("11", "Rood", "M"), a_variant("12", "blauw", "M"), a_variant("13", "rood", "m")]
    )
    assert target_record.desired is None
    assert [issue.key for issue in target_record.parked] == ["11", "12", "13"]
    assert {issue.cause for issue in target_record.parked} == {"variant_duplicate"}
    assert {"article": "11", "other": "13", "product": "TS-1"}.items() <= target_record.parked[1].facts.items()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_variant_without_colour_and_size_cannot_be_distinguished(order: tuple[int, int]) -> None:
    members = [a_variant("11", "rood"), a_variant("12")]
    assert {issue.cause for issue in shape_records([members[at] for at in order]).parked} == {"variant_duplicate"}


def test_a_single_article_needs_neither_colour_nor_size() -> None:
    assert desired_record(a_variant("11")).key == "TS-1"


def test_one_parked_variant_does_not_hold_back_the_others() -> None:
    members = [
        a_variant("11", "rood"),
        a_variant("12", "blauw", ean="123"),
        a_variant("13", "groen", blocked=True),
        a_variant("14", "geel"),
    ]
    target_record = shape_records(members, duplicates={"14": ("14", "X")})
    assert target_record.desired is not None
    assert [part.key for part in target_record.desired.parts] == ["11"]
    assert [(issue.key, issue.cause) for issue in target_record.parked] == [
        ("12", "ean_check_digit"),
        ("14", "sku_duplicate"),
    ]
    assert [skip.key for skip in target_record.skipped] == ["13"]
    assert (target_record.title, target_record.group) == ("Trui Noord", "KLED")


def test_a_product_of_which_nothing_is_left_still_has_a_title() -> None:
    target_record = shape_records([an_article(blocked=True)])
    assert (target_record.desired, target_record.title, target_record.group) == (None, "Artikel 1001", "")


VARIANTS = st.lists(
    st.tuples(
        st.sampled_from(["rood", "blauw", ""]),
        st.sampled_from(["M", "L", ""]),
        st.sampled_from([None, EAN, "1"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@given(VARIANTS, st.sets(st.integers(100, 105)))
def test_every_member_ends_in_exactly_one_place(
    variants: list[tuple[str, str, str | None, bool]], twice: set[int]
) -> None:
    members = [
        a_variant(str(100 + at), colour, size, ean=ean, blocked=blocked)
        for at, (colour, size, ean, blocked) in enumerate(variants)
    ]
    target_record = shape_records(members, duplicates={str(number): (str(number), "X") for number in twice})
    parts = [part.source for part in target_record.desired.parts] if target_record.desired else []
    places = parts + [issue.key for issue in target_record.parked] + [skip.key for skip in target_record.skipped]
    assert sorted(places) == [member.key for member in members]


# ---- groups


def group_of(record: Record, **settings: Any) -> TargetRecord:
    logic = products(**settings)
    return logic.shape(GROUPS, logic.stage(GROUPS, [record]), {}, {})


def test_a_group_is_sent_under_its_code_with_its_place_in_the_tree() -> None:
    target_record = group_of(a_group("KLED", parent="ALLES"))
    assert target_record.desired == Record(Kind.GROUP, "KLED", {"name": "Kleding", "parent": "ALLES"})
    assert target_record.title == "Kleding"
    plain = group_of(a_group("KLED")).desired
    assert plain is not None
    assert "parent" not in plain.values


def test_a_group_without_a_name_waits() -> None:
    (issue,) = group_of(a_group(name=None)).parked
    assert (issue.cause, issue.facts["field"]) == ("required_field_empty", "group.name")


def test_without_groups_neither_groups_nor_membership_are_sent() -> None:
    assert [skip.reason for skip in group_of(a_group(), groups=False).skipped] == ["groups_not_sent"]
    assert "groups" not in desired_record(an_article(), groups=False).values


def test_an_article_without_a_group_is_in_none() -> None:
    target_record = shape_records([an_article(group=None)])
    assert target_record.desired is not None
    assert (target_record.desired.values["groups"], target_record.group) == ((), "")


# ---- what the till holds already


def current_product(record: Record, **external: str) -> CurrentRecord:
    """Return a record as the till would give it back, with other external ids by article number."""
    parts = tuple(
        replace(part, values={**part.values, "external_id": external.get(f"n{part.key}", part.source)})
        for part in record.parts
    )
    return CurrentRecord(replace(record, parts=parts), "5001")


def test_an_article_of_the_till_under_another_code_is_not_taken_over() -> None:
    product = desired_record(an_article())
    issue = products().objection(ARTICLES, product, current_product(product, n1001="ANDERS"), None)
    assert issue is not None
    assert issue.cause == "article_number_taken"
    assert {"number": "1001", "article": "1001", "other": "ANDERS"}.items() <= issue.facts.items()


@pytest.mark.parametrize("external", ["1001", "", " 1001 "])
def test_an_article_of_the_till_under_our_code_or_none_is_the_one(external: str) -> None:
    product = desired_record(an_article())
    assert products().objection(ARTICLES, product, current_product(product, n1001=external), None) is None


def test_what_is_linked_is_ours_whatever_its_external_id_became() -> None:
    product = desired_record(an_article())
    link = Link(Kind.PRODUCT, "1001", "5001", agreed=product)
    assert products().objection(ARTICLES, product, current_product(product, n1001="ANDERS"), link) is None
    bare = Link(Kind.PRODUCT, "1001", "5001")
    assert products().objection(ARTICLES, product, current_product(product, n1001="ANDERS"), bare) is not None


def test_nothing_objects_to_a_group_or_to_what_is_missing() -> None:
    group = Record(Kind.GROUP, "KLED", {"name": "Kleding"})
    assert products().objection(GROUPS, group, CurrentRecord(group, "3"), None) is None
    assert products().objection(ARTICLES, desired_record(an_article()), None, None) is None


def writable_part(product: Record, current: Record | None, **settings: Any) -> Record:
    written_part = products(**settings).writable_part(
        ARTICLES, product, CurrentRecord(current, "5001") if current else None
    )
    assert isinstance(written_part, Record)
    return written_part


def test_both_parts_are_sent_unless_switched_off() -> None:
    product = desired_record(an_article())
    assert writable_part(product, None) == product
    assert writable_part(product, product) == product


def test_content_without_an_offer_makes_an_article_that_is_not_for_sale() -> None:
    part = writable_part(desired_record(an_article()), None, offer={"create": False}).parts[0]
    assert part.values["active"] is False
    assert part.values["name"] == "Artikel 1001"
    assert not {"price_incl", "vat_code", "stock_managed"} & set(part.values)


def test_what_may_not_be_created_is_skipped_with_the_reason() -> None:
    written_part = products(content={"create": False}).writable_part(ARTICLES, desired_record(an_article()), None)
    assert written_part == Skip("create_switched_off", "1001", {"key": "1001"})


def test_an_update_of_the_offer_leaves_the_content_alone() -> None:
    product = desired_record(an_article())
    written_part = writable_part(product, product, content={"update": False})
    assert written_part.values == {}
    assert set(written_part.parts[0].values) == {"price_incl", "vat_code", "active", "stock_managed"}


def test_an_update_of_the_content_leaves_the_offer_alone() -> None:
    product = desired_record(an_article())
    written_part = writable_part(product, product, offer={"update": False})
    assert written_part.values == product.values
    assert not {"price_incl", "vat_code", "active", "stock_managed"} & set(written_part.parts[0].values)


def test_a_new_variant_of_a_known_product_is_a_create() -> None:
    red, blue = a_variant("11", "rood"), a_variant("12", "blauw")
    product, current = desired_record(red, blue), desired_record(red)
    written_part = writable_part(product, current, content={"update": False}, offer={"update": False})
    assert written_part.parts[0].values == {}
    assert written_part.parts[1].values["price_incl"] == Decimal("20.00")
    written_part = writable_part(product, current, content={"create": False})
    assert written_part.parts[1] == Record(Kind.ARTICLE, "12", {}, source="12")


def test_every_part_stays_accounted_for() -> None:
    product = desired_record(a_variant("11", "rood"), a_variant("12", "blauw"))
    for create in (True, False):
        for update in (True, False):
            switches = {"create": create, "update": update}
            written_part = products(content=switches, offer=switches).writable_part(
                ARTICLES, product, CurrentRecord(product, "5001")
            )
            assert isinstance(written_part, Record)
            assert [part.source for part in written_part.parts] == ["11", "12"]


def test_a_group_follows_the_switches_of_content() -> None:
    group = Record(Kind.GROUP, "KLED", {"name": "Kleding"})
    off = products(content={"create": False, "update": False})
    assert isinstance(off.writable_part(GROUPS, group, None), Skip)
    assert off.writable_part(GROUPS, group, CurrentRecord(group, "3")) == replace(group, values={})
    assert products().writable_part(GROUPS, group, CurrentRecord(group, "3")) == group


def test_an_offer_that_is_switched_off_whole_needs_no_price_and_no_vat_code() -> None:
    off = {"create": False, "update": False}
    part = part_of(an_article(price=None, vat_code="7", currency="USD"), offer=off)
    assert not {"price_incl", "vat_code", "active"} & set(part.values)
    created = writable_part(desired_record(an_article(price=None), offer=off), None, offer=off)
    assert created.parts[0].values["active"] is False


def test_what_was_created_without_an_offer_is_offered_once_that_is_switched_on() -> None:
    article = an_article()
    before, after = products(offer={"create": False, "update": False}), products()
    created_part = before.writable_part(ARTICLES, shape_article(before, article), None)
    assert isinstance(created_part, Record)
    create = diff(created_part, None, None, before.policy, title="")
    assert isinstance(create, Change)
    assert create.desired.parts[0].values["active"] is False
    current = CurrentRecord(create.desired, "5001")
    now = after.writable_part(ARTICLES, shape_article(after, article), current)
    assert isinstance(now, Record)
    update = diff(now, current.record, create.agreed, after.policy, title="")
    assert isinstance(update, Change)
    assert update.desired.parts[0].values == {
        "vat_code": "20", "price_incl": Decimal("20.00"), "active": True,
    }  # fmt: skip


def shape_article(logic: ProductsLogic, article: Record) -> Record:
    target_record = shape_records([article], logic)
    assert target_record.desired is not None
    return target_record.desired


def test_a_product_made_from_the_same_articles_again_is_unchanged() -> None:
    logic = products()
    members = [a_variant("11", "rood", "M", ean=EAN), a_variant("12", "rood", "L", ean=OTHER_EAN)]
    first, second = desired_record(*members), desired_record(*members)
    assert isinstance(diff(second, first, first, logic.policy, title=""), Unchanged)


# ---- why


def test_the_way_to_a_price_is_reported_step_by_step() -> None:
    logic = products(rates={"USD": "0.925"})
    traces = {trace.target: trace for trace in logic.trace(ARTICLES, an_article(currency="USD", price=Decimal(10)))}
    price = traces["article.price_incl"]
    assert price.value == Decimal("11.19")
    assert [step.operation for step in price.steps] == ["price", "rate 0.925", "add_vat(21)", "round(2)"]
    assert "article.price" not in traces


def test_a_price_that_waits_tells_how_far_it_came() -> None:
    traces = {trace.target: trace for trace in products().trace(ARTICLES, an_article(currency="USD"))}
    price = traces["article.price_incl"]
    assert price.issue is not None
    assert price.issue.cause == "currency_without_rate"
    assert [step.operation for step in price.steps] == ["price"]


def test_a_price_without_a_source_or_with_a_failing_rule_is_reported_too() -> None:
    bare = Record(Kind.ARTICLE, "1", {"code": "1", "name": "x"})
    traces = {trace.target: trace for trace in products().trace(ARTICLES, bare)}
    assert traces["article.price_incl"].issue is None
    failing = products(with_rules({"target": "article.price", "expression": "price / 0"}))
    traces = {trace.target: trace for trace in failing.trace(ARTICLES, an_article())}
    assert traces["article.price_incl"].issue is not None


def test_the_fields_of_a_group_are_reported_too() -> None:
    assert [trace.target for trace in products().trace(GROUPS, a_group())] == ["group.name", "group.parent"]


# ---- words


@pytest.mark.parametrize(
    "article",
    [
        an_article("TS-M"), an_article("0815"), an_article(ean="1"), an_article(currency="USD"),
        an_article(price=None), an_article(vat_code="7"), an_article(name=""),
    ],
    ids=lambda article: article.key,
)  # fmt: skip
def test_an_issue_brings_the_facts_its_sentences_need(article: Record) -> None:
    issue = parked_issue(article)
    sentences = say(
        issue.cause, {"rate": "?", "country": "?", "value": "?", **{k: v for k, v in issue.facts.items() if v}}
    )
    assert "–" not in f"{sentences.problem} {sentences.data} {sentences.do}"


# ---- numbers of before


def test_a_linked_article_keeps_its_number_and_says_so() -> None:
    logic = products_with_links({"1001": "77", "A-2": "78"})
    old, other = logic.stage(ARTICLES, [an_article("1001"), an_article("A-2")])
    shaped = [logic.shape(ARTICLES, [record], {}, {}) for record in (old, other)]
    assert [target_record.desired.parts[0].key for target_record in shaped if target_record.desired] == ["77", "78"]
    assert [target_record.counted_codes for target_record in shaped] == [("older_number",), ("older_number",)]
    assert all("kept_number" not in target_record.desired.flat() for target_record in shaped if target_record.desired)


def test_a_number_the_rule_still_gives_is_no_older_one() -> None:
    logic = products_with_links({"1001": "1001"})
    assert logic.shape(ARTICLES, logic.stage(ARTICLES, [an_article("1001")]), {}, {}).counted_codes == ()


def test_of_a_new_and_a_linked_article_with_one_number_the_new_one_waits() -> None:
    logic = products_with_links({"OLD": "1001"})
    old, new = logic.stage(ARTICLES, [an_article("OLD"), an_article("1001")])
    duplicates = {"1001": ("1001", "OLD")}
    old_target, new_target = logic.shape(ARTICLES, [old], duplicates, {}), logic.shape(ARTICLES, [new], duplicates, {})
    assert old_target.parked == ()
    assert [issue.cause for issue in new_target.parked] == ["sku_duplicate"]
