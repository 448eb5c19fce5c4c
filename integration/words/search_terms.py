"""Search terms and the pages they lead to, from the table `search_terms.csv`, which has synonyms of our words."""

import csv
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl

from integration.words.catalogues import FOLDER, LOCALES

BETWEEN = ";"  # separates the words of a cell


@dataclass(frozen=True, slots=True)
class SearchTarget:
    """One search target: its page and query parameters, the key of its caption, and its search words."""

    page: str
    query_parameters: dict[str, str]
    caption: str
    words: tuple[str, ...]

    @property
    def flow(self) -> str:
        """The flow it belongs to; empty for none."""
        return self.query_parameters.get("flow", "")


@cache
def search_targets() -> tuple[SearchTarget, ...]:
    """Return the table of `data/words` with the words of all languages, since people search in any of them."""
    with (FOLDER / "search_terms.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    return tuple(
        SearchTarget(
            line["page"],
            dict(parse_qsl(line["parameters"])),
            line["caption"],
            tuple(word.strip() for language in LOCALES for word in line[language].split(BETWEEN) if word.strip()),
        )
        for line in lines
    )
