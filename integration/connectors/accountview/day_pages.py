"""Daybook pages for one day of a branch: looked up, read back and created like postings, without a debtor.

A record of such a page also holds what the page was computed from. That is not written. It is copied from the wanted
record into what is read back, because nobody can change it in the books.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from integration.connectors.accountview.places import PlacedDocuments
from integration.connectors.protocol import References
from integration.core.records import CurrentRecord, Kind, Record, Unreadable, Value

# The fields of a page, and of a line, that have columns.
HEADER = frozenset({"reference", "daybook", "date", "period", "text", "gross", "currency", "till_reference", "concept"})
LINE = frozenset(
    {"account", "text", "amount", "vat_code", "vat", "vat_base", "debtor", "item", "cost_centre"}
)  # fmt: skip


class BooksDayPages:
    """The day pages of one installation, in every object that the settings name for pages."""

    def __init__(self, pages: PlacedDocuments) -> None:
        self._pages = pages

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return the pages with our references, each with all of its lines."""
        current = self._pages.lookup(records, references)
        return {record.key: _with_computed(record, current[record.key]) for record in records if record.key in current}

    def require_storable(self, desired: Record, *, is_new: bool) -> None:
        """Raise RejectedError for what `create` would refuse before a call if the needed records existed."""
        self._pages.require_storable(_without_computed(desired), is_new=is_new)

    def create(self, desired: Record, references: References) -> str:
        """Create a page and return its number within its daybook, or an empty text if the answer lacks it."""
        return self._pages.create(_without_computed(desired), references)


def _without_computed(desired: Record) -> Record:
    lines = tuple(
        replace(part, values=_with_names(part.values, LINE)) for part in desired.parts if part.kind is Kind.LINE
    )
    return replace(desired, values=_with_names(desired.values, HEADER), parts=lines)


def _with_names(values: Mapping[str, Value], names: frozenset[str]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name in names}


def _with_computed(desired: Record, current: CurrentRecord) -> CurrentRecord:
    """Return the held page with the wanted values that have no column."""
    if isinstance(current.record, Unreadable):
        return current
    line_values = {part.key: part.values for part in desired.parts if part.kind is Kind.LINE}
    parts = tuple(
        replace(part, values=_without_names(line_values.get(part.key, {}), LINE) | dict(part.values))
        for part in current.record.parts
    )
    values = _without_names(desired.values, HEADER) | dict(current.record.values)
    return replace(current, record=replace(current.record, values=values, parts=parts))


def _without_names(values: Mapping[str, Value], names: frozenset[str]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name not in names}
