"""Filters of lists that people keep under a name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from integration.store.database import Store, upsert
from integration.store.tables import saved_filters


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A filter of one page under its name: what the address carries. Without a `person` it is everybody's."""

    name: str
    asked: Mapping[str, str]
    person: str = ""


class SavedFilterStore(Store):
    """The saved filters of everybody."""

    def of(self, page: str, people: Sequence[str]) -> list[SavedFilter]:
        """Return what some people keep for a page, by name."""
        here = (saved_filters.c.page == page, saved_filters.c.person.in_(people))
        rows = self.database.rows(sa.select(saved_filters).where(*here))
        told = ((row, {str(name): str(one) for name, one in row.asked.items()}) for row in rows)
        found = [SavedFilter(row.name, asked, row.person) for row, asked in told]
        return sorted(found, key=lambda one: (one.name.casefold(), one.person))

    def keep(self, person: str, page: str, name: str, asked: Mapping[str, str]) -> None:
        """Keep a filter, in place of one of this name."""
        row = {"person": person, "page": page, "name": name, "asked": dict(asked), "changed_at": self.clock()}
        with self.database.write() as connection:
            upsert(connection, saved_filters, [row])

    def forget(self, person: str, page: str, name: str) -> None:
        """Forget a filter."""
        with self.database.write() as connection:
            connection.execute(saved_filters.delete().filter_by(person=person, page=page, name=name))
