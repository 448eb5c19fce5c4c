"""Amounts: rounded once, half up, and never a float."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.money import (
    add_vat,
    amount,
    from_cents,
    from_scaled,
    number_in_text,
    remove_vat,
    share_out,
    to_cents,
    to_scaled,
)

EUROS = st.decimals(min_value=0, max_value=10**7, places=2, allow_nan=False)
PERCENT = st.sampled_from([Decimal(0), Decimal(7), Decimal(9), Decimal(19), Decimal(21), Decimal("5.5")])


@pytest.mark.parametrize(
    ("text", "places", "expected"),
    [
        ("16.5289", 2, "16.53"),
        ("1.005", 2, "1.01"),
        ("-1.005", 2, "-1.01"),
        (16.5289, 4, "16.5289"),
        (0.1, 2, "0.10"),
        (7, 2, "7.00"),
        (Decimal("2.5"), 0, "3"),
        ("1.1", 2, "1.10"),
    ],
)
def test_an_amount_has_its_decimals_rounded_half_up(text: object, places: int, expected: str) -> None:
    assert str(amount(text, places)) == expected


def test_there_is_no_negative_zero() -> None:
    assert str(amount("-0.001")) == "0.00"


@pytest.mark.parametrize(
    "text", ["", "abc", "1,50", "1_000", None, "NaN", "Infinity", float("nan"), Decimal("sNaN"), "1e99"]
)
def test_what_is_no_finite_number_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="no amount"):
        amount(text)


@given(st.integers(-(10**12), 10**12))
def test_cents_come_back_as_they_were(cents: int) -> None:
    assert to_cents(from_cents(cents)) == cents


@given(st.integers(-(10**12), 10**12), st.integers(0, 6))
def test_a_scaled_quantity_comes_back_as_it_was(value: int, places: int) -> None:
    assert to_scaled(from_scaled(value, places), places) == value


def test_a_quantity_travels_beside_its_number_of_decimals() -> None:
    assert from_scaled(530, 3) == Decimal("0.530")
    assert to_scaled(Decimal("0.5305"), 3) == 531


def test_half_a_cent_becomes_a_whole_one() -> None:
    assert to_cents(Decimal("0.005")) == 1


@pytest.mark.parametrize(
    ("excl", "percent", "incl"),
    [("12.50", "21", "15.13"), ("16.5289", "21", "20.00"), ("10", "0", "10.00"), ("0.05", "9", "0.05")],
)
def test_vat_is_added_in_whole_cents(excl: str, percent: str, incl: str) -> None:
    assert add_vat(Decimal(excl), Decimal(percent)) == Decimal(incl)


@given(EUROS, PERCENT)
def test_vat_taken_off_and_added_again_is_at_most_a_cent_away(incl: Decimal, percent: Decimal) -> None:
    assert abs(add_vat(remove_vat(incl, percent), percent) - incl) <= Decimal("0.01")


@given(EUROS, PERCENT)
def test_vat_added_and_taken_off_again_gives_the_price(excl: Decimal, percent: Decimal) -> None:
    assert remove_vat(add_vat(excl, percent), percent) == excl


@pytest.mark.parametrize(
    ("cents", "weights", "shares"),
    [(10, [1, 1, 1], [4, 3, 3]), (-10, [100, 300], [-3, -7]), (5, [0, 0], [3, 2]), (0, [7, 8], [0, 0])],
)
def test_cents_are_shared_out_to_the_last_one(cents: int, weights: list[int], shares: list[int]) -> None:
    assert share_out(cents, weights) == shares


def test_a_quantity_has_no_less_than_no_decimals() -> None:
    with pytest.raises(ValueError, match="decimals"):
        from_scaled(1, -3)


NO_NUMBERS = ["", " ", "1,234", "1.234,50", "1 234", "1e3", "1E-2", "\u0661\u0662", "\uff11", "\u20ac 12", "12 EUR",
              "1_000", "--1", "NaN", "Infinity", "0x10", ".", "1.2.3", "12\u00a0000"]  # fmt: skip


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_text_that_is_no_plain_row_of_digits_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="no "):
        number_in_text(text)
    with pytest.raises(ValueError, match="no "):
        amount(text)


@pytest.mark.parametrize("text", ["1.234", "-1.234", "12.000", " 999.999 "])
def test_a_text_that_can_be_two_numbers_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        number_in_text(text)


@pytest.mark.parametrize("text", ["12.5", "12.50", "0.125", "1234.567", "16.5289", "+3", "-0.5", ".5", "7.", " 7 "])
def test_a_text_that_is_one_number_is_read(text: str) -> None:
    assert number_in_text(text) == Decimal(text)
