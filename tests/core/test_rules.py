"""Rules as data: conditions, values as text, and owners of fields."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from tomllib import loads

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.errors import ConfigurationError
from integration.core.flow import Ownership
from integration.core.records import Value
from integration.core.rules import Mapping as Rules
from integration.core.rules import (
    Operator,
    Rule,
    RuleCall,
    Unmapped,
    as_text,
    field_owners,
    matches,
    readable_rules,
    rules_from,
    rules_to,
)
from integration.words import say
from tests.core.arguments import ARGS, TEXTS


def test_what_is_not_said_about_ownership_protects_edits_in_the_target() -> None:
    mapping = rules_from({"rules": [{"target": "article.name", "source": "name"}]})
    assert field_owners(mapping) == {"article.name": Ownership.KEEP_UNLESS_CHANGED}


@pytest.mark.parametrize(
    ("value", "operator", "operand", "holds"),
    [
        ("KLED", "equal", "kled", True),
        ("KLED ", "equal", "KLED", True),
        (Decimal("2.00"), "equal", "2", True),
        ("2.00", "equal", Decimal(2), True),
        ("2.00", "equal", "2", False),
        (None, "equal", "", True),
        (True, "equal", "true", True),
        ("x", "equal", Decimal(2), False),
        ("KLED", "not_equal", "FIETS", True),
        ("Trui rood", "contains", "ROOD", True),
        (None, "contains", "rood", False),
        ("Trui rood", "starts", "trui", True),
        (None, "empty", "", True),
        ("", "not_empty", "", False),
        (Decimal(0), "not_empty", "", True),
        (Decimal(10), "greater", "9", True),
        ("10", "greater", "9", True),
        (Decimal(10), "less", "9", False),
        (Decimal(9), "greater", Decimal(9), False),
        ("B", "greater", "a", True),
        (date(2026, 3, 31), "less", "2026-04-01", True),
        (None, "less", "9", False),
        ("9", "greater", "", False),
        ("NaN", "greater", Decimal(1), True),  # no number: compared as texts
        ("KLED", "in", ("kled", "FIETS"), True),
        ("KLED", "in", "FIETS, KLED", True),
        ("KLE", "in", "FIETS, KLED", False),
    ],
)
def test_a_condition_compares_as_people_do(value: Value, operator: str, operand: Value, holds: bool) -> None:
    assert matches(value, Operator(operator), operand) is holds


@given(ARGS, ARGS)
def test_nothing_is_both_greater_and_less(value: Value, other: Value) -> None:
    assert not (matches(value, Operator.GREATER, other) and matches(value, Operator.LESS, other))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (True, "true"), (False, "false"), (Decimal("1.50"), "1.50"), (Decimal("1E+2"), "100"),
        (date(2026, 3, 31), "2026-03-31"), (("A", "B"), "A, B"), ("x", "x"),
        (Decimal("1E+999999999"), "1E+999999999"), (Decimal("0E-999999999"), "0E-999999999"),
    ],
)  # fmt: skip
def test_every_value_has_a_plain_text(value: Value, text: str) -> None:
    assert as_text(value) == text


# ---- the shape of a mapping in files and on disk


def error_sentence(error: ConfigurationError) -> str:
    return say(error.code, error.facts).problem


SHIPPED = Path(__file__).parents[2] / "data" / "mappings"


RULES = st.builds(
    Rule,
    target=st.from_regex(r"(group|product|article)\.[a-z_:]{1,12}", fullmatch=True),
    source=TEXTS,
    functions=st.lists(st.builds(RuleCall, TEXTS, st.lists(ARGS, max_size=3).map(tuple)), max_size=3).map(tuple),
    table=st.text(max_size=5),
    default=ARGS,
    unmapped=st.sampled_from(Unmapped),
    ownership=st.sampled_from(Ownership),
    max_length=st.none() | st.integers(1, 500),
)


@given(st.integers(1, 99), st.lists(RULES, max_size=4, unique_by=lambda rule: rule.target))
def test_a_mapping_comes_back_from_its_shape_as_it_was(version: int, rules: list[Rule]) -> None:
    mapping = Rules(version, tuple(rules))
    assert rules_from(rules_to(mapping)) == mapping


def test_a_shape_is_as_short_as_a_person_would_write_it() -> None:
    rule = Rule(
        target="article.x",
        source="price",
        functions=(RuleCall("round", (Decimal(2),)), RuleCall("percentage", (Decimal("12.5"),)), RuleCall("trim")),
        default=Decimal("1.10"),
    )
    assert rules_to(Rules(3, (rule,))) == {
        "version": 3,
        "rules": [
            {
                "target": "article.x",
                "source": "price",
                "functions": [["round", 2], ["percentage", 12.5], "trim"],
                "default": {"n": "1.10"},
            }
        ],
    }


def test_toml_gives_numbers_days_and_flags_their_types() -> None:
    body = loads("""
        [[rules]]
        target = "article.a"
        default = 1.5
        [[rules]]
        target = "article.b"
        default = 2026-03-31
        [[rules]]
        target = "article.c"
        default = true
        force = true
        functions = [["if", "in", ["A", "B"], 1, 2]]
    """)
    mapping = rules_from(body)
    assert mapping.version == 1
    assert [rule.default for rule in mapping.rules] == [Decimal("1.5"), date(2026, 3, 31), True]
    assert mapping.rules[2].functions == (RuleCall("if", ("in", ("A", "B"), Decimal(1), Decimal(2))),)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({}, "target"),
        ("name", "target"),
        ({"target": "article.name"}, "a source, an expression or a default"),
        ({"target": "name", "source": "name"}, "begins with one of"),
        ({"target": "article.", "source": "name"}, "begins with one of"),
        ({"target": "article.x", "source": "a", "colour": "b"}, "unknown parts: colour"),
        ({"target": "article.x", "source": 1}, "`source` is text"),
        ({"target": "article.x", "source": "a", "expression": "b"}, "not both"),
        ({"target": "article.x", "functions": ["trim"], "expression": "b"}, "not both"),
        ({"target": "article.x", "source": "a", "force": True}, "a `default`"),
        ({"target": "article.x", "source": "a", "force": 1}, "true or false"),
        ({"target": "article.x", "source": "a", "functions": "trim"}, "is a list"),
        ({"target": "article.x", "source": "a", "functions": [[]]}, "each function"),
        ({"target": "article.x", "source": "a", "functions": [[1, 2]]}, "each function"),
        ({"target": "article.x", "source": "a", "default": {"x": 1}}, "not a value"),
        ({"target": "article.x", "source": "a", "default": float("inf")}, "not a number"),
        ({"target": "article.x", "source": "a", "unmapped": "ask"}, "ask"),
        ({"target": "article.x", "source": "a", "ownership": "mine"}, "mine"),
        ({"target": "article.x", "source": "a", "max_length": 0}, "above 0"),
        ({"target": "article.x", "source": "a", "max_length": True}, "above 0"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_the_reason(rule: object, reason: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        rules_from({"version": 1, "rules": [rule]})
    assert refused.value.code == "rule_invalid"
    assert reason in error_sentence(refused.value)


def test_two_rules_for_one_field_are_refused() -> None:
    rule = {"target": "article.x", "source": "a"}
    with pytest.raises(ConfigurationError, match="reason_twice"):
        rules_from({"rules": [rule, rule]})


@pytest.mark.parametrize("shape", [{"rules": {}}, {"version": "new", "rules": []}])
def test_a_shape_that_is_no_mapping_is_refused(shape: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="reason_shape"):
        rules_from(shape)


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.toml")), ids=lambda file: file.stem)
def test_every_shipped_mapping_can_be_read(file: Path) -> None:
    mapping = rules_from(loads(file.read_text(encoding="utf-8")))
    assert mapping.rules
    assert rules_from(rules_to(mapping)) == mapping


def test_what_can_be_read_of_a_mapping_is_read_whatever_stands_beside_it() -> None:
    good = {"target": "article.name", "source": "name"}
    shape = {
        "version": "x",
        "rules": [7, {"target": 3}, good, {**good, "source": "code"}, {"target": "a", "force": "?"}],
    }
    assert [(rule.target, rule.source) for rule in readable_rules(shape).rules] == [("article.name", "name")]
    assert readable_rules(shape).version == 1
    assert readable_rules({"version": 4, "rules": None}) == Rules(4, ())
