"""Control totals of a day at the till, checked before anything is booked. Each failure names the check by number.

1. Sales equal payments, per source; the open amounts of invoices are on their debtors.
2. The till's sums equal those of its documents, per turnover group, payment method and VAT code; both journals agree.
3. The cash of the journals equals what was added to the drawers.
4. The difference and the end of a count follow from its other figures.
5. A count starts with the amount that the previous count left.
6. The VAT list equals the turnover groups of the financial journal per VAT code: all groups, or revenue only.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

from integration.core.days.documents import DayDocument, DaySums, sums_of_documents
from integration.core.days.till import DayRefusedError, TillDay, TillTurnover, total
from integration.core.grouping import group_by_key, sum_by_key
from integration.core.money import CENT
from integration.core.totals.sold import NOTHING, VatSum

OUTFLOW = "cash-outflow"
CARRIED_OVER = 5  # the check against the previous count, which is on another day
MAX_NAMED = 5  # documents named in one sentence

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """Failed control total of a day: number of the check, subject, both figures, and the documents involved."""

    identity: int
    about: str
    expected: Decimal
    actual: Decimal
    documents: tuple[str, ...] = ()

    @property
    def refusal(self) -> DayRefusedError:
        """The error for the day that cannot be booked."""
        facts = {
            "expected": str(self.expected),
            "found": str(self.actual),
            "difference": str(self.actual - self.expected),
        }
        numbers = ", ".join(self.documents)
        return DayRefusedError("day_gap", "", identity=str(self.identity), about=self.about, behind=numbers, **facts)


def with_cash_signs(day: TillDay) -> TillDay:
    """Return the day with the sign of cash outflows that makes it add up: the till's interface leaves it open."""
    if not any(turnover.type == OUTFLOW for turnover in day.journal):
        return day
    turned = replace(
        day, journal=tuple(map(_reverse_outflow, day.journal)), financial=tuple(map(_reverse_outflow, day.financial))
    )
    return turned if _is_unpaid(day) and not _is_unpaid(turned) else day


def _is_unpaid(day: TillDay) -> bool:
    return any(gap.about == "receipt" for gap in _check_payments(day))


def _reverse_outflow(turnover: TillTurnover) -> TillTurnover:
    if turnover.type != OUTFLOW:
        return turnover
    return replace(
        turnover, incl=-turnover.incl, excl=None if turnover.excl is None else -turnover.excl, vat=-turnover.vat
    )


def failed_checks(
    day: TillDay,
    sums: DaySums,
    documents: Collection[DayDocument],
    drawers: Collection[str],
) -> Iterator[FailedCheck]:
    """Yield the control totals that a day fails.

    `drawers` are the payment methods whose money is in a drawer. The VAT of a code may differ by a cent per document:
    a till that computes VAT over the day has this difference.
    """
    yield from _check_payments(day, documents)
    yield from _check_documents(day, sums, documents)
    yield from _check_drawers(day, drawers)
    yield from _check_vat_list(day, documents)


def _check_payments(day: TillDay, documents: Collection[DayDocument] = ()) -> Iterator[FailedCheck]:
    for source in day.sources:
        sold = total(turnover.incl for turnover in day.journal if turnover.source == source)
        paid = total(payment.amount for payment in day.payments if payment.source == source)
        is_whole = source == "receipt" or (source == "order" and day.reports_down_payments)
        rest = NOTHING if is_whole else total(document.rest for document in documents if document.source == source)
        if sold != paid + rest:
            yield FailedCheck(1, source, paid + rest, sold)


def _check_documents(day: TillDay, sums: DaySums, documents: Collection[DayDocument]) -> Iterator[FailedCheck]:
    own = sums_of_documents(documents)
    journal = sum_by_key(((turnover.source, turnover.group), turnover.incl) for turnover in day.journal)
    prepaid = {(turnover.source, turnover.group) for turnover in day.journal if turnover.is_down_payment}
    sold = {key: incl for key, incl in journal.items() if key not in prepaid}
    yield from _compare_sums(
        sold,
        _by_group(own),
        documents,
        lambda document, key: _by_group(sums_of_documents([document])).get(key, NOTHING),
        NOTHING,
    )
    yield from _compare_sums(
        sums.payments,
        own.payments,
        documents,
        lambda document, key: document.payments_by_method.get(key[1], NOTHING),
        NOTHING,
    )
    of_vat = {key: vat_sum.vat for key, vat_sum in own.vat.items()}
    count = {key: sum(key[1] in document.vat and document.source == key[0] for document in documents) for key in of_vat}
    vat_tolerance = CENT * max([1, *count.values()])
    vat = {key: vat_sum.vat for key, vat_sum in sums.vat.items()}
    yield from _compare_sums(
        vat, of_vat, documents, lambda document, key: document.vat.get(key[1], VatSum()).vat, vat_tolerance
    )
    if day.financial:
        yield from (
            replace(gap, about=f"getFinancialJournal {gap.about}")
            for gap in _compare_sums(_by_group(sums), journal, (), lambda *_: NOTHING, NOTHING)
        )


def _by_group(sums: DaySums) -> dict[tuple[str, str], Decimal]:
    return sum_by_key(((source, group), vat_sum.incl) for (source, group, _), vat_sum in sums.groups.items())


def _compare_sums(
    journal_sums: Mapping[tuple[str, str], Decimal],
    own: Mapping[tuple[str, str], Decimal],
    documents: Collection[DayDocument],
    share: Callable[[DayDocument, tuple[str, str]], Decimal],
    tolerance: Decimal,
) -> Iterator[FailedCheck]:
    for key in dict.fromkeys([*journal_sums, *own]):
        journal, of_documents = journal_sums.get(key, NOTHING), own.get(key, NOTHING)
        if abs(journal - of_documents) > tolerance:
            involved = [document for document in documents if document.source == key[0] and share(document, key)]
            exactly = [document for document in involved if share(document, key) == of_documents - journal]
            numbers = tuple(document.number for document in (exactly[:1] or involved[:MAX_NAMED]))
            yield FailedCheck(2, " ".join(key), of_documents, journal, numbers)


def _check_drawers(day: TillDay, drawers: Collection[str]) -> Iterator[FailedCheck]:
    for count in day.counts:
        about = f"{count.workplace} {count.number}"
        if count.difference != count.counted_amount - count.start - count.added:
            yield FailedCheck(4, about, count.counted_amount - count.start - count.added, count.difference)
        if count.end != count.counted_amount - count.deposited:
            yield FailedCheck(4, about, count.counted_amount - count.deposited, count.end)
        if count.before is not None and count.start != count.before:
            yield FailedCheck(CARRIED_OVER, about, count.before, count.start)
    for method in dict.fromkeys(count.method for count in day.counts if count.method in drawers):
        added = total(count.added for count in day.counts if count.method == method)
        in_cash = [payment for payment in day.payments if payment.method == method]
        cash = total(payment.amount for payment in in_cash if payment.source != "order")
        if added not in (
            cash,
            total(payment.amount for payment in in_cash),
        ):  # no till documents whether orders are included
            yield FailedCheck(3, method, cash, added)


def _check_vat_list(day: TillDay, documents: Collection[DayDocument]) -> Iterator[FailedCheck]:
    """Yield the VAT codes whose amount in the VAT list is not that of their turnover groups, with their documents."""
    revenue = day.revenue_groups
    listed_amounts = sum_by_key(((vat_total.source, vat_total.code), vat_total.sum.incl) for vat_total in day.vat)
    by_code = group_by_key(((turnover.source, turnover.vat_code), turnover) for turnover in day.financial)
    for key in dict.fromkeys([*listed_amounts, *by_code]):
        groups = by_code.get(key, [])
        every = total(turnover.incl for turnover in groups)
        sold = total(turnover.incl for turnover in groups if turnover.group in revenue)
        taxed = total(turnover.incl for turnover in groups if turnover.group in revenue or turnover.vat)
        if listed_amounts.get(key, NOTHING) not in {every, sold, taxed}:
            sold_documents = [document for document in documents if document.source == key[0] and document.is_sold]
            off = [document.number for document in sold_documents if not document.is_split_as_its_lines(key[1])]
            yield FailedCheck(6, " ".join(key), every, listed_amounts.get(key, NOTHING), tuple(off[:MAX_NAMED]))
