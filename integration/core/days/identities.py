"""Control totals of a day at the till, checked before anything is booked. Each failure names the check by number.

1. Sales equal payments, per source; the open amounts of invoices are on their debtors.
2. The till's sums equal those of its documents, per turnover group, payment method and VAT code; both journals agree.
3. The cash of the journals equals what was added to the drawers.
4. The difference and the end of a count follow from its other figures.
5. A count starts with the amount that the previous count left.
6. The VAT list equals the total of all turnover groups, or of revenue only.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

from integration.core.days.documents import DayDocument, DaySums, sums_of_documents
from integration.core.days.till import DayRefusedError, TillDay, TillTurnover, total
from integration.core.money import CENT
from integration.core.totals.categories import LineCategory
from integration.core.totals.sold import NOTHING, VatSum

OUTFLOW = "cash-outflow"
CARRIED_OVER = 5  # the check against the previous count, which is on another day
MOST_NAMED = 5  # documents named in one sentence

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """Failed control total of a day: number of the check, subject, both figures, and the documents involved."""

    identity: int
    about: str
    expected: Decimal
    found: Decimal
    documents: tuple[str, ...] = ()

    @property
    def refusal(self) -> DayRefusedError:
        """The error for the day that cannot be booked."""
        facts = {
            "expected": str(self.expected),
            "found": str(self.found),
            "difference": str(self.found - self.expected),
        }
        named = ", ".join(self.documents)
        return DayRefusedError("day_gap", "", identity=str(self.identity), about=self.about, behind=named, **facts)


def with_cash_signs(day: TillDay) -> TillDay:
    """Return the day with the sign of cash outflows that makes it add up: the till's interface leaves it open."""
    if not any(one.type == OUTFLOW for one in day.journal):
        return day
    turned = replace(day, journal=tuple(map(_turned, day.journal)), financial=tuple(map(_turned, day.financial)))
    return turned if _is_unpaid(day) and not _is_unpaid(turned) else day


def _is_unpaid(day: TillDay) -> bool:
    return any(gap.about == "receipt" for gap in _unpaid(day))


def _turned(one: TillTurnover) -> TillTurnover:
    if one.type != OUTFLOW:
        return one
    return replace(one, incl=-one.incl, excl=None if one.excl is None else -one.excl, vat=-one.vat)


def failed_checks(
    day: TillDay,
    sums: DaySums,
    documents: Collection[DayDocument],
    drawers: Collection[str],
    tolerance: Decimal = CENT,
) -> Iterator[FailedCheck]:
    """Yield the control totals that a day fails.

    `drawers` are the payment methods whose money is in a drawer. `tolerance` is the allowed VAT difference of a code
    per document, in euros: a till that computes VAT over the day has this difference.
    """
    yield from _unpaid(day, documents)
    yield from _undocumented(day, sums, documents, tolerance)
    yield from _drawers(day, drawers)
    yield from _vat_list(day)


def _unpaid(day: TillDay, documents: Collection[DayDocument] = ()) -> Iterator[FailedCheck]:
    for source in day.sources:
        sold = total(one.incl for one in day.journal if one.source == source)
        paid = total(one.amount for one in day.payments if one.source == source)
        is_whole = source == "receipt" or (source == "order" and day.tells_down_payments)
        rest = NOTHING if is_whole else total(one.rest for one in documents if one.source == source)
        if sold != paid + rest:
            yield FailedCheck(1, source, paid + rest, sold)


def _undocumented(
    day: TillDay, sums: DaySums, documents: Collection[DayDocument], tolerance: Decimal
) -> Iterator[FailedCheck]:
    own = sums_of_documents(documents)
    journal: dict[tuple[str, str], Decimal] = {}
    for one in day.journal:
        journal[one.source, one.group] = journal.get((one.source, one.group), NOTHING) + one.incl
    prepaid = {(one.source, one.group) for one in day.journal if one.is_down_payment}
    sold = {key: each for key, each in journal.items() if key not in prepaid}
    yield from _apart(
        sold, _by_group(own), documents, lambda one, key: _by_group(sums_of_documents([one])).get(key, NOTHING), NOTHING
    )
    yield from _apart(
        sums.payments, own.payments, documents, lambda one, key: one.payments_by_method.get(key[1], NOTHING), NOTHING
    )
    of_vat = {key: each.vat for key, each in own.vat.items()}
    count = {key: sum(key[1] in one.vat and one.source == key[0] for one in documents) for key in of_vat}
    most = tolerance * max([1, *count.values()])
    vat = {key: each.vat for key, each in sums.vat.items()}
    yield from _apart(vat, of_vat, documents, lambda one, key: one.vat.get(key[1], VatSum()).vat, most)
    if day.financial:
        yield from (
            replace(gap, about=f"getFinancialJournal {gap.about}")
            for gap in _apart(_by_group(sums), journal, (), lambda *_: NOTHING, NOTHING)
        )


def _by_group(sums: DaySums) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = {}
    for (source, group, _), each in sums.groups.items():
        found[source, group] = found.get((source, group), NOTHING) + each.incl
    return found


def _apart(
    told: Mapping[tuple[str, str], Decimal],
    own: Mapping[tuple[str, str], Decimal],
    documents: Collection[DayDocument],
    share: Callable[[DayDocument, tuple[str, str]], Decimal],
    tolerance: Decimal,
) -> Iterator[FailedCheck]:
    for key in dict.fromkeys([*told, *own]):
        journal, of_documents = told.get(key, NOTHING), own.get(key, NOTHING)
        if abs(journal - of_documents) > tolerance:
            involved = [one for one in documents if one.source == key[0] and share(one, key)]
            exactly = [one for one in involved if share(one, key) == of_documents - journal]
            named = tuple(one.number for one in (exactly[:1] or involved[:MOST_NAMED]))
            yield FailedCheck(2, " ".join(key), of_documents, journal, named)


def _drawers(day: TillDay, drawers: Collection[str]) -> Iterator[FailedCheck]:
    for one in day.counts:
        about = f"{one.workplace} {one.number}"
        if one.difference != one.counted - one.start - one.added:
            yield FailedCheck(4, about, one.counted - one.start - one.added, one.difference)
        if one.end != one.counted - one.deposited:
            yield FailedCheck(4, about, one.counted - one.deposited, one.end)
        if one.before is not None and one.start != one.before:
            yield FailedCheck(CARRIED_OVER, about, one.before, one.start)
    for method in dict.fromkeys(one.method for one in day.counts if one.method in drawers):
        added = total(one.added for one in day.counts if one.method == method)
        in_cash = [one for one in day.payments if one.method == method]
        cash = total(one.amount for one in in_cash if one.source != "order")
        if added not in (cash, total(one.amount for one in in_cash)):  # no till documents whether orders are included
            yield FailedCheck(3, method, cash, added)


def _vat_list(day: TillDay) -> Iterator[FailedCheck]:
    for source in day.sources:
        listed = total(one.sum.incl for one in day.vat if one.source == source)
        groups = [one for one in day.journal if one.source == source]
        every = total(one.incl for one in groups)
        revenue = total(one.incl for one in groups if one.category is LineCategory.REVENUE)
        taxed = total(
            one.incl for one in groups if one.category is LineCategory.REVENUE or one.incl != (one.excl or one.incl)
        )
        if listed not in {every, revenue, taxed}:
            yield FailedCheck(6, source, every, listed)
