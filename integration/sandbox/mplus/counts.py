"""Cash counts of the drawers.

Each count covers the cash payments since the previous count, and starts with the amount that remained then. A count is
never changed: a later receipt belongs to the next count, and a recount adds a version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from integration.sandbox.mplus.contract import ZONE, WireFields, day_of
from integration.sandbox.mplus.desk import Desk, Handler, Reference
from integration.sandbox.mplus.takings import CASH, BookedTakings, Takings, is_in_period

FLOAT: Final = 15_000  # initial amount of a drawer, in cents
ROUND: Final = 5_000  # deposits at the bank are multiples of this
SHORT: Final = 35  # difference at every seventh count
DIFFERENCES, BANKED = 4400, 1090  # ledger accounts
EMPLOYEE: Final = 101

Drawer = tuple[int, int]  # branch and workplace


@dataclass(frozen=True, slots=True)
class HouseCount:
    """One count of one drawer; amounts in cents."""

    day: date
    drawer: Drawer
    number: tuple[int, int]  # year and number
    at: datetime
    start: int
    added: int
    counted: int
    deposited: int
    receipts: tuple[WireFields, ...]  # covered receipts, in order of entry
    version: int = 1
    is_final: bool = True

    @property
    def key(self) -> str:
        """Key for people: branch, workplace, year and number."""
        return f"{self.drawer[0]}/{self.drawer[1]}/{self.number[0]}.{self.number[1]}"

    @property
    def end(self) -> int:
        """Amount that stays in the drawer."""
        return self.counted - self.deposited


@dataclass(frozen=True, slots=True)
class Shift:
    """Sales that one count of a drawer covers."""

    day: date
    drawer: Drawer
    covered: tuple[BookedTakings, ...]


class DrawerCounts:
    """Counts of all drawers, in order."""

    def __init__(self, desk: Desk, reference: Reference, takings: Takings) -> None:
        self._desk = desk
        self._reference = reference
        self._takings = takings
        self._made: dict[str, HouseCount] = {}
        self._covered: set[str] = set()
        self._closed: list[date] = []  # past days whose drawers are counted on the next query

    def operations(self) -> dict[str, Handler]:
        """Return the handlers of this part, by operation."""
        return {"getCashCountList": lambda request: self._listed(request.child("request"))}

    def close(self, day: date) -> None:
        """Schedule the count of every drawer with uncounted sales up to this day."""
        self._closed.append(day)

    def settle(self) -> None:
        """Make the counts of all past days. Later sales are in none of them."""
        waiting = self._open() if self._closed else []
        for day in self._closed:
            self._count_all(day, [one for one in waiting if one.day <= day])
            waiting = [one for one in waiting if one.day > day]
        self._closed.clear()

    def put(self, values: Mapping[str, Any]) -> None:
        """Count one drawer by hand: `day`, `branch`, `workplace`, and `counted` and `deposited` in cents.

        Optional are `number` (such as 2026.311), `start`, and `at`, the time up to which sales are covered, on the
        shop's clock.
        """
        self.settle()
        day, at = date.fromisoformat(values["day"]), values.get("at")
        drawer = int(values["branch"]), int(values["workplace"])
        year, number = (int(part) for part in str(values.get("number", f"{day.year}.0")).split("."))
        until = datetime.fromisoformat(at).replace(tzinfo=ZONE) if at else self._desk.now
        amounts = int(values.get("start", self._start(drawer))), int(values["counted"]), int(values["deposited"])
        sold = [one for one in self._open() if one.day <= day and _entered(one) <= until]
        covered = tuple(_of(drawer, sold))
        self._make(Shift(day, drawer, covered), (year, number or self._next(year)), until, amounts)

    def edit(self, key: str, values: Mapping[str, Any]) -> None:
        """Add a version of a count. LookupError if there is no such count."""
        self.settle()
        if key not in self._made:
            raise LookupError(f"there is no count {key}")
        known = self._made[key]
        changed = {name: value for name, value in values.items() if name in ("counted", "deposited", "is_final")}
        self._made[key] = replace(known, version=known.version + 1, **changed)

    def state(self) -> list[dict[str, object]]:
        """Return all counts."""
        self.settle()
        plain = self._desk.contract.plain
        return [plain("CashCount", self._desk.build("CashCount", self._told(one))) for one in self._made.values()]

    def _count_all(self, day: date, sold: list[BookedTakings]) -> None:
        for drawer in sorted({(one.branch, one.workplace) for one in sold}):
            number, covered = (day.year, self._next(day.year)), _of(drawer, sold)
            expected = self._start(drawer) + sum(map(_cash, covered))
            counted = expected - (SHORT if number[1] % 7 == 0 else 0)
            deposited = max(0, counted - FLOAT) // ROUND * ROUND
            at = _entered(covered[-1])
            self._make(Shift(day, drawer, tuple(covered)), number, at, (self._start(drawer), counted, deposited))

    def _make(self, shift: Shift, number: tuple[int, int], at: datetime, amounts: tuple[int, int, int]) -> None:
        start, counted, deposited = amounts
        receipts = tuple(one.fields for one in shift.covered)
        self._covered |= {each.text("receiptId") for each in receipts}
        added = sum(map(_cash, shift.covered))
        count = HouseCount(shift.day, shift.drawer, number, at, start, added, counted, deposited, receipts)
        self._made[count.key] = count

    def _open(self) -> list[BookedTakings]:
        receipts = self._takings.documents("RECEIPT")
        return [one for one in receipts if one.fields.text("receiptId") not in self._covered]

    def _start(self, drawer: Drawer) -> int:
        return next((one.end for one in reversed(self._made.values()) if one.drawer == drawer), FLOAT)

    def _next(self, year: int) -> int:
        return 1 + max((one.number[1] for one in self._made.values() if one.number[0] == year), default=0)

    def _listed(self, ask: WireFields) -> WireFields:
        self.settle()
        first, last = (day_of(ask.child(name)) for name in ("fromFinancialDate", "throughFinancialDate"))
        since = ask.child("sinceCashCount")
        after = (since.number("year"), since.number("number"))
        shown = [
            self._told(one)
            for one in self._made.values()
            if is_in_period(one.day, first, last)
            and one.number > after
            and (not since.number("branchNumber") or one.drawer[0] == since.number("branchNumber"))
        ]
        return self._desk.build("GetCashCountListResponse", {"cashCountList": shown})

    def _told(self, one: HouseCount) -> dict[str, Any]:
        employee = one.receipts[-1].number("employeeNumber") if one.receipts else EMPLOYEE
        told: dict[str, Any] = {
            "cashCountId": f"count-{one.number[0]}-{one.number[1]}-{one.drawer[0]}-{one.drawer[1]}",
            "financialDate": one.day,
            "entryTimestamp": one.at,
            "branchNumber": one.drawer[0],
            "workplaceNumber": one.drawer[1],
            "cashCountNumber": _numbered(one.number),
            "versionNumber": one.version,
            "employeeNumber": employee,
            "countingEmployeeNumber": employee,
            "shiftFirstTransaction": self._transaction(one, one.receipts[:1]),
            "shiftLastTransaction": self._transaction(one, one.receipts[-1:]),
            "cashCountLineList": [self._line(one)],
        }
        if self._desk.conventions.counts != "silent":
            told["isFinalized"] = one.is_final and self._desk.conventions.counts == "final"
        return told

    def _line(self, one: HouseCount) -> dict[str, Any]:
        method = self._reference.methods[CASH]
        return {
            "paymentMethod": CASH,
            "paymentMethodType": method["type"],
            "accountNumber": method["accountNumber"],
            "startAmount": one.start,
            "addedAmount": one.added,
            "countedAmount": one.counted,
            "depositedAmount": one.deposited,
            "differenceAmount": one.counted - one.start - one.added,
            "differenceAccountNumber": DIFFERENCES,
            "endAmount": one.end,
            "depositAccountNumber": BANKED,
        }

    def _transaction(self, one: HouseCount, receipts: Sequence[WireFields]) -> dict[str, Any]:
        """Return the receipt at one end of a shift; without sales, only the drawer."""
        receipt = receipts[0] if receipts else WireFields()
        number = receipt.child("receiptNumber")
        return {
            "transactionId": receipt.text("receiptId"),
            "financialDate": day_of(receipt.child("financialDate")) or one.day,
            "branchNumber": one.drawer[0],
            "workplaceNumber": one.drawer[1],
            "transactionNumber": _numbered((number.number("year"), number.number("number"))),
            "employeeNumber": receipt.number("employeeNumber"),
            "entryTimestamp": receipt.child("entryTimestamp") if receipts else one.at,
        }


def _of(drawer: Drawer, sold: list[BookedTakings]) -> list[BookedTakings]:
    """Return the sales of a drawer in order of entry."""
    return sorted((one for one in sold if (one.branch, one.workplace) == drawer), key=_entered)


def _numbered(number: tuple[int, int]) -> dict[str, int]:
    return {"year": number[0], "number": number[1]}


def _cash(one: BookedTakings) -> int:
    return sum(each.amount for each in one.paid if each.method == CASH)


def _entered(one: BookedTakings) -> datetime:
    at = one.fields.child("entryTimestamp")
    year, month, day, hour, minute, second = (at.number(name) for name in ("year", "mon", "day", "hour", "min", "sec"))
    return datetime(year, month, day, hour, minute, second, tzinfo=ZONE)
