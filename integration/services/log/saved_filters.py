"""Filters under a name: each person has their own, and where nobody logs in there is one list for all."""

from collections.abc import Mapping
from dataclasses import dataclass

from integration.core.authorization import requires
from integration.core.people import Actor, Right
from integration.store.saved_filters import SavedFilter
from integration.store.saved_filters import SavedFilterStore as Stored

LONGEST_NAME = 60
FOR_ALL = ""
# What of a page's address is its filter; what a page has beside that (a record, a run) is none.
FILTERS: Mapping[str, tuple[str, ...]] = {
    "exceptions": ("status", "flow", "find", "sort"),
    "logs": ("find", "flow", "event", "from", "to"),
    "preview": ("show", "find", "field", "group", "cause"),
}


@dataclass(frozen=True, slots=True)
class SavedFilters:
    """What somebody finds under its name."""

    stored: Stored

    @requires(Right.SEE)
    def of(self, page: str, by: Actor) -> list[SavedFilter]:
        """Return the filters of a page that somebody can open: their own, and those of everybody."""
        return self.stored.of(page, tuple({FOR_ALL, _owner(by)}))

    @requires(Right.SEE)
    def keep(self, page: str, name: str, asked: Mapping[str, str], by: Actor) -> str:
        """Keep what the address of a page asks for, and return its name. Raises ValueError without one.

        It takes the place of one of this name; what is no filter of the page is left out.
        """
        name = " ".join(name.split())[:LONGEST_NAME]
        if not name:
            raise ValueError("a filter is kept under a name")
        filters = {one: asked[one] for one in FILTERS[page] if asked.get(one)}
        self.stored.keep(_owner(by), page, name, filters)
        return name

    @requires(Right.SEE)
    def forget(self, page: str, name: str, by: Actor) -> None:
        """Forget a filter of somebody's own; where nobody logs in one of everybody."""
        self.stored.forget(_owner(by), page, name)


def _owner(by: Actor) -> str:
    return by.ref if by.session else FOR_ALL
