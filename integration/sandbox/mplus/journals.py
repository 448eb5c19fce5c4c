"""The till's own sums per financial date: turnover, payments, VAT and cash counts, all from its receipts and invoices.

What the interface leaves open is as the worked-out day of a till has it: payments of invoices come with the invoices,
on the day they were paid; gift cards and down payments are suspense accounts of the financial journal; a day is
closed, and its last count final, once it is over.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from integration.sandbox.mplus.contract import Fields, day_of
from integration.sandbox.mplus.desk import Desk, Handler, Reference
from integration.sandbox.mplus.documents import Shelf

CASH: Final = "CASH"
FLOAT: Final = 15_000  # in a drawer in the morning of its first day, in cents
ROUND: Final = 5_000  # what is brought to the bank is a multiple of this
SHORT: Final = 35  # what is missing at every seventh count
DIFFERENCES, BANKED = 4400, 1090  # ledger accounts
_FINANCIAL: Final[Mapping[str, str]] = {
    "BALANCE-UPGRADE": "SUSPENSE-ACCOUNT",
    "SUSPENSE": "SUSPENSE-ACCOUNT",
    "UNKNOWN": "SUSPENSE-ACCOUNT",
}
_GROUP_TYPE: Final = "TURNOVER-GROUP-TYPE-"


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment: when, where, by which method, and how much."""

    day: date
    branch: int
    workplace: int
    method: str
    amount: int


@dataclass(frozen=True, slots=True)
class Booked:
    """One document as the journals count it."""

    source: str
    day: date
    branch: int
    lines: tuple[tuple[int, int, int, int], ...]  # turnover group, VAT code, with and without VAT
    vat: tuple[tuple[int, int, int], ...]  # VAT code, base and VAT
    paid: tuple[Paid, ...]
    fields: Fields


class Journals:
    """The calls that sum up."""

    def __init__(self, desk: Desk, reference: Reference, receipts: Shelf, invoices: Shelf) -> None:
        self._desk = desk
        self._reference = reference
        self._shelves = {"RECEIPT": receipts, "INVOICE": invoices}

    def operations(self) -> dict[str, Handler]:
        """Every call that this part answers."""
        return {
            "getJournals": lambda request: self._journals(request.child("request")),
            "getFinancialJournal": lambda request: self._financial(request.child("request")),
            "getCashCountList": lambda request: self._counts(request.child("request")),
        }

    def _documents(self, *sources: str) -> Iterator[Booked]:
        for source in sources or self._shelves:
            shelf = self._shelves.get(source)
            for document in shelf.documents.values() if shelf else ():
                if shelf and document.seen:
                    yield _booked(source, shelf.fields(document))

    # ---- per date and branch

    def _journals(self, ask: Fields) -> Fields:
        first, last = (day_of(ask.child(name)) for name in ("fromFinancialDate", "throughFinancialDate"))
        filters = ask.child("journalFilterList").texts("journalFilter")
        found = list(self._documents(*(each.removeprefix("JOURNAL-FILTER-") for each in filters)))
        branches = ask.numbers("branchNumbers")
        payments = [each for one in found for each in one.paid]
        places = {(one.day, one.branch) for one in found} | {(each.day, each.branch) for each in payments}
        wanted = sorted(
            place for place in places if _within(place[0], first, last) and (not branches or place[1] in branches)
        )
        journals = [
            {
                "financialDate": day,
                "journalFilterList": {"journalFilter": filters} if filters else None,
                "branchNumber": branch,
                "turnoverGroupList": self._groups(one for one in found if (one.day, one.branch) == (day, branch)),
                "paymentList": self._payments(each for each in payments if (each.day, each.branch) == (day, branch)),
                "vatGroupList": self._vat(one for one in found if (one.day, one.branch) == (day, branch)),
            }
            for day, branch in wanted
        ]
        return self._desk.build("GetJournalsResponse", {"journalList": journals})

    def _groups(self, documents: Iterable[Booked]) -> list[dict[str, Any]]:
        sums = _added((line[0], line[2:]) for one in documents for line in one.lines)
        names = ("turnoverGroupType", "turnoverGroup", "turnoverGroupName", "accountNumber")
        return [
            {**{name: self._group(number).get(name) for name in names}, "inclAmount": incl, "exclAmount": excl}
            for number, (incl, excl) in sorted(sums.items())
        ]

    def _payments(self, payments: Iterable[Paid]) -> list[dict[str, Any]]:
        sums = _added((each.method, (each.amount,)) for each in payments)
        methods = self._reference.methods
        return [
            {
                "method": method,
                "description": methods[method]["description"],
                "amount": amount,
                "paymentMethodType": methods[method]["type"],
                "accountNumber": methods[method]["accountNumber"],
            }
            for method, (amount,) in sorted(sums.items())
        ]

    def _vat(self, documents: Iterable[Booked]) -> list[dict[str, Any]]:
        sums = _added((code, (excl, vat)) for one in documents for code, excl, vat in one.vat)
        return [self._rated(code, excl, vat) for code, (excl, vat) in sorted(sums.items())]

    def _rated(self, code: int, excl: int, vat: int) -> dict[str, Any]:
        rate = self._desk.conventions.percentage(self._reference.setup.rates[code])
        return {"vatCode": code, "vatPercentage": rate, "exclAmount": excl, "vatAmount": vat}

    def _group(self, number: int) -> Mapping[str, Any]:
        unknown = {"turnoverGroupType": f"{_GROUP_TYPE}UNKNOWN", "turnoverGroup": number, "turnoverGroupName": "?"}
        return self._reference.turnover_groups.get(number, unknown)

    # ---- turnover group by VAT code

    def _financial(self, ask: Fields) -> Fields:
        first, last = (day_of(ask.child(name)) for name in ("fromFinancialDate", "throughFinancialDate"))
        is_closed = last is not None and last < self._desk.today
        sums = _added(
            ((one.branch, one.source, group, code), (incl, excl))
            for one in self._documents()
            if _within(one.day, first, last)
            for group, code, incl, excl in one.lines
        )
        groups = []
        for (branch, source, number, code), (incl, excl) in sorted(sums.items()):
            group = self._group(number)
            type_ = str(group["turnoverGroupType"]).removeprefix(_GROUP_TYPE)
            groups.append(
                {
                    "financialGroupType": f"FINANCIAL-GROUP-TYPE-{_FINANCIAL.get(type_, type_)}",
                    "financialGroupSource": f"FINANCIAL-GROUP-SOURCE-{source}",
                    "financialGroupNumber": number,
                    "financialGroupName": group["turnoverGroupName"],
                    "accountNumber": group.get("accountNumber") or 0,
                    "branchNumber": branch,
                    "fromFinancialDate": first,
                    "throughFinancialDate": last,
                    "financialPeriodClosed": is_closed,
                    "inclAmount": incl,
                    "exclAmount": excl,
                    "vatGroupList": [self._rated(code, excl, incl - excl)],
                }
            )
        told = {"financialGroupList": groups, "financialPeriodClosed": is_closed}
        return self._desk.build("GetFinancialJournalResponse", told)

    # ---- drawers

    def _counts(self, ask: Fields) -> Fields:
        first, last = (day_of(ask.child(name)) for name in ("fromFinancialDate", "throughFinancialDate"))
        since = ask.child("sinceCashCount")
        after = (since.number("year"), since.number("number"))
        shown = [
            count
            for count in self._counted()
            if _within(count["financialDate"], first, last)
            and (count["cashCountNumber"]["year"], count["cashCountNumber"]["number"]) > after
            and (not since.number("branchNumber") or count["branchNumber"] == since.number("branchNumber"))
        ]
        return self._desk.build("GetCashCountListResponse", {"cashCountList": shown})

    def _counted(self) -> Iterator[dict[str, Any]]:
        """One count for each drawer and day on which it was used, each starting with what the one before left."""
        shifts: dict[tuple[date, int, int], list[Booked]] = defaultdict(list)
        for one in self._documents("RECEIPT"):
            shifts[one.day, one.branch, one.fields.number("workplaceNumber")].append(one)
        left: dict[tuple[int, int], int] = {}
        for serial, ((day, branch, workplace), receipts) in enumerate(sorted(shifts.items(), key=_place), start=1):
            start = left.get((branch, workplace), FLOAT)
            added = sum(each.amount for one in receipts for each in one.paid if each.method == CASH)
            counted = start + added - (SHORT if serial % 7 == 0 else 0)
            deposited = max(0, counted - FLOAT) // ROUND * ROUND
            left[branch, workplace] = counted - deposited
            method = self._reference.methods[CASH]
            yield {
                "cashCountId": f"count-{day.year}-{serial}",
                "financialDate": day,
                "entryTimestamp": receipts[-1].fields.child("entryTimestamp"),
                "branchNumber": branch,
                "workplaceNumber": workplace,
                "cashCountNumber": {"year": day.year, "number": serial},
                "versionNumber": 1,
                "employeeNumber": receipts[-1].fields.number("employeeNumber"),
                "countingEmployeeNumber": receipts[-1].fields.number("employeeNumber"),
                "isFinalized": day < self._desk.today,
                "shiftFirstReceiptId": receipts[0].fields.text("receiptId"),
                "shiftFirstTransaction": _transaction(receipts[0]),
                "shiftLastReceiptId": receipts[-1].fields.text("receiptId"),
                "shiftLastTransaction": _transaction(receipts[-1]),
                "cashCountLineList": [
                    {
                        "paymentMethod": CASH,
                        "paymentMethodType": method["type"],
                        "accountNumber": method["accountNumber"],
                        "startAmount": start,
                        "addedAmount": added,
                        "countedAmount": counted,
                        "depositedAmount": deposited,
                        "differenceAmount": counted - start - added,
                        "differenceAccountNumber": DIFFERENCES,
                        "endAmount": counted - deposited,
                        "depositAccountNumber": BANKED,
                    }
                ],
            }


def _booked(source: str, fields: Fields) -> Booked:
    day, branch = day_of(fields.child("financialDate")), fields.number("financialBranchNumber")
    if day is None:
        raise LookupError(f"a {source.lower()} without a financial date")
    data = [line.child("data") for line in fields.child("lineList").children("line")]
    workplace = fields.number("workplaceNumber")
    return Booked(
        source,
        day,
        branch,
        tuple(
            (
                each.number("turnoverGroup"),
                each.number("vatCode"),
                each.number("totalInclAmount"),
                each.number("totalExclAmount"),
            )
            for each in data
        ),
        tuple(
            (each.number("vatCode"), each.number("exclAmount"), each.number("vatAmount"))
            for each in fields.child("vatGroupList").children("vatGroup")
        ),
        tuple(
            Paid(
                day_of(each.child("financialDate")) or day,
                branch,
                workplace,
                each.text("method"),
                each.number("amount"),
            )
            for each in fields.child("paymentList").children("payment")
        ),
        fields,
    )


def _amount(payment: Fields) -> tuple[str, int]:
    return payment.text("method"), payment.number("amount")


def _transaction(one: Booked) -> dict[str, Any]:
    number = one.fields.child("receiptNumber")
    return {
        "transactionId": one.fields.text("receiptId"),
        "financialDate": one.day,
        "branchNumber": one.branch,
        "workplaceNumber": number.number("workplaceNumber"),
        "transactionNumber": {"year": number.number("year"), "number": number.number("number")},
        "employeeNumber": one.fields.number("employeeNumber"),
        "entryTimestamp": one.fields.child("entryTimestamp"),
    }


def _place(shift: tuple[tuple[date, int, int], Sequence[Booked]]) -> tuple[date, int, int]:
    return shift[0]


def _within(day: date, first: date | None, last: date | None) -> bool:
    return (first is None or first <= day) and (last is None or day <= last)


def _added(amounts: Iterable[tuple[Any, Sequence[int]]]) -> dict[Any, tuple[int, ...]]:
    """What amounts come to, by what each of them stands under."""
    sums: dict[Any, tuple[int, ...]] = {}
    for key, each in amounts:
        before = sums.get(key, (0,) * len(each))
        sums[key] = tuple(one + more for one, more in zip(before, each, strict=True))
    return sums
