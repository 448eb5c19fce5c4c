"""Day sheets for the binder, in the language of the reader: as PDF, and as a spreadsheet."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, tzinfo
from decimal import Decimal

from integration import words
from integration.core.authorization import requires
from integration.core.days.books import DayLine
from integration.core.days.check import DayComparison, DayFinding
from integration.core.days.report import DayReport, DayState
from integration.core.days.till import total
from integration.core.people import Right
from integration.flows.settings import BOOKS, TILL
from integration.services.daybooks.report_sheets import ReportSheets, SheetTexts
from integration.services.mappings.code_lists import LAST_SECONDS, CodeLists
from integration.sheets.sheet import Cell, Holds, Noted, Sheet, SheetColumn, SheetNotes, SheetTable, Tone

TONES = {
    DayState.EQUAL: Tone.GOOD,
    DayState.NOT_POSTED: Tone.GOOD,
    DayState.DIFFERENT: Tone.BAD,
    DayState.PARKED: Tone.WAITING,
    DayState.WAITING: Tone.WAITING,
    DayState.UNKNOWN: Tone.WAITING,
}
_AMOUNTS = ("amount", "difference")


def finding_text(finding: DayFinding, language: str, rates: Mapping[str, str]) -> str:
    """Return a finding of a check as a sentence in the language of the reader.

    `rates` are the VAT rates of the books.
    """
    facts: dict[str, object] = dict(finding.facts)
    for name in _AMOUNTS:
        if facts.get(name):
            facts[name] = words.euros(Decimal(str(facts[name])), language)
    if day := finding.facts.get("date"):
        facts["date"] = words.value_text(date.fromisoformat(day), language)
    if field := finding.facts.get("field"):
        facts["field"] = words.field_name(field, language)
    for name in ("was", "now") if finding.facts.get("field") == "vat_code" else ():
        if code := finding.facts.get(name):
            facts[name] = words.vat_code(code, rates.get(code, ""), BOOKS.system, language)
    return words.term(f"day_finding_{finding.code}", language, **facts)


def verdict_text(report: DayReport, language: str) -> str:
    """Return the state of a day; of a different day with its largest difference of an account."""
    state = words.sentence(f"badge_day_{report.state}", language)
    if report.state is not DayState.DIFFERENT or not report.difference:
        return state
    return f"{state} {words.difference_amount(report.difference, report.larger_side, language)}"


class DaySheets(ReportSheets[DayReport]):
    """Makes day sheets, with the captions of both systems' code lists."""

    @requires(Right.EXPORT)
    def sheet(self, report: DayReport, language: str, zone: tzinfo) -> Sheet:
        """Return a day sheet as data."""
        writer = _Writer(self._lists, language, zone)
        pages = ", ".join(f"{page.number} ({page.reference})" for page in report.pages) or words.MISSING
        return self._sheet(
            writer,
            (writer.text("sheet_day"), words.whole_day(report.date, language), writer.branch(report)),
            verdict_text(report, language),
            TONES.get(report.state, Tone.PLAIN),
            [(writer.text("col_pages"), pages), (writer.text("col_checked"), writer.moment(report.checked_at))],
            writer.parts(report),
        )


class _Writer(SheetTexts):
    """Writes day sheets in one language."""

    def __init__(self, lists: CodeLists, language: str, zone: tzinfo) -> None:
        super().__init__(language, zone, lists.captions(BOOKS.system, "ledgers", patience=LAST_SECONDS))
        self._lists = lists

    def _captions(self, system: str, name: str) -> Mapping[str, str]:
        """Return codes with their captions. A file waits longer for them than a page."""
        return self._lists.captions(system, name, patience=LAST_SECONDS)

    def branch(self, report: DayReport) -> str:
        """Return name and number of the branch, or only its number if it has no name."""
        if report.branch_name == report.branch:
            return f"{self.text('col_branch')} {report.branch}"
        return self.text("day_branch", name=report.branch_name, number=report.branch)

    def parts(self, report: DayReport) -> Iterator[SheetTable | SheetNotes]:
        """Yield the notes and tables of a day, in the order of a sheet."""
        if report.cause and not report.rows:
            message = words.say(report.cause, report.facts, self.language, self._zone)
            yield SheetNotes(self.text(f"badge_day_{report.state}"), (message.problem, message.do), Tone.WAITING)
        if report.findings:
            sentences = tuple(
                finding_text(finding, self.language, self._captions(BOOKS.system, "vat_rates"))
                for finding in report.findings
            )
            tone = Tone.BAD if report.state is DayState.DIFFERENT else Tone.WAITING
            yield SheetNotes(self.text("day_differences"), sentences, tone)
        if report.notes:
            rates = self._captions(BOOKS.system, "vat_rates")
            notes = tuple(finding_text(finding, self.language, rates) for finding in report.notes)
            yield SheetNotes(self.text("day_notes"), notes, Tone.PLAIN)
        if report.rows:
            rates = self._captions(BOOKS.system, "vat_rates")
            yield self._comparison_table(
                "day_by_vat",
                report.comparisons("base", "vat"),
                lambda row: words.vat_figure(row.about, row.key, rates.get(row.key, ""), self.language),
            )
            accounts = report.comparisons("account")
            yield self._comparison_table(
                "day_by_account", accounts, lambda row: self.account_name(row.key), Holds.LEDGER
            )
            methods = self._captions(TILL.system, "payment_methods")
            yield self._comparison_table(
                "day_by_method",
                report.comparisons("method"),
                lambda row: f"{row.key} {methods.get(row.key, '')}".strip(),
            )
        if report.counts:
            yield self._counts(report)
        if not report.pages and report.expected:
            yield self._page(self.text("day_page_expected"), report.expected)
        for page in report.pages:
            key = "day_page" if page.is_there else "day_page_gone"
            title = self.text(key, page=page.number, reference=page.reference)
            yield self._page(title, page.lines, gross=page.gross)

    def _comparison_table(
        self,
        title: str,
        rows: Sequence[DayComparison],
        name: Callable[[DayComparison], str],
        holds: Holds = Holds.MONEY,
    ) -> SheetTable:
        cells = [
            (
                name(row), self._amount(row.till), self._amount(row.books),
                None if row.till is None or row.books is None else row.difference,
            )
            for row in rows
        ]  # fmt: skip
        return SheetTable(self.text(title), self._both_sides(holds), cells, narrow=True)

    def _counts(self, report: DayReport) -> SheetTable:
        names = ("col_drawer", "col_counted", "col_difference", "col_banked")
        holds = (Holds.TEXT, Holds.MONEY, Holds.DIFFERENCE, Holds.MONEY)
        columns = [SheetColumn(self.text(name), hold, 1.0) for name, hold in zip(names, holds, strict=True)]
        rows = [
            (f"{count.workplace} · {count.number}", count.counted_amount, count.difference, count.deposited)
            for count in report.counts
        ]
        columns[0] = SheetColumn(columns[0].title, width=1.4)
        return SheetTable(self.text("day_counts"), columns, rows, narrow=True)

    def _page(self, title: str, lines: Sequence[DayLine], *, gross: bool = False) -> SheetTable:
        """Return a daybook page as a journal entry with debit and credit, and the receipts of each line."""
        columns = (
            SheetColumn("#", Holds.NUMBER, 0.4), SheetColumn(self.text("col_account"), width=1.9),
            SheetColumn(self.text("col_description"), width=4.0), SheetColumn(self.text("col_vat"), Holds.MONEY, 0.9),
            SheetColumn(self.text("col_debit"), Holds.MONEY), SheetColumn(self.text("col_credit"), Holds.MONEY),
        )  # fmt: skip
        rows: list[tuple[Cell, ...]] = []
        amounts = [line.amount if gross else line.gross_amount for line in lines]
        for place, (line, amount) in enumerate(zip(lines, amounts, strict=True), start=1):
            account = Noted(line.account, self._ledgers.get(line.account, ""))
            text = " · ".join([line.text, *filter(None, (line.debtor, line.item))])
            debit, credit = (amount, None) if amount > 0 else (None, -amount)
            rows.append((place, account, Noted(text, ", ".join(line.documents)), line.vat or None, debit, credit))
        debits, credits_ = (
            total(max(amount, Decimal(0)) for amount in amounts),
            total(max(-amount, Decimal(0)) for amount in amounts),
        )
        return SheetTable(title, columns, rows, (None, self.text("page_total"), None, None, debits, credits_))
