"""Under which reference the page of a day stands in the books, and how its records are keyed.

    D 261017 001 00
    |   |     |  |
    |   |     |  serial: 00 is the page of the day, later ones correct it
    |   |     branch
    |   date
    a day

All references have twelve characters: a filter of the books may compare beginnings only.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date

from integration.core.links import Link
from integration.core.records import is_number

PLACES = 3  # of a branch
LAST_SERIAL = 99
BANK = "bank"


def reference(day: date, branch: str, serial: int = 0) -> str | None:
    """Return the reference of a page; None where branch or serial has no room in it."""
    if not is_number(branch) or len(branch) > PLACES or serial > LAST_SERIAL:
        return None
    return f"D{day:%y%m%d}{int(branch):0{PLACES}}{serial:02}"


def page_key(day_key: str, serial: int) -> str:
    """Return the key of a page of a day: that of the day, with the serial of what corrects it."""
    return f"{day_key}/{serial:02}" if serial else day_key


def day_of_key(key: str) -> str:
    """Return the key of the day that a page belongs to."""
    return "/".join(key.split("/")[:2])


def pages_of(linked: Callable[[Collection[str]], Mapping[str, Link]], days: Collection[str]) -> dict[str, list[Link]]:
    """Return the pages that are booked of each of these days, in the order of their serials."""
    found: dict[str, list[Link]] = {day: [] for day in days}
    waiting = list(found)
    for serial in range(LAST_SERIAL + 1):
        there = linked([page_key(day, serial) for day in waiting]) if waiting else {}
        waiting = [day for day in waiting if page_key(day, serial) in there]
        for day in waiting:
            found[day].append(there[page_key(day, serial)])
    return found


def daybooks_of_the_bank(types: Mapping[str, str]) -> set[str]:
    """Return the daybooks in which the bank settles what the till took in, by the sort of each daybook."""
    return {code for code, sort in types.items() if sort.split()[:1] == [BANK]}
