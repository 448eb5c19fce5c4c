"""Effect of documents on stock in the AccountView sandbox."""

from decimal import Decimal

import pytest

from integration.sandbox.server import Sandbox, running
from tests.sandbox.office_client import MOMENT, Office, document, order

FIGURES = ("QTY_AVAIL", "QTY_FREE2", "QTY_TECH", "K9_RSRV")
STILL = (0, 0, 0, 0)


class Watch:
    """The changes in the figures and the stock of one article."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.before = self._current_figures()
        self.stamp = self._row()["CNG_DATE"]

    def _row(self) -> dict[str, object]:
        return next(row for row in self.sandbox.state("ARTICLE") if row["ART_CODE"] == "10001")

    def _current_figures(self) -> list[Decimal]:
        row = self._row()
        document_sets = [level for level in self.sandbox.state("K9_STOCK") if level["ART_CODE"] == "10001"]
        figures = [Decimal(str(row.get(name, 0))) for name in FIGURES]
        return [*figures, sum((Decimal(str(level["K9_QTY"])) for level in document_sets), Decimal(0))]

    def stock_changes(self) -> tuple[int, ...]:
        """Return how the figures moved since it began to watch, and how the document_sets did."""
        assert self._row()["CNG_DATE"] == self.stamp, "the article itself has not been changed"
        return tuple(int(now - before) for now, before in zip(self._current_figures(), self.before, strict=True))


@pytest.mark.parametrize(
    ("move", "ordered", "invoiced"),
    [
        ("reserved", (0, -2, 0, 2, 0), (-2, -2, -2, 0, -2)),
        ("available", (-2, -2, 0, 2, 0), (-2, -2, -2, 0, -2)),
        ("nothing", (*STILL, 0), (*STILL, 0)),
    ],
)
def test_an_order_reserves_and_takes_once_it_is_invoiced(
    move: str, ordered: tuple[int, ...], invoiced: tuple[int, ...]
) -> None:
    with running(articles=20, trades=False) as books, Office(books) as office:
        books.accountview.edit("conventions", "documents_move", {"value": move})
        watch = Watch(books)
        number = office.post(order()).json()["SO_HDR"][0]["ORD_NR"]
        assert watch.stock_changes() == ordered
        books.accountview.invoice(number)
        assert watch.stock_changes() == invoiced


@pytest.mark.parametrize("move", ["reserved", "available"])
def test_an_order_that_is_taken_away_gives_back_what_it_reserved(move: str) -> None:
    with running(articles=20, trades=False) as books, Office(books) as office:
        books.accountview.edit("conventions", "documents_move", {"value": move})
        watch = Watch(books)
        number = office.post(order()).json()["SO_HDR"][0]["ORD_NR"]
        books.accountview.remove("SO_HDR", number)
        assert watch.stock_changes() == (*STILL, 0)


def test_a_trade_invoice_takes_at_once_and_no_more_when_it_is_processed() -> None:
    with running(articles=20, trades=False) as books, Office(books) as office:
        watch = Watch(books)
        header = {"RowId": "1", "RPL_INV": "20001", "INV_DATE": MOMENT, "COMMENT1": "MP-1"}
        line = {"RowId": "1", "HeaderId": "1", "ART_CODE": "10001", "ART_QTY": 2, "ART_PX": 19.99}
        types = {"INV_DATE": "T", "ART_QTY": "N", "ART_PX": "N"}
        answer = office.post(document("K9F", ("K9_INV", header), ("K9_INVL", [line]), **types)).json()
        assert watch.stock_changes() == (-2, -2, -2, 0, -2)
        books.accountview.invoice(answer["K9_INV"][0]["REC_ID"], table="K9_INV")
        assert watch.stock_changes() == (-2, -2, -2, 0, -2)


def test_goods_reversed_come_back_and_an_order_of_before_frees_no_more_than_is_reserved() -> None:
    with running(articles=20, trades=False) as books, Office(books) as office:
        watch = Watch(books)
        back = order("MP-BACK")
        back["TableData"]["DetailData"][0]["Rows"][0]["Values"][3] = -2
        number = office.post(back).json()["SO_HDR"][0]["ORD_NR"]
        books.accountview.invoice(number)
        assert watch.stock_changes() == (2, 2, 2, 0, 2)
        number = office.post(order()).json()["SO_HDR"][0]["ORD_NR"]
        books.accountview.edit("ARTICLE", "10001", {"K9_RSRV": 0})
        watch = Watch(books)
        books.accountview.invoice(number)
        assert watch.stock_changes() == (-2, -2, -2, 0, -2)
