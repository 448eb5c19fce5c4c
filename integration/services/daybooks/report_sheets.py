"""The sheets of a report: their files, and their texts in the language of the reader.

The libraries that write files are imported with the first sheet, because the import would delay every terminal command.
"""

from abc import ABC, abstractmethod
from datetime import datetime, tzinfo
from typing import Generic, TypeVar

from integration import words
from integration.core.authorization import requires
from integration.core.people import Right
from integration.services.connections.connections import Connections
from integration.services.daybooks.text_tables import ShownTable, text_table
from integration.services.mappings.code_lists import CodeLists
from integration.sheets.sheet import Sheet, SheetTable
from integration.store.database import Clock

Report = TypeVar("Report")


class ReportSheets(ABC, Generic[Report]):
    """Makes the sheets of one sort of report, with the captions of both systems' code lists."""

    def __init__(self, lists: CodeLists, connections: Connections, clock: Clock) -> None:
        self._lists = lists
        self._connections = connections
        self._clock = clock

    @requires(Right.EXPORT)
    def pdf(self, report: Report, language: str, zone: tzinfo) -> bytes:
        """Return the sheet of a report as PDF, with times in the zone of the reader."""
        from integration.sheets.pdf import pdf_of  # noqa: PLC0415 - as said at the top

        return pdf_of(self.sheet(report, language, zone))

    @requires(Right.EXPORT)
    def excel(self, report: Report, language: str, zone: tzinfo) -> bytes:
        """Return the sheet of a report as an Excel file."""
        from integration.sheets.excel import excel_of  # noqa: PLC0415 - as said at the top

        return excel_of(self.sheet(report, language, zone))

    @abstractmethod
    @requires(Right.EXPORT)
    def sheet(self, report: Report, language: str, zone: tzinfo) -> Sheet:
        """Return the sheet of a report as data."""


class SheetTexts:
    """Texts of a sheet in one language and time zone."""

    def __init__(self, language: str, zone: tzinfo) -> None:
        self.language = language
        self._zone = zone

    def text(self, key: str, **facts: object) -> str:
        """Return a text."""
        return words.sentence(key, self.language, **facts)

    def moment(self, at: datetime) -> str:
        """Return a moment with its year, because a binder is read years later."""
        local_time = at.astimezone(self._zone)
        return f"{words.value_text(local_time.date(), self.language)}, {local_time:%H:%M}"

    def text_table(self, table: SheetTable) -> ShownTable:
        """Return a table as texts, with its sums as the last row."""
        return text_table(table, self.language)
