"""Which codes can be numbers of the till, and which characters can be stored."""

import pytest

from integration.core.records import Value
from integration.core.texts import clean, is_number, is_storable, is_till_number


@pytest.mark.parametrize(
    ("code", "number", "as_it_is"),
    [
        ("200101", True, True),
        ("9" * 18, True, True),
        ("9" * 19, False, False),
        ("0010007", True, False),
        ("0", True, False),
        ("", False, False),
        ("FTS-1001A", False, False),
        ("12 3", False, False),
        ("٣", False, False),
        ("²", False, False),
        ("-1", False, False),
    ],
)
def test_a_number_of_the_till_is_digits_that_fit_and_begins_with_none_that_is_lost(
    code: str, number: bool, as_it_is: bool
) -> None:
    assert (is_number(code), is_till_number(code)) == (number, as_it_is)


@pytest.mark.parametrize(
    ("text", "storable"), [("Crème brûlée 🔔", True), ("two\nlines\t", True), ("bell\a", False), ("half \ud800", False)]
)
def test_control_characters_and_halves_of_characters_cannot_be_stored(text: str, storable: bool) -> None:
    assert is_storable(text) is storable


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("Jas rood", "Jas rood"),
        ("bell\a and \x00 nothing", "bell and  nothing"),
        ("one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        ("a\ttab", "a\ttab"),
        (None, None),
        (True, True),
    ],
)
def test_a_clean_text_is_given_back_as_it_was(value: Value, cleaned: Value) -> None:
    assert clean(value) == cleaned
