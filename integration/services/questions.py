"""Questions in SQL that are kept under a name: those that come with the console, and those of people."""

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
    """A question under its name, and who saved it."""

    name: str
    sql: str
    by: str = ""


class Questions:
    """The kept questions of everybody who works at this console."""

    def __init__(self, stored: StoredSettings) -> None:
        self._stored = stored

    @requires(Right.SEE)
    def shipped(self) -> dict[str, str]:
        """Return the questions that come with the console, by name."""
        return queries(QUESTIONS.read_text(encoding="utf-8"))

    @requires(Right.SEE)
    def saved(self) -> list[LogQuestion]:
        """Return what people saved, by name."""
        kept = [
            LogQuestion(name.removeprefix(PREFIX), str(value.get("sql", "")), str(value.get("by", "")))
            for name, value in self._stored.named(PREFIX).items()
        ]
        return sorted(kept, key=lambda one: one.name.casefold())

    @requires(Right.ASK_SQL)
    def save(self, name: str, sql: str, by: Actor) -> LogQuestion:
        """Keep a question for everybody, in place of one that has this name. Raises ValueError without a name."""
        name = " ".join(name.split())[:LONGEST_NAME]
        if not name or not sql.strip():
            raise ValueError("a question is kept with a name and a text")
        self._stored.put(PREFIX + name, {"sql": sql, "by": by.ref}, by.ref)
        return LogQuestion(name, sql, by.ref)

    @requires(Right.ASK_SQL)
    def remove(self, name: str, by: Actor) -> None:
        """Forget a saved question."""
        self._stored.forget(PREFIX + name, by.ref)
