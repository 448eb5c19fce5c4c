"""Saved SQL queries of the log: those shipped with the console, and those of people."""

from dataclasses import dataclass

from integration.core.authorization import requires
from integration.core.people import Actor, Right
from integration.log.statements import queries
from integration.shipped import SHIPPED
from integration.store.settings import StoredSettings

SHIPPED_QUERIES = SHIPPED / "data" / "shipped_queries.sql"
PREFIX = "query:"
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A saved query, and who saved it."""

    name: str
    sql: str
    by: str = ""


class SavedQueries:
    """The saved queries of this console. All people share them."""

    def __init__(self, stored_settings: StoredSettings) -> None:
        self._stored_settings = stored_settings

    @requires(Right.SEE)
    def shipped(self) -> dict[str, str]:
        """Return the queries shipped with the console, by name."""
        return queries(SHIPPED_QUERIES.read_text(encoding="utf-8"))

    @requires(Right.SEE)
    def saved(self) -> list[SavedQuery]:
        """Return the queries that people saved, sorted by name."""
        saved_queries = [
            SavedQuery(name.removeprefix(PREFIX), str(value.get("sql", "")), str(value.get("by", "")))
            for name, value in self._stored_settings.settings_with_prefix(PREFIX).items()
        ]
        return sorted(saved_queries, key=lambda query: query.name.casefold())

    @requires(Right.ASK_SQL)
    def save(self, name: str, sql: str, by: Actor) -> SavedQuery:
        """Save a query for everybody, in place of one with the same name. Raises ValueError without a name or text."""
        name = " ".join(name.split())[:LONGEST_NAME]
        if not name or not sql.strip():
            raise ValueError("a saved query has a name and a text")
        self._stored_settings.put(PREFIX + name, {"sql": sql, "by": by.ref}, by.ref)
        return SavedQuery(name, sql, by.ref)

    @requires(Right.ASK_SQL)
    def remove(self, name: str, by: Actor) -> None:
        """Delete a saved query."""
        self._stored_settings.forget(PREFIX + name, by.ref)
