"""Turning the pages of a list: what ends it, how large a page is, and whether the next one goes on where it should.

How many rows an installation gives at most in one page is not published. So a page shorter than asked is no end of a
list, an empty one is. The next pages are asked for as large as the first one came, for then they begin where it ended,
however the server counts; after one that is shorter still, the single row behind it is asked for, and there must be
none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase
from typing import Self

from integration.connectors.accountview.codec import Row, text_or_none
from integration.connectors.accountview.settings import SYSTEM, BusinessObject
from integration.core.errors import MalformedAnswerError


@dataclass(frozen=True, slots=True)
class PageState:
    """How far the pages of a list have been turned: `page` is the next one."""

    page: int = 1
    read: int = 0
    size: int = 0  # rows in a page, as the first one had them
    is_short: bool = False  # the last page had fewer: nothing may follow it
    last: str = ""

    def asking(self, size: int) -> tuple[int, int]:
        """Return the number and the size of the next page; `size` is what the first one is asked for with."""
        return (self.read + 1, 1) if self.is_short else (self.page, self.size or size)

    def onward(self, of: BusinessObject, asked: int, keys: Sequence[str]) -> Self:
        """Return where things stand after a page with rows of these keys, of which `asked` were asked for.

        Raises MalformedAnswerError where a page with fewer rows than the first came before it, or it is out of order.
        """
        if self.is_short:
            raise incomplete(of, self.read)
        expect_sorted(of, [self.last, *keys])
        size = self.size or min(len(keys), asked)
        is_short, read = len(keys) < size, self.read + len(keys)
        return replace(self, page=self.page + 1, read=read, size=size, is_short=is_short, last=keys[-1])


class PagesSeen:
    """The pages of a list so far, which is sorted by a column.

    A first page with fewer rows than `enough` ends the list: who looks for rows by their values says so, where the
    server was seen to give so many at once.
    """

    def __init__(self, of: BusinessObject, size: int, sorted_by: str, *, enough: int = 0) -> None:
        self._size = size
        self._of = of
        self._column = sorted_by.upper().replace(".", "_")
        self._enough = enough
        self._turned = PageState()
        self._rows: set[str] = set()

    def is_last(self, page: Sequence[Row]) -> bool:
        """Tell whether no page follows this one.

        Raises MalformedAnswerError where rows are missing before it, come once more, or are out of order.
        """
        if not page or (self._turned.page == 1 and len(page) < self._enough):
            return True
        local = f"{self._of.table.upper()}_ID"  # numbers the rows of one answer only
        rows = {repr([(name, value) for name, value in row.items() if name != local]) for row in page}
        if not rows.isdisjoint(self._rows):
            raise incomplete(self._of, len(self._rows))
        self._rows |= rows
        self._turned = self._turned.onward(
            self._of, self._size, [text_or_none(row.get(self._column)) or "" for row in page]
        )
        return False

    def asking(self) -> tuple[int, int]:
        """Return the number and the size of the next page."""
        return self._turned.asking(self._size)


def incomplete(of: BusinessObject, count: int) -> MalformedAnswerError:
    """Return the error for a list of which nobody knows what is missing after so many rows."""
    return MalformedAnswerError("answer_incomplete", system=SYSTEM, count=count, object=of.code)


def expect_sorted(of: BusinessObject, keys: Iterable[str]) -> None:
    """Raise MalformedAnswerError for keys that do not rise. A blank one stands anywhere, and two may be alike."""
    for one, other in pairwise(filter(None, keys)):
        if other < one and _is_sure(other, one):
            raise books_out_of_order(of, other)


def expect_different(of: BusinessObject, keys: Sequence[str]) -> None:
    """Raise MalformedAnswerError where a key comes twice."""
    known: set[str] = set()
    for key in filter(None, keys):
        if key in known:
            raise books_out_of_order(of, key)
        known.add(key)


def books_out_of_order(of: BusinessObject, key: str) -> MalformedAnswerError:
    """Return the error for a list in which a row comes twice, or after one that it should come before."""
    return MalformedAnswerError("list_out_of_order", system=SYSTEM, object=of.code, key=key)


def _is_sure(one: str, other: str) -> bool:
    """Tell whether every way of sorting puts two different texts in the same order.

    Where they differ about capitals, accents, signs or numbers of different lengths, ways do.
    """
    place = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    here, there = one[place:], other[place:]
    if here[:1].isdigit() and there[:1].isdigit():
        return _digits(here) == _digits(there)
    return any(here[:1] in letters and there[:1] in letters for letters in _LETTERS) if here and there else False


_LETTERS = (ascii_uppercase, ascii_lowercase)


def _digits(text: str) -> int:
    return len(text) - len(text.lstrip("0123456789"))
