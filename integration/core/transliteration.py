"""Replaces letters that a code page lacks by the same letters without accents."""

import re
import unicodedata

# Letters that Unicode does not decompose. Each is replaced as its language writes it without accents.
_STROKES = str.maketrans("ŁłĐđĦħŦŧıĿŀŊŋĸŉ", "LlDdHhTtiLlNnkn")


def transliterate(text: str, code_page: str) -> str:
    """Return a text with letters missing from the code page replaced. Letters without a replacement stay."""
    if _can_encode(code_page, text):  # true for nearly all texts; thousands per second
        return text
    return "".join(sign if _can_encode(code_page, sign) else _base_letters(sign, code_page) for sign in text)


def _base_letters(sign: str, code_page: str) -> str:
    apart = unicodedata.normalize("NFKD", sign.translate(_STROKES))
    bare = "".join(char for char in apart if not unicodedata.combining(char))
    return bare if bare and _can_encode(code_page, bare) else sign


def _can_encode(code_page: str, text: str) -> bool:
    try:
        text.encode(code_page)
    except UnicodeEncodeError:
        return False
    return True


def normalized_text(value: str) -> str:
    """Return a text without blanks and case, for comparison."""
    return re.sub(r"\s", "", value).casefold()
