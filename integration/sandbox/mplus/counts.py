"""Cash counts of the drawers.

Each count covers the cash payments since the previous count, and starts with the amount that remained then. A count is
never changed: a later receipt belongs to the next count, and a recount adds a version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from integration.sandbox.mplus.context import Handler, Reference, TillContext
from integration.sandbox.mplus.contract import ZONE, WireFields, day_of
from integration.sandbox.mplus.takings import CASH, BookedTakings, Takings, is_in_period

FLOAT: Final = 15_000  # initial amount of a drawer, in cents
ROUND: Final = 5_000  # deposits at the bank are multiples of this
SHORT: Final = 35  # difference at every seventh count
DIFFERENCES, BANKED = 4400, 1090  # ledger accounts
EMPLOYEE: Final = 101

Drawer = tuple[int, int]  # branch and workplace


@dataclass(frozen=True, slots=True)
class SandboxCount:
    """One count of one drawer; amounts in cents."""

    day: date
    drawer: Drawer
    number: tuple[int, int]  # year and number
    at: datetime
    start: int
    added: int
    counted_amount: int
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
        return self.counted_amount - self.deposited


@dataclass(frozen=True, slots=True)
class Shift:
    """Sales that one count of a drawer covers."""

    day: date
    drawer: Drawer
    covered: tuple[BookedTakings, ...]


class DrawerCounts:
    """Counts of all drawers, in order."""

    def __init__(self, context: TillContext, reference: Reference, takings: Takings) -> None:
        self._context = context
        self._reference = reference
        self._takings = takings
        self._counts: dict[str, SandboxCount] = {}
        self._counted_receipts: set[str] = set()
        self._closed_days: list[date] = []  # past days whose drawers are counted on the next query

    def operations(self) -> dict[str, Handler]:
        return {"getCashCountList": lambda request: self._list_counts(request.child("request"))}

    def close(self, day: date) -> None:
        """Schedule the count of every drawer with uncounted sales up to this day."""
        self._closed_days.append(day)

    def settle(self) -> None:
        """Make the counts of all past days. Later sales are in none of them."""
        waiting = self._uncounted_receipts() if self._closed_days else []
        for day in self._closed_days:
            self._count_all(day, [sale for sale in waiting if sale.day <= day])
            waiting = [sale for sale in waiting if sale.day > day]
        self._closed_days.clear()

    def put(self, values: Mapping[str, Any]) -> None:
        """Count one drawer by hand: `day`, `branch`, `workplace`, and `counted` and `deposited` in cents.

        Optional are `number` (such as 2026.311), `start`, and `at`, the time up to which sales are covered, on the
        shop's clock.
        """
        self.settle()
        day, at = date.fromisoformat(values["day"]), values.get("at")
        drawer = int(values["branch"]), int(values["workplace"])
        year, number = (int(part) for part in str(values.get("number", f"{day.year}.0")).split("."))
        until = datetime.fromisoformat(at).replace(tzinfo=ZONE) if at else self._context.now
        amounts = (
            int(values.get("start", self._opening_amount(drawer))),
            int(values["counted"]),
            int(values["deposited"]),
        )
        sold = [sale for sale in self._uncounted_receipts() if sale.day <= day and _entry_time(sale) <= until]
        covered = tuple(_drawer_sales(drawer, sold))
        self._make(Shift(day, drawer, covered), (year, number or self._next_number(year)), until, amounts)

    def edit(self, key: str, values: Mapping[str, Any]) -> None:
        """Add a version of a count. LookupError if there is no such count."""
        self.settle()
        if key not in self._counts:
            raise LookupError(f"there is no count {key}")
        count = self._counts[key]
        fields = {"counted": "counted_amount", "deposited": "deposited", "is_final": "is_final"}
        changed = {fields[name]: value for name, value in values.items() if name in fields}
        self._counts[key] = replace(count, version=count.version + 1, **changed)

    def state(self) -> list[dict[str, object]]:
        self.settle()
        plain = self._context.contract.plain
        return [
            plain("CashCount", self._context.build("CashCount", self._count_values(count)))
            for count in self._counts.values()
        ]

    def _count_all(self, day: date, sold: list[BookedTakings]) -> None:
        for drawer in sorted({(sale.branch, sale.workplace) for sale in sold}):
            number, covered = (day.year, self._next_number(day.year)), _drawer_sales(drawer, sold)
            expected = self._opening_amount(drawer) + sum(map(_cash_amount, covered))
            counted_amount = expected - (SHORT if number[1] % 7 == 0 else 0)
            deposited = max(0, counted_amount - FLOAT) // ROUND * ROUND
            at = _entry_time(covered[-1])
            self._make(
                Shift(day, drawer, tuple(covered)),
                number,
                at,
                (self._opening_amount(drawer), counted_amount, deposited),
            )

    def _make(self, shift: Shift, number: tuple[int, int], at: datetime, amounts: tuple[int, int, int]) -> None:
        start, counted_amount, deposited = amounts
        receipts = tuple(sale.fields for sale in shift.covered)
        self._counted_receipts |= {receipt.text("receiptId") for receipt in receipts}
        added = sum(map(_cash_amount, shift.covered))
        count = SandboxCount(shift.day, shift.drawer, number, at, start, added, counted_amount, deposited, receipts)
        self._counts[count.key] = count

    def _uncounted_receipts(self) -> list[BookedTakings]:
        receipts = self._takings.documents("RECEIPT")
        return [receipt for receipt in receipts if receipt.fields.text("receiptId") not in self._counted_receipts]

    def _opening_amount(self, drawer: Drawer) -> int:
        return next((count.end for count in reversed(self._counts.values()) if count.drawer == drawer), FLOAT)

    def _next_number(self, year: int) -> int:
        return 1 + max((count.number[1] for count in self._counts.values() if count.number[0] == year), default=0)

    def _list_counts(self, ask: WireFields) -> WireFields:
        self.settle()
        first, last = (day_of(ask.child(name)) for name in ("fromFinancialDate", "throughFinancialDate"))
        since = ask.child("sinceCashCount")
        after = (since.number("year"), since.number("number"))
        rows = [
            self._count_values(count)
            for count in self._counts.values()
            if is_in_period(count.day, first, last)
            and count.number > after
            and (not since.number("branchNumber") or count.drawer[0] == since.number("branchNumber"))
        ]
        return self._context.build("GetCashCountListResponse", {"cashCountList": rows})

    def _count_values(self, count: SandboxCount) -> dict[str, Any]:
        employee = count.receipts[-1].number("employeeNumber") if count.receipts else EMPLOYEE
        values: dict[str, Any] = {
            "cashCountId": f"count-{count.number[0]}-{count.number[1]}-{count.drawer[0]}-{count.drawer[1]}",
            "financialDate": count.day,
            "entryTimestamp": count.at,
            "branchNumber": count.drawer[0],
            "workplaceNumber": count.drawer[1],
            "cashCountNumber": _number_values(count.number),
            "versionNumber": count.version,
            "employeeNumber": employee,
            "countingEmployeeNumber": employee,
            "shiftFirstTransaction": self._transaction(count, count.receipts[:1]),
            "shiftLastTransaction": self._transaction(count, count.receipts[-1:]),
            "cashCountLineList": [self._line(count)],
        }
        if self._context.conventions.counts != "silent":
            values["isFinalized"] = count.is_final and self._context.conventions.counts == "final"
        return values

    def _line(self, count: SandboxCount) -> dict[str, Any]:
        method = self._reference.methods[CASH]
        return {
            "paymentMethod": CASH,
            "paymentMethodType": method["type"],
            "accountNumber": method["accountNumber"],
            "startAmount": count.start,
            "addedAmount": count.added,
            "countedAmount": count.counted_amount,
            "depositedAmount": count.deposited,
            "differenceAmount": count.counted_amount - count.start - count.added,
            "differenceAccountNumber": DIFFERENCES,
            "endAmount": count.end,
            "depositAccountNumber": BANKED,
        }

    def _transaction(self, count: SandboxCount, receipts: Sequence[WireFields]) -> dict[str, Any]:
        """Return the receipt at one end of a shift; without sales, only the drawer."""
        receipt = receipts[0] if receipts else WireFields()
        number = receipt.child("receiptNumber")
        return {
            "transactionId": receipt.text("receiptId"),
            "financialDate": day_of(receipt.child("financialDate")) or count.day,
            "branchNumber": count.drawer[0],
            "workplaceNumber": count.drawer[1],
            "transactionNumber": _number_values((number.number("year"), number.number("number"))),
            "employeeNumber": receipt.number("employeeNumber"),
            "entryTimestamp": receipt.child("entryTimestamp") if receipts else count.at,
        }


def _drawer_sales(drawer: Drawer, sold: list[BookedTakings]) -> list[BookedTakings]:
    """Return the sales of a drawer in order of entry."""
    return sorted((sale for sale in sold if (sale.branch, sale.workplace) == drawer), key=_entry_time)


def _number_values(number: tuple[int, int]) -> dict[str, int]:
    return {"year": number[0], "number": number[1]}


def _cash_amount(sale: BookedTakings) -> int:
    return sum(payment.amount for payment in sale.paid if payment.method == CASH)


def _entry_time(sale: BookedTakings) -> datetime:
    at = sale.fields.child("entryTimestamp")
    year, month, day, hour, minute, second = (at.number(name) for name in ("year", "mon", "day", "hour", "min", "sec"))
    return datetime(year, month, day, hour, minute, second, tzinfo=ZONE)
