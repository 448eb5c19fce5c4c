"""Tables of texts as gettext catalogues, one for each language.

People edit tables with the three languages side by side. The console reads them through gettext, which falls back to
English. A catalogue reads the tables directly, so no compiled file can be outdated and nothing needs compiling.
"""

import csv
from dataclasses import dataclass
from functools import cache
from gettext import NullTranslations

from babel import Locale

from integration.shipped import SHIPPED

FOLDER = SHIPPED / "data" / "words"
LOCALES = {"en": "en_GB", "nl": "nl_NL", "de": "de_DE"}
# The three sentences of a cause. Each name is the gettext context of the sentence; the cause's code is the message.
PARTS = ("problem", "data", "do")

ONE, OTHER = "_one", "_other"  # endings of the keys of a text with two forms


@dataclass(frozen=True, slots=True)
class WordTables:
    """The editable tables: texts by key, causes by code, and the keys of texts in two forms, without their endings."""

    texts: dict[str, dict[str, str]]
    causes: dict[str, dict[str, str]]
    plurals: frozenset[str]


@cache
def tables() -> WordTables:
    """Return the tables of `data/words`."""
    texts = {line["key"]: line for name in ("terms.csv", "texts.csv") for line in _lines(name)}
    plurals = {key.removesuffix(ONE) for key in texts if key.endswith(ONE)}
    causes = {line["code"]: line for line in _lines("errors.csv")}
    return WordTables(texts, causes, frozenset(key for key in plurals if f"{key}{OTHER}" in texts))


class WordCatalogue(NullTranslations):
    """Gettext catalogue of one language. Its fallback supplies missing texts."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language
        self._plural_form = Locale.parse(LOCALES[language]).plural_form

    def gettext(self, message: str) -> str:
        """Return the text of a key."""
        return tables().texts.get(message, {}).get(self._language) or super().gettext(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return the form of a text for a number."""
        line = tables().texts.get(f"{msgid1}_{self._plural_form(n)}", {})
        return line.get(self._language) or super().ngettext(msgid1, msgid2, n)

    def pgettext(self, context: str, message: str) -> str:
        """Return one of the sentences of a cause."""
        line = tables().causes.get(message, {})
        return line.get(f"{self._language}_{context}") or super().pgettext(context, message)


@cache
def catalogue(language: str) -> WordCatalogue:
    """Return the catalogue of a language, with English as its fallback."""
    word_catalogue = WordCatalogue(language)
    if language != "en":
        word_catalogue.add_fallback(catalogue("en"))
    return word_catalogue


def _lines(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
