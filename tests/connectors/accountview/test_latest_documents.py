"""The newest documents of each place where one of ours may be, in a fixed number of calls."""

from datetime import date

from integration.connectors.accountview.latest_documents import NEWEST
from integration.connectors.protocol import Document
from integration.core.records import Kind
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from tests.connectors.accountview.day_page import a_day_page
from tests.connectors.accountview.samples import (
    INVOICES,
    TODAY,
    a_posting,
    an_order,
    calls_since,
    connect_accountview,
    create_record,
)
from tests.connectors.accountview.samples import newest_call as last_call
from tests.fakes import Links

HISTORY = {"order_number": "ORD_NR"}
LAST_YEAR = date(2025, 12, 30)


def own_documents(place: list[Document]) -> list[Document]:
    return [document for document in place if document.reference.lower().startswith("mp")]


def test_documents_are_reported_wherever_they_stand_in_one_call_for_each_place_and_year(links: Links) -> None:
    with (
        running(articles=60, trades=False, conventions=Conventions(years="apart")) as sandbox,
        connect_accountview(sandbox, objects=INVOICES, history=HISTORY) as books,
    ):
        numbers = {
            desired.key: create_record(books, desired, links).reference
            for desired in (
                an_order("1"),
                an_order("2"),
                an_order("3", date=LAST_YEAR),
                an_order("4", trade_invoice=True),
                a_posting("5", date=LAST_YEAR, period=None),
            )
        }
        sandbox.accountview.invoice(numbers["1"])
        books.newest_documents(Kind.SALES_ORDER)  # asks for the fields and the periods once
        start = last_call(sandbox)
        orders, before, invoices, _, history, _ = map(own_documents, books.newest_documents(Kind.SALES_ORDER))
        assert calls_since(sandbox, start) == {"SO1 GET": 2, "K9F GET": 2, "ALH GET": 2}
        assert orders == [Document("MPLUS-2", numbers["2"])]
        assert before == [Document("MPLUS-3", numbers["3"])]
        assert invoices == [Document("MPLUS-4", "")]  # its number may come later
        assert history == [Document("MPLUS-1", numbers["1"])]  # once, though it has two lines

        assert [own_documents(place) for place in books.newest_documents(Kind.POSTING)] == [
            [],
            [Document("MP5", numbers["5"])],
        ]
        day = create_record(books, a_day_page(), links).reference
        assert Document("MZ6101700100", day) in books.newest_documents(Kind.DAY_PAGE)[0]


def test_documents_of_a_year_that_is_missing_are_none(shared_sandbox: Sandbox) -> None:
    with connect_accountview(shared_sandbox, objects={"history": {"code": "", "table": ""}}) as books:
        assert len(books.newest_documents(Kind.SALES_ORDER)) == 2


def test_pages_of_a_daybook_are_reported_though_another_daybook_has_higher_numbers(
    sandbox: Sandbox, links: Links
) -> None:
    with connect_accountview(sandbox) as books:
        number = create_record(books, a_posting("5"), links).reference
        for at in range(NEWEST):
            page = {"DJ_CODE": "200", "PAGE_NR": f"9{at:05d}", "INV_NR": f"B{at}", "TRN_DATE": f"{TODAY}T00:00:00.000Z"}
            sandbox.accountview.add("DJ_PAGE", page)
        assert Document("MP5", number) not in [
            document for place in books.newest_documents(Kind.POSTING) for document in place
        ]
        all_pages, _, of_daybook, _ = books.newest_documents(Kind.POSTING, "700")
        assert len(all_pages) == NEWEST
        assert of_daybook[0] == Document("MP5", number)
        assert all(document.number.startswith("700/") for document in of_daybook)
