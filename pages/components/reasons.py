"""Why a rule cannot work, in the language of whoever looks: the rules themselves say it in English."""

import re
from functools import cache

from integration.catalogues import tables
from pages.components.wording import plain, term

PREFIX = "reason_"
_PLACE = re.compile(r"{(\w+)}")


def reason(said: str) -> str:
    """Return a reason in the language of the session, escaped."""
    return plain(said_reason(said))


def said_reason(said: str) -> str:
    """Return a reason in the language of the session as plain text; what is nobody's wording stays as it was said."""
    for key, pattern in _patterns():
        if found := pattern.fullmatch(said):
            return term(key, **found.groupdict())
    return said


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return how each reason reads in English, those with the fewest places first: they say most."""
    keys = sorted((key for key in tables().texts if key.startswith(PREFIX)), key=_places)
    return tuple((key, re.compile(_pattern(term_in_english(key)), re.DOTALL)) for key in keys)


def _places(key: str) -> tuple[int, str]:
    return len(_PLACE.findall(term_in_english(key))), key


def term_in_english(key: str) -> str:
    """Return the English text of a key as it stands in the table."""
    return tables().texts[key]["en"]


def _pattern(text: str) -> str:
    parts = re.split(r"({\w+})", text)
    return "".join(f"(?P<{part[1:-1]}>.*)" if _PLACE.fullmatch(part) else re.escape(part) for part in parts)
