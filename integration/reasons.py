"""Why a rule cannot work, in three languages: the rules themselves say it in English."""

import re
from functools import cache

from integration import words
from integration.words.catalogues import tables

PREFIX = "reason_"
_PLACE = re.compile(r"{(\w+)}")


def retold(said: str, language: str) -> str:
    """Return a reason as this language says it; what is nobody's wording stays as it was said."""
    for key, pattern in _patterns():
        if found := pattern.fullmatch(said):
            return words.term(key, language, **found.groupdict())
    return said


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return how each reason reads in English, those with the fewest places first: they say most."""
    reasons = {key: line["en"] for key, line in tables().texts.items() if key.startswith(PREFIX)}
    in_order = sorted(reasons, key=lambda key: (len(_PLACE.findall(reasons[key])), key))
    return tuple((key, re.compile(_pattern(reasons[key]), re.DOTALL)) for key in in_order)


def _pattern(text: str) -> str:
    parts = re.split(r"({\w+})", text)
    return "".join(f"(?P<{part[1:-1]}>.*)" if _PLACE.fullmatch(part) else re.escape(part) for part in parts)
