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
        return total(entry.amount for entry in self.takings) - total(entry.amount for entry in self.payouts)

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

    `of_opening` are payouts at the start of the period that are settled from the opening balance; `opening_left` is the
    rest of it.
    """

    settlements: tuple[Settlement, ...] = ()
    unpaid_takings: tuple[Taking, ...] = ()
    unmatched: tuple[Payout, ...] = ()
    opening_payouts: tuple[Payout, ...] = ()
    opening_rest: Decimal = NOTHING

    @property
    def waiting(self) -> Decimal:
        """Sum of the takings under way."""
        return total(taking.amount for taking in self.unpaid_takings)

    @property
    def fees(self) -> Decimal:
        """Sum of all withheld fees."""
        return total(settlement.fee for settlement in self.settlements)

    @property
    def unbooked_fees(self) -> Decimal:
        """Sum of the fees that are still in the balance of the account."""
        return total(settlement.unbooked_fee for settlement in self.settlements)

    @property
    def balance(self) -> Decimal:
        """Sum of everything that is not settled: equal to the closing balance of the account."""
        return self.opening_rest + self.waiting + self.unbooked_fees - total(payout.amount for payout in self.unmatched)


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
    match = _PayoutMatcher(
        sorted(takings, key=_date_key), sorted(payouts, key=lambda payout: (payout.date, payout.page)), rules
    )
    for with_fee in (False, True):
        match.settle_by_one_payout(with_fee=with_fee)
        match.settle_by_several_payouts(with_fee=with_fee)
    match.settle_fees()
    of_opening, opening_left = [], opening
    if since is not None:
        last = since + timedelta(days=rules.window_days)
        for payout in list(match.payouts):
            if payout.date <= last and NOTHING < payout.amount <= opening_left:
                match.payouts.remove(payout)
                of_opening.append(payout)
                opening_left -= payout.amount
    settlements = sorted(
        match.settlements, key=lambda settlement: (settlement.payouts[-1].date, settlement.payouts[-1].page)
    )
    return PayoutMatch(tuple(settlements), tuple(match.takings), tuple(match.payouts), tuple(of_opening), opening_left)


def _date_key(taking: Taking) -> tuple[date, str, str]:
    return taking.date, taking.branch, taking.page


class _PayoutMatcher:
    """Takings and payouts that are not matched yet, oldest first, and the settlements found."""

    def __init__(self, takings: list[Taking], payouts: list[Payout], rules: ClearingRules) -> None:
        self.takings = [taking for taking in takings if taking.amount]
        self.payouts = [payout for payout in payouts if payout.amount]
        self.settlements: list[Settlement] = []
        self._rules = rules

    def settle_by_one_payout(self, *, with_fee: bool) -> None:
        """Find consecutive takings, of one branch or of all, for each payout."""
        for payout in list(self.payouts):
            takings = [taking for taking in self.takings if self._rules.is_in_window(taking, payout)]
            branches = dict.fromkeys(taking.branch for taking in takings)
            by_branch = ([taking for taking in takings if taking.branch == branch] for branch in branches)
            fitting = (
                run
                for candidates in (*by_branch, takings)
                for run in _consecutive_runs(candidates)
                if self._is_match(total(taking.amount for taking in run), payout.amount, with_fee=with_fee)
            )
            if run := min(fitting, key=lambda run: _date_key(run[0]), default=None):
                self._settle(run, (payout,))

    def settle_by_several_payouts(self, *, with_fee: bool) -> None:
        """Find consecutive payouts for each taking."""
        for taking in list(self.takings):
            payouts = [payout for payout in self.payouts if self._rules.is_in_window(taking, payout)]
            for run in _consecutive_runs(payouts):
                paid = total(payout.amount for payout in run)
                if len(run) > 1 and self._is_match(taking.amount, paid, with_fee=with_fee):
                    self._settle((taking,), run)
                    break

    def settle_fees(self) -> None:
        """Find the pages that book withheld fees: of one settlement, or of consecutive ones as on an invoice."""
        for payout in list(self.payouts):
            by_date = sorted(self.settlements, key=lambda settlement: settlement.payouts[-1].date)
            unbooked = [
                settlement
                for settlement in by_date
                if settlement.unbooked_fee and settlement.payouts[-1].date <= payout.date
            ]
            for run in _consecutive_runs(unbooked):
                if total(settlement.fee for settlement in run) == payout.amount:
                    self.payouts.remove(payout)
                    for settlement in run:
                        place = self.settlements.index(settlement)
                        self.settlements[place] = Settlement(settlement.takings, settlement.payouts, payout.page)
                    break

    def _is_match(self, gross: Decimal, paid: Decimal, *, with_fee: bool) -> bool:
        return self._rules.is_fee(gross - paid, gross) if with_fee else gross == paid

    def _settle(self, takings: Sequence[Taking], payouts: Sequence[Payout]) -> None:
        for taking in takings:
            self.takings.remove(taking)
        for payout in payouts:
            self.payouts.remove(payout)
        self.settlements.append(Settlement(tuple(takings), tuple(payouts)))


def _consecutive_runs(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
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
    unpaid_amount: Decimal  # takings up to this day that were not paid out by the end of it


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
        return total(day.takings for day in self.days)

    @property
    def payouts(self) -> Decimal:
        """Sum that the books took out."""
        return total(day.payouts for day in self.days)

    @property
    def closing(self) -> Decimal:
        """Balance at the end of the period."""
        return self.opening + self.takings - self.payouts

    def late(self, today: date) -> list[Taking]:
        """Return takings whose payout is late on a day, oldest first."""
        last = today - timedelta(days=self.rules.late_days)
        return [taking for taking in self.match.unpaid_takings if taking.date < last] if self.match else []


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
    balance = opening + total(taking.amount for taking in takings if taking.date < first)
    balance -= total(payout.amount for payout in payouts if payout.date < first)
    days, running = [], balance
    for day in sorted({*(entry.date for entry in takings), *(entry.date for entry in payouts)}):
        if day < first:
            continue
        day_takings = total(taking.amount for taking in takings if taking.date == day)
        day_payouts = total(payout.amount for payout in payouts if payout.date == day)
        running += day_takings - day_payouts
        days.append(ClearingDay(day, day_takings, day_payouts, running, _amount_under_way(match, day)))
    return ClearingAccount(account, balance, tuple(days), match, rules or ClearingRules())


def _amount_under_way(match: PayoutMatch | None, day: date) -> Decimal:
    if match is None:
        return NOTHING
    waiting = total(taking.amount for taking in match.unpaid_takings if taking.date <= day)
    for settlement in match.settlements:
        if settlement.payouts[-1].date > day:
            gross = total(taking.amount for taking in settlement.takings if taking.date <= day)
            waiting += gross - total(payout.amount for payout in settlement.payouts if payout.date <= day)
    return waiting
