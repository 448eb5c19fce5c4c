"""Sums of the till per financial date: turnover, payments and VAT, computed from its documents.

Where the interface is unspecific, this follows a worked example of a till's day, or a convention: gift cards and down
payments are suspense accounts of the financial journal; a day is closed once it is over.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from integration.sandbox.mplus.context import Handler, Reference, TillContext
from integration.sandbox.mplus.contract import WireFields, day_of
from integration.sandbox.mplus.takings import BookedTakings, PaidTakings, Takings, is_in_period

_FINANCIAL: Final[Mapping[str, str]] = {
    "BALANCE-UPGRADE": "SUSPENSE-ACCOUNT",
    "SUSPENSE": "SUSPENSE-ACCOUNT",
    "UNKNOWN": "SUSPENSE-ACCOUNT",
}
_GROUP_TYPE: Final = "TURNOVER-GROUP-TYPE-"
_OUTFLOW: Final = f"{_GROUP_TYPE}CASH-OUTFLOW"
_IDS: Final = {"RECEIPT": "receiptId", "INVOICE": "invoiceId", "ORDER": "orderId"}


class Journals:
    """Operations that return sums."""

    def __init__(self, context: TillContext, reference: Reference, takings: Takings) -> None:
        self._context = context
        self._reference = reference
        self._takings = takings
        self._requests: list[dict[str, object]] = []

    def operations(self) -> dict[str, Handler]:
        return {
            "getJournals": lambda request: self._journals(request.child("request")),
            "getFinancialJournal": lambda request: self._financial(request.child("request")),
            "reportPaymentMethodDetails": lambda request: self._details(request.child("request")),
        }

    def state(self) -> list[dict[str, object]]:
        """Return the queries for journals, with the reference of each."""
        return list(self._requests)

    def _note(self, operation: str, ask: WireFields) -> None:
        self._requests.append({"operation": operation, "reference": ask.text("reference")})

    # ---- per date and branch

    def _journals(self, ask: WireFields) -> WireFields:
        self._note("getJournals", ask)
        first, last = (day_of(ask.child(name)) for name in ("fromFinancialDate", "throughFinancialDate"))
        filters = ask.child("journalFilterList").texts("journalFilter")
        documents = list(self._takings.documents(*(name.removeprefix("JOURNAL-FILTER-") for name in filters)))
        branches = ask.numbers("branchNumbers")
        payments = [payment for document in documents for payment in document.paid]
        places = {(document.day, document.branch) for document in documents} | {
            (payment.day, payment.branch) for payment in payments
        }
        day_branches = sorted(
            place for place in places if is_in_period(place[0], first, last) and (not branches or place[1] in branches)
        )
        journals = [
            {
                "financialDate": day,
                "journalFilterList": {"journalFilter": filters} if filters else None,
                "branchNumber": branch,
                "turnoverGroupList": self._groups(
                    document for document in documents if (document.day, document.branch) == (day, branch)
                ),
                "paymentList": self._payments(
                    payment for payment in payments if (payment.day, payment.branch) == (day, branch)
                ),
                "vatGroupList": self._vat(
                    document for document in documents if (document.day, document.branch) == (day, branch)
                ),
            }
            for day, branch in day_branches
        ]
        return self._context.build("GetJournalsResponse", {"journalList": journals})

    def _groups(self, documents: Iterable[BookedTakings]) -> list[dict[str, Any]]:
        sums = _sums_by_key((line[0], line[2:]) for document in documents for line in document.lines)
        names = ("turnoverGroupType", "turnoverGroup", "turnoverGroupName", "accountNumber")
        rows = []
        for number, amounts in sorted(sums.items()):
            group = self._group(number)
            incl, excl = (self._signed_amount(amount, group) for amount in amounts)
            rows.append({**{name: group.get(name) for name in names}, "inclAmount": incl, "exclAmount": excl})
        return rows

    def _signed_amount(self, amount: int, group: Mapping[str, Any]) -> int:
        """Return an amount with the sign that the till reports: some tills report cash outflows without a minus."""
        turned = group["turnoverGroupType"] == _OUTFLOW and self._context.conventions.outflows == "positive"
        return -amount if turned else amount

    def _payments(self, payments: Iterable[PaidTakings]) -> list[dict[str, Any]]:
        sums = _sums_by_key((payment.method, (payment.amount,)) for payment in payments)
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

    def _vat(self, documents: Iterable[BookedTakings]) -> list[dict[str, Any]]:
        sums = _sums_by_key(
            (code, (excl, vat)) for document in documents for code, excl, vat in self._vat_amounts(document)
        )
        return [self._vat_row(code, excl, vat) for code, (excl, vat) in sorted(sums.items())]

    def _vat_amounts(self, document: BookedTakings) -> Iterable[tuple[int, int, int]]:
        """Yield the VAT of a document as its list has it: with or without items that are not revenue."""
        if self._context.conventions.vat_lists == "all groups":
            return document.vat
        amounts = {code: [excl, vat] for code, excl, vat in document.vat}
        sold = set()
        for group, code, incl, excl in document.lines:
            if self._context.is_left_out(group, incl, excl):
                amounts[code][0] -= excl
            else:
                sold.add(code)
        return [(code, excl, vat) for code, (excl, vat) in amounts.items() if code in sold]

    def _vat_row(self, code: int, excl: int, vat: int) -> dict[str, Any]:
        rate = self._context.conventions.percentage(self._reference.setup.rates[code])
        return {"vatCode": code, "vatPercentage": rate, "exclAmount": excl, "vatAmount": vat}

    def _group(self, number: int) -> Mapping[str, Any]:
        unknown = {"turnoverGroupType": f"{_GROUP_TYPE}UNKNOWN", "turnoverGroup": number, "turnoverGroupName": "?"}
        return self._reference.turnover_groups.get(number, unknown)

    # ---- turnover group by VAT code

    def _financial(self, ask: WireFields) -> WireFields:
        self._note("getFinancialJournal", ask)
        first, last = (day_of(ask.child(name)) for name in ("fromFinancialDate", "throughFinancialDate"))
        is_closed = self._is_closed(first, last)
        sums = _sums_by_key(
            ((document.branch, document.source, group, code), (incl, excl))
            for document in self._takings.documents()
            if is_in_period(document.day, first, last)
            for group, code, incl, excl in document.lines
        )
        costs = _sums_by_key(
            ((document.branch, document.source, group, code), (cost,))
            for document in self._takings.documents()
            if is_in_period(document.day, first, last)
            for group, code, cost in document.costs
        )
        groups = []
        for (branch, source, number, code), amounts in sorted(sums.items()):
            group = self._group(number)
            incl, excl = (self._signed_amount(amount, group) for amount in amounts)
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
                    **self._purchase_values(group, costs.get((branch, source, number, code))),
                    "vatGroupList": [self._vat_row(code, excl, incl - excl)],
                }
            )
        values = {"financialGroupList": groups, "financialPeriodClosed": is_closed}
        return self._context.build("GetFinancialJournalResponse", values)

    @staticmethod
    def _purchase_values(group: Mapping[str, Any], costs: tuple[int, ...] | None) -> dict[str, Any]:
        """Return the purchase amount of a group and its accounts; nothing without purchase prices."""
        accounts = {name: group.get(name) for name in ("purchaseAccountNumber", "stockAccountNumber")}
        return {"purchaseAmount": costs[0], **accounts} if costs else {}

    def _is_closed(self, first: date | None, last: date | None) -> bool | None:
        """Return whether a period is over and closed; None if this till does not report it."""
        conventions = self._context.conventions
        if conventions.closing == "not told":
            return None
        left_open = any(is_in_period(date.fromisoformat(day), first, last) for day in conventions.open_days)
        return last is not None and last < self._context.day and not left_open

    # ---- single payments

    def _details(self, ask: WireFields) -> WireFields:
        method, branches = ask.text("paymentMethod"), ask.child("branchFilter").numbers("branchNumbers")
        period = ask.child("dateFilter")
        first, last = (
            date.fromisoformat(period.text(name)[:10]) for name in ("fromFinancialDate", "throughFinancialDate")
        )
        sources = [
            {"payment": payment.fields, "paymentSourceDetails": _details_of(document)}
            for document in self._takings.documents()
            for payment in document.paid
            if payment.method == method
            and is_in_period(payment.day, first, last)
            and (not branches or payment.branch in branches)
        ]
        return self._context.build("ReportPaymentMethodDetailsResponse", {"paymentSourceList": sources})


def _details_of(document: BookedTakings) -> dict[str, Any]:
    kind, at = document.source.lower(), document.fields.child("entryTimestamp")
    clock = (at.number(name) for name in ("year", "mon", "day", "hour", "min", "sec"))
    return {
        "id": document.fields.text(_IDS[document.source]),
        "paymentSourceType": document.fields.text(f"{kind}Type").replace(
            f"{document.source}-TYPE-", "PAYMENT-SOURCE-TYPE-", 1
        ),
        "financialDate": (day_of(document.fields.child("financialDate")) or document.day).isoformat(),
        "entryTimestamp": "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(*clock),
        "totalInclAmount": document.fields.number("totalInclAmount"),
        "totalExclAmount": document.fields.number("totalExclAmount"),
    }


def _sums_by_key(amounts: Iterable[tuple[Any, Sequence[int]]]) -> dict[Any, tuple[int, ...]]:
    sums: dict[Any, tuple[int, ...]] = {}
    for key, addends in amounts:
        before = sums.get(key, (0,) * len(addends))
        sums[key] = tuple(total + more for total, more in zip(before, addends, strict=True))
    return sums
