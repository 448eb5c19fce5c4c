"""The tables of a period in the language of the reader, for the screen, as PDF and as a spreadsheet."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal

from integration import words
from integration.core.authorization import requires
from integration.core.days.check import DayComparison
from integration.core.days.period import Period, PeriodDay, PeriodFigure
from integration.core.days.vat_return import BoxSum
from integration.core.people import Right
from integration.core.totals.sold import NOTHING
from integration.flows.settings import BOOKS
from integration.services.daybooks.periods import Origin, PeriodReport, ReturnLine
from integration.services.daybooks.report_sheets import ReportSheets, SheetTexts
from integration.services.mappings.code_lists import LAST_SECONDS
from integration.sheets.sheet import Cell, Holds, Noted, Sheet, SheetColumn, SheetNotes, SheetTable, Tone

MAX_PRINTED = 40  # documents of a day printed in one row


class PeriodSheets(ReportSheets[PeriodReport]):
    """Makes the tables and the sheets of periods, with the captions of both systems' code lists."""

    @requires(Right.EXPORT)
    def sheet(self, report: PeriodReport, language: str, zone: tzinfo) -> Sheet:
        """Return a period as data."""
        tables = self.tables(report, language, zone, patience=LAST_SECONDS)
        text = tables.text
        branch = report.branch_names.get(report.branch, report.branch)
        subtitle = f"{branch} ({report.branch})" if report.branch else text("stock_all_branches")
        return self._sheet(
            tables,
            (text("sheet_period"), period_title(report.period, language), subtitle),
            tables.verdict(),
            Tone.GOOD if report.is_equal else Tone.BAD if report.different else Tone.WAITING,
            [(text("col_checked"), tables.checked()), (text("period_books_read"), tables.books_read())],
            tables.parts(),
        )

    @requires(Right.SEE)
    def tables(self, report: PeriodReport, language: str, zone: tzinfo, patience: float = 0.5) -> "PeriodTables":
        """Return the tables of a period; captions of codes are waited for at most `patience` seconds."""
        rates, ledgers = (
            self._lists.captions(BOOKS.system, name, patience=patience) for name in ("vat_rates", "ledgers")
        )
        return PeriodTables(report, language, zone, rates, ledgers)


def period_title(period: Period, language: str) -> str:
    """Return the name of a period for its reader."""
    if period.months == 1:
        return words.month(period.first, language)
    if period.months:
        key = "period_quarter" if period.months == 3 else "period_year"  # noqa: PLR2004 - months of a quarter
        return words.sentence(key, language, number=str(period.first.month // 3 + 1), year=str(period.first.year))
    first, last = (words.value_text(day, language) for day in (period.first, period.last))
    return words.sentence("period_range", language, first=first, last=last)


class PeriodTables(SheetTexts):
    """The tables and remarks of one period in one language."""

    def __init__(
        self,
        report: PeriodReport,
        language: str,
        zone: tzinfo,
        rates: Mapping[str, str],
        ledgers: Mapping[str, str],
    ) -> None:
        super().__init__(language, zone, ledgers)
        self.report = report
        self._rates = rates

    # ---- sentences

    def verdict(self) -> str:
        """Return whether both sides are equal, and the largest difference of VAT, or else of an account."""
        if self.report.is_equal:
            return self.text("badge_day_equal")
        off = max((figure.difference for figure in self.report.vat), key=abs, default=NOTHING)
        off = off or max((figure.difference for figure in self.report.accounts), key=abs, default=NOTHING)
        if off or self.report.different:
            return f"{self.text('badge_day_different')} {words.amount_text(abs(off), self.language)}"
        return self.text("period_incomplete")

    def checked(self) -> str:
        """Return when the oldest and the newest of the days were compared."""
        if self.report.checked is None:
            return self.text("day_never_checked")
        first, last = map(self.moment, self.report.checked)
        return first if first == last else words.sentence("period_range", self.language, first=first, last=last)

    def books_read(self) -> str:
        """Return when the books were asked for the rows under VAT codes."""
        books = self.report.books
        return self.moment(books.read_at) if books else self.text("period_books_not_read")

    def remarks(self) -> list[str]:
        """Return sentences about everything that the figures leave out or that a person has to check."""
        report = self.report
        sentences = []
        if days := report.without_figures:
            sentences.append(self._count_days("period_without_figures", days))
        if days := report.waiting:
            sentences.append(self._count_days("period_waiting", days))
        if report.never_checked:
            sentences.append(self.text("period_never_checked", count=report.never_checked))
        if report.branch:
            sentences.append(self.text("period_one_branch"))
        elif report.books is None:
            sentences.append(self.text("period_books_not_read_about"))
        elif report.books.unreadable:
            sentences.append(self.text("period_unreadable", count=report.books.unreadable))
        if codes := [code for line in report.lines if line.box is None for code in line.codes]:
            sentences.append(self.text("period_no_box", codes=", ".join(codes)))
        if not report.boxes.country:
            sentences.append(self.text("period_no_form"))
        elif report.lines:
            sentences.append(self.text("period_boxes_about"))
        return sentences

    def _count_days(self, key: str, days: Sequence[PeriodDay]) -> str:
        return words.count(key, len(days), self.language, list=self._name_days(days))

    # ---- tables

    def parts(self) -> Iterator[SheetNotes | SheetTable]:
        """Yield everything, in the order of a sheet."""
        if remarks := self.remarks():
            yield SheetNotes(self.text("period_remarks"), remarks, Tone.WAITING)
        yield self.vat()
        yield self.vat_return()
        if self.report.oss():
            yield self.oss()
        if self.report.books is not None:
            yield self.origins()
            yield self.foreign()
        yield self.turnover()
        yield self.accounts()
        yield self.branches()
        yield self.behind("")
        yield self.days()

    def vat(self) -> SheetTable:
        """Return taxable amount and VAT per code, on both sides."""
        rows = [
            (
                words.vat_figure(figure.about, figure.key, self._rates.get(figure.key, ""), self.language),
                figure.till,
                self._amount(figure.books),
                None if figure.books is None else figure.difference,
            )
            for figure in self.report.vat
        ]
        return self._table("day_by_vat", self._both_sides(), rows, narrow=True)

    def accounts(self) -> SheetTable:
        """Return the ledger accounts with turnover, on both sides."""
        rows = [
            (
                self.account_name(figure.key),
                figure.till,
                self._amount(figure.books),
                None if figure.books is None else figure.difference,
            )
            for figure in self.report.accounts
        ]
        return self._table("period_accounts", self._both_sides(Holds.LEDGER), rows, narrow=True)

    def vat_return(self) -> SheetTable:
        """Return the boxes of the VAT return by the till's days and by the books, with the VAT to pay."""
        money = Holds.MONEY
        columns = (
            SheetColumn(self.text("col_box"), width=3.0),
            SheetColumn(self.text("col_codes"), width=0.8),
            SheetColumn(self.text("period_base_till"), money), SheetColumn(self.text("period_vat_till"), money),
            SheetColumn(self.text("period_base_books"), money), SheetColumn(self.text("period_vat_books"), money),
        )  # fmt: skip
        rows: list[tuple[Cell, ...]] = [self._line(line) for line in self.report.lines]
        if self.report.boxes.country:
            rows += self._totals()
        return self._table("period_return", columns, rows)

    def _line(self, line: ReturnLine) -> tuple[Cell, ...]:
        name = words.term(f"box_{line.box}", self.language) if line.box else self.text("period_box_none")
        return (name, ", ".join(line.codes), *self._amounts(line.till), *self._amounts(line.books))

    def _amounts(self, box_sum: BoxSum | None) -> tuple[Cell, Cell]:
        if box_sum is None:
            return None, None
        return self._amount(box_sum.base), self._amount(box_sum.vat)

    def _totals(self) -> Iterator[tuple[Cell, ...]]:
        sides = [self.report.totals(of_books=False)]
        sides += [self.report.totals(of_books=True)] if self.report.books else []
        for place, key in enumerate(("owed", "input", "pay")):
            cells: list[Cell] = []
            for side in sides:
                vat_owed, input_ = (amount or NOTHING for amount in side)
                cells += [None, (vat_owed, input_, vat_owed - input_)[place]]
            name = words.term(f"box_{self.report.boxes.country.lower()}_{key}", self.language)
            yield (name, "", *cells, *([None] * (4 - len(cells))))

    def oss(self) -> SheetTable:
        """Return the sales of the OSS return by country."""
        money = Holds.MONEY
        columns = (
            SheetColumn(self.text("col_country")), SheetColumn(self.text("col_code"), width=1.4),
            SheetColumn(self.text("period_base_till"), money), SheetColumn(self.text("period_vat_till"), money),
            SheetColumn(self.text("period_base_books"), money), SheetColumn(self.text("period_vat_books"), money),
        )  # fmt: skip
        rows = [
            (
                countries or words.MISSING, self._code(code),
                base.till if base else NOTHING, vat.till if vat else NOTHING,
                self._amount(base.books if base else None), self._amount(vat.books if vat else None),
            )
            for countries, code, base, vat in self.report.oss()
        ]  # fmt: skip
        return self._table("period_oss", columns, rows)

    def origins(self) -> SheetTable:
        """Return the amounts in the books per VAT code and origin."""
        books = self.report.books
        columns = (
            SheetColumn(self.text("col_code"), width=1.4), SheetColumn(self.text("period_origin"), width=3.0),
            SheetColumn(self.text("period_base"), Holds.MONEY), SheetColumn(self.text("col_vat"), Holds.MONEY),
        )  # fmt: skip
        rows: list[tuple[Cell, ...]] = []
        for code in books.codes() if books else ():
            for origin in Origin:
                if books and (vat_sum := books.origin_sum(origin, code)):
                    base = vat_sum.excl if books.has_base else None
                    rows.append((self._code(code), self.text(f"origin_{origin}"), self._amount(base), vat_sum.vat))
            if books:
                whole = books.total(code)
                rows.append(
                    (
                        self._code(code),
                        self.text("page_total"),
                        self._amount(whole.base),
                        self._amount(whole.vat),
                    )
                )
        return self._table("period_origins", columns, rows)

    def foreign(self) -> SheetTable:
        """Return the pages of the books with VAT codes that did not come from this console."""
        columns = (
            SheetColumn(self.text("col_pages"), width=1.2), SheetColumn(self.text("col_day"), Holds.DATE),
            SheetColumn(self.text("col_code"), width=1.4), SheetColumn(self.text("col_description"), width=2.4),
            SheetColumn(self.text("period_base"), Holds.MONEY), SheetColumn(self.text("col_vat"), Holds.MONEY),
        )  # fmt: skip
        books = self.report.books
        rows = [
            (entry.page, entry.date, self._code(entry.code), Noted(entry.text, entry.reference), entry.base, entry.vat)
            for entry in (books.foreign if books else ())
        ]
        return self._table("period_foreign", columns, rows)

    def turnover(self) -> SheetTable:
        """Return turnover per branch, group and account, compared with the other period."""
        columns = (
            SheetColumn(self.text("col_branch"), width=1.6), SheetColumn(self.text("col_turnover_group"), width=1.6),
            SheetColumn(self.text("col_account"), width=1.8), *self._comparison_columns(),
        )  # fmt: skip
        rows: list[tuple[Cell, ...]] = [
            (
                row.branch_name, f"{row.group} {row.name}".strip(), self.account_name(row.account),
                row.amount, row.before, row.change,
            )
            for row in self.report.turnover
        ]  # fmt: skip
        return self._table(
            "period_turnover", columns, rows, sums=(self.text("page_total"), None, None, *self._turnover_totals())
        )

    def branches(self) -> SheetTable:
        """Return turnover per branch, compared with the other period."""
        by_branch: dict[str, tuple[Decimal, Decimal]] = {}
        for row in self.report.turnover:
            now, before = by_branch.get(row.branch_name, (NOTHING, NOTHING))
            by_branch[row.branch_name] = (now + row.amount, before + row.before)
        columns = (SheetColumn(self.text("col_branch"), width=1.9), *self._comparison_columns())
        rows: list[tuple[Cell, ...]] = [(name, now, before, now - before) for name, (now, before) in by_branch.items()]
        sums = (self.text("page_total"), *self._turnover_totals())
        return self._table("period_turnover_branches", columns, rows, sums=sums, narrow=True)

    def _turnover_totals(self) -> tuple[Decimal, Decimal, Decimal]:
        now = sum((row.amount for row in self.report.turnover), NOTHING)
        before = sum((row.before for row in self.report.turnover), NOTHING)
        return now, before, now - before

    def _comparison_columns(self) -> tuple[SheetColumn, ...]:
        names = (period_title(period, self.language) for period in (self.report.period, self.report.against))
        return (*(SheetColumn(name, Holds.MONEY) for name in names), SheetColumn(self.text("col_change"), Holds.MONEY))

    def behind(self, code: str) -> SheetTable:
        """Return the days behind the figures of a VAT code, or of all if the code is empty, with their documents."""
        columns = (
            SheetColumn(self.text("col_code"), width=1.3), SheetColumn(self.text("col_day"), Holds.DATE, 0.9),
            SheetColumn(self.text("col_branch"), width=1.6), SheetColumn(self.text("col_figure"), width=1.1),
            SheetColumn(self.text("col_till"), Holds.MONEY), SheetColumn(self.text("col_books"), Holds.MONEY),
            SheetColumn(self.text("col_difference"), Holds.DIFFERENCE),
            SheetColumn(self.text("col_documents_behind"), width=2.4),
        )  # fmt: skip
        rows = [
            (
                self._code(figure.key), day.date, day.branch_name,
                self.text("period_base" if figure.about == "base" else "col_vat"),
                self._amount(row.till), self._amount(row.books),
                row.difference if row.till is not None and row.books is not None else None,
                self._documents(day, figure.key),
            )
            for figure, day, row in self.day_figures(code)
        ]  # fmt: skip
        return self._table("period_behind", columns, rows)

    def day_figures(self, code: str) -> list[tuple[PeriodFigure, PeriodDay, DayComparison]]:
        """Return figure, day and the day's comparison for each row of `behind`."""
        return [
            (figure, day, row)
            for figure in self.report.vat
            if code in ("", figure.key)
            for day in sorted(
                (*figure.days, *(day for day in figure.unknown if day not in figure.days)), key=lambda day: day.key
            )
            if (row := day.figure(figure.about, figure.key)) is not None
        ]

    def _documents(self, day: PeriodDay, code: str) -> str:
        numbers = day.documents.get(code, ())
        more = len(numbers) - MAX_PRINTED
        return ", ".join(numbers[:MAX_PRINTED]) + (f" +{more}" if more > 0 else "")

    def days(self) -> SheetTable:
        """Return how each day stands, with the time of its last comparison."""
        columns = (
            SheetColumn(self.text("col_day"), Holds.DATE), SheetColumn(self.text("col_branch"), width=2.0),
            SheetColumn(self.text("col_checked"), width=1.4), SheetColumn(self.text("choice_status"), width=3.4),
        )  # fmt: skip
        rows = [(day.date, day.branch_name, self._check_time(day), self._state(day)) for day in self.report.days]
        return self._table("period_days", columns, rows)

    def _state(self, day: PeriodDay) -> str:
        state = self.text(f"badge_day_{day.state}")
        if not day.cause or day.rows:
            return state
        return f"{state}: {words.say(day.cause, day.facts, self.language, self._zone).problem}"

    def _check_time(self, day: PeriodDay) -> str:
        return self.moment(day.checked_at) if day.checked_at else self.text("day_never_checked")

    # ---- cells

    def _code(self, code: str) -> str:
        return words.vat_code(code, self._rates.get(code, ""), BOOKS.system, self.language)
