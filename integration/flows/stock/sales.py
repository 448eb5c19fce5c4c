"""What was sold, taken back or kept aside at the till and is not in the books yet: it is no longer, or again, for sale.

What is in the books is settled before their figures are read. A sale that comes into the books after that counts as
missing once more, which leaves a level too low until the next run, and never too high.

A sales order may leave the figures as they are until it is invoiced. Where it does, what it sells counts as missing up
to then; what it brings back counts no more as soon as the books have it, and is for sale again when they say so.

What the books take back, as an undo does, is in their figures no more: a sale counts as missing from the moment this is
sent, also while figures are read, and what was brought back once it is known to be out of them.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from integration.core.moves import Move, MoveSort, Promise, StockCounted
from integration.core.records import Kind, Record, Unreadable
from integration.core.standing import AskStandings, Standing, Where
from integration.flows.orders.chains import in_force
from integration.flows.spec import Movements
from integration.flows.stock.settings import DATED, StockSettings, setting_moment

MOST_NAMED = 5  # documents behind one figure
# What makes a figure of the books a level: what the books have not learned of yet.
TERMS = frozenset({"sold_not_booked", "returned_not_booked", "reserved_not_booked", "ordered_not_invoiced"})
UNPROVEN = (MoveSort.DELIVERY, MoveSort.INTERNAL)  # what no document of ours ever brings into the books


@dataclass(frozen=True, slots=True)
class Term:
    """One part of how a level comes about: what it is, how much, and the documents behind it."""

    name: str
    amount: Decimal
    titles: tuple[str, ...]

    def shown(self) -> str:
        """Return it for people: a figure with its sign, and the documents."""
        rest = len(self.titles) - MOST_NAMED
        named = ", ".join(self.titles[:MOST_NAMED]) + (f", +{rest}" if rest > 0 else "")
        return f"{self.amount.normalize():+f}" + (f" ({named})" if named else "")


@dataclass(frozen=True, slots=True)
class Tally:
    """What is known of the movements of one article: those that the books lack, and what orders keep aside."""

    counted: StockCounted
    moves: tuple[Move, ...] = ()
    promises: tuple[tuple[Promise, bool], ...] = ()
    ordered: frozenset[str] = frozenset()  # documents that the books have as orders, and are not known to have invoiced
    unclear: Mapping[str, Unreadable] = field(
        default_factory=dict
    )  # those of which nobody can tell, with what is wrong
    uncounted: tuple[Move, ...] = ()  # what was received or sent from branch to branch where nothing proves it booked

    def unreadable(self, branches: Collection[str], since: datetime) -> Move | None:
        """Return a movement of these branches, of all where none is named, of which nobody can tell how much moved."""
        wrong = (one for one in self.moves if one.sort is MoveSort.UNREADABLE and one.at > since)
        return next((one for one in wrong if one.is_about(branches)), None)

    def untold(self, branches: Collection[str], since: datetime) -> tuple[str, Unreadable] | None:
        """Return a document that moved something in these branches of which nobody can tell if it was invoiced.

        It comes as people call it, with what cannot be read.
        """
        moves = [one for one in self.moves if one.amount < 0 and one.at > since and one.is_about(branches)]
        kept = [one for one, booked in self.promises if not booked and (not branches or one.branch in branches)]
        named = [(key, one.title) for one in moves for key in one.documents]
        named += [(one.document, one.title) for one in kept]
        return next(((title or key, self.unclear[key]) for key, title in named if key in self.unclear), None)

    def left_out(self, branches: Collection[str], since: datetime) -> Term | None:
        """Return what came or went in these branches, of all where none is named, and counts in no level."""
        amount = _sum(one.amount for one in self.uncounted if one.at > since and one.is_about(branches))
        return Term("moved_not_counted", amount, ()) if amount else None

    def terms(self, branches: Collection[str], since: datetime, *, orders_left: bool = True) -> list[Term]:
        """Return what makes a figure of the books a level of these branches, of all where none is named.

        `orders_left`: what sales orders sell is out of the figure as soon as the books have them.
        """
        moves = [one for one in self.moves if one.at > since and one.is_about(branches)]
        kept = [one for one, booked in self.promises if not booked and (not branches or one.branch in branches)]
        left = [one for one in moves if one.amount < 0]
        sold = [one for one in left if self.ordered.isdisjoint(one.documents)]
        back = [one for one in moves if one.amount > 0]
        aside = [one for one in kept if one.document not in self.ordered]
        gone = [one for one in left if one not in sold]
        held = [one for one in kept if one not in aside]
        ordered: list[Move | Promise] = [] if orders_left else [*gone, *held]
        parts: tuple[tuple[str, Decimal, Sequence[Move | Promise]], ...] = (
            ("sold_not_booked", _sum(one.amount for one in sold), sold),
            ("returned_not_booked", _sum(one.amount for one in back), back),
            ("reserved_not_booked", -_sum(one.amount for one in aside), aside),
            ("ordered_not_invoiced", -_sum(abs(one.amount) for one in ordered), ordered),
        )
        return [
            Term(name, amount, tuple(dict.fromkeys(one.title for one in listed if one.title)))
            for name, amount, listed in parts
            if amount
        ]


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


@dataclass
class Sales:
    """The movements of the till as the settings say that the books learn of them."""

    settings: StockSettings
    movements: Movements
    standings: AskStandings
    # which of these sales orders, as they stand, the books are not known to have invoiced
    uninvoiced: Callable[[Mapping[str, Standing]], Mapping[str, Unreadable | None]] = dict.fromkeys
    # documents of which the books took a booking back, or may have
    credited: Callable[[], Collection[str]] = tuple
    # what was in the books before their figures were read: documents, and those that are in all of these figures
    _booked: frozenset[str] = frozenset()
    _figured: frozenset[str] = frozenset()
    _unclear: Mapping[str, Unreadable] = field(default_factory=dict)  # orders of which nobody can tell
    _gone: frozenset[str] = frozenset()  # documents that the books have no more, or may not have

    @property
    def sorts(self) -> frozenset[MoveSort]:
        """The sorts that count. No document proves what was received or sent: it counts by its moment alone.

        Counted beside documents it would never end: what was received would be for sale twice once the books have it.
        """
        dated = UNPROVEN if self.settings.sales == DATED else ()
        return frozenset({MoveSort.SALES, *dated})

    def settle(self) -> None:
        """Take note of what is in the books by now, before their figures are read."""
        self.movements.begin(self.settings.counted_from)
        if self.settings.sales == DATED:
            return
        self._gone = self._taken_back()
        self._reopen(back=True)
        unbooked, orders = self.movements.unbooked(), self.movements.promising()
        documents = sorted({key for one in unbooked.values() for key in one.documents}.union(orders))
        there = self._there(documents)
        self._booked = frozenset(there)
        open_ = self._not_invoiced(there)
        self._figured = self._booked.difference(open_, self._gone)
        self._unclear = {key: wrong for key, wrong in open_.items() if wrong}
        numbers = [
            number
            for number, one in unbooked.items()
            if not (self._booked if one.is_back else self._figured).isdisjoint(one.documents)
        ]
        self.movements.settle(numbers, sorted(self._figured.intersection(orders)))

    def _taken_back(self) -> frozenset[str]:
        """Return the documents that the books had and do not have any more, or may not."""
        credited = frozenset(self.credited())
        return credited.difference(self._there(credited, surely=True))

    def _reopen(self, *, back: bool) -> None:
        """Count the movements again that the books have no more; of goods brought `back` only where that is settled."""
        settled = self.movements.settled(self._gone) if self._gone else {}
        documents = sorted({key for one in settled.values() for key in one.documents})
        surely, there = self._there(documents, surely=True), self._there(documents)
        self.movements.reopen(
            [
                number
                for number, one in settled.items()
                if (back or not one.is_back) and (there if one.is_back else surely).keys().isdisjoint(one.documents)
            ]
        )

    def _there(self, documents: Collection[str], *, surely: bool = False) -> dict[str, Standing]:
        """Return which of these documents the books have in a way by which they learn of sales."""
        there = in_force(self.standings, documents, surely=surely) if documents else {}
        return {key: one for key, one in there.items() if self._moves_stock(one)}

    def _not_invoiced(self, there: Mapping[str, Standing]) -> Mapping[str, Unreadable | None]:
        """Return the sales orders that may still have left a figure of the books as it was."""
        if not self.settings.waits_for_invoices:
            return {}
        orders = {key: one for key, one in there.items() if one.values.get("trade_invoice") is not True}
        return self.uninvoiced(orders) if orders else {}

    def _moves_stock(self, standing: Standing) -> bool:
        """Tell whether the books have a document as one that moves stock there, or keeps it aside."""
        if standing.where is not Where.BOOKED or standing.kind is not Kind.SALES_ORDER:
            return False
        as_invoice = standing.values.get("trade_invoice") is True
        return self.settings.sales == "documents" or as_invoice == (self.settings.sales == "trade_invoices")

    def tallied(self, numbers: Collection[str]) -> Callable[[str], Tally]:
        """Read the movements on and return what is known of these articles, by their numbers at the till.

        That is after the books' figures were read: no later movement can be in them. What was taken back and came into
        the books since the run began may be, so it counts no more: it would be for sale twice. A sale that they
        took back since may be out of the figures.
        """
        if self.settings.sales != DATED and (gone := self._taken_back()) != self._gone:
            self._gone |= gone
            self._reopen(back=False)
        upto = self.movements.read_on(self.settings.counted_from)
        back = {one for move in self.movements.open(numbers, upto) if move.amount > 0 for one in move.documents}
        there = self._there(sorted(back)) if self.settings.sales != DATED else {}
        return self._tally(numbers, upto, self._booked, self._booked.union(there))

    def known(self, numbers: Collection[str]) -> Callable[[str], Tally]:
        """Return what was known of these articles when a run read the movements last."""
        documents = {key for one in self.movements.open(numbers) for key in one.documents}
        documents |= {promise.document for promise, booked in self.movements.promised(numbers) if not booked}
        self._gone = self._taken_back() if self.settings.sales != DATED else frozenset()
        there = frozenset(self._there(sorted(documents))) if self.settings.sales != DATED else frozenset[str]()
        return self._tally(numbers, None, there, there)

    def _tally(
        self, numbers: Collection[str], upto: int | None, booked: frozenset[str], back: Collection[str]
    ) -> Callable[[str], Tally]:
        """Return what is known of each; of what was brought back, what the books have is over."""
        over = (self._figured if self.settings.waits_for_invoices else booked).difference(self._gone)
        moves: dict[str, list[Move]] = defaultdict(list)
        uncounted: dict[str, list[Move]] = defaultdict(list)
        for one in self.movements.open(numbers, upto):
            if one.sort in UNPROVEN and one.sort not in self.sorts:
                uncounted[one.article].append(one)
            there = back if one.amount > 0 else over
            if one.sort in (*self.sorts, MoveSort.UNREADABLE) and not any(key in there for key in one.documents):
                moves[one.article].append(one)
        promises: dict[str, list[tuple[Promise, bool]]] = defaultdict(list)
        for promise, is_booked in self.movements.promised(numbers):
            is_over = is_booked and promise.document not in self._gone
            promises[promise.article].append((promise, is_over or promise.document in over))
        ordered = booked.difference(over, self._gone)

        def of(number: str) -> Tally:
            reserved: dict[str, Decimal] = dict.fromkeys(self.settings.branches, Decimal(0))
            for promise, _ in promises[number]:
                reserved[promise.branch] = reserved.get(promise.branch, Decimal(0)) + promise.amount
            counted = StockCounted(upto or 0, self.sorts, reserved)
            known = tuple(moves[number]), tuple(promises[number]), ordered, self._unclear
            return Tally(counted, *known, tuple(uncounted[number]))

        return of

    def unplaced(self) -> list[Move]:
        """Return the movements of which not even the article can be read, as far as they may count."""
        return [one for one in self.movements.unplaced() if one.at > self.settings.counted_from]

    def since(self, record: Record) -> datetime:
        """Return from when on what happened at the till counts for an article: by its own stamp, where it has one."""
        stamp = record.values.get(self.settings.sales_stamp) if self.settings.sales_stamp else None
        return setting_moment(stamp) or self.settings.counted_from
