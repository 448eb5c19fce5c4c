"""All rows of value tables that one document lacks, so that one repair adds them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from integration.core.days.till import optional_amount
from integration.core.issues import Issue
from integration.core.missing_codes import MISSING_CODES, MissingCode, code_names, missing_codes_fact
from integration.core.records import Record
from integration.core.totals.sold import NOTHING
from integration.flows.orders.balances import turnover_group_of
from integration.flows.orders.codes import Codes
from integration.flows.orders.parties import CompletedDocument, mapping_rejection
from integration.flows.orders.payments import payments_of
from integration.flows.orders.sold import line_vat_code, sale_lines, sold_vat_codes, split_of, vat_method
from integration.flows.settings import RecordRejected

VAT_CODE, REVENUE, SEVERAL = "vat_code_unmapped", "revenue_account_unmapped", "document_rows_missing"
# Causes that a row of a value table repairs.
ROW_CAUSES = frozenset(
    {
        VAT_CODE,
        REVENUE,
        "deposit_account_missing",
        "turnover_group_unknown",
        "method_account_missing",
        "payment_method_unmapped",
        "value_unmapped",
    }
)
_Key = tuple[str, frozenset[tuple[str, str]], str]


@dataclass(slots=True)
class MissingRowCollector:
    """Collects the missing rows of one document, with the amount under each code."""

    document: CompletedDocument
    tables: Codes
    _amounts: dict[_Key, Decimal] = field(default_factory=dict)
    _facts: dict[_Key, Mapping[str, str]] = field(default_factory=dict)

    @property
    def codes(self) -> list[MissingCode]:
        """The missing codes, in the order in which they were found."""
        return [MissingCode(key[0], self._facts[key], amount, key[2]) for key, amount in self._amounts.items()]

    def add(self, cause: str, facts: Mapping[str, str], amount: Decimal, *, counterpart_of: str = "") -> None:
        """Add an amount under a missing code. Another cause is ignored, because no row repairs it."""
        if cause not in ROW_CAUSES:
            return
        key_facts = frozenset((name, fact) for name, fact in facts.items() if name not in ("document", "key", "kind"))
        key = cause, key_facts, counterpart_of
        self._amounts[key] = self._amounts.get(key, NOTHING) + abs(amount)
        self._facts.setdefault(key, facts)

    def add_issues(self, issues: Iterable[Issue], amount: Decimal) -> None:
        """Add the values without a row that the rules of a mapping reported."""
        for issue in issues:
            rejected = mapping_rejection(issue, self.document)
            self.add(rejected.cause, rejected.facts, amount)

    def try_rows(self, amount: Decimal, ask: Callable[[], object], *, group: str = "") -> bool:
        """Call `ask`, and return True if nothing was rejected. A rejection adds the missing row, with `group`."""
        try:
            ask()
        except RecordRejected as rejected:
            self.add(rejected.cause, {**rejected.facts, **_in_group(group)}, amount)
            return False
        return True

    def add_of_order(self) -> None:
        """Add the VAT codes that a sales order or quotation lacks."""
        for code, amount in self._by_vat_code(sale_lines(self.document.record)):
            self.try_rows(amount, partial(self.tables.vat_code, self.document, code))

    def add_of_posting(self) -> None:
        """Add the VAT codes and accounts that a posting lacks: of its lines, its VAT split and its payments."""
        lines, record = sale_lines(self.document.record), self.document.record
        for line in lines:
            self._add_line(line)
        of_lines = set(map(line_vat_code, lines))
        for code, amount in self._by_vat_code(()):
            if code not in of_lines:
                self._add_revenue(code, amount)
        if self.tables.settings.books_payments(record.kind):
            for payment, amount in payments_of(record):
                ask = partial(self.tables.payments.require_account, self.document, payment, self.tables.balances)
                self.try_rows(amount, ask)
        rounding = self.tables.settings.rounding_methods
        self.try_rows(NOTHING, lambda: list(self.tables.balances.redeemed(self.document, rounding)))

    def _add_line(self, line: Record) -> None:
        amount, tables = _amount(line), self.tables
        balance: list[str | None] = []
        is_known = self.try_rows(amount, lambda: balance.append(tables.balances.account(self.document, line)))
        if is_known and balance == [None]:
            self._add_revenue(line_vat_code(line), amount, line)
            return
        taxed: list[bool] = []
        method = vat_method(self.document.record)
        self.try_rows(NOTHING, lambda: taxed.append(tables.balances.is_taxed(self.document, line, method)))
        if taxed == [True]:
            self.try_rows(amount, lambda: tables.vat_code(self.document, line_vat_code(line)))

    def _add_revenue(self, code: str, amount: Decimal, line: Record | None = None) -> None:
        """Add the VAT code and the revenue account that an amount lacks.

        The account depends on the VAT code of the books. If that VAT code has no row yet, the revenue account is added
        as missing too, marked as depending on the VAT code.
        """
        group = turnover_group_of(line) if line is not None else ""
        has_own_account = line is not None and bool(self.tables.account_of_group(line))
        try:
            books = self.tables.vat_code(self.document, code)
        except RecordRejected as rejected:
            self.add(rejected.cause, rejected.facts, amount)
            if rejected.cause == VAT_CODE and not has_own_account:
                self.add(REVENUE, {**rejected.facts, **_in_group(group)}, amount, counterpart_of=VAT_CODE)
            return
        if not has_own_account:
            self.try_rows(amount, lambda: self.tables.revenue_account(self.document, books), group=group)

    def _by_vat_code(self, lines: Iterable[Record]) -> Iterator[tuple[str, Decimal]]:
        """Yield the VAT codes of the till with their absolute amounts: of the lines, else of the VAT split."""
        all_lines = list(lines)
        split = split_of(self.document.record)
        for code in sold_vat_codes(self.document.record, all_lines):
            of_lines = [_amount(line) for line in all_lines if line_vat_code(line) == code]
            yield code, sum(of_lines, NOTHING) if of_lines else abs(split[code].incl)


def with_missing_codes(rejected: RecordRejected, codes: Iterable[MissingCode], title: str) -> RecordRejected:
    """Return the rejection of a document with all its missing codes.

    A document that lacks one row keeps its own cause. A row that depends on the counterpart of another one does not
    count, and revenue accounts of several turnover groups count as one: one row for their VAT code is enough.
    """
    missing_codes = list(codes)
    main_codes = [code for code in missing_codes if not code.counterpart_of]
    distinct_codes = [code for code in main_codes if code.cause != REVENUE] + list(
        {(code.facts["country"], code.facts["code"]): code for code in main_codes if code.cause == REVENUE}.values()
    )
    code_facts = {MISSING_CODES: missing_codes_fact(missing_codes)} if missing_codes else {}
    if len(distinct_codes) > 1:
        return RecordRejected(SEVERAL, "", document=title, codes=code_names(main_codes), **code_facts)
    return RecordRejected(rejected.cause, rejected.field, **{**rejected.facts, **code_facts})


def _in_group(group: str) -> dict[str, str]:
    return {"group": group} if group else {}


def _amount(line: Record) -> Decimal:
    """Return the absolute total of a line; zero if the till gives none."""
    totals = (optional_amount(line.values, name) for name in ("amount_incl", "amount_excl"))
    return abs(next((total for total in totals if total is not None), NOTHING))
