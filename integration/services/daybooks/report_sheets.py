"""The sheets of a report: their files, and their texts in the language of the reader.

The libraries that write files are imported with the first sheet, because the import would delay every terminal command.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Generic, TypeVar

from integration import words
from integration.core.authorization import requires
from integration.core.days.period import PeriodDay
from integration.core.people import Right
from integration.flows.settings import BOOKS
from integration.services.connections.connections import Connections
from integration.services.daybooks.days import DayListed
from integration.services.daybooks.text_tables import ShownTable, text_table
from integration.services.mappings.code_lists import CodeLists
from integration.sheets.sheet import Cell, Holds, Sheet, SheetColumn, SheetNotes, SheetTable, Tone
from integration.store.database import Clock

Report = TypeVar("Report")
MAX_NAMED = 12  # days named in one sentence


class ReportSheets(ABC, Generic[Report]):
    """Makes the sheets of one type of report, with the captions of both systems' code lists."""

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

    def _sheet(
        self,
        texts: "SheetTexts",
        title: tuple[str, str, str],
        verdict: str,
        tone: Tone,
        facts: Sequence[tuple[str, str]],
        parts: Iterable[SheetTable | SheetNotes],
    ) -> Sheet:
        """Return a sheet of the connected company, made now.

        `title` has the type of the sheet, its title and its subtitle.
        """
        company, now = self._connections.ensure_check(BOOKS.system).about, self._clock()
        return Sheet(
            *title,
            verdict,
            tone,
            facts=[(texts.text("sheet_of_books"), company), *facts] if company else facts,
            parts=tuple(parts),
            footer=words.term("sheet_made", texts.language, moment=texts.moment(now)),
            created_at=now,
            language=texts.language,
        )


class SheetTexts:
    """Texts, cells and tables of a sheet in one language and time zone, with the captions of `ledgers`."""

    def __init__(self, language: str, zone: tzinfo, ledgers: Mapping[str, str]) -> None:
        self.language = language
        self._zone = zone
        self._ledgers = ledgers

    def text(self, key: str, **facts: object) -> str:
        return words.sentence(key, self.language, **facts)

    def moment(self, at: datetime) -> str:
        """Return a moment with its year, because a binder is read years later."""
        local_time = at.astimezone(self._zone)
        return f"{words.value_text(local_time.date(), self.language)}, {local_time:%H:%M}"

    def text_table(self, table: SheetTable) -> ShownTable:
        """Return a table as texts, with its sums as the last row."""
        return text_table(table, self.language)

    def account_name(self, account: str) -> str:
        """Return number and caption of a ledger account."""
        return f"{account} {self._ledgers.get(account, '')}".strip()

    def _name_days(self, days: Sequence[PeriodDay | DayListed]) -> str:
        """Return the first of these days with their branches, and the number of the others."""
        names = [f"{words.value_text(day.date, self.language)} {day.branch_name}".strip() for day in days[:MAX_NAMED]]
        return ", ".join(names) + (f", +{len(days) - MAX_NAMED}" if len(days) > MAX_NAMED else "")

    def _amount(self, value: Decimal | None) -> Decimal | str:
        return words.term("day_not_known", self.language) if value is None else value

    def _both_sides(self, holds: Holds = Holds.MONEY) -> tuple[SheetColumn, ...]:
        return (
            SheetColumn("", width=3.2), SheetColumn(self.text("col_till"), holds),
            SheetColumn(self.text("col_books"), holds), SheetColumn(self.text("col_difference"), Holds.DIFFERENCE),
        )  # fmt: skip

    def _table(
        self,
        title: str,
        columns: Sequence[SheetColumn],
        rows: Sequence[Sequence[Cell]],
        sums: Sequence[Cell] = (),
        *,
        narrow: bool = False,
    ) -> SheetTable:
        return SheetTable(self.text(title), columns, rows, sums, narrow, self.text("period_nothing"))
