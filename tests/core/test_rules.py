"""Rules as data: what a condition compares, what a value is as text, and who owns a field."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given

from integration.core.flow import Ownership
from integration.core.mapping import rules_from
from integration.core.records import Value
from integration.core.rules import (
    Operator,
    as_text,
    matches,
    policy,
)
from tests.core.arguments import ARGS


def test_what_is_not_said_about_ownership_protects_edits_in_the_target() -> None:
    mapping = rules_from({"rules": [{"target": "article.name", "source": "name"}]})
    assert policy(mapping) == {"article.name": Ownership.KEEP_UNLESS_CHANGED}


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
def test_nothing_is_both_greater_and_less(one: Value, other: Value) -> None:
    assert not (matches(one, Operator.GREATER, other) and matches(one, Operator.LESS, other))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (True, "true"), (False, "false"), (Decimal("1.50"), "1.50"), (Decimal("1E+2"), "100"),
        (date(2026, 3, 31), "2026-03-31"), (("A", "B"), "A, B"), ("x", "x"),
    ],
)  # fmt: skip
def test_every_value_has_a_plain_text(value: Value, text: str) -> None:
    assert as_text(value) == text
