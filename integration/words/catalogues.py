"""The tables of texts as gettext catalogues, one for each language.

People edit tables, in which the three languages stand side by side; the console asks gettext, which knows the plural
rule of each language and falls back to English. The catalogues are compiled in memory when a language is first spoken,
which takes hundredths of a second, so there is no compiled file that could be older than its table.
"""

import csv
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.mofile import write_mo

FOLDER = Path(__file__).parents[2] / "data" / "words"
LOCALES = {"en": "en_GB", "nl": "nl_NL", "de": "de_DE"}
# The three sentences of a cause. Each is the context under which the sentence is filed by the code of the cause.
PARTS = ("what", "data", "do")

ONE, OTHER = "_one", "_other"  # how the keys of a text that comes in two forms end


@dataclass(frozen=True, slots=True)
class Tables:
    """What people edit: lines by key, causes by code, and the keys of texts in two forms, without their ends."""

    texts: dict[str, dict[str, str]]
    causes: dict[str, dict[str, str]]
    plurals: frozenset[str]


@cache
def tables() -> Tables:
    """Return the tables as they are in `data/words`."""
    texts = {line["key"]: line for name in ("terms.csv", "texts.csv") for line in _lines(name)}
    plurals = {key.removesuffix(ONE) for key in texts if key.endswith(ONE)}
    causes = {line["code"]: line for line in _lines("errors.csv")}
    return Tables(texts, causes, frozenset(key for key in plurals if f"{key}{OTHER}" in texts))


@cache
def catalogue(language: str) -> GNUTranslations:
    """Return the compiled catalogue of a language, which answers in English what it does not have itself."""
    compiled = BytesIO()
    write_mo(compiled, _messages(language))
    compiled.seek(0)
    translations = GNUTranslations(compiled)
    if language != "en":
        translations.add_fallback(catalogue("en"))
    return translations


def _messages(language: str) -> Catalog:
    held, messages = tables(), Catalog(locale=LOCALES[language])
    for key, line in held.texts.items():
        if not {key.removesuffix(ONE), key.removesuffix(OTHER)} & held.plurals:
            messages.add(key, line[language])
    for key in held.plurals:
        forms = (held.texts[f"{key}{form}"][language] for form in (ONE, OTHER))
        messages.add((key, key), tuple(forms))
    for code, line in held.causes.items():
        for part in PARTS:
            messages.add(code, line[f"{language}_{part}"], context=part)
    return messages


def _lines(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
