"""A mapping at work: from a record to the values of the target, and why."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest

from integration.core.compiled import compile, rule_faults  # noqa: A004 - of a mapping
from integration.core.errors import ConfigurationError, Reason
from integration.core.issues import Issue
from integration.core.records import Kind, Record, Value
from integration.core.rules import Formula, MappingResult, Rule, RuleCall, RuleError, Unmapped, as_text
from integration.core.rules import Mapping as Rules
from integration.core.traces import TraceStep
from integration.words import say
from tests.builders import an_article


def error_sentence(error: ConfigurationError) -> str:
    return say(error.code, error.facts).problem


class Sum:
    """The one expression this toolbox knows: price plus stock."""

    names = frozenset({"price", "stock"})

    def __call__(self, values: Mapping[str, Value]) -> Value:
        price, stock = values.get("price"), values.get("stock")
        if not isinstance(price, Decimal) or not isinstance(stock, Decimal):
            raise RuleError("reason_no_number", value="")
        return price + stock


class Always:
    """An expression that reads nothing."""

    names: frozenset[str] = frozenset()

    def __call__(self, values: Mapping[str, Value]) -> Value:
        del values
        return "altijd"


class SmallToolbox:
    """A toolbox with as much as it takes to see the order of things."""

    def function(self, name: str, args: tuple[Value, ...]) -> Callable[[Value, Mapping[str, Value]], Value]:
        match name:
            case "upper":
                return lambda value, _: None if value is None else as_text(value).upper()
            case "split":
                return lambda value, _: tuple(as_text(value).split(as_text(args[0])))
            case "other":
                return lambda value, values: value or values.get(as_text(args[0]))
            case "unmapped":
                return self._raise_unmapped
            case _:
                raise RuleError("reason_no_function_named", name=name)

    def _raise_unmapped(self, value: Value, values: Mapping[str, Value]) -> Value:
        del values
        raise RuleError("value_unmapped", value=as_text(value), table="landen")

    def expression(self, text: str) -> Formula:
        if text == "?":
            raise RuleError("reason_expression_read", rest=text)
        return Sum() if text == "price + stock" else Always()

    def table(self, name: str) -> Mapping[str, str]:
        return {"2": "1", "KLED": "kleding", "FIETS": "fietsen", "niets": ""} if name == "codes" else {}


def map_record(rule: Rule, record: Record | None = None) -> MappingResult:
    return compile(Rules(1, (rule,)), SmallToolbox()).apply(record or an_article())


def value_of(record: Record | None = None, **rule: Any) -> Value:
    result = map_record(Rule(target="article.x", **rule), record)
    assert not result.issues
    return result.values["article.x"]


def issue_of(record: Record | None = None, **rule: Any) -> Issue:
    result = map_record(Rule(target="article.x", **rule), record)
    assert "article.x" not in result.values
    (issue,) = result.issues
    return issue


def test_a_value_is_taken_from_the_source() -> None:
    assert value_of(source="price") == Decimal("16.5289")


def test_functions_follow_each_other() -> None:
    functions = (RuleCall("upper"), RuleCall("split", ("K",)))
    assert value_of(source="name", functions=functions) == ("ARTI", "EL 1001")


def test_a_function_may_read_other_fields() -> None:
    assert value_of(source="short_text", functions=(RuleCall("other", ("name",)),)) == "Artikel 1001"


def test_functions_need_no_source() -> None:
    assert value_of(functions=(RuleCall("other", ("code",)),)) == "1001"


def test_an_expression_reads_the_record() -> None:
    assert value_of(expression="price + stock") == Decimal("30.5289")


def test_an_expression_may_read_nothing() -> None:
    assert value_of(expression="anything") == "altijd"


def test_a_default_counts_when_there_is_no_value() -> None:
    assert value_of(source="name", default="niets") == "Artikel 1001"
    assert value_of(an_article(name=""), source="name", default="niets") == "niets"
    assert value_of(source="missing", default="niets") == "niets"


def test_a_forced_default_counts_always() -> None:
    assert value_of(source="name", default=True, force=True) is True


def test_no_and_zero_are_values() -> None:
    assert value_of(source="blocked", default=True) is False
    assert value_of(an_article(price=Decimal(0)), source="price", default=Decimal(1)) == 0


def test_a_field_whose_source_is_empty_is_emptied() -> None:
    assert value_of(an_article(name=None), source="name") is None


def test_a_field_whose_source_is_missing_is_left_out() -> None:
    assert map_record(Rule(target="article.x", source="missing")) == MappingResult({})
    assert map_record(
        Rule(target="article.x", expression="price + stock"), Record(Kind.ARTICLE, "1", {})
    ) == MappingResult({})


@pytest.mark.parametrize("value", ["2", " 2 ", Decimal("2.00")])
def test_a_table_turns_code_into_code(value: Value) -> None:
    assert value_of(an_article(vat_code=value), source="vat_code", table="codes") == "1"


def test_a_table_turns_every_code_of_a_list() -> None:
    assert value_of(an_article(group=("KLED", "FIETS")), source="group", table="codes") == ("kleding", "fietsen")


def test_an_empty_value_is_not_looked_up() -> None:
    assert value_of(an_article(vat_code=None), source="vat_code", table="codes", default="9") == "9"


@pytest.mark.parametrize("value", ["7", ("KLED", "7")])
def test_a_code_without_a_row_waits_for_a_person(value: Value) -> None:
    issue = issue_of(an_article(vat_code=value), source="vat_code", table="codes")
    facts = {"key": "1001", "field": "article.x", "value": "7", "table": "codes"}
    assert issue == Issue("value_unmapped", "1001", "article.x", facts)


def test_a_code_without_a_row_may_get_the_default() -> None:
    rule: dict[str, Any] = {"source": "group", "table": "none", "unmapped": Unmapped.DEFAULT}
    assert value_of(**rule, default="0") == "0"
    assert value_of(**rule) is None


def test_a_code_without_a_row_may_stay_empty_in_spite_of_a_default() -> None:
    assert value_of(source="group", table="none", unmapped=Unmapped.EMPTY, default="0") is None


def test_an_expression_without_a_result_is_an_issue() -> None:
    issue = issue_of(an_article(price=None), expression="price + stock")
    assert (issue.cause, issue.facts["message"]) == ("expression_failed", "reason_no_number")


def test_a_function_may_miss_a_row_too() -> None:
    issue = issue_of(source="code", functions=(RuleCall("unmapped"),))
    assert (issue.cause, issue.facts["table"], issue.facts["value"]) == ("value_unmapped", "landen", "1001")


def test_a_text_over_its_length_is_never_cut() -> None:
    issue = issue_of(source="name", max_length=5)
    assert (issue.cause, issue.facts["length"], issue.facts["limit"]) == ("field_too_long", "12", "5")
    assert value_of(source="name", max_length=12) == "Artikel 1001"
    assert value_of(source="price", max_length=1) == Decimal("16.5289")


def test_one_bad_field_does_not_hold_back_the_others() -> None:
    rules = (Rule(target="article.a", source="name", max_length=1), Rule(target="article.b", source="code"))
    result = compile(Rules(1, rules), SmallToolbox()).apply(an_article())
    assert result.values == {"article.b": "1001"}
    assert [issue.field for issue in result.issues] == ["article.a"]


def test_only_rules_of_the_wanted_kinds_are_applied() -> None:
    rules = (Rule(target="group.name", source="name"), Rule(target="article.name", source="name"))
    result = compile(Rules(1, rules), SmallToolbox(), {Kind.GROUP}).apply(an_article())
    assert set(result.values) == {"group.name"}


def test_a_trace_tells_every_step() -> None:
    rules = (
        Rule(target="article.a", source="name", functions=(RuleCall("upper"), RuleCall("split", ("K",)))),
        Rule(target="article.b", source="vat_code", table="codes"),
        Rule(target="article.c", source="missing", default="x"),
        Rule(target="article.d", default="y", force=True),
        Rule(target="article.e", expression="price + stock"),
        Rule(target="article.f", source="group", table="none"),
        Rule(target="article.g", source="missing"),
        Rule(target="article.h", source="group", table="none", unmapped=Unmapped.EMPTY),
    )
    traces = compile(Rules(1, rules), SmallToolbox()).trace(an_article())
    steps = {trace.target[-1]: [(step.operation, step.value) for step in trace.steps] for trace in traces}
    assert steps == {
        "a": [("name", "Artikel 1001"), ("upper", "ARTIKEL 1001"), ("split(K)", ("ARTI", "EL 1001"))],
        "b": [("vat_code", "2"), ("table codes", "1")],
        "c": [("missing", None), ("default", "x")],
        "d": [("force", "y")],
        "e": [("price + stock", Decimal("30.5289"))],
        "f": [("group", "KLED")],
        "g": [("missing", None)],
        "h": [("group", "KLED"), ("table none", None)],
    }
    assert [trace.target[-1] for trace in traces if trace.issue] == ["f"]
    assert traces[1].value == "1"
    assert traces[0].steps[0] == TraceStep("name", "Artikel 1001")


@pytest.mark.parametrize(
    ("rule", "why", "facts"),
    [
        (Rule(target="article.a", source="name"), "source", {"field": "name"}),
        (Rule(target="article.a", source="missing"), "nothing", {"field": "missing"}),
        (
            Rule(target="article.a", source="name", functions=(RuleCall("upper"),)),
            "made",
            {"field": "name", "functions": "upper"},
        ),
        (
            Rule(target="article.a", source="missing", functions=(RuleCall("other", ("name",)),)),
            "others",
            {"field": "missing", "functions": "other(name)"},
        ),
        (
            Rule(target="article.a", functions=(RuleCall("other", ("name",)),)),
            "others",
            {"field": "", "functions": "other(name)"},
        ),
        (Rule(target="article.a", source="missing", default="x"), "default", {"field": "missing"}),
        (Rule(target="article.a", default="x"), "forced", {}),
        (Rule(target="article.a", source="name", default="x", force=True), "forced", {}),
        (Rule(target="article.a", expression="price + stock"), "formula", {"formula": "price + stock"}),
        (Rule(target="article.a", source="vat_code", table="codes"), "table", {"field": "vat_code", "table": "codes"}),
        (Rule(target="article.a", source="missing", table="codes"), "nothing", {"field": "missing"}),
        (
            Rule(target="article.a", source="group", table="none", unmapped=Unmapped.EMPTY),
            "unmapped",
            {"field": "group", "table": "none"},
        ),
        (
            Rule(target="article.a", source="group", table="none", unmapped=Unmapped.DEFAULT, default="x"),
            "unmapped",
            {"field": "group", "table": "none"},
        ),
    ],
)
def test_every_value_of_a_rule_has_its_reason(rule: Rule, why: str, facts: dict[str, str]) -> None:
    (trace,) = compile(Rules(1, (rule,)), SmallToolbox()).trace(an_article())

    assert trace.reason == Reason(f"because_{why}", facts)


def test_a_formula_without_a_result_has_its_default_as_the_reason() -> None:
    rule = Rule(target="article.a", expression="price + stock", default=Decimal(1))
    bare = Record(Kind.ARTICLE, "1001", {})
    (trace,) = compile(Rules(1, (rule,)), SmallToolbox()).trace(bare)

    assert trace.reason == Reason("because_formula_default", {"formula": "price + stock"})


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (Rule(target="article.x", source="a", functions=(RuleCall("fly"),)), "there is no function fly"),
        (Rule(target="article.x", expression="?"), "cannot be read"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_by_name(rule: Rule, reason: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        compile(Rules(1, (rule,)), SmallToolbox())
    assert refused.value.facts["target"] == "article.x"
    assert reason in error_sentence(refused.value)


def test_each_rule_that_cannot_work_is_named_with_what_is_wrong() -> None:
    rules = Rules(
        1,
        (
            Rule(target="article.name", source="name", functions=(RuleCall("upper"),)),
            Rule(target="article.ean"),
            Rule(target="article.unit", source="unit", functions=(RuleCall("shout"),)),
        ),
    )

    assert rule_faults(rules, SmallToolbox()) == {
        "article.ean": Reason("reason_source"), "article.unit": Reason("reason_no_function_named", {"name": "shout"}),
    }  # fmt: skip
