"""Names of countries in each language by ISO code, and the country of a name or code."""

import unicodedata
from functools import cache

from babel import Locale
from babel.core import get_global

from integration.words.catalogues import LOCALES

_NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})
ALPHA_2, ALPHA_3 = 2, 3  # letters of ISO 3166 codes
# Other names that people use for countries.
_OTHER_NAMES = {
    "holland": "NL", "the netherlands": "NL", "brd": "DE", "uk": "GB", "engeland": "GB", "england": "GB",
    "groot-brittannie": "GB", "great britain": "GB", "usa": "US", "tsjechie": "CZ", "czech republic": "CZ",
}  # fmt: skip


@cache
def countries(language: str = "en") -> dict[str, str]:
    """Return the ISO codes of all countries with their names in a language, sorted by name."""
    names = Locale.parse(LOCALES[language]).territories.items()
    country_names = {code: name for code, name in names if len(code) == ALPHA_2 and code.isalpha()}
    return dict(
        sorted(((code, name) for code, name in country_names.items() if code not in _NO_COUNTRIES), key=_name_key)
    )


def _name_key(country: tuple[str, str]) -> str:
    return country[1].casefold()


def country_code(name: str) -> str:
    """Return the two-letter ISO code of a country, or an empty text if it is unknown.

    The argument is a code of two or three letters (`NLD`), or a name in one of the three languages.
    """
    return _codes_by_name().get(_fold_name(name), "")


@cache
def _codes_by_name() -> dict[str, str]:
    names = dict(_OTHER_NAMES)
    for language in LOCALES:
        for code, name in countries(language).items():
            names.setdefault(code.casefold(), code)
            names.setdefault(_fold_name(name), code)
    for longer, codes in get_global("territory_aliases").items():
        if len(longer) == ALPHA_3 and longer.isalpha() and len(codes) == 1 and codes[0] in countries():
            names.setdefault(longer.casefold(), codes[0])
    return names


def _fold_name(name: str) -> str:
    """Return a name in lower case without accents: België is belgie."""
    apart = unicodedata.normalize("NFKD", name.strip().casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))
