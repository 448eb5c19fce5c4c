"""The tables of texts as gettext catalogues, one for each language.

People edit tables, in which the three languages stand side by side; the console asks gettext, which falls back to
English. A catalogue answers from the tables themselves: no compiled file could be older than its table, and no process
waits for one to be compiled.
"""

import csv
from dataclasses import dataclass
from functools import cache
from gettext import NullTranslations

from babel import Locale

from integration.shipped import SHIPPED

FOLDER = SHIPPED / "data" / "words"
LOCALES = {"en": "en_GB", "nl": "nl_NL", "de": "de_DE"}
# The three sentences of a cause. Each is the context under which the sentence is filed by the code of the cause.
PARTS = ("what", "data", "do")

ONE, OTHER = "_one", "_other"  # how the keys of a text that comes in two forms end


@dataclass(frozen=True, slots=True)
class WordTables:
    """What people edit: lines by key, causes by code, and the keys of texts in two forms, without their ends."""

    texts: dict[str, dict[str, str]]
    causes: dict[str, dict[str, str]]
    plurals: frozenset[str]


@cache
def tables() -> WordTables:
    """Return the tables as they are in `data/words`."""
    texts = {line["key"]: line for name in ("terms.csv", "texts.csv") for line in _lines(name)}
    plurals = {key.removesuffix(ONE) for key in texts if key.endswith(ONE)}
    causes = {line["code"]: line for line in _lines("errors.csv")}
    return WordTables(texts, causes, frozenset(key for key in plurals if f"{key}{OTHER}" in texts))


class WordCatalogue(NullTranslations):
    """The texts of one language, as gettext asks for them; its fallback is asked for what it does not have itself."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language
        self._plural_form = Locale.parse(LOCALES[language]).plural_form

    def gettext(self, message: str) -> str:
        """Return the text under a key."""
        return tables().texts.get(message, {}).get(self._language) or super().gettext(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return the form of a text that goes with a number."""
        line = tables().texts.get(f"{msgid1}_{self._plural_form(n)}", {})
        return line.get(self._language) or super().ngettext(msgid1, msgid2, n)

    def pgettext(self, context: str, message: str) -> str:
        """Return one of the sentences of a cause."""
        line = tables().causes.get(message, {})
        return line.get(f"{self._language}_{context}") or super().pgettext(context, message)


@cache
def catalogue(language: str) -> WordCatalogue:
    """Return the catalogue of a language, which answers in English what it does not have itself."""
    made = WordCatalogue(language)
    if language != "en":
        made.add_fallback(catalogue("en"))
    return made


def _lines(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
