"""Protocol of the till's targets, one for each kind of record, and their shared functions."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn, Protocol, TypeVar, runtime_checkable

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client, Element, qualified
from integration.connectors.mplus.settings import SYSTEM
from integration.connectors.parallel import portions, run_parallel
from integration.connectors.protocol import References
from integration.core.errors import ConnectorError, InDoubtError, IntegrationError, MalformedAnswerError, RejectedError
from integration.core.plan import Change
from integration.core.records import Batch, CurrentRecord, Kind, Record, WriteResult, is_number
from integration.core.rules import as_text

T = TypeVar("T")


class TillTarget(Protocol):
    """Looks up and writes records of one kind; see `Connector` for what each method promises."""

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return the till's current records, by our keys."""

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        """Carry out one change; `current` is None only for a create."""

    def calls(self, change: Change) -> int:
        """Return how many write calls the change takes; one unless the target says otherwise."""
        del change
        return 1

    def read_changes(self, since: str) -> Batch:
        """Return one page of the changes after the marker `since`.

        The page is empty and has no stamp if the target is read completely each time, or never changes.
        """
        del since
        return Batch((), None, "")


@runtime_checkable
class ChecksRecords(Protocol):
    """A target that can check the values of a change before it is sent."""

    def require_storable(self, change: Change) -> None:
        """Raise UnfitError, CustomFieldUnknownError or RejectedError for a value that cannot be written."""


def till_numbers(numbers: Iterable[str]) -> list[str]:
    """Return the distinct texts that are valid numbers of the till; the till has no other numbers."""
    return list(filter(is_number, dict.fromkeys(numbers)))


def in_pages(ask: Callable[[Sequence[str]], list[T]], numbers: Sequence[str], size: int, limit: int) -> list[T]:
    """Return the answers for portions of at most `size` numbers, with at most `limit` calls at once."""
    items: list[T] = []
    for answer in run_parallel(ask, portions(numbers, size), limit):
        if isinstance(answer, IntegrationError):
            raise answer
        items += answer
    return items


def created_number(answer: Element, wire: str) -> str:
    """Return the number in the answer to a create. Raises InDoubtError if it is missing."""
    text = (answer.findtext(qualified(wire)) or "").strip()
    if not text.isdigit() or not int(text):
        raise InDoubtError("timeout_after_sending_write", system=SYSTEM, reason="answer_unreadable")
    return str(int(text))


def present_marker(client: Client, wire: str) -> Batch:
    """Return an empty page whose stamp is the till's present marker of a kind."""
    return Batch((), None, client.read("getCurrentSyncMarkers").findtext(qualified(wire)) or "0")


def require_unchanged(now: Element | None, original: Element, marker: Callable[[Element], int]) -> None:
    """Raise RejectedError if the record changed since `original` was read: the write would undo that."""
    if now is None:
        raise RejectedError("target_record_missing")
    if marker(now) != marker(original) or (
        not _has_markers(original) and codec.raw_bytes(now) != codec.raw_bytes(original)
    ):
        raise RejectedError("target_changed_since_plan")


def _has_markers(element: Element) -> bool:
    """Return True if a record and each article in it has a change marker; the interface does not require one."""
    return all((part.findtext(qualified("syncMarker")) or "").strip() for part in (element, *codec.articles(element)))


def page_after(
    elements: Sequence[Element], since_marker: int, marker: Callable[[Element], int], operation: str
) -> Batch:
    """Return an empty page of changes after a marker, with the next page mark; no mark when there are no more.

    An answer is not sorted, but holds the lowest markers from the bound on. Raises MalformedAnswerError if the highest
    marker does not rise, because paging would never end.
    """
    markers = (codec.if_readable(marker, element) for element in elements)
    highest = max((optional_marker for optional_marker in markers if optional_marker is not None), default=since_marker)
    if elements and highest <= since_marker:
        raise MalformedAnswerError("answer_incomplete", system=SYSTEM, operation=operation, count=len(elements))
    return Batch((), str(highest) if elements else None, str(highest))


def not_at_till(kind: Kind) -> NoReturn:
    """Raise RejectedError: the till cannot read or write this kind of record."""
    raise RejectedError("mplus_rejected", key=kind, message="reason_not_this_kind")


@contextmanager
def translated_parse_errors() -> Iterator[None]:
    """Turn a parsing error in the block into MalformedAnswerError."""
    try:
        yield
    except (ValueError, ArithmeticError, RecursionError, MemoryError):
        failure = MalformedAnswerError("answer_unreadable", system=SYSTEM)
    else:
        return
    raise failure


@contextmanager
def naming_record(change: Change, current: CurrentRecord | None) -> Iterator[None]:
    """Add the facts of the record to every error of a write."""
    facts = _facts(change, current)
    try:
        yield
    except codec.UnfitError as error:
        failure: ConnectorError = RejectedError(
            "characters_not_supported", **facts, field=error.field, value=repr(error.value)
        )
    except codec.CustomFieldUnknownError as error:
        failure = RejectedError("field_unknown", **facts, field=error.field)
    except ConnectorError as error:
        if error.code == "article_number_taken":
            facts["number"] = ", ".join(part.key for part in change.desired.parts)
        failure = type(error)(error.code, **{**facts, **error.facts})
    else:
        return
    raise failure


def _facts(change: Change, current: CurrentRecord | None) -> dict[str, str]:
    facts = {"system": SYSTEM, "key": change.title or change.key}
    match change.kind:
        case Kind.RELATION:
            return facts | {"number": current.reference if current else change.key, "customer": facts["key"]}
        case Kind.STOCK:
            return facts | {"number": current.reference if current else change.key, "article": change.key}
        case Kind.GROUP:
            return facts
        case Kind.SETTLEMENT:
            return facts | {"number": facts["key"], "amount": as_text(change.desired.values.get("amount"))}
        case _:
            return facts | {
                "number": current.reference if current else ", ".join(part.key for part in change.desired.parts),
                "article": ", ".join(part.source or part.key for part in change.desired.parts) or change.key,
            }
