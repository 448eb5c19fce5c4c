"""Lists of the till that come page by page: a limited answer has the lowest markers there are, and nothing twice.

The vendor says neither that answers are sorted nor which part of a list a limited one holds. Pages are turned by the
highest marker of the last one, so whatever else a page left out would never be read.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from integration.connectors.mplus.settings import SYSTEM
from integration.core.errors import MalformedAnswerError

_Markers = Iterable[int | None]  # None for one that cannot be read
_LOOKS = 2  # somebody may change a record between two answers


class Lowest:
    """Of which lists it was seen that fewer rows are the lowest of more. Safe to share between threads."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def expect(self, operation: str, told: _Markers, ask: Callable[[int], _Markers]) -> None:
        """Compare an answer, once for each list, with the one that `ask` gives for half as many rows.

        Raises MalformedAnswerError where that has others.
        """
        page = _readable(told)
        if operation in self._seen or len(page) < 2:  # noqa: PLR2004 - of one nothing can be told
            return
        for _ in range(_LOOKS):
            half = _readable(ask((len(page) + 1) // 2))
            if half and half == page[: len(half)]:
                self._seen.add(operation)
                return
            before, page = page, _readable(ask(len(page)))
        raise out_of_order(operation, str(min({*before}.symmetric_difference(half), default=before[0])))


def expect_once(operation: str, keys: Iterable[str | None]) -> None:
    """Raise MalformedAnswerError where a key comes twice in one answer: another row may be missing in its place."""
    twice = [key for key, count in Counter(filter(None, keys)).items() if count > 1]
    if twice:
        raise out_of_order(operation, twice[0])


def out_of_order(operation: str, key: str) -> MalformedAnswerError:
    """Return the error for a list in which a row comes twice, or after one that it should come before."""
    return MalformedAnswerError("list_out_of_order", system=SYSTEM, object=operation, key=key)


def _readable(told: _Markers) -> list[int]:
    return sorted(marker for marker in told if marker is not None)
