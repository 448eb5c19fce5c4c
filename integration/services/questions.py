"""Saved SQL queries of the log: those shipped with the console, and those of people."""

from dataclasses import dataclass

from integration.core.authorization import requires
from integration.core.people import Actor, Right
from integration.log.statements import queries
from integration.shipped import SHIPPED
from integration.store.settings import StoredSettings

QUESTIONS = SHIPPED / "data" / "questions.sql"
PREFIX = "question:"
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """A saved query, and who saved it."""

    name: str
    sql: str
    by: str = ""


class Questions:
    """The saved queries of this console. All people share them."""

    def __init__(self, stored_settings: StoredSettings) -> None:
        self._stored_settings = stored_settings

    @requires(Right.SEE)
    def shipped(self) -> dict[str, str]:
        """Return the queries shipped with the console, by name."""
        return queries(QUESTIONS.read_text(encoding="utf-8"))

    @requires(Right.SEE)
    def saved(self) -> list[LogQuestion]:
        """Return the queries that people saved, sorted by name."""
        questions = [
            LogQuestion(name.removeprefix(PREFIX), str(value.get("sql", "")), str(value.get("by", "")))
            for name, value in self._stored_settings.settings_with_prefix(PREFIX).items()
        ]
        return sorted(questions, key=lambda question: question.name.casefold())

    @requires(Right.ASK_SQL)
    def save(self, name: str, sql: str, by: Actor) -> LogQuestion:
        """Save a query for everybody, in place of one with the same name. Raises ValueError without a name or text."""
        name = " ".join(name.split())[:LONGEST_NAME]
        if not name or not sql.strip():
            raise ValueError("a question is kept with a name and a text")
        self._stored_settings.put(PREFIX + name, {"sql": sql, "by": by.ref}, by.ref)
        return LogQuestion(name, sql, by.ref)

    @requires(Right.ASK_SQL)
    def remove(self, name: str, by: Actor) -> None:
        """Delete a saved query."""
        self._stored_settings.forget(PREFIX + name, by.ref)
