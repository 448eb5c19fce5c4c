"""References of day pages in the books, and the keys of their records.

    M Z 6 1017 001 00
    | | | |    |   |
    | | | |    |   serial: 00 is the page of the day, later ones correct it
    | | | |    branch
    | | | month and day
    | | year: 0 is 2020, 6 is 2026, A is 2030, Z is 2055
    | a closed day
    the first letter or digit of the prefix of documents, so that two consoles can share the books

All references have twelve characters, because a filter of the books may compare only beginnings. No reference of a
document of any console has a Z in the second place.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date

from integration.core.links import Link
from integration.core.records import Kind, is_number
from integration.flows.console_marks import DAY_LETTER, console_mark, year_digit, year_of

PLACES = 3  # width of a branch number
LAST_SERIAL = 99
BANK = "bank"

_REFERENCE = re.compile(rf"([0-9A-Z]){DAY_LETTER}([0-9A-Z])(\d\d)(\d\d)(\d{{{PLACES}}})(\d\d)", re.ASCII)


def reference(prefix: str, day: date, branch: str, serial: int = 0) -> str | None:
    """Return the reference of a page under a prefix; None if the year, branch or serial does not fit."""
    year = year_digit(day.year)
    if year is None or not is_number(branch) or len(branch) > PLACES or serial > LAST_SERIAL:
        return None
    return f"{console_mark(prefix)}{DAY_LETTER}{year}{day:%m%d}{int(branch):0{PLACES}}{serial:02}"


@dataclass(frozen=True, slots=True)
class DayReference:
    """The content of a day reference: the mark of the console, the day, the branch and the serial."""

    mark: str
    day: date
    branch: int
    serial: int


def parse_day_reference(text: str) -> DayReference | None:
    """Return the content of a day reference of any console; None for any other text."""
    match = _REFERENCE.fullmatch(text.strip().upper())
    if match is None:
        return None
    mark, year, month, day, branch, serial = match.groups()
    try:
        return DayReference(mark, date(year_of(year), int(month), int(day)), int(branch), int(serial))
    except ValueError:  # no such day
        return None


def bears_day(prefix: str, kind: Kind, text: str) -> bool:
    """Return True if a reference in the books is a day reference of a console with this prefix."""
    del kind
    parsed = parse_day_reference(text)
    return parsed is not None and parsed.mark == console_mark(prefix)


def is_day_of_another_console(prefix: str, text: str) -> bool:
    """Return True if a reference in the books is a day reference of a console with another prefix."""
    parsed = parse_day_reference(text)
    return parsed is not None and parsed.mark != console_mark(prefix)


def page_key(day_key: str, serial: int) -> str:
    """Return the key of a day page: the key of the day, followed by the serial for a correction."""
    return f"{day_key}/{serial:02}" if serial else day_key


def day_of_key(key: str) -> str:
    """Return the key of the day that a page belongs to."""
    return "/".join(key.split("/")[:2])


def pages_of(linked: Callable[[Collection[str]], Mapping[str, Link]], days: Collection[str]) -> dict[str, list[Link]]:
    """Return the booked pages of each of these days, ordered by serial."""
    pages: dict[str, list[Link]] = {day: [] for day in days}
    waiting = list(pages)
    for serial in range(LAST_SERIAL + 1):
        links = linked([page_key(day, serial) for day in waiting]) if waiting else {}
        waiting = [day for day in waiting if page_key(day, serial) in links]
        for day in waiting:
            pages[day].append(links[page_key(day, serial)])
    return pages


def daybooks_of_the_bank(types: Mapping[str, str]) -> set[str]:
    """Return the bank daybooks, in which the bank settles the takings of the till; `types` are types by daybook."""
    return {code for code, daybook_type in types.items() if daybook_type.split()[:1] == [BANK]}
