"""Lists of the till: a limited answer has the lowest markers there are, nothing twice, and what is named all of it.

The vendor says neither that answers are sorted nor which part of a list a limited one holds. Pages are turned by the
highest marker of the last one, so whatever else a page left out would never be read. Nor does it say how much it tells
at once of what is asked for by numbers.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from integration.connectors.mplus.settings import SYSTEM
from integration.connectors.parallel import sliced
from integration.core.errors import MalformedAnswerError

T = TypeVar("T")
_Markers = Iterable[int | None]  # None for one that cannot be read
_LOOKS = 2  # somebody may change a record between two answers
_GROUP = 100  # numbers that are asked for again at once, where less was told


class PartialLists:
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
        raise till_out_of_order(operation, str(min({*before}.symmetric_difference(half), default=before[0])))


class ByNumbers(Generic[T]):
    """What is asked for by numbers: told whole, though the till may tell only so much at once. Safe to share.

    `weight` is how much of an answer something takes, where a till may count other things than those named.
    """

    def __init__(self, weight: Callable[[T], int] = lambda _: 1) -> None:
        self._weight = weight
        self._given = 0  # the most that was told at once without anything being held back

    def all(
        self, ask: Callable[[Sequence[str]], list[T]], names: Callable[[T], Iterable[str | None]]
    ) -> Callable[[Sequence[str]], list[T]]:
        """Return what asks as `ask` does, and once more for what an answer that may be full does not tell.

        `names` says by which numbers something is known.
        """

        def asking(numbers: Sequence[str]) -> list[T]:
            found = ask(numbers)
            told = {name for one in found for name in names(one)}
            missing = [number for number in numbers if number not in told]
            weights = [self._weight(one) for one in found]
            more: list[T] = []
            if weights and 0 < len(missing) < len(numbers) and sum(weights) + max(weights) > self._given:
                more = [one for group in sliced(missing, max(len(found), _GROUP)) for one in asking(group)]
            if not more:
                self._given = max(self._given, sum(weights))
            return found + more

        return asking


def by_own_number(
    ask: Callable[[Sequence[str]], list[T]], number_of: Callable[[T], str | None]
) -> Callable[[Sequence[str]], list[tuple[str, T]]]:
    """Return what asks as `ask` does for some numbers, and tells each with its own.

    What does not say its number comes with the one that it answers to when that is asked for alone: taken for none, it
    would be made twice.
    """

    def asking(numbers: Sequence[str]) -> list[tuple[str, T]]:
        found = [(number_of(one) or "", one) for one in ask(numbers)]
        named = [one for one in found if one[0]]
        nameless = [one for number, one in found if not number]
        untold = [number for number in numbers if number not in dict(named)] if nameless else []
        if len(numbers) > 1:
            return named + [one for number in untold for one in asking([number])]
        return named + [(number, nameless[0]) for number in untold]

    return asking


def expect_once(operation: str, keys: Iterable[str | None]) -> None:
    """Raise MalformedAnswerError where a key comes twice in one answer: another row may be missing in its place."""
    twice = [key for key, count in Counter(filter(None, keys)).items() if count > 1]
    if twice:
        raise till_out_of_order(operation, twice[0])


def till_out_of_order(operation: str, key: str) -> MalformedAnswerError:
    """Return the error for a list in which a row comes twice, or after one that it should come before."""
    return MalformedAnswerError("list_out_of_order", system=SYSTEM, object=operation, key=key)


def _readable(told: _Markers) -> list[int]:
    return sorted(marker for marker in told if marker is not None)
