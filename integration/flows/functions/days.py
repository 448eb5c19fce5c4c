"""Functions on days and countries."""

import re
import unicodedata
from datetime import date, datetime
from functools import cache, lru_cache

from babel import Locale

from integration.core.records import Value
from integration.core.rules import RuleError, as_text
from integration.flows.functions.values import SHOWN

_DAYS = (r"{y}-{m}-{d}(?:[T ].*)?", r"{d}[-/.]{m}[-/.]{y}", r"{y}{mm}{dd}")
_PARTS = {
    "y": r"(?P<y>\d{4})", "m": r"(?P<m>\d{1,2})", "d": r"(?P<d>\d{1,2})", "mm": r"(?P<m>\d{2})", "dd": r"(?P<d>\d{2})",
}  # fmt: skip
_KNOWN_DAYS = [re.compile(day.format(**_PARTS), re.ASCII) for day in _DAYS]


@lru_cache(maxsize=64)
def day_pattern(form: str) -> re.Pattern[str]:
    text = re.escape(form.lower())
    for sign, part in (("yyyy", "y"), ("mm", "mm"), ("dd", "dd")):
        if text.count(sign) != 1:
            raise RuleError("reason_date_form")
        text = text.replace(sign, _PARTS[part])
    return re.compile(text, re.ASCII)


def day_of(value: Value, form: Value = None) -> Value:
    """Return the day a text names: 31-3-2026, 31/3/2026, 2026-03-31, 20260331, or in a form such as mm/dd/yyyy."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = as_text(value).strip()
    forms = _KNOWN_DAYS if form is None else [day_pattern(as_text(form))]
    found = next((match for each in forms if (match := each.fullmatch(text))), None)
    if found is None:
        raise RuleError("reason_no_date", value=text[:SHOWN])
    try:
        return date(int(found["y"]), int(found["m"]), int(found["d"]))
    except ValueError:
        raise RuleError("reason_no_date", value=text[:SHOWN]) from None


_OTHER_NAMES = {
    "holland": "NL", "the netherlands": "NL", "brd": "DE", "uk": "GB", "engeland": "GB", "england": "GB",
    "groot-brittannie": "GB", "great britain": "GB", "usa": "US", "tsjechie": "CZ", "czech republic": "CZ",
}  # fmt: skip
_NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})


def _folded(name: str) -> str:
    """Return a name without capitals and accents: België is belgie."""
    apart = unicodedata.normalize("NFKD", name.strip().casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


@cache
def _countries() -> dict[str, str]:
    names = dict(_OTHER_NAMES)
    for language in ("nl", "en", "de"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES:  # noqa: PLR2004 - ISO 3166 alpha-2
                names.setdefault(code.casefold(), code)
                names.setdefault(_folded(name), code)
    return names


def country_of(value: Value) -> Value:
    """Return the ISO code of a country named in Dutch, English or German, or of its code itself."""
    try:
        return _countries()[_folded(as_text(value))]
    except KeyError:
        raise RuleError("reason_no_country", value=as_text(value)[:SHOWN]) from None


def check_date(form: Value = None) -> None:
    if form is not None:
        day_pattern(as_text(form))
