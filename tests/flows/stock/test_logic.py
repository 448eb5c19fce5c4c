"""Logic of stock: formulas, branches, negative and fractional levels, and articles that the till does not count."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.errors import ConfigurationError
from integration.core.flow import Ownership
from integration.core.issues import Issue, Skip
from integration.core.plan import Change, diff
from integration.core.records import CurrentRecord, Kind, Record, Value
from integration.core.run import Mode
from integration.core.staged_records import StagedRecord
from integration.core.states import RunState, Step
from integration.core.traces import Trace
from integration.flows.registry import FLOWS
from integration.flows.spec import FlowLogic
from integration.flows.stock.logic import StockLogic
from integration.flows.stock.settings import StockSettings
from integration.store.database import Database
from tests.builders import a_create, a_stock, an_article, an_update_at, guard_counts
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, edit_record, shipped_mapping
from tests.stores import database

__all__ = ["database"]

BODY = shipped_mapping("stock")
(ARTICLES,) = FLOWS["stock"].flow.stages
BRANCHES = {"1": "formula"}


def stock(
    body: Mapping[str, Any] = BODY, numbers: Mapping[str, str] | None = None, lookups: list[list[str]] | None = None,
    **settings: Any,
) -> StockLogic:  # fmt: skip
    def find_numbers(codes: Collection[str]) -> Mapping[str, str]:
        if lookups is not None:
            lookups.append(list(codes))
        return {code: number for code, number in (numbers or {}).items() if code in codes}

    return StockLogic(StockSettings(**{"branches": BRANCHES, **settings}), body, 7, {}, find_numbers)


def with_rule(**rule: object) -> dict[str, object]:
    return {"version": 1, "rules": [{"target": "level.amount", "source": "quantity", **rule}]}


def stage_record(record: Record, **settings: Any) -> StagedRecord:
    (result,) = stock(**settings).stage(ARTICLES, [record])
    return result


def levels(record: Record, **settings: Any) -> dict[str, Value]:
    result = stage_record(record, **settings)
    assert result.record is not None, result.issue or result.skip
    return {part.key: part.values["amount"] for part in result.record.parts}


def level(record: Record, **settings: Any) -> Value:
    (amount,) = levels(record, **settings).values()
    return amount


def parked_issue(record: Record, **settings: Any) -> Issue:
    result = stage_record(record, **settings)
    assert result.issue is not None
    assert (result.record, result.skip) == (None, None)
    return result.issue


def article_with(**quantities: str) -> Record:
    return an_article("1001", **{name: Decimal(text) for name, text in quantities.items()})


def current_record(record: Record) -> CurrentRecord:
    return CurrentRecord(record, record.key, "7")


# ---- the flow and its settings


def test_the_flow_reads_everything_every_time() -> None:
    logic: FlowLogic = stock()
    assert logic.flow is FLOWS["stock"].flow
    assert not logic.flow.by_changes
    assert (logic.mapping_version, logic.max_records, logic.retires) == (7, None, False)


def test_levels_are_kept_equal_unless_the_mapping_says_otherwise() -> None:
    assert stock().policy == {"level.amount": Ownership.KEEP_EQUAL, "stock.managed": Ownership.KEEP_EQUAL}
    policy = stock(with_rule(ownership="keep_unless_changed")).policy
    assert policy["level.amount"] is Ownership.KEEP_UNLESS_CHANGED


def test_a_rule_for_anything_but_a_level_is_refused() -> None:
    body = {"version": 1, "rules": [{"target": "stock.number", "source": "code"}]}
    with pytest.raises(ConfigurationError) as refusal:
        stock(body)
    assert refusal.value.facts["target"] == "stock.number"


def test_without_a_branch_nothing_can_be_staged() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        stock(branches={}).stage(ARTICLES, [an_article()])
    assert refusal.value.facts["setting"] == "branches"


@pytest.mark.parametrize("branches", [{"Utrecht": "formula"}, {"1": ""}], ids=["name", "no source"])
def test_a_branch_has_a_number_and_a_source(branches: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        StockSettings(branches=branches)
    assert refusal.value.facts["setting"].startswith("branches")


def test_an_own_formula_needs_an_expression() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        StockSettings(formula="expression")
    assert refusal.value.facts["setting"] == "expression"


def test_a_formula_that_cannot_be_read_is_refused_before_anything_is_staged() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        stock(formula="expression", expression="stock -")
    assert refusal.value.facts["setting"] == "expression"


def test_the_limit_for_stock_going_to_zero_is_that_of_the_settings() -> None:
    assert stock(brakes={"zero_percent": 10}).settings.limits["zero_percent"] == Decimal(10)


# ---- the formula


@pytest.mark.parametrize(
    ("formula", "amount"),
    [("available_minus_reserved", "11"), ("available", "14"), ("free", "9"), ("technical", "20")],
)
def test_each_formula_reads_its_own_quantities(formula: str, amount: str) -> None:
    article = article_with(stock="14.0000", stock_reserved="3.0000", stock_free="9.0000", stock_technical="20.0000")
    assert level(article, formula=formula) == Decimal(amount)


def test_where_reservations_are_not_known_they_count_as_nothing() -> None:
    assert level(article_with(stock="14.0000")) == Decimal(14)


RESERVED = {"K9_RSRV": "4", "stock": "12.0000"}


@pytest.mark.parametrize(
    ("answer", "amount"),
    [
        ({"reservations": "ask"}, 12),
        ({"reservations": "field", "reserved": "K9_RSRV"}, 8),
        ({"reservations": "deducted"}, 12),
        ({"reservations": "none"}, 12),
    ],
)
def test_what_is_reserved_is_subtracted_once_somebody_said_where_it_is(answer: dict[str, str], amount: int) -> None:
    assert level(article_with(**RESERVED), **answer) == amount


def test_a_field_of_reservations_that_is_empty_or_absent_is_nothing_reserved() -> None:
    answer = {"reservations": "field", "reserved": "K9_RSRV"}
    assert level(article_with(stock="12.0000"), **answer) == 12
    assert level(an_article(stock=Decimal(12), K9_RSRV=None), **answer) == 12


def test_a_field_of_reservations_that_holds_no_number_parks_its_article() -> None:
    article = an_article(stock=Decimal(12), K9_RSRV="many")
    assert parked_issue(article, reservations="field", reserved="K9_RSRV").cause == "expression_failed"


@pytest.mark.parametrize("field_name", ["", 'a") + ("'])
def test_a_field_of_reservations_has_to_be_named(field_name: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        StockSettings(reservations="field", reserved=field_name)
    assert refusal.value.facts["setting"] == "reserved"


def test_the_field_of_reservations_is_known_to_be_read_as_it_is_called() -> None:
    settings = StockSettings(reservations="field", reserved="K9_RSRV")
    assert list(settings.reads()) == [("formula", "stock", False), ("reserved", "K9_RSRV", True)]


def test_until_somebody_said_where_reservations_are_a_level_says_that_it_is_without() -> None:
    (trace,) = stock(branches={"3": "formula"}).trace(ARTICLES, article_with(stock="12.0000"))
    assert [step.operation for step in trace.steps] == ["branch", "stock", "stock_reserved", "without_reservations"]
    (trace,) = stock(branches={"3": "formula"}, reservations="none").trace(ARTICLES, article_with(stock="12.0000"))
    assert "without_reservations" not in {step.operation for step in trace.steps}


def test_purchases_are_shown_and_count_in_no_level() -> None:
    article = an_article(stock=Decimal(5), stock_ordered=Decimal(12), stock_expected=date(2026, 12, 3))
    level, purchases = stock(branches={"3": "formula"}).trace(ARTICLES, article)
    assert level.value == 5
    steps = [(step.operation, step.value) for step in purchases.steps]
    assert steps == [("ordered_not_for_sale", Decimal(12)), ("stock_expected", date(2026, 12, 3))]
    level, purchases = stock(branches={"3": "formula"}).trace(
        ARTICLES, an_article(stock=Decimal(5), stock_ordered=Decimal(2))
    )
    assert [step.operation for step in purchases.steps] == ["ordered_not_for_sale"]
    (level,) = stock(branches={"3": "formula"}).trace(ARTICLES, an_article(stock=Decimal(5), stock_ordered=Decimal(0)))


def test_a_formula_of_ones_own_is_an_expression_over_the_fields() -> None:
    article = article_with(stock="14.0000", K9_SHELF="4.0000")
    assert level(article, formula="expression", expression='stock - field("K9_SHELF")') == Decimal(10)


def test_a_formula_without_a_result_parks_the_article() -> None:
    issue = parked_issue(an_article(stock=None))
    assert (issue.cause, issue.key, issue.field) == ("expression_failed", "1001", "level.amount")
    assert issue.facts["message"]


def test_a_quantity_that_this_installation_does_not_have_is_not_taken_for_zero() -> None:
    assert parked_issue(article_with(stock="1"), formula="free").cause == "expression_failed"


def test_a_formula_that_gives_a_text_parks_the_article() -> None:
    issue = parked_issue(an_article(), formula="expression", expression="name")
    assert (issue.facts["message"], issue.facts["value"]) == ("reason_no_number", "Artikel 1001")


def test_a_formula_that_misses_a_row_of_a_value_table_parks_the_article_for_that_row() -> None:
    issue = parked_issue(an_article(), formula="expression", expression="lookup(name, 'voorraad')")
    assert (issue.cause, issue.facts["value"], issue.facts["table"]) == ("value_unmapped", "Artikel 1001", "voorraad")


# ---- branches


def test_each_branch_has_its_own_source() -> None:
    article = article_with(stock="14.0000", WH_UTRECHT="5.0000")
    assert levels(article, branches={"1": "formula", "2": "formula", "3": "WH_UTRECHT"}) == {
        "1": Decimal(14), "2": Decimal(14), "3": Decimal(5),
    }  # fmt: skip


def test_a_branch_can_have_what_a_warehouse_has() -> None:
    article = an_article("1001", **{"warehouse:1": Decimal("8.0000"), "warehouse:WEB": Decimal("0.0000")})
    branches = {"1": "warehouse:1", "2": "warehouse:WEB"}
    assert levels(article, branches=branches) == {"1": Decimal(8), "2": Decimal(0)}
    expression = 'field("warehouse:1") + field("warehouse:WEB")'
    assert level(article, formula="expression", expression=expression) == Decimal(8)


def test_a_warehouse_that_the_books_do_not_tell_of_is_not_taken_for_empty() -> None:
    article = an_article("1001", **{"warehouse:1": Decimal("8.0000"), "warehouse:2": None})
    for source in ("warehouse:2", "warehouse:9"):
        assert parked_issue(article, branches={"1": source}).cause == "expression_failed"


def test_a_branch_whose_field_is_empty_parks_the_article() -> None:
    assert (
        parked_issue(an_article(WH_UTRECHT=""), branches={"1": "formula", "3": "WH_UTRECHT"}).cause
        == "expression_failed"
    )


def test_a_quantity_written_as_text_counts_as_a_number() -> None:
    assert level(an_article(WH_UTRECHT="7"), branches={"3": "WH_UTRECHT"}) == Decimal(7)


def test_a_rule_can_go_on_from_the_quantity() -> None:
    body = with_rule(source="", expression='quantity - 2 if branch == "1" else quantity')
    assert levels(article_with(stock="14"), body=body, branches={"1": "formula", "2": "formula"}) == {
        "1": Decimal(12),
        "2": Decimal(14),
    }


# ---- below zero, and not whole


def test_below_zero_is_cut_at_zero() -> None:
    assert level(article_with(stock="-3.0000")) == Decimal(0)


def test_below_zero_is_sent_where_that_is_set() -> None:
    assert level(article_with(stock="-3.0000"), negative="send") == Decimal(-3)


def test_below_zero_is_parked_where_that_is_set() -> None:
    issue = parked_issue(article_with(stock="-3.0000"), negative="park")
    assert issue.cause == "stock_negative"
    assert issue.facts == {"key": "1001", "article": "1001", "branch": "1", "quantity": "-3"}


def test_fractions_are_sent_with_three_decimals_at_most() -> None:
    assert str(level(article_with(stock="2.1250"))) == "2.125"


def test_a_fraction_finer_than_the_till_counts_is_parked() -> None:
    issue = parked_issue(article_with(stock="2.1255"))
    assert (issue.cause, issue.facts["quantity"]) == ("stock_fractional", "2.1255")


@pytest.mark.parametrize(("quantity", "amount"), [("2.9999", "2"), ("-0.5", "-1")])
def test_fractions_are_rounded_down_where_that_is_set(quantity: str, amount: str) -> None:
    assert level(article_with(stock=quantity), fractional="round_down", negative="send") == Decimal(amount)


def test_fractions_are_parked_where_that_is_set() -> None:
    assert parked_issue(article_with(stock="2.5000"), fractional="park").facts["quantity"] == "2.5"


@given(st.decimals(-10_000, 10_000, places=4), st.sampled_from(["zero", "park"]))
def test_no_level_below_zero_leaves_unless_that_is_set(quantity: Decimal, negative: str) -> None:
    result = stage_record(an_article(stock=quantity), negative=negative, fractional="round_down")
    if result.record is not None:
        amount = result.record.parts[0].values["amount"]
        assert isinstance(amount, Decimal)
        assert amount >= 0


# ---- which article of the till


def test_the_number_is_that_of_the_link() -> None:
    result = stage_record(an_article("TS-RED-M"), numbers={"TS-RED-M": "100007"})
    assert result.record is not None
    assert (result.number, result.record.key, result.record.values["number"]) == ("100007", "TS-RED-M", "100007")


def test_the_unit_of_an_article_is_reported_with_its_levels_and_is_no_value_of_them() -> None:
    shaped = stock().shape(ARTICLES, [stage_record(an_article("1001", unit="KILO"))], {}, {})
    assert shaped.unit == "KILO"
    assert shaped.desired is not None
    assert "unit" not in shaped.desired.values
    assert stock().shape(ARTICLES, [stage_record(an_article("1001", unit=""))], {}, {}).unit == ""


def test_links_are_asked_for_once_for_a_page_and_only_for_those_taking_part() -> None:
    lookups: list[list[str]] = []
    stock(lookups=lookups).stage(ARTICLES, [an_article("1001"), an_article("1002", blocked=True), an_article("1003")])
    assert lookups == [["1001", "1003"]]


def test_without_a_link_the_code_is_the_number() -> None:
    assert stage_record(an_article("1001")).number == "1001"


@pytest.mark.parametrize("code", ["TS-RED-M", "0815", "9" * 19])
def test_a_code_that_cannot_be_a_number_is_not_at_the_till(code: str) -> None:
    assert stage_record(an_article(code)).skip == Skip("not_at_the_till", code, {"key": code, "article": code})


def test_without_a_link_an_article_is_left_out_where_that_is_set() -> None:
    skip = stage_record(an_article("1001"), unlinked="skip").skip
    assert skip is not None
    assert skip.reason == "not_at_the_till"


def test_a_blocked_article_takes_no_part() -> None:
    assert stage_record(an_article(blocked=True)).skip == Skip("blocked", "1001", {"key": "1001"})


def test_filters_decide_who_takes_part() -> None:
    skip = stage_record(an_article(), filters=[{"field": "group", "operator": "equal", "value": "SCHO"}]).skip
    assert skip is not None
    assert skip.reason == "filtered_out"


def test_an_article_is_called_by_its_name() -> None:
    assert stage_record(an_article()).title == "Artikel 1001"


def test_two_articles_of_one_number_are_both_parked() -> None:
    logic = stock(numbers={"A": "5", "B": "5"})
    shaped = [
        logic.shape(ARTICLES, [result], {"5": ("A", "B")}, {})
        for result in logic.stage(ARTICLES, [an_article("A"), an_article("B")])
    ]
    assert [(target.desired, target.parked[0].cause, target.parked[0].facts["other"]) for target in shaped] == [
        (None, "sku_duplicate", "B"), (None, "sku_duplicate", "A"),
    ]  # fmt: skip


# ---- what the till counts


def fitting(record: Record | None, **settings: Any) -> Record | Skip:
    logic = stock(**settings)
    (result,) = logic.stage(ARTICLES, [an_article()])
    assert result.record is not None
    return logic.writable_part(ARTICLES, result.record, None if record is None else current_record(record))


def test_an_article_that_the_till_does_not_have_is_left_out_with_that_reason() -> None:
    assert fitting(None) == Skip("not_at_the_till", "1001", {"key": "1001", "article": "1001"})


def test_an_article_that_the_till_does_not_count_is_left_out_with_that_reason() -> None:
    assert fitting(a_stock(managed=False)) == Skip("stock_not_managed", "1001", {"key": "1001", "article": "1001"})


def test_what_the_till_does_not_tell_is_taken_for_counted() -> None:
    assert isinstance(fitting(a_stock(managed=None)), Record)


KNOWN_BY = {"number": "1001", "unit": "ST", "name": "Artikel 1001", "external_id": "1001"}  # told, and never written


def test_counting_is_switched_on_together_with_the_level() -> None:
    written_part = fitting(a_stock(managed=False), managed="on")
    assert isinstance(written_part, Record)
    assert {**KNOWN_BY, "managed": True, "1/amount": Decimal(14)}.items() <= written_part.flat().items()


def test_counting_is_switched_off_without_a_level() -> None:
    written_part = fitting(a_stock(), managed="off", branches={})
    assert isinstance(written_part, Record)
    assert written_part.flat() == {**KNOWN_BY, "managed": False}


def test_the_brake_counts_what_goes_from_something_to_nothing() -> None:
    logic, before = stock(), a_stock(b1="3", b2="0")
    assert guard_counts(logic, an_update_at(before, {"1/amount": Decimal(0)})) == {"zero_percent": 1}
    assert guard_counts(logic, an_update_at(before, {"1/amount": Decimal(-1)})) == {"zero_percent": 1}
    assert guard_counts(logic, an_update_at(before, {"1/amount": Decimal(1)})) == {}
    assert guard_counts(logic, an_update_at(before, {"2/amount": Decimal(0)})) == {}
    unreported = Record(Kind.STOCK, "1001", {}, (Record(Kind.LEVEL, "1", {"amount": None}),))
    assert guard_counts(logic, an_update_at(unreported, {"1/amount": Decimal(0)})) == {"zero_percent": 1}
    assert guard_counts(logic, an_update_at(unreported, {"1/amount": Decimal(1)})) == {}


def test_the_number_of_an_article_is_never_written() -> None:
    logic = stock()
    (result,) = logic.stage(ARTICLES, [an_article()])
    assert result.record is not None
    change = diff(result.record, a_stock(b1="3"), None, logic.policy, title="x")
    assert isinstance(change, Change)
    assert change.desired.flat() == {"1/amount": Decimal(14)}


def test_nothing_that_was_created_can_be_withdrawn() -> None:
    skip = stock().withdraw(ARTICLES, a_create(a_stock(b1="3")))
    assert isinstance(skip, Skip)
    assert skip.reason == "undo_keeps"


# ---- why


def steps(trace: Trace) -> list[tuple[str, Value]]:
    return [(step.operation, step.value) for step in trace.steps]


def test_the_worked_example_shows_each_quantity_the_formula_and_what_became_of_it() -> None:
    (trace,) = stock(branches={"3": "formula"}).trace(ARTICLES, article_with(stock="2.5000", stock_reserved="4.0000"))
    assert trace.target == "3/amount"
    assert steps(trace) == [
        ("branch", "3"), ("stock", Decimal("2.5000")), ("stock_reserved", Decimal("4.0000")),
        ("stock - first(stock_reserved, 0)", Decimal("-1.5000")), ("max(0)", Decimal(0)),
    ]  # fmt: skip
    assert trace.value == Decimal(0)


def test_the_worked_example_shows_what_a_rule_made_of_it() -> None:
    body = with_rule(source="", expression="min(quantity, 10)")
    (trace,) = stock(body, formula="available").trace(ARTICLES, article_with(stock="14.0000"))
    assert steps(trace)[1:] == [("stock", Decimal("14.0000")), ("level.amount", Decimal(10))]


def test_the_worked_example_needs_no_branch() -> None:
    (trace,) = stock(branches={}).trace(ARTICLES, article_with(stock="14.0000"))
    assert (trace.target, trace.value) == ("level.amount", Decimal(14))


def test_the_worked_example_says_why_there_is_no_level() -> None:
    (trace,) = stock(negative="park").trace(ARTICLES, article_with(stock="-3.0000"))
    assert trace.issue is not None
    assert trace.issue.cause == "stock_negative"
    assert trace.value is None


# ---- from end to end


class StockHarness(FlowHarness):
    """The flow of stock in a harness."""

    flow = "stock"

    def make_logic(self) -> StockLogic:
        """Return the logic, with no article linked: codes are numbers."""
        settings = {"branches": {"1": "formula", "2": "WH2"}, **self.settings}
        return StockLogic(StockSettings(**settings), BODY, self.mapping_version, {}, lambda _: {})


@pytest.fixture
def books() -> MemoryConnector:
    articles = [an_article(key, WH2=Decimal("3.0000")) for key in ("1001", "1002", "1003", "1004")]
    return MemoryConnector(articles, system="accountview", page_size=2)


@pytest.fixture
def till() -> MemoryConnector:
    stock_records = [a_stock("1001", b1="0", b2="3"), a_stock("1002", b1="14", b2="3"), a_stock("1003", managed=False)]
    return MemoryConnector(stock_records, system="mplus", page_size=2)


@pytest.fixture
def harness(database: Database, books: MemoryConnector, till: MemoryConnector) -> StockHarness:
    return StockHarness(database, books, till)


def till_levels(till: MemoryConnector, key: str) -> dict[str, Value]:
    return {part.key: part.values["amount"] for part in till.records_of(Kind.STOCK)[key].parts}


def test_a_preview_shows_only_levels_that_differ_and_says_of_the_others_why_not(harness: StockHarness) -> None:
    run = harness.preview()
    assert harness.planned_values(run) == {"1001": {"1/amount": Decimal(14)}}
    assert harness.reasons(run) == {"1003": "stock_not_managed", "1004": "not_at_the_till"}
    assert (run.counts.read_count, run.counts.planned, run.counts.unchanged, run.counts.skipped) == (4, 1, 1, 2)


def test_a_committed_level_is_proven_and_the_next_run_finds_nothing_to_do(
    harness: StockHarness, till: MemoryConnector
) -> None:
    run = harness.run()
    assert (run.state, harness.steps(run)) == (RunState.DONE, {"1001": Step.PROVEN})
    assert till_levels(till, "1001") == {"1": Decimal(14), "2": Decimal(3)}
    second_run = harness.preview()
    assert (second_run.state, second_run.mode, second_run.counts.unchanged) == (RunState.DONE, Mode.COMPLETE, 2)


def test_a_sale_at_the_till_is_set_right_again(harness: StockHarness, till: MemoryConnector) -> None:
    harness.run()
    edit_record(till, "1002", {"1/amount": Decimal(13)}, Kind.STOCK)
    assert harness.planned_values(harness.preview()) == {"1002": {"1/amount": Decimal(14)}}


def test_stock_that_goes_to_zero_holds_the_plan(harness: StockHarness, books: MemoryConnector) -> None:
    harness.run()
    for key in ("1001", "1002"):
        edit_record(books, key, {"stock": Decimal("0.0000")})
    (brake,) = harness.preview().brakes
    assert (brake.code, brake.count) == ("brake_stock_zero", 2)


def test_undo_puts_the_old_levels_back(harness: StockHarness, till: MemoryConnector) -> None:
    run = harness.run()
    back = harness.undo(run)
    assert harness.planned_values(back) == {"1001": {"1/amount": Decimal(0)}}
    assert harness.commit(back).counts.proven == 1
    assert till_levels(till, "1001") == {"1": Decimal(0), "2": Decimal(3)}


def test_undo_leaves_a_level_that_has_moved_since(harness: StockHarness, till: MemoryConnector) -> None:
    run = harness.run()
    edit_record(till, "1001", {"1/amount": Decimal(12)}, Kind.STOCK)
    back = harness.undo(run)
    assert (back.state, harness.causes(back)) == (RunState.DONE, {"1001": "undo_blocked"})
    assert till_levels(till, "1001")["1"] == Decimal(12)


def test_undo_of_a_level_in_a_branch_that_had_none_changes_nothing(
    harness: StockHarness, till: MemoryConnector
) -> None:
    till.put(a_stock("1001", b1="14"))
    run = harness.run()
    assert till_levels(till, "1001") == {"1": Decimal(14), "2": Decimal(3)}
    back = harness.undo(run)
    assert (back.state, harness.reasons(back)) == (RunState.DONE, {"1001": "undo_keeps_filled"})


# ---- safety stock

THREE = {"quantity": "3"}


@pytest.mark.parametrize(
    ("quantity", "negative", "amount"),
    [("12", "zero", "9"), ("2", "zero", "0"), ("2", "park", "0"), ("2", "send", "-1"), ("-2", "send", "-5")],
)
def test_safety_stock_is_kept_back_and_makes_a_level_negative_only_where_these_are_sent(
    quantity: str, negative: str, amount: str
) -> None:
    assert level(article_with(stock=quantity), safety_stock=[THREE], negative=negative) == Decimal(amount)


def test_a_negative_quantity_of_the_books_is_still_parked_with_safety_stock() -> None:
    assert parked_issue(article_with(stock="-2"), safety_stock=[THREE], negative="park").facts["quantity"] == "-2"


def test_a_row_for_the_group_comes_before_one_for_the_branch_and_zero_keeps_nothing_back() -> None:
    rows = [
        {"branch": "1", "group": "KLED", "quantity": "5"}, {"group": "KLED", "quantity": "0"},
        {"branch": "2", "quantity": "2"}, THREE,
    ]  # fmt: skip
    every = {"branches": dict.fromkeys("123", "formula"), "safety_stock": rows}
    clothing = an_article("1001", stock=Decimal(12), group="KLED")
    assert levels(clothing, **every) == {"1": Decimal(7), "2": Decimal(12), "3": Decimal(12)}
    other = an_article("1002", stock=Decimal(12), group="FIETS")
    assert levels(other, **every) == {"1": Decimal(9), "2": Decimal(10), "3": Decimal(9)}


def test_the_group_is_read_where_safety_stock_needs_it() -> None:
    assert "group" in stock(safety_stock=[{"group": "KLED", "quantity": 1}]).reads
    assert "group" not in stock(safety_stock=[THREE]).reads


def test_safety_stock_is_taken_before_the_rule() -> None:
    logic = stock(with_rule(source="", expression="min(quantity, 50)"), formula="available", safety_stock=[THREE])
    (result,) = logic.stage(ARTICLES, [article_with(stock="60")])
    assert result.record is not None
    assert result.record.parts[0].values["amount"] == Decimal(50)


def test_the_worked_example_shows_the_safety_stock() -> None:
    (trace,) = stock(formula="available", safety_stock=[THREE]).trace(ARTICLES, article_with(stock="12"))
    assert steps(trace)[1:] == [("stock", Decimal(12)), ("safety_stock", "-3")]
    assert (trace.value, trace.reason and trace.reason.code) == (Decimal(9), "because_level_safety")


def test_a_level_stores_its_safety_stock_with_its_figures() -> None:
    """With another safety stock, an equal level is another one: a sale that the books lack may have made it equal."""
    first_result = stage_record(article_with(stock="12"), formula="available", safety_stock=[THREE])
    other = stage_record(article_with(stock="12"), formula="available", safety_stock=[{"quantity": 2}])
    assert [result.record and result.record.parts[0].values["inputs"] for result in (first_result, other)] == [
        "stock=12 safety_stock=3", "stock=12 safety_stock=2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "rows",
    [[THREE, {"quantity": 1}], [{"quantity": -1}], [{"branch": "Utrecht", "quantity": 1}], [{"quantity": "NaN"}]],
)
def test_safety_stock_has_one_row_for_each_branch_and_group(rows: list[dict[str, object]]) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        StockSettings(safety_stock=rows)
    assert refusal.value.facts["setting"].startswith("safety_stock")
