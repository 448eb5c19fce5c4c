"""Daybook pages for one day of a branch: looked up, read back and created like postings, without a debtor.

A record of such a page also holds what the page was computed from. That is not written. It is copied from the wanted
record into what is read back, because nobody can change it in the books.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from integration.connectors.accountview.documents import BooksDocuments
from integration.connectors.accountview.layout import Layouts
from integration.connectors.accountview.places import Postings
from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.protocol import References
from integration.core.records import CurrentRecord, Kind, Record, Unreadable, Value

# The fields of a page, and of a line, that have columns.
HEADER = frozenset({"reference", "daybook", "date", "period", "text", "gross", "currency", "till_reference", "concept"})
LINE = frozenset(
    {"account", "text", "amount", "vat_code", "vat", "vat_base", "debtor", "item", "cost_centre"}
)  # fmt: skip


class BooksDayPages:
    """The day pages of one installation, in every object that the settings name for pages."""

    def __init__(self, settings: AccountViewSettings, layouts: Layouts, documents: BooksDocuments) -> None:
        self._pages = Postings(settings, layouts, documents, Kind.DAY_PAGE)

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return the pages with our references, each with all of its lines."""
        held = self._pages.lookup(wanted, references)
        return {one.key: _completed(one, held[one.key]) for one in wanted if one.key in held}

    def create(self, wanted: Record, references: References) -> str:
        """Create a page and return its number within its daybook, or an empty text if the answer lacks it."""
        return self._pages.create(_written(wanted), references)


def _written(wanted: Record) -> Record:
    lines = tuple(replace(part, values=_those(part.values, LINE)) for part in wanted.parts if part.kind is Kind.LINE)
    return replace(wanted, values=_those(wanted.values, HEADER), parts=lines)


def _those(values: Mapping[str, Value], names: frozenset[str]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name in names}


def _completed(wanted: Record, held: CurrentRecord) -> CurrentRecord:
    """Return the held page with the wanted values that have no column."""
    if isinstance(held.record, Unreadable):
        return held
    asked = {part.key: part.values for part in wanted.parts if part.kind is Kind.LINE}
    parts = tuple(
        replace(part, values=_beside(asked.get(part.key, {}), LINE) | dict(part.values)) for part in held.record.parts
    )
    values = _beside(wanted.values, HEADER) | dict(held.record.values)
    return replace(held, record=replace(held.record, values=values, parts=parts))


def _beside(values: Mapping[str, Value], names: frozenset[str]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name not in names}
