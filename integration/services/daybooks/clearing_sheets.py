"""The tables of clearing accounts in the language of the reader, for the screen, as PDF and as a spreadsheet."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import tzinfo
from decimal import Decimal

from integration import words
from integration.core.authorization import requires
from integration.core.days.clearing import ClearingAccount, PayoutMatch, Settlement
from integration.core.days.till import total
from integration.core.people import Right
from integration.flows.settings import BOOKS
from integration.services.daybooks.clearing_accounts import ClearingReport
from integration.services.daybooks.period_sheets import period_title
from integration.services.daybooks.report_sheets import ReportSheets, SheetTexts
from integration.services.mappings.code_lists import LAST_SECONDS
from integration.sheets.sheet import Cell, Holds, Sheet, SheetColumn, SheetNotes, SheetTable, Tone


class ClearingSheets(ReportSheets[ClearingReport]):
    """Makes the tables and the sheets of clearing accounts, with the captions of ledger accounts."""

    @requires(Right.EXPORT)
    def sheet(self, report: ClearingReport, language: str, zone: tzinfo) -> Sheet:
        """Return the clearing accounts of a period as data."""
        tables = self.tables(report, language, zone, patience=LAST_SECONDS)
        return self._sheet(
            tables,
            (tables.text("view_clearing"), period_title(report.period, language), tables.text("stock_all_branches")),
            tables.verdict(),
            Tone.WAITING if report.late() or report.unbooked else Tone.PLAIN,
            [(tables.text("period_books_read"), tables.moment(report.read_at))],
            tables.parts(),
        )

    @requires(Right.SEE)
    def tables(self, report: ClearingReport, language: str, zone: tzinfo, patience: float = 0.5) -> "ClearingTables":
        """Return the tables of clearing accounts; captions of accounts are waited for at most `patience` seconds."""
        ledgers = self._lists.captions(BOOKS.system, "ledgers", patience=patience)
        return ClearingTables(report, language, zone, ledgers)


class ClearingTables(SheetTexts):
    """The tables and remarks of clearing accounts in one language."""

    def __init__(self, report: ClearingReport, language: str, zone: tzinfo, ledgers: Mapping[str, str]) -> None:
        super().__init__(language, zone, ledgers)
        self.report = report

    # ---- sentences

    def verdict(self) -> str:
        """Return the sum under way and the number of late days, over all accounts."""
        waiting = total(account.match.waiting for account in self.report.accounts if account.match)
        under_way = words.amount_text(waiting, self.language)
        return self.text("clearing_verdict", under_way=under_way, late=len(self.report.late()))

    def remarks(self) -> list[str]:
        """Return sentences about takings and entries that are in no sum."""
        sentences = []
        if self.report.since > self.report.period.first:
            sentences.append(self.text("clearing_since", date=words.value_text(self.report.since, self.language)))
        if unbooked := self.report.unbooked:
            sentences.append(
                words.count("clearing_unbooked", len(unbooked), self.language, list=self._name_days(unbooked))
            )
        if self.report.unreadable:
            sentences.append(self.text("clearing_unreadable", count=self.report.unreadable))
        return sentences

    # ---- tables

    def parts(self) -> Iterator[SheetNotes | SheetTable]:
        """Yield everything, in the order of a sheet; each title begins with the account."""
        if remarks := self.remarks():
            yield SheetNotes(self.text("period_remarks"), remarks, Tone.WAITING)
        for account in self.report.accounts:
            yield self._of_account(account, self.balances(account))
            if account.match is not None:
                yield self._of_account(account, self.balance_parts(account, account.match))
                yield self._of_account(account, self.open_entries(account, account.match))
            yield self._of_account(account, self.movements(account))
            if account.match is not None:
                yield self._of_account(account, self.payouts(account.match))

    def _of_account(self, account: ClearingAccount, table: SheetTable) -> SheetTable:
        return replace(table, title=f"{account.account} {table.title}")

    def balances(self, account: ClearingAccount) -> SheetTable:
        """Return opening balance, takings and payouts of the period, and the closing balance as their sum."""
        rows = [("col_opening", account.opening), ("col_takings", account.takings), ("col_payouts", -account.payouts)]
        return self._sums("clearing_balances", rows, account.closing)

    def balance_parts(self, account: ClearingAccount, match: PayoutMatch) -> SheetTable:
        """Return the parts that the closing balance consists of."""
        rows = [
            ("clearing_opening_left", match.opening_rest),
            ("col_under_way", match.waiting),
            ("clearing_fees_open", match.unbooked_fees),
            ("clearing_differences", -total(entry.amount for entry in match.unmatched)),
        ]
        return self._sums("clearing_parts", rows, account.closing)

    def _sums(self, title: str, rows: list[tuple[str, Decimal]], closing: Decimal) -> SheetTable:
        columns = (SheetColumn("", width=1.9), SheetColumn(self.text("col_balance"), Holds.LEDGER))
        cells: list[tuple[Cell, ...]] = [(self.text(key), amount) for key, amount in rows]
        return self._table(title, columns, cells, (self.text("col_closing"), closing), narrow=True)

    def open_entries(self, account: ClearingAccount, match: PayoutMatch) -> SheetTable:
        """Return takings without a payout, oldest first, and then payouts without takings as negative amounts."""
        columns = (
            SheetColumn(self.text("col_date"), Holds.DATE), SheetColumn(self.text("col_branch"), width=1.6),
            SheetColumn(self.text("col_amount"), Holds.LEDGER), SheetColumn(self.text("col_pages"), width=1.4),
            SheetColumn(self.text("choice_status"), width=2.2),
        )  # fmt: skip
        late = account.late(self.report.until)
        rows: list[tuple[Cell, ...]] = [
            (
                entry.date, self.report.branch_name(entry.branch), entry.amount, entry.page,
                self.text("clearing_late" if entry in late else "col_under_way"),
            )
            for entry in match.unpaid_takings
        ]  # fmt: skip
        rows += [
            (
                entry.date, "", -entry.amount, entry.page,
                self.text("clearing_unmatched_early" if entry in match.early else "clearing_unmatched"),
            )
            for entry in match.unmatched
        ]  # fmt: skip
        return self._table("clearing_open", columns, rows)

    def movements(self, account: ClearingAccount) -> SheetTable:
        """Return takings, payouts and the balance by day, and amounts in transit if payouts settle the account."""
        columns = [
            SheetColumn(self.text("col_date"), Holds.DATE), SheetColumn(self.text("col_takings"), Holds.LEDGER),
            SheetColumn(self.text("col_payouts"), Holds.LEDGER), SheetColumn(self.text("col_balance"), Holds.LEDGER),
            SheetColumn(self.text("col_under_way"), Holds.LEDGER),
        ]  # fmt: skip
        rows = [(day.date, day.takings, -day.payouts, day.balance, day.unpaid_amount) for day in account.days]
        sums: tuple[Cell, ...] = (self.text("page_total"), account.takings, -account.payouts, account.closing, None)
        count = len(columns) if account.match is not None else len(columns) - 1
        return self._table("clearing_by_day", columns[:count], [row[:count] for row in rows], sums[:count])

    def payouts(self, match: PayoutMatch) -> SheetTable:
        """Return the payouts of the period with the takings that they settle and the withheld fees."""
        columns = (
            SheetColumn(self.text("col_payout_date"), Holds.DATE),
            SheetColumn(self.text("clearing_taken_on"), width=1.8), SheetColumn(self.text("col_branch"), width=1.6),
            SheetColumn(self.text("col_takings"), Holds.MONEY), SheetColumn(self.text("col_payouts"), Holds.MONEY),
            SheetColumn(self.text("col_fee"), Holds.MONEY), SheetColumn(self.text("col_pages"), width=1.4),
            SheetColumn(self.text("col_fee_page"), width=1.4),
        )  # fmt: skip
        settlements = [
            settlement for settlement in match.settlements if settlement.payouts[-1].date >= self.report.period.first
        ]
        rows = [self._settlement(settlement) for settlement in settlements]
        takings = total(settlement.gross for settlement in settlements)
        fees = total(settlement.fee for settlement in settlements)
        sums = (self.text("page_total"), None, None, takings, takings - fees, fees, None, None)
        return self._table("clearing_payouts", columns, rows, sums if rows else ())

    def _settlement(self, settlement: Settlement) -> tuple[Cell, ...]:
        days = [self.text("col_opening")] if settlement.from_opening else []
        if taken_on := [words.table_day(entry.date, self.language) for entry in settlement.takings]:
            first, last = taken_on[0], taken_on[-1]
            days.append(first if first == last else self.text("period_range", first=first, last=last))
        branches = ", ".join(dict.fromkeys(self.report.branch_name(entry.branch) for entry in settlement.takings))
        pages = ", ".join(dict.fromkeys(entry.page for entry in settlement.payouts))
        return (
            settlement.payouts[-1].date,
            ", ".join(days),
            branches,
            settlement.gross,
            settlement.gross - settlement.fee,
            settlement.fee,
            pages,
            settlement.fee_page,
        )
