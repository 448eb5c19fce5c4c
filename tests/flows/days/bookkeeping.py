"""The flow of days run over plain days as the runner does: plans are booked, and the books post them."""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from integration.core.days.check import DayCheck, OwnPage, check_day
from integration.core.days.documents import documents_of
from integration.core.days.entries import LedgerEntry
from integration.core.days.till import till_day
from integration.core.ledgers import LedgerRules
from integration.core.links import Link
from integration.core.records import Kind, Record
from integration.core.staged_records import StagedRecord
from integration.core.totals.categories import Purpose
from integration.flows.days.logic import DaysLogic, ShopIdentity, SystemFacts, Tables
from integration.flows.days.queries import DayQueries
from integration.flows.days.separate_documents import AskBooked
from integration.flows.days.settings import FLOW, DaySettings
from integration.flows.days.spec import DAYS
from integration.flows.orders.balances import Turnover
from tests.flows.days.history import NAMED
from tests.flows.days.oracle import (
    ACCOUNTS,
    BANKED,
    DEBTORS,
    DIFFERENCES,
    DRAWER,
    PREPAID,
    PURCHASE_CODES,
    VAT_ACCOUNTS,
    VAT_CODES,
    Contents,
    Row,
    debtor_of,
    item_of,
)
from tests.flows.days.plain import GROUPS, METHODS, RATES, Day
from tests.flows.days.spoken import record_of
from tests.parts import part

STAGE = FLOW.counted_stage
LATER = datetime(2028, 1, 1, tzinfo=UTC)
BODY = tomllib.loads(DAYS.mapping.read_text())
LEDGERS = {
    *(group.account for group in GROUPS.values()), *(method.account for method in METHODS.values()),
    *ACCOUNTS.values(), *VAT_ACCOUNTS.values(), DIFFERENCES, BANKED,
}  # fmt: skip


CONTENTS: tuple[Contents, ...] = ("all", "receipts", "counts")


class Variant(NamedTuple):
    """One way in which days are booked."""

    contents: Contents
    mode: str
    sign: str
    lines: str


VARIANTS = [
    Variant(contents, mode, sign, lines)
    for contents in CONTENTS
    for mode in ("line", "gross", "separate", "cash")
    for sign in ("debit_positive", "credit_positive")
    for lines in ("account", "group")
]


class Posted(NamedTuple):
    """One row of the ledger, in cents, with its date, branch and page."""

    date: date
    branch: str
    page: str
    row: Row


@dataclass
class Books:
    """Books in which one variant is used: its links, its pages, and the ledger that they make."""

    variant: Variant
    links: dict[str, Link] = field(default_factory=dict)
    rows: list[Posted] = field(default_factory=list)

    def logic(self, now: datetime = LATER, alone: AskBooked = lambda _: {}, **settings: Any) -> DaysLogic:
        """The flow with these books; `alone` returns the separately booked documents."""
        variant = self.variant
        chosen = {
            "daybook": "100" if variant.mode == "cash" else "600",
            "till_accounts": True,
            "collective_account": DEBTORS,
            "contents": variant.contents,
            "mode": variant.mode,
            "sign": variant.sign,
            "lines": variant.lines,
            "drawer_account": DRAWER,
            "down_payments_account": PREPAID,
            "closed_by": "hours",
            "counts": "when_there",
            "gift_cards": {"GIFTCARD": Purpose.MULTI},
            **settings,
        }
        return DaysLogic(
            DaySettings(**chosen),
            BODY,
            1,
            Tables(ACCOUNTS, {}, VAT_CODES, PURCHASE_CODES, {}),
            SystemFacts(
                rates={VAT_CODES[code]: Decimal(rate) for code, rate in RATES.items()},
                till_rates=_rates(),
                ledgers={account: account for account in LEDGERS},
                ledger_rules={DEBTORS: LedgerRules(is_collective=True)},
                vat_accounts=VAT_ACCOUNTS,
                line_fields=("vat_base",),
                turnover=Turnover(
                    {key: group.type for key, group in GROUPS.items()}, {"80": "4", "85": "1"}, {"VOUCHER": "85"}
                ),
            ),
            part(
                DayQueries, links=self._find_links, debtors=_debtors,
                item=lambda record: item_of(str(record.values["number"])),
                unbooked=lambda _: (), booked_alone=alone, separate_booking_states=lambda _: {},
                booked_payments=lambda _: {},
                foreign_ledger_rows=lambda _: (), beyond_orders=lambda _: (), documents=lambda *_: (),
            ),
            ShopIdentity("MP-"),
            lambda: now,
        )  # fmt: skip

    def _find_links(self, keys: Collection[str]) -> dict[str, Link]:
        return {key: self.links[key] for key in keys if key in self.links}

    # ---- as the runner does it

    def book(self, page: Record) -> list[Posted]:
        """Write a page, keep its link, and post it."""
        number = f"{page.values['daybook']}/26{len(self.links):05}"
        reference = str(page.values["reference"])
        on = page.values["date"]
        assert isinstance(on, date)
        self.links[page.key] = Link(Kind.DAY_PAGE, page.key, number, page)
        posted = [Posted(on, str(int(reference[7:10])), number, row) for row in self._rows(page)]
        self.rows += posted
        return posted

    def _rows(self, page: Record) -> Iterator[Row]:
        """Yield the ledger rows of a page, with VAT on its account and, in a cash daybook, the contra entry."""
        turned = (self.variant.sign == "credit_positive") != (self.variant.mode == "cash")
        drawer = 0
        for line in page.parts:
            values = line.values
            amount, vat = (_cents(values.get(name)) * (-1 if turned else 1) for name in ("amount", "vat"))
            code, debtor, item = (str(values.get(name) or "") for name in ("vat_code", "debtor", "item"))
            net = amount - vat if self.variant.mode == "gross" else amount
            drawer -= net + vat
            yield Row(str(values["account"]), code, net, debtor, item)
            if vat:
                yield Row(VAT_ACCOUNTS[code], code, vat)
        if self.variant.mode == "cash":
            yield Row(DRAWER, "", drawer)

    def pages(self, key: str) -> list[Link]:
        """The pages of a day."""
        return [link for own, link in sorted(self.links.items()) if own == key or own.startswith(f"{key}/")]

    def ledger_rows(self, key: str) -> list[Posted]:
        """The rows of the ledger that the pages of a day made."""
        numbers = {link.reference for link in self.pages(key)}
        return [entry for entry in self.rows if entry.page in numbers]

    def check(self, day: Day) -> DayCheck:
        """Compare a day at the till with the ledger."""
        record, logic = record_of(day), self.logic()
        _, page = logic.page(record)
        own = [OwnPage(link.agreed, link.reference, link.agreed) for link in self.pages(day.key) if link.agreed]
        entries = [
            LedgerEntry(
                entry.date, entry.row.account, Decimal(entry.row.cents).scaleb(-2), entry.page,
                str(self._reference(entry.page)), entry.row.code,
            )
            for entry in self.ledger_rows(day.key)
        ]  # fmt: skip
        return check_day(page.lines, documents_of_day(record), own, entries, logic.books)

    def _reference(self, number: str) -> object:
        return next(
            link.agreed.values["reference"] for link in self.links.values() if link.reference == number and link.agreed
        )


def documents_of_day(record: Record) -> list[Any]:
    """The documents of a day as the product reads them."""
    return documents_of(till_day(record))


def look(logic: DaysLogic, record: Record) -> StagedRecord:
    """Return the staged record of a day."""
    (result,) = logic.stage(STAGE, [record])
    return result


def with_decision(record: Record, decision: str, corrections: int = 0) -> Record:
    """A day with the decision of a person on its change, after this number of correction pages."""
    mark = str(record.values["digest"])[:16] + (f".{corrections:02}" if corrections else "")
    return replace(record, values={**record.values, "decision": f"{decision} {mark}"})


def _rates() -> Mapping[str, Decimal]:
    return {code: Decimal(rate) for code, rate in RATES.items()}


def _debtors(relations: Collection[str]) -> dict[str, str]:
    return {relation: debtor_of(relation) for relation in relations if relation in NAMED}


def _cents(value: object) -> int:
    if value is None:
        return 0
    assert isinstance(value, Decimal)
    assert value == value.quantize(Decimal("0.01"))
    return int(value * 100)
