"""Postings: pages of a sales daybook, which may have moved to other objects since."""

from collections.abc import Sequence
from dataclasses import replace

from integration.connectors.accountview.documents import Documents, DocumentTables
from integration.connectors.accountview.layout import Layouts
from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.accountview.target import absent
from integration.connectors.protocol import References
from integration.core.records import Held, Kind, Record


class Postings:
    """The postings of one installation."""

    def __init__(self, settings: AccountViewSettings, layouts: Layouts, documents: Documents) -> None:
        self._objects = settings.objects
        self._layouts = layouts
        self._documents = documents

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return the pages with our references, wherever the settings say that pages may be."""
        tables = self._tables()
        held = self._documents.lookup(tables, wanted, references)
        for of in self._objects.posting_history:
            held |= self._documents.lookup(replace(tables, of=of), absent(wanted, held), references)
        return held

    def create(self, wanted: Record, references: References) -> str:
        """Create a page and return its number within its daybook."""
        return self._documents.create(self._tables(), wanted, references)

    def _tables(self) -> DocumentTables:
        header, lines = self._layouts.of(Kind.POSTING)
        return DocumentTables(self._objects.postings, header, lines, "page")
