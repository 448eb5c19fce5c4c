"""The worked example of a day between a till and books in memory, whose ledger follows from their pages."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from integration.application.stores import stores_of
from integration.core.days.entries import LedgerEntry, entry_of_row
from integration.core.errors import RejectedError
from integration.core.records import Kind, Record, Value
from integration.flows.spec import FlowLogic
from integration.services.daybooks.days import Days
from integration.services.mappings.code_lists import CodeLists
from integration.services.runs.flows import Flows
from integration.store.database import Database
from tests.core.days.example import BOOKS, DAY, day_record
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness
from tests.flows.days.test_logic import PREFIX, SUNDAY, days
from tests.parts import part

KEY = "2026-10-17/1"


class Books(MemoryConnector):
    """Books that post a page at once by default; `others` are rows of foreign pages."""

    posts = True
    has_ledger = True
    others: tuple[Record, ...] = ()

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the ledger rows of these days, or the records of another kind."""
        if kind is not Kind.ENTRY:
            return super().fetch(kind, keys)
        self._count_call("fetch")
        if not self.has_ledger:
            raise RejectedError("object_missing", system=self.system, object="transactions")
        rows = [
            row
            for (of, _), stored_record in self._entries.items()
            if of is Kind.DAY_PAGE
            for row in self._rows(stored_record)
        ]
        return [row for row in (*rows, *self.others) if str(row.values["date"]) in keys]

    def _rows(self, stored_record) -> list[Record]:  # type: ignore[no-untyped-def]  # noqa: ANN001
        page, rows = stored_record.record, []
        for line in page.parts:
            vat, code = line.values.get("vat"), str(line.values.get("vat_code") or "")
            own = {"account": line.values["account"], "amount": line.values["amount"], "vat_code": code}
            taxed = isinstance(vat, Decimal) and vat
            if taxed and self.posts:
                rows.append({"account": BOOKS.vat_accounts[code], "amount": vat, "vat_code": code})
            rows.append(own if self.posts or not taxed else {**own, "vat": vat})
        daybook, _, number = stored_record.reference.partition("/")
        header = {
            "date": page.values["date"], "daybook": daybook, "page": number, "reference": page.values["reference"],
            "posted": self.posts,
        }  # fmt: skip
        return [an_entry(f"{stored_record.reference}/{place}", {**header, **row}) for place, row in enumerate(rows)]

    def _keep(self, record: Record):  # type: ignore[no-untyped-def]  # noqa: ANN202
        stored_record = super()._keep(record)
        if record.kind is Kind.DAY_PAGE and not stored_record.reference.startswith("600/"):
            stored_record = replace(stored_record, reference=f"600/26004{stored_record.stamp:02}")
            self._entries[record.kind, record.key] = stored_record
        return stored_record


def an_entry(key: str, values: Mapping[str, Value]) -> Record:
    """Return a row of the ledger."""
    return Record(Kind.ENTRY, key, {"posted": True, "vat": Decimal(0), **values})


class DayHarness(FlowHarness):
    """The flow of days, with the service that checks them."""

    flow = "days"
    around = 0

    def __init__(self, database: Database, books: Books | None = None, prefix: str = PREFIX) -> None:
        self.till = MemoryConnector([day_record()], system="mplus")
        self.books = Books(system="accountview") if books is None else books
        self.prefix = prefix
        self.branch_names = {"1": "De Ketting Utrecht"}
        super().__init__(database, self.till, self.books)
        self.connectors = {"mplus": self.till, "accountview": self.books}
        self.restart()
        self.stores = stores_of(database, self.clock)
        self.clock.now = SUNDAY
        self.is_on = True
        self.days = Days(
            self.runner.preview.deps,
            self.stores.days,
            self.stores.erasure_register,
            self.stores.issues,
            self.stores.links,
            self.clock,
            part(Flows, is_on=lambda _: self.is_on),
            part(CodeLists, captions=lambda *_: self.branch_names),
            flow="days",
            others=[("orders", Kind.POSTING)],
        )

    def _logic(self, flow: str) -> FlowLogic:
        assert flow == self.flow
        links = self.links.get("days", Kind.DAY_PAGE, [KEY, f"{KEY}/01"])
        return days(links, now=self.clock.now, days_around=self.around, prefix=self.prefix, typed=self._manual_entries)

    def _manual_entries(self, on: Collection[date]) -> Sequence[LedgerEntry]:
        rows = map(entry_of_row, self.books.fetch(Kind.ENTRY, [day.isoformat() for day in on]))
        return [row for row in rows if not self.links.by_reference(self.flow, Kind.DAY_PAGE, [row.page])]

    def page(self) -> Record:
        """Return the page of the day as the books hold it."""
        return self.books.records_of(Kind.DAY_PAGE)[KEY]

    def move_line(self, place: int, account: str) -> None:
        """Move a line of the page to another account, as a person would."""
        page = self.page()
        moved = replace(page.parts[place], values={**page.parts[place].values, "account": account})
        self.books.put(replace(page, parts=(*page.parts[:place], moved, *page.parts[place + 1 :])))


def october(day: int) -> date:
    """Return a day of October 2026."""
    return DAY.replace(day=day)
