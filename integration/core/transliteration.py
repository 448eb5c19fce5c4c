"""Letters that a code page lacks, as it can keep them: a letter without its accent, never another word."""

import unicodedata

# Letters that are no letter with an accent to Unicode. Each becomes what their languages write without it.
_STROKES = str.maketrans("ŁłĐđĦħŦŧıĿŀŊŋĸŉ", "LlDdHhTtiLlNnkn")


def transliterate(text: str, code_page: str) -> str:
    """Return a text with each letter that a code page lacks as it can keep it; what it cannot keep at all stays."""
    if _has(code_page, text):  # as nearly all texts, and thousands pass in a second
        return text
    return "".join(sign if _has(code_page, sign) else _bare(sign, code_page) for sign in text)


def _bare(sign: str, code_page: str) -> str:
    apart = unicodedata.normalize("NFKD", sign.translate(_STROKES))
    bare = "".join(one for one in apart if not unicodedata.combining(one))
    return bare if bare and _has(code_page, bare) else sign


def _has(code_page: str, text: str) -> bool:
    try:
        text.encode(code_page)
    except UnicodeEncodeError:
        return False
    return True
