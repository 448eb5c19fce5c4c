"""Made-up days of four branches, repeatable by seed, with every type of sale and payment, and cash counts."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle
from zoneinfo import ZoneInfo

from tests.flows.days.plain import (
    BRANCHES,
    RATES,
    Conventions,
    Count,
    Day,
    Document,
    Item,
    Payment,
    Source,
    VatMethod,
    divide_rounded,
    largest,
)

CLOCKS_CHANGE = (date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25))
ZONE = ZoneInfo("Europe/Amsterdam")
NAMED = ("10007", "10012", "10031")  # customers that the books know
STRANGER = "99999"
REFUSALS = ("practised", "shifted receipt", "unknown debtor")
INVOICES = ("paid at once", "paid later", "paid in parts", "paid elsewhere", "paid elsewhere at once", "unpaid",
            "foreign", "shifted", "with a deposit used", "with a packaging deposit")  # fmt: skip
SALES = ("10/2", "20/2", "30/2", "35/2", "50/1", "60/4", "70/1", "30/3")


def inclusive(key: str, gross: int) -> Item:
    """A line of which the price includes VAT."""
    group, _, code = key.partition("/")
    return Item(group, code, gross, divide_rounded(gross * 100, 100 + RATES[code]))


def exclusive(keys: Sequence[tuple[str, int]]) -> tuple[Item, ...]:
    """Lines of which the prices do not include VAT: that of a code is computed once, and spread over its lines."""
    items: list[Item] = []
    for code in dict.fromkeys(key.partition("/")[2] for key, _ in keys):
        own = [(key.partition("/")[0], net) for key, net in keys if key.partition("/")[2] == code]
        vat = divide_rounded(sum(net for _, net in own) * RATES[code], 100)
        shares = largest(vat, [abs(net) for _, net in own])
        items += [Item(group, code, net + tax, net) for (group, net), tax in zip(own, shares, strict=True)]
    return tuple(items)


class History:
    """Days in order of date. A later payment of an invoice or an order belongs to a later day."""

    def __init__(self, seed: int, dates: Sequence[date]) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret: the same days for a seed
        self._dates = list(dates)
        self._number = 4000
        self._documents: list[Document] = []
        self._sales: list[Document] = []  # receipts that something can be brought back of
        self._drawer_cash: dict[tuple[str, str], int] = {}  # what the last count of a drawer left in it
        self._remaining_kinds = list(RECEIPTS)  # every kind comes once before chance decides
        self._invoices, self._refusals = cycle(INVOICES), cycle(REFUSALS)

    def days(self) -> list[Day]:
        """Every day of every branch."""
        self._conventions = {branch: self._convention() for branch in BRANCHES}
        for on in self._dates:
            for branch in BRANCHES:
                self._simulate_day(on, branch)
        places = {(on, branch): list[Document]() for on in self._dates for branch in BRANCHES}
        for document in self._documents:
            for place in {
                (document.day, document.branch),
                *((payment.day, payment.branch) for payment in document.paid),
            } & places.keys():
                is_there = document.source != "order" or document.payments_on(*place)
                places[place] += [document] if is_there else []
        return [self._day(on, branch, documents) for (on, branch), documents in places.items()]

    def _convention(self) -> Conventions:
        pick = self._random.choice
        return Conventions(
            pick(("all", "taxed", "turnover")), pick(("negative", "positive")), pick(("document", "line")),
            pick(("documents", "documents", "day")), pick(("payments", "group")), pick(("told", "not told")),
        )  # fmt: skip

    def _day(self, on: date, branch: str, documents: list[Document]) -> Day:
        counts, recounts = self._day_counts(on, branch, documents)
        if self._random.random() < 0.25:
            self._conventions[branch] = self._convention()
        day = Day(on, branch, self._conventions[branch], tuple(documents), counts, recounts)
        return replace(day, cases=frozenset(self._cases(day)))

    # ---- what happens at a branch on a date

    def _simulate_day(self, on: date, branch: str) -> None:
        if self._random.random() < 0.06:
            return
        for _ in range(self._random.randint(1, 9)):
            self._receipt(on, branch)
        for _ in range(self._random.choice((0, 0, 1, 1, 2))):
            self._invoice(on, branch)
        if self._chance(0.2):
            self._order(on, branch)
        if self._chance(0.12):
            self._refusal(on, branch)

    def _chance(self, likely: float) -> bool:
        return self._random.random() < likely

    def _receipt(self, on: date, branch: str) -> None:
        kinds = tuple(RECEIPTS)
        kind = (
            self._remaining_kinds.pop()
            if self._remaining_kinds
            else self._random.choices(kinds, tuple(RECEIPTS.values()))[0]
        )
        workplace = self._random.choice("12")
        kind = "sale" if kind == "refund" and not self._sales else kind
        items = self._items(kind)
        if kind == "refund":
            back = self._random.choice(self._sales[-40:])
            items = tuple(Item(item.group, item.code, -item.incl, -item.excl) for item in back.items[:2])
        relation = self._random.choice(NAMED) if kind == "on account" else ""
        paid = self._payments(kind, items, on, branch, workplace)
        method: VatMethod = "exclusive" if kind == "exclusive prices" else "inclusive"
        late, dropped = self._chance(0.05), self._chance(0.02)
        document = Document(
            "receipt",
            self._next_number(branch, workplace),
            on,
            branch,
            items,
            paid,
            self._entry_time(on),
            method,
            relation,
            cancelled=self._chance(0.03),
            late=late,
            dropped=dropped and not late,
            kind=kind,
        )
        self._documents.append(document)
        if kind == "sale" and not document.cancelled:
            self._sales.append(document)

    def _items(self, kind: str) -> tuple[Item, ...]:
        sales = tuple(
            inclusive(self._random.choice(SALES), self._random.randint(95, 90_000))
            for _ in range(self._random.randint(1, 4))
        )
        money = self._random.randint(1, 40) * 250
        extra = {
            "gift card sold": ("80/4", money), "voucher sold": ("85/1", money + 450), "deposit in": ("90/3", 2500),
            "deposit out": ("90/3", -2500), "taxed deposit in": ("91/1", 375), "taxed deposit out": ("91/2", -1250),
            "tip": ("96/4", 250), "float": ("95/4", 10_000), "outflow": ("97/4", -1450),
            "outflow with VAT": ("98/2", -money), "outflow with low VAT": ("98/1", -money),
        }  # fmt: skip
        if kind in ("gift card sold", "voucher sold", "float", "outflow", "outflow with VAT", "outflow with low VAT"):
            return (inclusive(*extra[kind]),)
        if kind == "exclusive prices":
            return exclusive([(self._random.choice(SALES), self._random.randint(95, 9_000)) for _ in range(3)])
        if kind == "voucher redeemed":
            return (inclusive("50/1", self._random.randint(3_000, 20_000)), *sales[:1])
        return (*sales, inclusive(*extra[kind])) if kind in extra else sales

    def _payments(self, kind: str, items: Sequence[Item], on: date, branch: str, workplace: str) -> tuple[Payment, ...]:
        whole = sum(item.incl for item in items)
        if kind == "on account":
            by = {"INVOICE": whole}
        elif kind == "split" and whole > 3:
            third = whole // 3
            by = {"GIFTCARD": third, "PIN": third, **self._cash(whole - 2 * third)}
        elif kind == "gift card redeemed":
            by = {"GIFTCARD": whole}
        elif kind == "deposit used":
            by = {"DEPOSIT": whole // 2, "PIN": whole - whole // 2}
        elif kind == "voucher redeemed":
            amount = min(items[0].incl, self._random.randint(1, 80) * 250)
            by = {"VOUCHER": amount, "PIN": whole - amount}
        elif kind in ("float", "outflow", "outflow with VAT", "outflow with low VAT"):
            by = {"CASH": whole}
        else:
            method = self._random.choice(("CASH", "CASH", "PIN", "CREDIT", "IDEAL"))
            by = self._cash(whole) if method == "CASH" else {method: whole}
        return tuple(Payment(method, cents, on, branch, workplace) for method, cents in by.items() if cents)

    def _cash(self, whole: int) -> dict[str, int]:
        paid = divide_rounded(whole, 5) * 5
        return {"CASH": paid, "ROUNDING": whole - paid}

    def _invoice(self, on: date, branch: str) -> None:
        kind = next(self._invoices)
        keys = [(self._random.choice(SALES), self._random.randint(500, 60_000)) for _ in range(2)]
        method: VatMethod = self._random.choice(("inclusive", "exclusive"))
        items = exclusive(keys) if method == "exclusive" else tuple(inclusive(*item_key) for item_key in keys)
        if kind == "shifted":
            items, method = tuple(Item(key.partition("/")[0], "3", net, net) for key, net in keys), "shifted"
        if kind == "with a packaging deposit":
            items, method = (*(inclusive(*item_key) for item_key in keys), inclusive("90/3", 2500)), "inclusive"
        vat_number = {"foreign": "DE129273398", "shifted": "BE0411905847"}.get(
            kind, self._random.choice(("", "NL1B01"))
        )
        whole, later = sum(item.incl for item in items), self._later_date(on)
        elsewhere = self._random.choice([other for other in BRANCHES if other != branch])
        half = whole // 2
        paid = {
            "paid later": [("PIN", whole, later, branch)],
            "paid in parts": [("IDEAL", half, on, branch), ("CASH", divide_rounded(half, 5) * 5, later, branch)],
            "paid elsewhere": [("PIN", whole, later, elsewhere)],
            "paid elsewhere at once": [("CREDIT", half, on, elsewhere), ("PIN", whole - half, on, branch)],
            "unpaid": [],
            "foreign": [("PIN", half, on, branch)],
            "with a deposit used": [("DEPOSIT", half, on, branch), ("PIN", whole - half, on, branch)],
        }.get(kind, [("PIN", whole, on, branch)])
        payments = tuple(Payment(by, cents, day, where) for by, cents, day, where in paid if day in self._dates)
        self._add("invoice", on, branch, items, payments, f"invoice {kind}", method, vat_number)

    def _order(self, on: date, branch: str) -> None:
        items = (inclusive("10/2", self._random.randint(20_000, 90_000)),)
        paid = (
            Payment(self._random.choice(("PIN", "CASH")), 10_000, on, branch),
            Payment("IDEAL", 5_000, self._later_date(on), branch),
        )
        self._add(
            "order", on, branch, items, tuple(payment for payment in paid if payment.day in self._dates), "down payment"
        )

    def _add(
        self, source: Source, on: date, branch: str, items: tuple[Item, ...], paid: tuple[Payment, ...], kind: str,
        method: VatMethod = "inclusive", vat_number: str = "",
    ) -> None:  # fmt: skip
        number, relation = self._next_number(branch, ""), self._random.choice(NAMED)
        self._documents.append(
            Document(
                source, number, on, branch, items, paid, self._entry_time(on), method, relation, vat_number, kind=kind
            )
        )

    def _refusal(self, on: date, branch: str) -> None:
        why = next(self._refusals)
        gross = self._random.randint(1_000, 9_000) * 10 + 7
        items = (Item("10", "3", gross, gross),) if why == "shifted receipt" else (inclusive("10/2", gross),)
        document = Document(
            "receipt", self._next_number(branch, "2"), on, branch, items,
            (Payment("INVOICE" if why == "unknown debtor" else "PIN", gross, on, branch),), self._entry_time(on),
            "shifted" if why == "shifted receipt" else "inclusive",
            STRANGER if why == "unknown debtor" else "", rehearsed=why == "practised", kind="refused",
        )  # fmt: skip
        self._documents.append(document)

    def _later_date(self, on: date) -> date:
        return on + timedelta(days=self._random.randint(1, 6))

    def _next_number(self, branch: str, workplace: str) -> str:
        self._number += 1
        return ".".join(filter(None, (branch, workplace, "2026", str(self._number))))

    def _entry_time(self, on: date) -> datetime:
        """Return when it was entered: for some after midnight, still on the financial date of the day before."""
        seconds = self._random.randint(8 * 3600, 27 * 3600)
        return datetime.combine(on, time(), ZONE).astimezone(UTC) + timedelta(seconds=seconds)

    # ---- drawers

    def _day_counts(
        self, on: date, branch: str, documents: Sequence[Document]
    ) -> tuple[tuple[Count, ...], tuple[Count, ...]]:
        """The first and the final counts of a day; the amount left in a drawer stays the same."""
        first = self._cash_of(
            [document for document in documents if not document.late and not document.cancelled], on, branch
        )
        last = self._cash_of(
            [document for document in documents if not document.cancelled and not document.dropped], on, branch
        )
        counts: list[Count] = []
        recounts: list[Count] = []
        for workplace in "12":
            if workplace not in first and workplace not in last and self._chance(0.5):
                continue  # nothing was taken there, and nobody counted
            own = list(self._counts_of(on, branch, workplace, first.get(workplace, 0)))
            counts += own
            more = last.get(workplace, 0) - first.get(workplace, 0)
            correction = self._random.choice((0, 0, 0, own[-1].difference))
            recount = replace(own[-1], version=2, added=own[-1].added + more, counted=own[-1].counted - correction,
                            deposited=own[-1].deposited - correction)  # fmt: skip
            recounts += [*own[:-1], recount if more or correction else own[-1]]
        if self._chance(0.1):
            method = (
                replace(counts[0], method="PIN", start=0, added=5_000, counted=4_990, deposited=0, before=None)
                if counts
                else None
            )
            extra = [replace(method, number=method.number + "P")] if method else []
            counts, recounts = [*counts, *extra], [*recounts, *extra]
        return tuple(counts), tuple(recounts) if recounts != counts else ()

    def _cash_of(self, documents: Sequence[Document], on: date, branch: str) -> dict[str, int]:
        cash: dict[str, int] = defaultdict(int)
        for document in documents:
            for payment in document.payments_on(on, branch):
                if payment.method == "CASH" and not document.rehearsed:
                    cash[payment.workplace] += payment.cents
        return cash

    def _counts_of(self, on: date, branch: str, workplace: str, cash: int) -> Iterator[Count]:
        parts = [cash // 2, cash - cash // 2] if self._chance(0.15) else [cash]
        for place, part in enumerate(parts, start=1):
            before = self._drawer_cash.get((branch, workplace))
            start = 15_000 if before is None else before
            off = self._random.choice((0, 0, 0, -35, 5, 120, -500))
            counted_amount = start + part + off
            deposited = max(0, (counted_amount - 10_000) // 5_000 * 5_000) if self._chance(0.6) else 0
            self._drawer_cash[branch, workplace] = counted_amount - deposited
            yield Count(workplace, f"{on:%Y.%j}{place}", 1, "CASH", start, part, counted_amount, deposited, before)

    # ---- what cases a day is made of

    def _cases(self, day: Day) -> Iterator[str]:
        for document in day.documents:
            yield "cancelled receipt" if document.cancelled else document.kind
            yield f"{document.source} {document.method}"
            for payment in document.payments_on(day.date, day.branch):
                yield f"by {payment.method}"
            if document.entered.astimezone(ZONE).date() > day.date:
                yield "entered after midnight"
            yield from [f"late {document.source}"] * document.late + ["cancelled after booking"] * document.dropped
            if document.branch != day.branch:
                yield "paid at another branch"
            if document.payments_on(day.date, day.branch) and document.day != day.date:
                yield "paid on another day"
        yield from self._cases_of_day(day)

    def _cases_of_day(self, day: Day) -> Iterator[str]:
        if not day.documents:
            yield "no turnover"
        if day.date in CLOCKS_CHANGE:
            yield "clocks change"
        if any(count.difference for count in day.counts):
            yield "count difference"
        if any(count.deposited for count in day.counts):
            yield "cash banked"
        if day.recounts:
            yield "counted again"
        if len({count.workplace for count in day.counts}) < len(
            [count for count in day.counts if count.method == "CASH"]
        ):
            yield "counted twice a day"
        yield f"branch {day.branch}"
        conventions = day.conventions
        yield from (
            f"till: {label}"
            for label in (
                f"vat list {conventions.vat_lists}",
                f"outflows {conventions.outflows}",
                f"split {conventions.split}",
                f"vat of {conventions.vat}",
                f"orders as {conventions.orders}",
                f"closing {conventions.closing}",
            )
        )


RECEIPTS = {
    "sale": 30, "split": 6, "refund": 5, "on account": 5, "gift card sold": 4, "gift card redeemed": 4,
    "voucher sold": 3, "voucher redeemed": 3, "deposit in": 3, "deposit out": 3, "taxed deposit in": 3,
    "taxed deposit out": 3, "tip": 3, "float": 3, "outflow": 3, "outflow with VAT": 2, "outflow with low VAT": 2,
    "exclusive prices": 3, "deposit used": 3,
}  # fmt: skip
