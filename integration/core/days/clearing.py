"""Clearing accounts: opening and closing balance, movements by day, and takings matched with their payouts.

The till debits a clearing account with takings. The books credit it when the money arrives. Amounts are signed: a
refund is a negative taking, and money that a payment provider withdraws is a negative payout.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import chain, groupby
from statistics import median
from typing import TypeVar

from integration.core.days.till import total
from integration.core.money import HUNDRED
from integration.core.totals.sold import NOTHING

HUNDREDTH = Decimal("0.01")
NEAR_USUAL = Decimal("0.05")  # percentage points
USUAL_SHARE = Decimal("0.9")  # of the payouts that may be less a fee: from here on another percentage is no fee
USUAL_LEAST = 10  # payouts
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
    """Amount that a row of a page of the books credited to a clearing account."""

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
        return NOTHING < fee <= abs(gross) * self.largest_fee / HUNDRED


class SettlementType(StrEnum):
    """Type of a settlement."""

    EXACT = "exact"
    FEE = "fee"  # less than the takings, within the largest fee


@dataclass(frozen=True, slots=True)
class Settlement:
    """Takings with the payouts that settle them. `fee_page` is the page that books the withheld fee, if any.

    `from_opening` is the part of the payouts that the opening balance covers: takings before the first day. Without
    takings it is the whole.
    """

    takings: tuple[Taking, ...]
    payouts: tuple[Payout, ...]
    fee_page: str = ""
    from_opening: Decimal = NOTHING

    @property
    def gross(self) -> Decimal:
        """Takings, with the part that the opening balance covers."""
        return total(entry.amount for entry in self.takings) + self.from_opening

    @property
    def fee(self) -> Decimal:
        """Takings minus payouts."""
        return self.gross - total(entry.amount for entry in self.payouts)

    @property
    def fee_percentage(self) -> Decimal:
        """Fee in percent of the gross amount, which is not 0."""
        return self.fee / self.gross * HUNDRED

    @property
    def type(self) -> SettlementType:
        return SettlementType.FEE if self.fee else SettlementType.EXACT

    @property
    def unbooked_fee(self) -> Decimal:
        """The fee that is still in the balance of the account."""
        return NOTHING if self.fee_page else self.fee


@dataclass(frozen=True, slots=True)
class PayoutMatch:
    """Result of matching. `unpaid_takings` have no payout, and `unmatched` payouts have no takings; both oldest first.

    `opening_rest` is the rest of the opening balance after the payouts at the start of the period that are settled from
    it. `early` are those of the unmatched payouts that may cover days before the start.
    """

    settlements: tuple[Settlement, ...] = ()
    unpaid_takings: tuple[Taking, ...] = ()
    unmatched: tuple[Payout, ...] = ()
    opening_rest: Decimal = NOTHING
    early: tuple[Payout, ...] = ()

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

    `opening` is the balance at the begin of `since`. Equal amounts are matched before amounts less a fee; one payout,
    or several of one day, may settle several days, and several payouts one day. A fee is only found for all takings of
    consecutive days of one branch or of all branches; among several possible fees the most usual percentage wins, which
    is possible for the most payouts. If it is possible for almost all, payouts less another percentage stay open.
    Payouts at the start settle the whole opening balance, alone or together with the first open takings; if none do,
    each payout within the opening balance is taken from it.
    """
    match = _PayoutMatcher(
        sorted(takings, key=_date_key), sorted(payouts, key=lambda payout: (payout.date, payout.page)), rules
    )
    match.settle_exactly()
    match.settle_less_fee()
    opening_left, early = opening, list[Payout]()
    if since is not None:
        if match.settle_opening(opening, match.first_payouts(since)):
            opening_left = NOTHING
        for payout in match.first_payouts(since):
            if payout.amount <= opening_left:
                match.payouts.remove(payout)
                opening_left -= payout.amount
            else:
                early.append(payout)
    settlements = sorted(
        match.settlements, key=lambda settlement: (settlement.payouts[-1].date, settlement.payouts[-1].page)
    )
    return PayoutMatch(tuple(settlements), tuple(match.takings), tuple(match.payouts), opening_left, tuple(early))


def _date_key(taking: Taking) -> tuple[date, str, str]:
    return taking.date, taking.branch, taking.page


class _PayoutMatcher:
    """Takings and payouts that are not matched yet, oldest first, and the settlements found."""

    def __init__(self, takings: list[Taking], payouts: list[Payout], rules: ClearingRules) -> None:
        self.takings = [taking for taking in takings if taking.amount]
        self.payouts = [payout for payout in payouts if payout.amount]
        self.settlements: list[Settlement] = []
        self._all_takings = tuple(self.takings)
        self._rules = rules

    def settle_exactly(self) -> None:
        """Find takings and payouts of the same amount."""
        for payouts in self._single_payouts():
            self._settle_equal(payouts)
        self._settle_by_several_payouts(with_fee=False)
        for payouts in self._payouts_of_a_day():
            self._settle_equal(payouts)

    def first_payouts(self, since: date) -> list[Payout]:
        """Return the open payouts that may settle takings before a day."""
        last = since + timedelta(days=self._rules.window_days)
        return [payout for payout in self.payouts if payout.date <= last and payout.amount > NOTHING]

    def settle_opening(self, opening: Decimal, payouts: Sequence[Payout]) -> bool:
        """Settle an opening balance and the first open takings, if any, with consecutive payouts of their sum.

        A fee is only found near the usual percentage. Returns False if no payouts settle the opening balance.
        """
        usual = _most_frequent([[settled.fee_percentage] for settled in self.settlements if settled.gross])
        possible = [
            settlement
            for run in _consecutive_runs(payouts if opening > NOTHING else ())
            for takings in self._first_takings(run[0])
            if not (settlement := Settlement(tuple(takings), tuple(run), from_opening=opening)).fee
            or (
                self._rules.is_fee(settlement.fee, settlement.gross)
                and abs(settlement.fee_percentage - usual) <= NEAR_USUAL
            )
        ]
        best = min(possible, key=lambda settlement: settlement.type is SettlementType.FEE, default=None)
        if best is None:
            return False
        for taking in best.takings:
            self.takings.remove(taking)
        for payout in best.payouts:
            self.payouts.remove(payout)
        self.settlements.append(best)
        return True

    def _first_takings(self, payout: Payout) -> Iterator[Sequence[Taking]]:
        """Yield no takings, and then the open takings of the first days of one branch or of all."""
        takings = [taking for taking in self.takings if self._rules.is_in_window(taking, payout)]
        yield ()
        for candidates in (*_by_branch(takings), takings):
            days = [list(of_day) for _, of_day in groupby(candidates, key=lambda taking: taking.date)]
            for end in range(1, len(days) + 1):
                yield list(chain.from_iterable(days[:end]))

    def settle_less_fee(self) -> None:
        """Find takings and payouts that differ by a fee, and the pages that book fees."""
        self._settle_by_usual_fee(self._single_payouts())
        self._settle_fees()  # a page that books fees is not part of a payout
        self._settle_by_several_payouts(with_fee=True)
        self._settle_by_usual_fee(self._payouts_of_a_day())
        self._settle_fees()

    def _settle_fees(self) -> None:
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

    def _single_payouts(self) -> list[Sequence[Payout]]:
        return [(payout,) for payout in self.payouts]

    def _payouts_of_a_day(self) -> list[Sequence[Payout]]:
        """Return the runs of at least two consecutive payouts of one day."""
        days = (list(payouts) for _, payouts in groupby(self.payouts, key=lambda payout: payout.date))
        return [run for day in days for run in _consecutive_runs(day) if len(run) > 1]

    def _settle_equal(self, payouts: Sequence[Payout]) -> None:
        """Find consecutive open takings, of one branch or of all, with the amount of the payouts."""
        if not _contains_all(self.payouts, payouts):
            return
        takings = [taking for taking in self.takings if self._rules.is_in_window(taking, payouts[0])]
        paid = total(payout.amount for payout in payouts)
        fitting = (
            run
            for candidates in (*_by_branch(takings), takings)
            for run in _consecutive_runs(candidates)
            if total(taking.amount for taking in run) == paid
        )
        if run := min(fitting, key=lambda run: _date_key(run[0]), default=None):
            self._settle(run, payouts)

    def _settle_by_usual_fee(self, groups: Iterable[Sequence[Payout]]) -> None:
        """Settle payouts less a fee: those with the most usual percentage first, then the oldest.

        Where almost all payouts may have the usual percentage, the others are not settled: their difference is no fee.
        """
        candidates = [(payouts, self._runs_less_fee(payouts)) for payouts in groups]
        matches = [(_fee_percentage(run, payouts), run, payouts) for payouts, runs in candidates for run in runs]
        if not matches:
            return
        usual = _most_frequent([{_fee_percentage(run, payouts) for run in runs} for payouts, runs in candidates])
        matches.sort(key=lambda match: abs(match[0] - usual))
        usual_matches = [match for match in matches if abs(match[0] - usual) <= NEAR_USUAL]
        usual_count, all_count = (len({tuple(match[2]) for match in group}) for group in (usual_matches, matches))
        if usual_count >= USUAL_LEAST and usual_count >= USUAL_SHARE * all_count:
            matches = usual_matches
        for _, run, payouts in matches:
            if _contains_all(self.payouts, payouts) and _contains_all(self.takings, run):
                self._settle(run, payouts)

    def _runs_less_fee(self, payouts: Sequence[Payout]) -> list[Sequence[Taking]]:
        """Return the runs of whole days that exceed payouts by a possible fee.

        The days are those of one branch, or for a single payout also those of all branches.
        """
        takings = [taking for taking in self._all_takings if self._rules.is_in_window(taking, payouts[0])]
        paid = total(payout.amount for payout in payouts)
        of_branches = (run for candidates in _by_branch(takings) for run in _consecutive_runs(candidates))
        days = [list(of_day) for _, of_day in groupby(takings, key=lambda taking: taking.date)]
        of_all = (chain.from_iterable(run) for run in _consecutive_runs(days if len(payouts) == 1 else []))
        runs = {tuple(run): None for run in (*of_branches, *of_all)}
        return [
            run
            for run in runs
            if self._rules.is_fee((gross := total(taking.amount for taking in run)) - paid, gross)
            and _contains_all(self.takings, run)
        ]

    def _settle_by_several_payouts(self, *, with_fee: bool) -> None:
        """Find consecutive payouts for each taking. A fee is only found near the usual percentage, if there is one.

        Many sums of several payouts are within the largest fee by chance.
        """
        usual = _most_frequent([[settled.fee_percentage] for settled in self.settlements if settled.fee])
        for taking in list(self.takings):
            payouts = [payout for payout in self.payouts if self._rules.is_in_window(taking, payout)]
            for run in _consecutive_runs(payouts):
                if len(run) == 1:
                    continue
                settlement = Settlement((taking,), tuple(run))
                is_fee = self._rules.is_fee(settlement.fee, taking.amount) and (
                    not usual or abs(settlement.fee_percentage - usual) <= NEAR_USUAL
                )
                if is_fee if with_fee else not settlement.fee:
                    self._settle((taking,), run)
                    break

    def _settle(self, takings: Sequence[Taking], payouts: Sequence[Payout]) -> None:
        """Move takings and payouts to a settlement. An entry among equal amounts that is a possible fee is one."""
        for taking in takings:
            self.takings.remove(taking)
        for payout in payouts:
            self.payouts.remove(payout)
        gross = total(taking.amount for taking in takings)
        fees = [payout for payout in payouts if self._rules.is_fee(payout.amount, gross)]
        if len(fees) == 1 and gross == total(payout.amount for payout in payouts):
            rest = tuple(payout for payout in payouts if payout is not fees[0])
            self.settlements.append(Settlement(tuple(takings), rest, fees[0].page))
        else:
            self.settlements.append(Settlement(tuple(takings), tuple(payouts)))


def _by_branch(takings: Sequence[Taking]) -> list[list[Taking]]:
    branches = dict.fromkeys(taking.branch for taking in takings)
    return [[taking for taking in takings if taking.branch == branch] for branch in branches]


def _contains_all(items: Sequence[Item], subset: Sequence[Item]) -> bool:
    """Return True if each item is contained as often as it is in `subset`."""
    return all(items.count(item) >= subset.count(item) for item in subset)


def _fee_percentage(takings: Sequence[Taking], payouts: Sequence[Payout]) -> Decimal:
    gross = total(taking.amount for taking in takings)
    return (gross - total(payout.amount for payout in payouts)) / gross * HUNDRED


def _most_frequent(percentages: Sequence[Collection[Decimal]]) -> Decimal:
    """Return the percentage that is possible for the most payouts, by the possible percentages of each."""
    rounded = ({percentage.quantize(HUNDREDTH) for percentage in possible} for possible in percentages)
    counts = Counter(chain.from_iterable(rounded))
    most = max(counts.values(), default=0)
    return median([percentage for percentage, count in counts.items() if count == most] or [NOTHING])


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
        """Return takings whose payout is late on a day, oldest first; refunds have no payout."""
        last = today - timedelta(days=self.rules.late_days)
        takings = self.match.unpaid_takings if self.match else ()
        return [taking for taking in takings if taking.date < last and taking.amount > NOTHING]


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
            paid = total(payout.amount for payout in settlement.payouts if payout.date <= day)
            if settlement.from_opening:  # paid first
                paid = max(paid - settlement.from_opening, NOTHING)
            waiting += gross - paid
    return waiting
