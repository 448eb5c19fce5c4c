"""The first characters that all encoded references of postings and days have in common.

    M R 6
    | | |
    | | year: 0 is 2020, 6 is 2026, A is 2030, Z is 2055
    | kind: R is a receipt, Z is a closed day; `orders/references.py` lists the letters of all documents
    console: the first letter or digit of the prefix setting

The flows of documents and of closed days share one prefix, which distinguishes the consoles of one administration.
"""

from collections.abc import Collection

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DEFAULT_MARK = "M"  # if the prefix has neither letter nor digit
DAY_LETTER = "Z"  # the till's report of a closed day is a Z report; no document has this letter
FIRST_YEAR, LAST_YEAR = 2020, 2055


def console_mark(prefix: str) -> str:
    """Return the character that distinguishes this console's postings and days from those of another console."""
    return next((character for character in prefix.upper() if character in DIGITS), DEFAULT_MARK)


def year_digit(year: int) -> str | None:
    """Return the character of a year; None for a year outside the supported range."""
    return DIGITS[year - FIRST_YEAR] if FIRST_YEAR <= year <= LAST_YEAR else None


def year_of(digit: str) -> int:
    """Return the year of a character of DIGITS."""
    return FIRST_YEAR + DIGITS.index(digit)


def free_prefix(references: Collection[str]) -> str:
    """Return a prefix whose first letter no given reference begins with; empty if all letters are taken."""
    used_letters = {reference[:1].upper() for reference in references}
    return next((f"{letter}P-" for letter in DIGITS if letter.isalpha() and letter not in used_letters), "")
