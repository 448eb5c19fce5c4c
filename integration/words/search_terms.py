"""The words people look for, and where each leads: the table `looked_for.csv`, which has them beside our own."""

import csv
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl

from integration.words.catalogues import FOLDER, LOCALES

BETWEEN = ";"  # stands between two words of a cell


@dataclass(frozen=True, slots=True)
class LookedFor:
    """One place, with the page and address it has, the key of the text that says what it is, and words for it."""

    page: str
    asked: dict[str, str]
    caption: str
    words: tuple[str, ...]

    @property
    def flow(self) -> str:
        """The flow it belongs to; empty for none."""
        return self.asked.get("flow", "")


@cache
def looked_for() -> tuple[LookedFor, ...]:
    """Return the table as it is in `data/words`: the words of all languages, since people bring theirs along."""
    with (FOLDER / "looked_for.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    return tuple(
        LookedFor(
            line["page"],
            dict(parse_qsl(line["asked"])),
            line["caption"],
            tuple(word.strip() for language in LOCALES for word in line[language].split(BETWEEN) if word.strip()),
        )
        for line in lines
    )
