"""Functions on numbers."""

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.flows.functions.tools import apply_function, assert_refused, refusal


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9))
def test_a_number_is_read_the_same_in_dutch_and_english(number: Decimal) -> None:
    english = f"{number:,}"
    dutch = english.replace(",", "_").replace(".", ",").replace("_", ".")
    assert apply_function("number", english, "en") == apply_function("number", dutch, "nl") == number


# ---- functions on texts, and that no pattern takes longer than it may


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a|a)*$", "a" * 40 + "b"),
        ("(?R)", "a"),
        ("(x+x+)+y", "x" * 4000),
        ("(.*?,){12}P", ",".join(map(str, range(30)))),
    ],
)
def test_a_pattern_that_takes_too_long_is_stopped(pattern: str, text: str) -> None:
    begun = time.process_time()
    with refusal("too long"):
        apply_function("regex_replace", text, pattern, "")
    assert time.process_time() - begun < 5


def test_patterns_of_one_expression_share_their_time() -> None:
    slow = "regex_replace(pad('x', 4000, 'x'), '(x+x+)+y', '')"
    begun = time.process_time()
    assert_refused(" + ".join([slow] * 20))
    assert time.process_time() - begun < 5
