"""Letters that a code page lacks lose their accent, and letters without a plain form are not replaced."""

import pytest

from integration.core.transliteration import transliterate


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Łukasz Żółć", "Lukasz Zólc"),
        ("Straße 5 €", "Straße 5 €"),
        ("Đorđe Șerban Ğül", "Dorde Serban Gül"),
        ("Łódź, Wróbla 12", "Lódz, Wróbla 12"),
        ("Иван 🚲", "Иван 🚲"),
        ("e\u0301\u0142", "e\u0301l"),
        ("", ""),
    ],
)
def test_letters_are_kept_as_the_books_can_hold_them(text: str, expected: str) -> None:
    assert transliterate(text, "cp1252") == expected
