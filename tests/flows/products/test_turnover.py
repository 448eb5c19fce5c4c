"""The turnover group of articles: by article group and VAT code, and the articles to which it applies."""

from collections.abc import Mapping
from typing import Any

import pytest

from integration.core.plan import Action, Change, Unchanged, diff
from integration.core.records import CurrentRecord, Kind, Record, Value
from integration.core.traces import Trace
from integration.flows.forms import SetupContext
from integration.flows.products.settings import ProductSettings
from integration.flows.products.turnover import QUESTION
from integration.flows.settings import CodeList, books_list, till_list
from tests.builders import an_article
from tests.flows.products.test_logic import ARTICLES, BODY, TABLES, part_of, products, with_rules

ROWS = {"KLED": "20", "KLED/1": "21", "*/1": "70"}


def with_rows(rows: Mapping[str, str] = ROWS, body: Mapping[str, Any] = BODY, **settings: Any) -> Any:
    return products(body, {**TABLES, "turnover_groups": rows}, **settings)


@pytest.mark.parametrize(
    ("group", "vat_code", "expected"),
    [("KLED", "2", "20"), ("KLED", "1", "21"), ("BOEK", "1", "70"), ("", "1", "70"), ("BOEK", "2", None)],
)
def test_the_more_particular_row_counts_and_without_one_nothing_is_sent(
    group: str, vat_code: str, expected: str | None
) -> None:
    article = part_of(an_article(group=group, vat_code=vat_code), with_rows())

    assert article.values.get("turnover_group") == expected
    assert ("turnover_group" in article.values) is (expected is not None)


def test_a_rule_of_the_mapping_comes_before_the_table_and_an_empty_result_is_not_sent() -> None:
    ruled = with_rules({"target": "article.turnover_group", "source": "OMZET", "ownership": "keep_equal"})

    assert part_of(an_article(group="KLED", OMZET="40"), with_rows(body=ruled)).values["turnover_group"] == "40"
    assert "turnover_group" not in part_of(an_article(group="KLED", OMZET=""), with_rows(body=ruled)).values


def test_a_mapping_that_reads_other_fields_is_followed() -> None:
    ruled = with_rules({"target": "product.groups", "source": "HOOFDGROEP", "ownership": "keep_equal"})

    article = part_of(an_article(group="BOEK", HOOFDGROEP="KLED"), with_rows(body=ruled))

    assert article.values["turnover_group"] == "20"


def outcome(till_group: Value, *, agreed: Value = None, rows: Mapping[str, str] = ROWS, **settings: Any) -> Any:
    """Return the result of an article of group KLED with this turnover group at the till."""
    logic = with_rows(rows, **settings)
    (result,) = logic.stage(ARTICLES, [an_article(group="KLED")])
    desired = logic.shape(ARTICLES, [result], {}, {}).desired
    assert desired is not None
    current_record = _with_group(desired, till_group)
    fitting = logic.writable_part(ARTICLES, desired, CurrentRecord(current_record, "1"))
    last = None if agreed is None else _with_group(desired, agreed)
    return diff(fitting, current_record, last, logic.policy, title="")


def _with_group(product: Record, group: Value) -> Record:
    (part,) = product.parts
    values = {**part.values, "turnover_group": group}
    return Record(
        Kind.PRODUCT, product.key, product.values, (Record(Kind.ARTICLE, part.key, values, source=part.source),)
    )


def changed_group(change: Any) -> Value:
    assert isinstance(change, Change)
    (part,) = change.desired.parts
    return part.values["turnover_group"]


def test_what_is_created_gets_it_and_what_the_till_lacks_is_filled() -> None:
    logic = with_rows()
    (result,) = logic.stage(ARTICLES, [an_article(group="KLED")])
    desired = logic.writable_part(ARTICLES, logic.shape(ARTICLES, [result], {}, {}).desired, None)
    created = diff(desired, None, None, logic.policy, title="")

    assert isinstance(created, Change)
    assert (created.action, changed_group(created)) == (Action.CREATE, "20")
    assert changed_group(outcome(None)) == "20"


@pytest.mark.parametrize("agreed", [None, "20", "30"])
def test_an_article_that_has_another_group_keeps_it(agreed: Value) -> None:
    assert isinstance(outcome("30", agreed=agreed), Unchanged)


def test_a_row_that_says_something_else_by_now_is_for_new_articles() -> None:
    assert isinstance(outcome("20", agreed="20", rows={"KLED": "25"}), Unchanged)


def test_a_group_that_somebody_took_away_at_the_till_stays_away() -> None:
    assert isinstance(outcome(None, agreed="20"), Unchanged)


@pytest.mark.parametrize("agreed", [None, "20", "30"])
def test_the_table_counts_for_every_article_where_the_books_own_it(agreed: Value) -> None:
    assert changed_group(outcome("30", agreed=agreed, turnover_group_owner="keep_equal")) == "20"


def test_the_way_to_the_group_is_reported() -> None:
    def group_traces(logic: Any, **values: Any) -> list[Trace]:
        traces = logic.trace(ARTICLES, an_article(**values))
        return [trace for trace in traces if trace.target == "article.turnover_group"]

    (trace,) = group_traces(with_rows(), group="KLED", vat_code="1")
    assert ([str(step.operation) for step in trace.steps], trace.value) == (
        ["group", "table turnover_groups KLED/1"],
        "21",
    )
    assert group_traces(with_rows(), group="BOEK", vat_code="2") == []


# ---- what the set-up asks

LISTS: dict[CodeList, Mapping[str, str]] = {
    books_list("article_groups"): {"F": "Fietsen", "K": "Kleding", "K-SHI": "Shirts", "X": "Diversen"},
    books_list("article_group_parents"): {"K-SHI": "K"},
    books_list("vat_codes"): {"1": "hoog", "2": "laag"},
    till_list("turnover_groups"): {"10": "Fietsen", "20": "KLEDING", "70": "Boeken", "80": "Cadeaubonnen"},
    till_list("revenue_groups"): {"10": "Fietsen", "20": "KLEDING", "70": "Boeken"},
    till_list("turnover_vat_codes"): {"10": "2", "20": "2", "70": "1", "80": "1"},
}
BY_NAME = {"F": "10", "K": "20", "K-SHI": "20"}


def context_with(
    rows: Mapping[str, str] | None = None, answered: tuple[str, ...] = (), **lists: Mapping[str, str]
) -> SetupContext:
    code_lists = {**LISTS, **{books_list(name): codes for name, codes in lists.items()}}
    tables = {"vat_codes": {"1": "2", "2": "1"}, "turnover_groups": rows or {}}
    usual = ProductSettings().model_dump()
    return SetupContext(usual, usual, tables, lambda code_list: code_lists.get(code_list, {}), answered)


def proposed_values(context: SetupContext) -> Mapping[str, Any]:
    proposal = QUESTION.propose(context)
    return proposal.values if proposal else {}


def missing_rows(context: SetupContext) -> tuple[str, str]:
    lack = QUESTION.find_missing(context)
    return (lack.reason.code, ", ".join(lack.reason.facts.values())) if lack else ("", "")


def test_groups_of_the_same_name_are_proposed_also_for_those_below_and_the_only_one_of_a_vat_code() -> None:
    assert proposed_values(context_with()) == {**BY_NAME, "*/2": "70"}


def test_what_somebody_said_is_not_talked_out_of() -> None:
    assert proposed_values(context_with({"F": "20"}))["F"] == "20"


def test_groups_that_lie_inside_each_other_end() -> None:
    assert proposed_values(context_with(article_group_parents={"X": "K-SHI", "K-SHI": "X"})) == {
        "F": "10",
        "K": "20",
        "*/2": "70",
    }


def test_where_nothing_fits_nothing_is_proposed() -> None:
    assert QUESTION.propose(context_with(article_groups={"X": "Diversen"}, vat_codes={})) is None


def test_it_is_asked_until_it_is_answered_and_no_rows_are_an_answer() -> None:
    assert missing_rows(context_with()) == ("lack_turnover_groups_all", "")
    assert missing_rows(context_with(answered=("turnover",))) == ("", "")


def test_groups_without_a_row_are_named_unless_a_row_holds_for_them_all() -> None:
    assert missing_rows(context_with(BY_NAME, answered=("turnover",))) == ("lack_turnover_groups", "X Diversen")
    assert missing_rows(context_with({**BY_NAME, "*/1": "10"})) == ("lack_turnover_groups", "X Diversen")
    assert missing_rows(context_with({**BY_NAME, "*/1": "10", "*/2": "70"})) == ("", "")
    assert missing_rows(context_with({**BY_NAME, "*": "10"})) == ("", "")


def test_a_group_that_the_till_does_not_have_is_reported() -> None:
    assert missing_rows(context_with({"F": "99"})) == ("lack_rows_impossible", "F")


# ---- undone


def test_an_undo_puts_back_another_group_and_leaves_what_was_filled() -> None:
    def undo_values(till_group: Value) -> tuple[dict[str, Value], dict[str, Value]]:
        change = outcome(till_group, turnover_group_owner="keep_equal")
        reversible = with_rows().reversible(change)
        assert reversible.before is not None
        return reversible.desired.flat(), reversible.before.flat()

    assert undo_values("30") == ({"1001/turnover_group": "20"}, {"1001/turnover_group": "30"})
    assert undo_values(None) == ({}, {})


def test_what_was_written_beside_a_filled_group_is_put_back() -> None:
    def article(**values: Value) -> Record:
        return Record(Kind.PRODUCT, "1", {}, (Record(Kind.ARTICLE, "1", values, source="1"),))

    desired, before = article(turnover_group="20", name="Bel"), article(turnover_group=None, name="Oude bel")
    change = Change(
        action=Action.UPDATE, kind=Kind.PRODUCT, key="1", title="Bel", sources=("1",), desired=desired, before=before,
        agreed=desired,
    )  # fmt: skip

    reversible = with_rows().reversible(change)

    assert (reversible.desired, reversible.before, reversible.agreed) == (
        article(name="Bel"),
        article(name="Oude bel"),
        desired,
    )
