"""Handles rows without the column of the search: only the records they may belong to are parked."""

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
    """A row does not show which wanted record it is; treating that record as absent would create a duplicate."""

    column: str
    row: Row  # may contain personal data, so it is not a fact, because facts are stored

    @classmethod
    def for_row(cls, of: BusinessObject, column: str, row: Row) -> "MissingKeyError":
        """Return the error for a row of an object that lacks a column."""
        error = cls("answer_unreadable", system=SYSTEM, operation=of.reading)
        error.column, error.row = column, row
        return error

    def as_record(self, kind: Kind, key: str) -> Unreadable:
        """Return the row as an unreadable record."""
        return unreadable(kind, key, WrongValueError(self.column, ""), raw_row(self.row))


def split_unnamed(
    ask: Callable[[Sequence[T]], A], items: Sequence[T]
) -> tuple[list[A], list[tuple[T, MissingKeyError]]]:
    """Return the answers for items with complete rows, and the items whose row lacks its key, with their errors.

    Raises MissingKeyError if all of several items fail, because the cause is then not a single row.
    """
    answers, unnamed = _ask_in_halves(ask, items)
    if len(unnamed) == len(items) > 1:
        raise unnamed[0][1]
    return answers, unnamed


def _ask_in_halves(
    ask: Callable[[Sequence[T]], A], items: Sequence[T]
) -> tuple[list[A], list[tuple[T, MissingKeyError]]]:
    try:
        return [ask(items)], []
    except MissingKeyError as error:
        if len(items) == 1:
            return [], [(items[0], error)]
    middle = len(items) // 2
    (first_answers, first), (other, second) = _ask_in_halves(ask, items[:middle]), _ask_in_halves(ask, items[middle:])
    return first_answers + other, first + second
