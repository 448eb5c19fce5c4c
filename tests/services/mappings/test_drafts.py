"""Drafts of mappings: stored, compared with the published one, and tried on records before publication."""

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integration.application.stores import stores_of
from integration.core.compiled import rule_faults
from integration.core.errors import Reason
from integration.core.flow import Ownership
from integration.core.issues import Issue
from integration.core.links import Link
from integration.core.records import CurrentRecord, Field, FieldType, Kind, Record, Value
from integration.core.rules import Mapping, Rule, RuleCall, RuleError, rules_from
from integration.flows.functions.toolbox import FUNCTIONS, IN_EXPRESSIONS, Takes, Tools
from integration.flows.orders.settings import documents
from integration.flows.products.logic import ProductsLogic
from integration.flows.products.offer import PRICE
from integration.flows.products.settings import ProductSettings
from integration.flows.registry import FLOWS
from integration.services.mappings.code_lists import CodeLists
from integration.services.mappings.drafts import (
    Drafts,
    mapping_changes,
    rebased,
)
from integration.services.mappings.mappings import Logics, Mappings, readable_fields, writable
from integration.services.mappings.pictures import Pictures
from integration.services.mappings.row_names import RowNames
from integration.services.mappings.trials import (
    Effect,
    TargetLookup,
    TargetState,
    TrialDifference,
    compare,
    sample_values,
    try_mapping,
)
from integration.services.systems.connection_settings import ConnectorFactory
from integration.services.systems.object_names import ObjectNames
from integration.store.database import open_database
from tests.consoles import Console, open_application
from tests.fakes import MemoryConnector
from tests.parts import part
from tests.people import make_actor
from tests.stores import new_database

BODY = tomllib.loads((Path(__file__).parents[3] / "data" / "mappings" / "products.toml").read_text(encoding="utf-8"))
SHIPPED = rules_from(BODY)
TABLES = {"vat_codes": {"1": "21"}}
NOW = datetime(2026, 11, 25, 9, 41, tzinfo=UTC)
RATES = {"1": Decimal(21), "2": Decimal(9)}


def article(code: str, **more: Any) -> Record:
    values = {"code": code, "name": f" Tent {code} ", "price": Decimal(10), "vat_code": "1", "group": "A", **more}
    return Record(Kind.ARTICLE, code, values)


def logic(mapping: Mapping = SHIPPED) -> ProductsLogic:
    body = {"version": 1, "rules": [_rule_values(rule) for rule in mapping.rules]}
    return ProductsLogic(ProductSettings(), body, 1, TABLES, RATES, lambda _code: "1")


def _rule_values(rule: Rule) -> dict[str, Any]:
    return {
        "target": rule.target, "source": rule.source, "expression": rule.expression, "table": rule.table,
        "functions": [[call.name, *call.args] for call in rule.functions], "default": rule.default,
        "force": rule.force, "unmapped": rule.unmapped, "ownership": rule.ownership,
    }  # fmt: skip


def with_rule(rule: Rule, mapping: Mapping = SHIPPED) -> Mapping:
    others = tuple(candidate for candidate in mapping.rules if candidate.target != rule.target)
    return Mapping(1, (*others, rule))


UPPER = with_rule(Rule(target="article.name", source="name", functions=(RuleCall("trim"), RuleCall("upper"))))


@pytest.fixture
def drafts(tmp_path: Path) -> Iterator[Drafts]:
    """Drafts on a fresh database, with three articles at the source and the shipped mapping in force."""
    database = new_database(tmp_path / "console.sqlite")
    stores = stores_of(database, lambda: NOW)
    stores.rules.publish("products", BODY, by="shipped", note="")
    stores.rules.set_table("vat_codes", TABLES["vat_codes"], "test")
    source = MemoryConnector([article("100"), article("200"), article("300", vat_code="7")])
    source.offered["vat_rates"] = {code: str(rate) for code, rate in RATES.items()}
    access = part(ConnectorFactory, connector=lambda _system: source, sandboxed=False)
    lists = CodeLists(access, lambda: NOW)
    logics = Logics(
        FLOWS,
        stores.corrections,
        stores.issues,
        stores.links,
        stores.movements,
        stores.rules,
        stores.settings,
        stores.booking_states,
        access=access,
        lists=lists,
        names=part(ObjectNames, mark=lambda: "as AccountView has them"),
        pictures=part(Pictures, read=lambda _: ()),
        row_names=part(RowNames, renamed=lambda _: {}),
        clock=lambda: NOW,
    )
    mappings = Mappings(stores.rules, logics)
    yield Drafts(
        FLOWS,
        stores.links,
        stores.plans,
        stores.rules,
        stores.runs,
        stores.settings,
        logics=logics,
        mappings=mappings,
        lists=lists,
        access=access,
    )
    database.close()


# ---- the logic that is in force


def test_what_another_process_wrote_since_the_last_page_is_seen_and_a_logic_is_kept_while_nothing_was(
    drafts: Drafts, tmp_path: Path
) -> None:
    logics, elsewhere = drafts._logics, open_database(f"sqlite:///{tmp_path / 'console.sqlite'}")
    theirs = stores_of(elsewhere, lambda: NOW)  # whose clock stands still: no moment tells one write from the next
    first = logics.current_logic("products")
    logic_versions = [first]

    def is_another() -> bool:
        logic_versions.append(logics.current_logic("products"))
        assert logics.current_logic("products") is logic_versions[-1]
        return logic_versions[-1].basis != logic_versions[-2].basis

    assert logics.current_logic("products") is first
    theirs.rules.set_table("vat_codes", {}, "test")
    assert is_another()
    theirs.rules.set_table("vat_codes", TABLES["vat_codes"], "test")
    assert is_another()
    theirs.settings.put("flow:products", {"price_basis": "incl"}, "test")
    assert is_another()
    assert logic_versions[-1].settings.model_dump()["price_basis"] == "incl"
    theirs.settings.forget("flow:products", "test")
    assert is_another()
    assert logic_versions[-1].basis == first.basis
    theirs.rules.publish("products", BODY, "test", "")
    assert is_another()
    assert logic_versions[-1].mapping_version == 2
    theirs.rules.publish("orders", BODY, "test", "")
    theirs.settings.put("flow:orders", {"on": True}, "test")
    assert not is_another()
    elsewhere.close()


# ---- parts


def test_the_parts_of_orders_are_those_of_what_documents_become() -> None:
    orders = FLOWS["orders"]
    parts = orders.parts_of(documents({Kind.INVOICE: Kind.POSTING}))

    assert Kind.POSTING not in orders.parts_of(orders.flow)
    assert (Kind.SALES_ORDER in parts, parts[Kind.POSTING], parts[Kind.LINE]) == (False, Kind.INVOICE, Kind.LINE)
    assert orders.flow.read_for(Kind.DEBTOR) is Kind.ORDER
    assert FLOWS["products"].flow.read_for(Kind.GROUP) is Kind.GROUP


def test_rules_can_read_what_the_flow_works_out_and_fill_only_what_it_writes() -> None:
    name = Field("name", "Name", FieldType.TEXT, Kind.ARTICLE)
    amount = Field("amount", "Amount", FieldType.NUMBER, Kind.LEVEL)

    assert [field.name for field in readable_fields(FLOWS["stock"], Kind.ARTICLE, [name])] == [
        "name",
        "quantity",
        "branch",
    ]
    assert set(writable(FLOWS["stock"], Kind.LEVEL, [name, amount])) == {"level.amount"}
    assert "books_price" in {field.name for field in readable_fields(FLOWS["orders"], Kind.LINE, [])}


def test_the_price_is_one_field_whichever_way_it_is_sent() -> None:
    prices = [Field(name, "Price", FieldType.MONEY, Kind.ARTICLE) for name in ("price_incl", "price_excl")]

    assert list(writable(FLOWS["products"], Kind.ARTICLE, prices)) == [PRICE]


# ---- differences


def test_a_difference_names_field_and_what_of_its_rule_differs() -> None:
    (change,) = mapping_changes(SHIPPED, UPPER)

    assert (change.target, change.aspects) == ("article.name", ("functions",))
    assert mapping_changes(SHIPPED, SHIPPED) == []


def test_the_order_of_rules_makes_no_difference() -> None:
    assert mapping_changes(SHIPPED, Mapping(9, tuple(reversed(SHIPPED.rules)))) == []


def test_my_changes_go_on_top_of_what_was_published_meanwhile() -> None:
    published = with_rule(Rule(target="article.unit", source="unit", ownership=Ownership.NEVER))
    edited = Mapping(1, tuple(candidate for candidate in UPPER.rules if candidate.target != "article.ean"))

    result = {rule.target: rule for rule in rebased(SHIPPED, edited, published).rules}

    assert result["article.unit"].ownership is Ownership.NEVER
    assert result["article.name"].functions == (RuleCall("trim"), RuleCall("upper"))
    assert "article.ean" not in result


# ---- trials


def test_a_trial_tells_every_value_and_why() -> None:
    (trial,) = try_mapping(FLOWS["products"], logic(), [article("100")])

    (name,) = trial.traces_of_field("article.name")
    assert (name.value, [step.operation for step in name.steps]) == ("Tent 100", ["name", "trim"])
    (price,) = trial.traces_of_field(PRICE)
    assert price.value == Decimal("12.10")
    assert (trial.title.strip(), trial.obstacle) == ("Tent 100", None)


def test_a_trial_says_what_keeps_a_record_from_being_sent() -> None:
    (trial,) = try_mapping(FLOWS["products"], logic(), [article("100", vat_code="7")])

    assert isinstance(trial.obstacle, Issue)
    assert trial.obstacle.cause == "vat_code_unmapped"


def test_samples_are_the_first_values_that_are_filled() -> None:
    line = Record(Kind.LINE, "1", {"text": "Tent"})
    records = [Record(Kind.ORDER, "1", {"number": ""}, (line,)), Record(Kind.ORDER, "2", {"number": "7"})]

    assert sample_values(Kind.ORDER, records) == {"number": "7"}
    assert sample_values(Kind.LINE, records) == {"text": "Tent"}


def test_only_results_that_change_are_reported() -> None:
    moved = compare(logic(), logic(UPPER), [article("100"), article("200")])

    assert [(difference.key, difference.field, difference.before, difference.after) for difference in moved] == [
        ("100", "article.name", "Tent 100", "TENT 100"), ("200", "article.name", "Tent 200", "TENT 200"),
    ]  # fmt: skip


def test_a_record_that_would_no_longer_be_sent_is_one_result() -> None:
    broken = with_rule(Rule(target="article.name", expression="1 / 0"))

    (moved,) = compare(logic(), logic(broken), [article("100")])

    assert (moved.was, moved.field) == (None, "")
    assert isinstance(moved.becomes, Issue)
    assert moved.becomes.cause == "expression_failed"


def target_state(key: str, name: str, agreed: str) -> TargetState:
    """Return a till that holds a product under a name, with the one that both sides agreed on last."""
    part = Record(Kind.ARTICLE, key, {"name": name, "price_incl": Decimal("12.10")}, source=key)
    record = Record(Kind.PRODUCT, key, {"name": name}, (part,))
    before = Record(Kind.PRODUCT, key, {"name": agreed}, (replace(part, values={"name": agreed}),))
    return TargetState({key: CurrentRecord(record, "7")}, links={key: Link(Kind.PRODUCT, key, "7", before)})


def test_what_the_next_plan_would_write_anyway_or_not_at_all_is_no_effect() -> None:
    edited = target_state("100", "Hand", agreed="Tent 100")

    same_name = compare(logic(), logic(), [article("100")], part(TargetLookup, target_state=lambda *_: edited))
    once = with_rule(replace(next(r for r in UPPER.rules if r.target == "article.name"), ownership=Ownership.ON_CREATE))

    assert same_name == []
    assert compare(logic(), logic(once), [article("100")], part(TargetLookup, target_state=lambda *_: edited)) == []


def test_the_effect_on_what_a_person_edited_is_what_the_plan_does_with_it() -> None:
    mapping = with_rule(Rule(target="article.name", source="code", ownership=Ownership.KEEP_UNLESS_CHANGED))
    edited = target_state("100", "Hand", agreed="Tent 100")

    (moved,) = compare(logic(mapping), logic(with_rule(Rule(target="article.name", source="name"))), [article("100")],
                       part(TargetLookup, target_state=lambda *_: edited))  # fmt: skip

    assert isinstance(moved.was, Issue)
    assert moved.was.cause == "field_conflict"
    assert moved.becomes is None or isinstance(moved.becomes, Issue)


def test_the_effect_tells_what_the_till_holds_and_what_it_comes_to() -> None:
    equal = with_rule(Rule(target="article.name", source="name", functions=(RuleCall("upper"),),
                           ownership=Ownership.KEEP_EQUAL))  # fmt: skip
    differences = compare(
        logic(),
        logic(equal),
        [article("100")],
        part(TargetLookup, target_state=lambda *_: target_state("100", "Tent 100", agreed="Tent 100")),
    )

    assert [(difference.field, difference.before, difference.after) for difference in differences] == [
        ("article.name", "Tent 100", " TENT 100 ")
    ]


@pytest.mark.parametrize(
    ("rule", "is_changed"),
    [
        (Rule(target="product.name", source="name", functions=(RuleCall("trim"), RuleCall("upper"))), True),
        pytest.param(
            Rule(target="product.name", source="name", functions=(RuleCall("trim"), RuleCall("trim"))),
            False,
            marks=pytest.mark.long,
        ),
        pytest.param(
            Rule(target="article.unit", source="code", ownership=Ownership.ON_CREATE), False, marks=pytest.mark.long
        ),
    ],
    ids=["other", "same", "on-create"],
)
def test_the_next_plan_does_what_the_effect_said(tmp_path: Path, rule: Rule, is_changed: bool) -> None:
    with open_application(tmp_path, sandbox=True) as application:
        console = Console(application)
        console.run("products")
        drafts, rule_before = application.drafts, application.mappings.published("products").mapping
        before = next(candidate for candidate in rule_before.rules if candidate.target == rule.target)
        drafts.put_rule("products", replace(rule, ownership=rule.ownership or before.ownership), make_actor("anna"))
        draft = drafts.draft("products")
        assert draft is not None

        effect = drafts.effect("products", draft.mapping)
        drafts.publish("products", make_actor("anna"), "")
        plan = console.lines(console.preview("products"))

    changed = {
        (row.key, path.rpartition("/")[2], value)
        for row in plan.values()
        if row.change
        for path, value in row.change.desired.flat().items()
    }
    assert changed == {
        (difference.key, difference.path.rpartition("/")[2], difference.after)
        for difference in effect.differences
        if difference.path
    }
    assert bool(changed) is is_changed


def test_an_effect_counts_records_once_and_by_field() -> None:
    lines = [
        TrialDifference("1", "a", "name", "article.name"),
        TrialDifference("1", "a", "ean", "article.ean"),
        TrialDifference("2", "b", "name", "article.name"),
    ]

    effect = Effect(5, tuple(lines))

    assert (effect.records, effect.by_field()) == (2, {"article.name": 2, "article.ean": 1})


# ---- drafts


def test_a_draft_begins_with_the_first_change_and_ends_with_the_last(drafts: Drafts) -> None:
    before = next(rule for rule in SHIPPED.rules if rule.target == "article.ean")

    drafts.put_rule("products", Rule(target="article.ean", source="code"), make_actor("anna"))
    draft = drafts.draft("products")

    assert draft is not None
    assert (draft.base, draft.by) == (1, "anna")
    assert [change.target for change in mapping_changes(SHIPPED, draft.mapping)] == ["article.ean"]
    drafts.put_rule("products", before, make_actor("anna"))
    assert drafts.draft("products") is None


def test_a_draft_keeps_rules_that_are_not_finished_and_says_what_they_need(drafts: Drafts) -> None:
    drafts.put_rule("products", Rule(target="article.custom:origin"), make_actor("anna"))

    draft = drafts.draft("products")

    assert draft is not None
    assert drafts.faults("products", draft.mapping)["article.custom:origin"] == Reason("reason_source")
    (trial,) = drafts.trial("products", draft.mapping, [article("100")])
    assert trial.traces_of_field("article.name")


def test_a_rule_can_be_put_back_and_taken_away(drafts: Drafts) -> None:
    drafts.remove_rule("products", "article.ean", make_actor("anna"))
    drafts.put_rule("products", Rule(target="article.name", source="code"), make_actor("anna"))

    drafts.restore_rule("products", "article.ean", make_actor("anna"))

    draft = drafts.draft("products")
    assert draft is not None
    assert [change.target for change in mapping_changes(SHIPPED, draft.mapping)] == ["article.name"]


def test_going_back_makes_a_draft_of_the_earlier_version(drafts: Drafts) -> None:
    drafts._rules.publish("products", {"version": 1, "rules": BODY["rules"][:3]}, by="ben", note="")

    drafts.take_version("products", 1, make_actor("anna"))

    draft = drafts.draft("products")
    assert draft is not None
    assert (draft.base, len(draft.mapping.rules)) == (2, len(SHIPPED.rules))


def test_a_draft_goes_on_from_what_was_published_meanwhile(drafts: Drafts) -> None:
    drafts.put_rule("products", Rule(target="article.name", source="code"), make_actor("anna"))
    drafts._rules.publish("products", {"version": 1, "rules": BODY["rules"][:-1]}, by="ben", note="")

    drafts.rebase("products", make_actor("anna"))

    draft = drafts.draft("products")
    assert draft is not None
    assert (
        draft.base,
        [change.target for change in mapping_changes(drafts.version("products", 2), draft.mapping)],
    ) == (
        2,
        ["article.name"],
    )


def test_the_effect_is_that_on_the_last_records_and_tells_how_far_it_has_come(drafts: Drafts) -> None:
    drafts.put_rule("products", Rule(target="article.unit", source="code"), make_actor("anna"))
    draft = drafts.draft("products")
    assert draft is not None
    progress: list[tuple[int, int]] = []

    effect = drafts.effect("products", draft.mapping, lambda count, total: progress.append((count, total)))

    assert progress == [(3, 3)]
    assert (effect.checked_count, effect.cut, effect.by_field()) == (3, False, {"article.unit": 2})


def test_an_effect_stops_when_its_time_is_over(drafts: Drafts) -> None:
    effect = drafts.effect("products", UPPER, seconds=-1)

    assert (effect.checked_count, effect.cut) == (0, True)


# ---- functions to choose from


def test_every_function_is_described_with_the_arguments_it_takes() -> None:
    tools = Tools()
    assert set(FUNCTIONS) == set(tools.names())
    examples: dict[Takes, Value] = {
        Takes.NUMBER: Decimal(1),
        Takes.TEXT: "a",
        Takes.VALUE: "a",
        Takes.FIELD: "name",
        Takes.TABLE: "t",
    }
    for name, arguments in FUNCTIONS.items():
        forms = {"date": "yyyy-mm-dd"}
        values: tuple[Value, ...] = tuple(
            argument.options[0] if argument.options else forms.get(name, examples.get(argument.takes))
            for argument in arguments
        )
        tools.function(name, values)
        tools.function(name, values[: sum(argument.is_required for argument in arguments)])


@pytest.mark.parametrize("name", IN_EXPRESSIONS)
def test_what_an_expression_can_call_is_listed(name: str) -> None:
    with pytest.raises(RuleError, match=f"reason_arguments.*name={name},|reason_field_quotes"):
        Tools().expression(f"{name}({', '.join(['a'] * 30)})")


def test_what_is_wrong_with_a_rule_is_reported_for_each() -> None:
    rules = (
        Rule(target="article.a", expression="open('x')"),
        Rule(target="article.b", source="x", functions=(RuleCall("pad"),)),
        Rule(target="article.c", source="x"),
    )

    faults = rule_faults(Mapping(1, rules), Tools())

    assert set(faults) == {"article.a", "article.b"}
    assert faults["article.a"] == Reason("reason_no_function_named", {"name": "open"})
