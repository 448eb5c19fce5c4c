"""Checks of the till's lists: limited answers hold the lowest markers, records once, and all requested numbers.

The vendor documents neither that answers are sorted nor which part of a list a limited answer holds. Paging continues
after the highest marker of the last page, so anything else that a page left out would never be read. It is not
documented either how much the till returns at once for a request by numbers.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Element
from integration.connectors.mplus.element_shape import mark_different
from integration.connectors.mplus.settings import SYSTEM
from integration.connectors.parallel import portions
from integration.core.errors import MalformedAnswerError

T = TypeVar("T")
_Markers = Iterable[int | None]  # None for an unreadable one
_ATTEMPTS = 2  # somebody may change a record between two answers
_GROUP = 100  # numbers that are requested again at once, after an incomplete answer


class PartialLists:
    """Lists proven to return the lowest markers when limited. Thread-safe."""

    def __init__(self) -> None:
        self._proven_lists: set[str] = set()

    def require_lowest(self, operation: str, markers: _Markers, ask: Callable[[int], _Markers]) -> None:
        """Compare an answer, once for each list, with the one that `ask` gives for half as many rows.

        Raises MalformedAnswerError if the smaller answer has other rows than the lowest of the larger one.
        """
        page = _readable_markers(markers)
        if operation in self._proven_lists or len(page) < 2:  # noqa: PLR2004 - one row has no order
            return
        for _ in range(_ATTEMPTS):
            answer = list(ask((len(page) + 1) // 2))
            half = _readable_markers(answer)
            if half and half == page[: len(half)]:
                self._proven_lists.add(operation)
                return
            if answer and not half:  # all of them are unreadable, which shows nothing
                return
            before, page = page, _readable_markers(ask(len(page)))
        raise till_out_of_order(operation, str(min({*before}.symmetric_difference(half), default=before[0])))


class ByNumbers(Generic[T]):
    """Completes answers to requests by numbers, because the till may limit an answer. Safe to share between threads.

    `weight` is the size of an item in an answer, where a till may count other things than the requested ones.
    """

    def __init__(self, weight: Callable[[T], int] = lambda _: 1) -> None:
        self._weight = weight
        self._largest_complete = 0  # size of the largest answer known to be complete

    def ask_all(
        self, ask: Callable[[Sequence[str]], list[T]], names: Callable[[T], Iterable[str | None]]
    ) -> Callable[[Sequence[str]], list[T]]:
        """Return a function that asks as `ask` does, and again for items missing from a possibly limited answer.

        `names` returns the numbers of an item.
        """

        def asking(numbers: Sequence[str]) -> list[T]:
            items = ask(numbers)
            item_names = {name for item in items for name in names(item)}
            missing = [number for number in numbers if number not in item_names]
            weights = [self._weight(item) for item in items]
            more: list[T] = []
            if weights and 0 < len(missing) < len(numbers) and sum(weights) + max(weights) > self._largest_complete:
                more = [item for group in portions(missing, max(len(items), _GROUP)) for item in asking(group)]
            if not more:
                self._largest_complete = max(self._largest_complete, sum(weights))
            return items + more

        return asking


def by_own_number(
    ask: Callable[[Sequence[str]], list[T]], number_of: Callable[[T], str | None]
) -> Callable[[Sequence[str]], list[tuple[str, T]]]:
    """Return a function that asks as `ask` does and returns each item with its own number.

    An item without a readable number is assigned to the number it answers to when requested alone; treating it as
    missing would create a duplicate.
    """

    def asking(numbers: Sequence[str]) -> list[tuple[str, T]]:
        pairs = [(number_of(item) or "", item) for item in ask(numbers)]
        numbered_pairs = [pair for pair in pairs if pair[0]]
        nameless = [item for number, item in pairs if not number]
        known_numbers = {number for number, _ in numbered_pairs}
        missing_numbers = [number for number in numbers if number not in known_numbers] if nameless else []
        if len(numbers) > 1:
            return numbered_pairs + [pair for number in missing_numbers for pair in asking([number])]
        return numbered_pairs + [(number, nameless[0]) for number in missing_numbers]

    return asking


def distinct_elements(elements: Iterable[Element], key_of: Callable[[Element], str | None]) -> list[Element]:
    """Return the elements of an answer without repetitions of the same content.

    Elements of one record that differ are all returned, marked as contradictory, so that their record is parked.
    Elements without a readable key are all returned.
    """
    elements_by_key: dict[str, dict[bytes, Element]] = {}
    keys = [(key_of(element), element) for element in elements]
    counts = Counter(key for key, _ in keys)
    for place, (key, element) in enumerate(keys):
        content = codec.raw_bytes(element) if key and counts[key] > 1 else b""
        elements_by_key.setdefault(key or f"?{place}", {}).setdefault(content, element)
    for copies in elements_by_key.values():
        if len(copies) > 1:
            mark_different([*copies.values()])
    return [element for copies in elements_by_key.values() for element in copies.values()]


def unique_elements(elements: Iterable[Element], key_of: Callable[[Element], str | None]) -> list[Element]:
    """Return the elements of an answer with each record once.

    Of a record with several elements that differ, the first is returned. It is marked as contradictory, so that the
    record is parked, and holds the children that only the others have.
    """
    unique: dict[str, Element] = {}
    for place, element in enumerate(distinct_elements(elements, key_of)):
        first = unique.setdefault(key_of(element) or f"?{place}", element)
        if first is not element:
            present_children = set(map(codec.raw_bytes, first))
            first.extend([child for child in element if codec.raw_bytes(child) not in present_children])
    return list(unique.values())


def till_out_of_order(operation: str, key: str) -> MalformedAnswerError:
    """Return the error for a list in which a row occurs twice or out of order."""
    return MalformedAnswerError("list_out_of_order", system=SYSTEM, object=operation, key=key)


def _readable_markers(markers: _Markers) -> list[int]:
    return sorted(marker for marker in markers if marker is not None)
