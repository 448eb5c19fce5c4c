"""Rows that do not tell the column they were asked for by: whose they may be waits alone, and the rest goes on."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from integration.connectors.accountview.codec import Row
from integration.connectors.accountview.rows import raw_row
from integration.connectors.accountview.settings import SYSTEM, BusinessObject
from integration.core.errors import MalformedAnswerError
from integration.core.records import Kind, Unreadable, WrongValueError, unreadable

A = TypeVar("A")
T = TypeVar("T")


class MissingKeyError(MalformedAnswerError):
    """One of those asked for was found, and its row does not tell which: whoever takes it for none writes it twice."""

    column: str
    row: Row  # which may tell of a person: no fact, for those are kept

    @classmethod
    def of(cls, of: BusinessObject, column: str, row: Row) -> "MissingKeyError":
        """Return the error about a row of an object that lacks a column."""
        error = cls("answer_unreadable", system=SYSTEM, operation=of.reading)
        error.column, error.row = column, row
        return error

    def as_record(self, kind: Kind, key: str) -> Unreadable:
        """Return the row as a record that cannot be read."""
        return unreadable(kind, key, WrongValueError(self.column, ""), raw_row(self.row))


def split_unnamed(
    ask: Callable[[Sequence[T]], A], asked: Sequence[T]
) -> tuple[list[A], list[tuple[T, MissingKeyError]]]:
    """Return the answers for all but those whose own row does not name them, and those with what is wrong.

    Raises UnnamedRowError where it is so of every one of several: then it is no matter of one row.
    """
    answers, unnamed = _halved(ask, asked)
    if len(unnamed) == len(asked) > 1:
        raise unnamed[0][1]
    return answers, unnamed


def _halved(ask: Callable[[Sequence[T]], A], asked: Sequence[T]) -> tuple[list[A], list[tuple[T, MissingKeyError]]]:
    try:
        return [ask(asked)], []
    except MissingKeyError as error:
        if len(asked) == 1:
            return [], [(asked[0], error)]
    middle = len(asked) // 2
    (one, first), (other, second) = _halved(ask, asked[:middle]), _halved(ask, asked[middle:])
    return one + other, first + second
