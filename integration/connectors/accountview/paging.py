"""Paging of lists: where a list ends, the size of a page, and whether a page continues the one before.

The maximum number of rows per page of an installation is not published. So a page shorter than requested does not end a
list, only an empty one does. The next pages are requested in the size of the first one, so that they continue it
however the server counts. After a page that is shorter than the first, the single row behind it is requested, and must
not exist.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase
from typing import Self

from integration.connectors.accountview.codec import Row, key_text
from integration.connectors.accountview.settings import SYSTEM, BusinessObject
from integration.core.errors import MalformedAnswerError


@dataclass(frozen=True, slots=True)
class PageState:
    """Progress in the pages of a list: `page` is the next one."""

    page: int = 1
    row_count: int = 0
    size: int = 0  # rows in the first page
    is_short: bool = False  # the last page had fewer rows than the first: no page may follow
    last: str = ""

    def asking(self, size: int) -> tuple[int, int]:
        """Return the number and the size of the next page; `size` is the requested size of the first one."""
        return (self.row_count + 1, 1) if self.is_short else (self.page, self.size or size)

    def after_page(self, of: BusinessObject, requested_size: int, keys: Sequence[str]) -> Self:
        """Return the state after a page whose rows have these keys; `requested_size` rows were requested.

        Raises MalformedAnswerError if the page before had fewer rows than the first one, or if the keys are out of
        order.
        """
        if self.is_short:
            raise incomplete(of, self.row_count)
        require_sorted(of, [self.last, *keys])
        size = self.size or min(len(keys), requested_size)
        last = next(filter(None, reversed(keys)), self.last)
        is_short, row_count = len(keys) < size, self.row_count + len(keys)
        return replace(self, page=self.page + 1, row_count=row_count, size=size, is_short=is_short, last=last)


class PageSequence:
    """The pages read so far of a list that is sorted by a column.

    A first page with fewer rows than `enough` ends the list. Callers that look for rows by their values set it to a
    page size that the server is known to return.
    """

    def __init__(self, of: BusinessObject, size: int, sorted_by: str, *, enough: int = 0) -> None:
        self._size = size
        self._object = of
        self._column = sorted_by.upper().replace(".", "_")
        self._enough = min(enough, size)  # a full page never ends the list, however many rows other lists return
        self._state = PageState()
        self._rows: set[str] = set()
        self._last_row = ""

    def is_last(self, page: Sequence[Row], row_at: Callable[[int], Sequence[Row]]) -> bool:
        """Return True if no page follows this one.

        `row_at` reads the single row at a place of the list, counted from 1. It is called for a page that begins with
        the last row before it: the list has the row twice if the row is still at its place. Raises MalformedAnswerError
        if earlier rows are missing, rows repeat otherwise, or rows are out of order.
        """
        if not page or (self._state.page == 1 and len(page) < self._enough):
            return True
        contents = [self._content(row) for row in page if row]
        if (repeated := self._rows.intersection(contents)) and not (
            page[0] and repeated == {self._last_row} == {contents[0]} and self._is_at_place(row_at)
        ):
            raise incomplete(self._object, len(self._rows))
        self._rows.update(contents)
        self._last_row = self._content(page[-1]) if page[-1] else ""
        self._state = self._state.after_page(
            self._object, self._size, [key_text(row.get(self._column)) for row in page]
        )
        return False

    def _is_at_place(self, row_at: Callable[[int], Sequence[Row]]) -> bool:
        """Return True if the last row of the page before is still at its place."""
        return [self._content(row) for row in row_at(self._state.row_count)] == [self._last_row]

    def _content(self, row: Row) -> str:
        local = f"{self._object.table.upper()}_ID"  # numbers the rows of one answer only
        return repr([(name, value) for name, value in row.items() if name != local])

    def asking(self) -> tuple[int, int]:
        """Return the number and the size of the next page."""
        return self._state.asking(self._size)


def part_by_key(
    of: BusinessObject, keys: Sequence[str], last: str, size: int, read_again: str = ""
) -> tuple[int, int | None]:
    """Return where the rows of a page by last key begin and end of whose keys the page holds all rows.

    `keys` are those of the page that was requested after the key `last`; a full page has `size` rows, and has to begin
    with `read_again`. Rows with the key `last` were read before. The page after a key may skip further rows with that
    key, and may ignore case. So the last key of a full page is left to the next page, which begins after the key before
    it. The end is None after a page that is not full, and the start for a full page with a single key.

    Raises MalformedAnswerError if the page does not begin as it has to, or does not advance.
    """
    folded = [key.casefold() for key in keys]
    start = next((place for place, key in enumerate(folded) if key != last.casefold()), len(keys)) if last else 0
    if start and start == len(keys) and start >= size:
        raise incomplete(of, start)
    if read_again and keys[start : start + 1] != [read_again]:
        raise books_out_of_order(of, read_again)
    final = next(filter(None, reversed(folded[start:])), "")
    if len(keys) < size or not final:
        return start, None
    stop = folded.index(final, start)
    return start, stop if any(folded[start:stop]) else start


def incomplete(of: BusinessObject, count: int) -> MalformedAnswerError:
    """Return the error for a list that ends early, with an unknown number of rows missing after this number."""
    return MalformedAnswerError("answer_incomplete", system=SYSTEM, count=count, object=of.code)


def require_sorted(of: BusinessObject, keys: Iterable[str]) -> None:
    """Raise MalformedAnswerError for keys out of ascending order. Blank keys are ignored, and keys may repeat."""
    for key, other in pairwise(filter(None, keys)):
        if other < key and _is_certain_order(other, key):
            raise books_out_of_order(of, other)


def books_out_of_order(of: BusinessObject, key: str) -> MalformedAnswerError:
    """Return the error for a list in which a row occurs twice or out of order."""
    return MalformedAnswerError("list_out_of_order", system=SYSTEM, object=of.code, key=key)


def _is_certain_order(text: str, other: str) -> bool:
    """Return True if every collation puts these two different texts in the same order.

    Collations differ for capitals, accents, punctuation, and numbers of different lengths.
    """
    place = next((at for at, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))
    tail, other_tail = text[place:], other[place:]
    if tail[:1].isdigit() and other_tail[:1].isdigit():
        return _digits(tail) == _digits(other_tail)
    return (
        any(tail[:1] in letters and other_tail[:1] in letters for letters in _LETTERS) if tail and other_tail else False
    )


_LETTERS = (ascii_uppercase, ascii_lowercase)


def _digits(text: str) -> int:
    return len(text) - len(text.lstrip("0123456789"))
