"""Builds the daybook page of a day, in the books' VAT mode. The page adds up to zero, or none is built."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from integration.core.days.books import DayBooks, DayLine, DayPage
from integration.core.days.documents import DayDocument, DaySums, sums_of_documents
from integration.core.days.lines import DayLines
from integration.core.days.till import DayRefusedError, TillDay, total
from integration.core.days.turnover import turnover_sums
from integration.core.grouping import sum_by_key
from integration.core.ledgers import NO_RULES
from integration.core.totals.sold import NOTHING, VatSum
from integration.core.vat import vat_fact

LONGEST_TEXT = 40  # characters of a line; texts may be cut


def page_of(day: TillDay, sums: DaySums, documents: Sequence[DayDocument], books: DayBooks) -> DayPage:
    """Return the balanced page of a day. Raises DayRefusedError if any line is impossible; no partial page is made."""
    builder = DayLines(day, documents, books)
    plain = _nonzero_lines(builder.all_lines(sums))
    _require_zero(plain)
    lines = tuple(_lines_in_mode(plain, books))
    for line in lines:
        _require_ledger(line, books)
    return DayPage(
        lines,
        tuple(sorted({document.number for document in documents})),
        tuple(builder.apart),
        builder.own_use_sum,
        ()
        if books.contents == "counts"
        else tuple(document for document in documents if document.is_sold and document not in builder.apart),
        _vat_differences(sums, documents),
        builder.groups_without_cost,
        turnover_sums(builder.turnover),
    )


def _nonzero_lines(lines: Iterable[DayLine]) -> list[DayLine]:
    return [replace(line, text=line.text[:LONGEST_TEXT]) for line in lines if line.amount or line.vat]


def _lines_in_mode(lines: Sequence[DayLine], books: DayBooks) -> Iterator[DayLine]:
    """Yield the lines in the books' VAT mode."""
    for line in lines:
        if books.mode == "gross" and line.vat_code:
            yield replace(line, amount=line.gross_amount)
        elif books.mode == "separate" and line.vat_code:
            yield replace(line, vat_code="", vat=NOTHING, vat_base=None)
        elif books.mode != "cash":
            yield line
        elif line.account != books.drawer_account:
            base = None if line.vat_base is None else -line.vat_base
            yield replace(line, amount=-line.amount, vat=-line.vat, vat_base=base)
    if books.mode == "separate":
        yield from _vat_lines(lines, books)


def _vat_lines(lines: Sequence[DayLine], books: DayBooks) -> Iterator[DayLine]:
    for code in dict.fromkeys(line.vat_code for line in lines if line.vat_code):
        own = [line for line in lines if line.vat_code == code]
        vat, base = total(line.vat for line in own), total(line.amount for line in own)
        account = books.vat_accounts.get(code, "")
        if vat and not account:
            vat_said = vat_fact(code, books.rates.get(code), books.systems[1])
            raise DayRefusedError("day_vat_account_missing", "vat_code", code=code, vat=vat_said)
        if vat:
            yield DayLine(account, f"BTW {code}", vat, code, NOTHING, base, about="vat")


def _require_ledger(line: DayLine, books: DayBooks) -> None:
    """Raise DayRefusedError if an account is missing or blocked, or requires something that the line lacks."""
    facts = {"account": line.account, "kind": line.text}
    if books.ledgers and line.account not in books.ledgers:
        raise DayRefusedError("ledger_missing", "account", **facts)
    rules = books.ledger_rules.get(line.account, NO_RULES)
    if rules.unclear:
        field, value = rules.unclear
        raise DayRefusedError("ledger_unclear", "account", field=field, value=value, **facts)
    if rules.is_blocked:
        raise DayRefusedError("ledger_blocked", "account", **facts)
    values = {"vat": line.vat_code, "cost": line.cost_centre}
    for demand in rules.demands:
        if not values.get(demand):
            raise DayRefusedError("ledger_wants", "account", wants=demand, **facts)
    if rules.is_collective and not line.debtor:
        raise DayRefusedError("ledger_wants", "account", wants="debtor", **facts)
    if rules.currency not in ("", books.currency):
        raise DayRefusedError("ledger_wants", "account", wants=f"currency={rules.currency}", **facts)


def _vat_differences(sums: DaySums, documents: Sequence[DayDocument]) -> dict[str, Decimal]:
    own = sums_of_documents(documents).vat
    gaps = ((code, vat_sum.vat - own.get((source, code), VatSum()).vat) for (source, code), vat_sum in sums.vat.items())
    return sum_by_key((code, gap) for code, gap in gaps if gap)


def _require_zero(lines: Iterable[DayLine]) -> None:
    """Raise DayRefusedError if the lines, including those of the drawer's account, do not add up to zero."""
    sum_ = total(line.gross_amount for line in lines)
    if sum_:
        raise DayRefusedError("day_page_unbalanced", "", amount=str(sum_))
