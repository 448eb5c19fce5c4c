"""Functions on numbers."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.flows.functions.tools import applied


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9))
def test_a_number_is_read_the_same_in_dutch_and_english(number: Decimal) -> None:
    english = f"{number:,}"
    dutch = english.replace(",", "_").replace(".", ",").replace("_", ".")
    assert applied("number", english, "en") == applied("number", dutch, "nl") == number
