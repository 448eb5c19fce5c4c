"""Clearing accounts: opening and closing balance, movements by day, and takings matched with their payouts.

The till debits a clearing account with takings. The books credit it when the money arrives. Amounts are signed: a
refund is a negative taking, and money that a payment provider withdraws is a negative payout.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from integration.core.days.till import total
from integration.core.money import HUNDRED
from integration.core.totals.sold import NOTHING

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Taking:
    """Amount that a closed day of a branch debited to a clearing account; `page` is the page in the books."""

    date: date
    branch: str
    amount: Decimal
    page: str = ""


@dataclass(frozen=True, slots=True)
class Payout:
    """Amount that a page of the books credited to a clearing account."""

    date: date
    amount: Decimal
    page: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class ClearingRules:
    """Rules of matching: days from a taking to its payout, the largest fee in percent, days until a payout is late."""

    window_days: int = 10
    largest_fee: Decimal = Decimal(3)
    late_days: int = 5

    def is_in_window(self, taking: Taking, payout: Payout) -> bool:
        """Return True if a payout may belong to a taking."""
        return timedelta() <= payout.date - taking.date <= timedelta(days=self.window_days)

    def is_fee(self, fee: Decimal, gross: Decimal) -> bool:
        """Return True if an amount may be a fee that was withheld from a gross amount."""
        return NOTHING < fee <= gross * self.largest_fee / HUNDRED


class SettlementType(StrEnum):
    """Type of a settlement."""

    EXACT = "exact"
    FEE = "fee"  # less than the takings, within the largest fee


@dataclass(frozen=True, slots=True)
class Settlement:
    """Takings with the payouts that settle them. `fee_page` is the page that books the withheld fee, if any."""

    takings: tuple[Taking, ...]
    payouts: tuple[Payout, ...]
    fee_page: str = ""

    @property
    def fee(self) -> Decimal:
        """Takings minus payouts."""
        return total(one.amount for one in self.takings) - total(one.amount for one in self.payouts)

    @property
    def type(self) -> SettlementType:
        """Type of the settlement."""
        return SettlementType.FEE if self.fee else SettlementType.EXACT

    @property
    def unbooked_fee(self) -> Decimal:
        """The fee that is still in the balance of the account."""
        return NOTHING if self.fee_page else self.fee


@dataclass(frozen=True, slots=True)
class PayoutMatch:
    """Result of matching. `under_way` are takings without a payout, oldest first.

    `unmatched` are payouts without takings. `of_opening` are payouts within the window of the first day that the
    opening balance covers; `opening_left` is the rest of that balance.
    """

    settlements: tuple[Settlement, ...] = ()
    under_way: tuple[Taking, ...] = ()
    unmatched: tuple[Payout, ...] = ()
    of_opening: tuple[Payout, ...] = ()
    opening_left: Decimal = NOTHING

    @property
    def waiting(self) -> Decimal:
        """Sum of the takings under way."""
        return total(one.amount for one in self.under_way)

    @property
    def fees(self) -> Decimal:
        """Sum of all withheld fees."""
        return total(one.fee for one in self.settlements)

    @property
    def unbooked_fees(self) -> Decimal:
        """Sum of the fees that are still in the balance of the account."""
        return total(one.unbooked_fee for one in self.settlements)

    @property
    def balance(self) -> Decimal:
        """Sum of everything that is not settled: equal to the closing balance of the account."""
        return self.opening_left + self.waiting + self.unbooked_fees - total(one.amount for one in self.unmatched)


def match_payouts(
    takings: Iterable[Taking],
    payouts: Iterable[Payout],
    rules: ClearingRules,
    opening: Decimal = NOTHING,
    since: date | None = None,
) -> PayoutMatch:
    """Match takings with payouts by amount and date, oldest first.

    `opening` is the balance at the begin of `since`. Equal amounts are matched before amounts less a fee; one payout
    may settle several days, and several payouts one day.
    """
    match = _Matching(sorted(takings, key=_by_date), sorted(payouts, key=lambda one: (one.date, one.page)), rules)
    for with_fee in (False, True):
        match.settle_by_one_payout(with_fee=with_fee)
        match.settle_by_several_payouts(with_fee=with_fee)
    match.settle_fees()
    of_opening, left = [], opening
    if since is not None:
        last = since + timedelta(days=rules.window_days)
        for one in list(match.payouts):
            if one.date <= last and NOTHING < one.amount <= left:
                match.payouts.remove(one)
                of_opening.append(one)
                left -= one.amount
    settlements = sorted(match.settlements, key=lambda one: (one.payouts[-1].date, one.payouts[-1].page))
    return PayoutMatch(tuple(settlements), tuple(match.takings), tuple(match.payouts), tuple(of_opening), left)


def _by_date(one: Taking) -> tuple[date, str, str]:
    return one.date, one.branch, one.page


class _Matching:
    """Takings and payouts that are not matched yet, oldest first, and the settlements found."""

    def __init__(self, takings: list[Taking], payouts: list[Payout], rules: ClearingRules) -> None:
        self.takings = [one for one in takings if one.amount]
        self.payouts = [one for one in payouts if one.amount]
        self.settlements: list[Settlement] = []
        self._rules = rules

    def settle_by_one_payout(self, *, with_fee: bool) -> None:
        """Find consecutive takings, of one branch or of all, for each payout."""
        for payout in list(self.payouts):
            takings = [one for one in self.takings if self._rules.is_in_window(one, payout)]
            branches = dict.fromkeys(one.branch for one in takings)
            by_branch = ([one for one in takings if one.branch == branch] for branch in branches)
            fitting = (
                run
                for some in (*by_branch, takings)
                for run in _runs(some)
                if self._fits(total(one.amount for one in run), payout.amount, with_fee=with_fee)
            )
            if run := min(fitting, key=lambda run: _by_date(run[0]), default=None):
                self._settle(run, (payout,))

    def settle_by_several_payouts(self, *, with_fee: bool) -> None:
        """Find consecutive payouts for each taking."""
        for taking in list(self.takings):
            payouts = [one for one in self.payouts if self._rules.is_in_window(taking, one)]
            for run in _runs(payouts):
                paid = total(one.amount for one in run)
                if len(run) > 1 and self._fits(taking.amount, paid, with_fee=with_fee):
                    self._settle((taking,), run)
                    break

    def settle_fees(self) -> None:
        """Find the pages that book withheld fees: of one settlement, or of consecutive ones as on an invoice."""
        for payout in list(self.payouts):
            by_date = sorted(self.settlements, key=lambda one: one.payouts[-1].date)
            unbooked = [one for one in by_date if one.unbooked_fee and one.payouts[-1].date <= payout.date]
            for run in _runs(unbooked):
                if total(one.fee for one in run) == payout.amount:
                    self.payouts.remove(payout)
                    for one in run:
                        place = self.settlements.index(one)
                        self.settlements[place] = Settlement(one.takings, one.payouts, payout.page)
                    break

    def _fits(self, gross: Decimal, paid: Decimal, *, with_fee: bool) -> bool:
        return self._rules.is_fee(gross - paid, gross) if with_fee else gross == paid

    def _settle(self, takings: Sequence[Taking], payouts: Sequence[Payout]) -> None:
        for taking in takings:
            self.takings.remove(taking)
        for payout in payouts:
            self.payouts.remove(payout)
        self.settlements.append(Settlement(tuple(takings), tuple(payouts)))


def _runs(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Yield all runs of consecutive items: the earliest start first, then the shortest."""
    for start in range(len(items)):
        for end in range(start + 1, len(items) + 1):
            yield items[start:end]


# ---- an account in a period


@dataclass(frozen=True, slots=True)
class ClearingDay:
    """Movements of one day on a clearing account, and its balance at the end of the day."""

    date: date
    takings: Decimal
    payouts: Decimal
    balance: Decimal
    under_way: Decimal  # takings up to this day that were not paid out by the end of it


@dataclass(frozen=True, slots=True)
class ClearingAccount:
    """A clearing account in a period. `days` are the days with a movement.

    `match` is None for an account that no payouts settle, such as gift cards.
    """

    account: str
    opening: Decimal
    days: tuple[ClearingDay, ...]
    match: PayoutMatch | None = None
    rules: ClearingRules = field(default_factory=ClearingRules)

    @property
    def takings(self) -> Decimal:
        """Sum that the till brought in."""
        return total(one.takings for one in self.days)

    @property
    def payouts(self) -> Decimal:
        """Sum that the books took out."""
        return total(one.payouts for one in self.days)

    @property
    def closing(self) -> Decimal:
        """Balance at the end of the period."""
        return self.opening + self.takings - self.payouts

    def late(self, today: date) -> list[Taking]:
        """Return takings whose payout is late on a day, oldest first."""
        last = today - timedelta(days=self.rules.late_days)
        return [one for one in self.match.under_way if one.date < last] if self.match else []


def clearing_account(
    account: str,
    opening: Decimal,
    takings: Sequence[Taking],
    payouts: Sequence[Payout],
    first: date,
    rules: ClearingRules | None,
    since: date | None = None,
) -> ClearingAccount:
    """Return an account from `first` on. Earlier takings and payouts, since `since`, are matched and in the opening.

    `opening` is the balance at the begin of `since`, or of `first` if `since` is None. Without rules nothing is
    matched.
    """
    start = since or first
    match = match_payouts(takings, payouts, rules, opening, start) if rules else None
    balance = opening + total(one.amount for one in takings if one.date < first)
    balance -= total(one.amount for one in payouts if one.date < first)
    days, running = [], balance
    for day in sorted({*(one.date for one in takings), *(one.date for one in payouts)}):
        if day < first:
            continue
        came = total(one.amount for one in takings if one.date == day)
        paid = total(one.amount for one in payouts if one.date == day)
        running += came - paid
        days.append(ClearingDay(day, came, paid, running, _under_way(match, day)))
    return ClearingAccount(account, balance, tuple(days), match, rules or ClearingRules())


def _under_way(match: PayoutMatch | None, day: date) -> Decimal:
    if match is None:
        return NOTHING
    waiting = total(one.amount for one in match.under_way if one.date <= day)
    for one in match.settlements:
        if one.payouts[-1].date > day:
            gross = total(each.amount for each in one.takings if each.date <= day)
            waiting += gross - total(each.amount for each in one.payouts if each.date <= day)
    return waiting
