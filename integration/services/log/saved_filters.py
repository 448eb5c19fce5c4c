"""Saved filters of pages: each person has their own. Without log-ins there is one list for all."""

from collections.abc import Mapping
from dataclasses import dataclass

from integration.core.authorization import requires
from integration.core.people import Actor, Right
from integration.store.saved_filters import SavedFilter
from integration.store.saved_filters import SavedFilterStore as Stored

LONGEST_NAME = 60
FOR_ALL = ""
# The address parameters of each page that are filters. Others, such as a record or a run, are not.
FILTERS: Mapping[str, tuple[str, ...]] = {
    "exceptions": ("status", "flow", "find", "sort"),
    "logs": ("find", "flow", "event", "from", "to"),
    "preview": ("show", "find", "field", "group", "cause"),
}


@dataclass(frozen=True, slots=True)
class SavedFilters:
    """Saved filters by page and name."""

    store: Stored

    @requires(Right.SEE)
    def visible_filters(self, page: str, by: Actor) -> list[SavedFilter]:
        """Return the filters of a page that an actor can open: their own, and those for everybody."""
        return self.store.filters_of_people(page, tuple({FOR_ALL, _owner(by)}))

    @requires(Right.SEE)
    def keep(self, page: str, name: str, parameters: Mapping[str, str], by: Actor) -> str:
        """Save the filter in the address of a page, and return its name. Raises ValueError without a name.

        Replaces a filter with the same name. Parameters that are not filters of the page are left out.
        """
        name = " ".join(name.split())[:LONGEST_NAME]
        if not name:
            raise ValueError("a saved filter has a name")
        filters = {filter_name: parameters[filter_name] for filter_name in FILTERS[page] if parameters.get(filter_name)}
        self.store.keep(_owner(by), page, name, filters)
        return name

    @requires(Right.SEE)
    def forget(self, page: str, name: str, by: Actor) -> None:
        """Delete a filter of the actor, or a filter for all persons if there is no log-in."""
        self.store.forget(_owner(by), page, name)


def _owner(by: Actor) -> str:
    return by.ref if by.session else FOR_ALL
