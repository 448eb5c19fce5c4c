"""Stores the named filters of list pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from integration.store.database import Store, upsert
from integration.store.tables import saved_filters


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A named filter of one page, stored as query parameters. Without a `person` it is shared."""

    name: str
    query_parameters: Mapping[str, str]
    person: str = ""


class SavedFilterStore(Store):
    """Stores the saved filters of all persons."""

    def filters_of_people(self, page: str, people: Sequence[str]) -> list[SavedFilter]:
        """Return the filters of these persons for a page, by name."""
        conditions = (saved_filters.c.page == page, saved_filters.c.person.in_(people))
        rows = self.database.rows(sa.select(saved_filters).where(*conditions))
        rows_with_values = ((row, {str(name): str(text) for name, text in row.parameters.items()}) for row in rows)
        filters = [SavedFilter(row.name, values, row.person) for row, values in rows_with_values]
        return sorted(filters, key=lambda saved_filter: (saved_filter.name.casefold(), saved_filter.person))

    def keep(self, person: str, page: str, name: str, values: Mapping[str, str]) -> None:
        """Store a filter. Replaces a filter with the same name."""
        row = {"person": person, "page": page, "name": name, "parameters": dict(values), "changed_at": self.clock()}
        with self.database.write() as connection:
            upsert(connection, saved_filters, [row])

    def forget(self, person: str, page: str, name: str) -> None:
        """Delete a filter."""
        with self.database.write() as connection:
            connection.execute(saved_filters.delete().filter_by(person=person, page=page, name=name))
