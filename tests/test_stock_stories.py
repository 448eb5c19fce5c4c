"""Reservations of the books for documents of both systems: a reserved quantity is sold only once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.consoles import WHO, Console, open_application
from tests.people import make_actor


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A shop whose first branch sells the available stock of the books, which book sales as sales orders."""
    with open_application(tmp_path_factory.mktemp("data"), sandbox=True) as application:
        new_console = Console(application)
        new_console.run("products")
        application.setup.choose({"orders": 4, "stock": 5}, make_actor(WHO))
        application.setup.accept(make_actor(WHO))
        application.flows.change("orders", {"default_debtor": "forced", "debtor_number": "20001"}, make_actor(WHO))
        since = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)  # the till tells whole seconds
        application.flows.change(
            "stock",
            {
                "branches": {"1": "formula"}, "reservations": "field", "reserved": "K9_RSRV",
                "sales": "documents", "sales_since": since.isoformat(),
            },
            make_actor(WHO),
        )  # fmt: skip
        new_console.run("stock")
        yield new_console


class Article:
    """One article of the books and of the till."""

    def __init__(self, console: Console, code: str) -> None:
        self.console = console
        self.code = code
        values = {"QTY_AVAIL": 12, "QTY_FREE2": 12, "QTY_TECH": 12, "K9_RSRV": 0}
        console.sandbox.accountview.edit("ARTICLE", code, values)
        console.run("stock")

    @property
    def books(self) -> tuple[int, int]:
        """Available and reserved quantity in the books."""
        (row,) = self.console.rows("ARTICLE", ART_CODE=self.code)
        available, reserved = (Decimal(str(row.get(name, 0))) for name in ("QTY_AVAIL", "K9_RSRV"))
        return int(available), int(reserved)

    @property
    def level(self) -> int:
        """Level of the first branch."""
        rows = self.console.sandbox.state("stock", "mplus")
        return next(
            int(Decimal(str(row["amountFree"])))
            for row in rows
            if (str(row["branchNumber"]), str(row["articleNumber"])) == ("1", self.code)
        )

    def after_a_run(self) -> int:
        """Run the flow of stock, and return the quantity that the first branch can sell then."""
        self.console.run("stock")
        return self.level


def unpromised_article(console: Console) -> str:
    """Return an article of which no order at the till keeps anything aside."""
    promised = {
        str(line["articleNumber"])
        for order in console.sandbox.state("orders", "mplus")
        for line in order.get("lineList", {}).get("line", [])
    }
    sold = {str(row["articleNumber"]) for row in console.sandbox.state("stock", "mplus")}
    return next(
        str(row["ART_CODE"])
        for row in console.rows("ARTICLE")
        if str(row["ART_CODE"]) in sold - promised and not row.get("REC_BLK")
    )


@pytest.mark.long
@pytest.mark.parametrize("reserved", [{"reservations": "field"}, {"reservations": "none"}], ids=["field", "none"])
def test_a_sales_order_that_the_books_know_stays_kept_aside_though_their_figure_stays(
    console: Console, reserved: dict[str, str]
) -> None:
    console.application.flows.change("stock", reserved, make_actor(WHO))
    article = Article(console, unpromised_article(console))
    assert (article.books, article.level) == ((12, 0), 12)

    order = console.till_client.order(article.code)
    ordered = 12 - article.level
    assert ordered > 0
    assert article.after_a_run() == 12 - ordered, "the till keeps it aside, and the books do not know of it"

    assert console.run("orders", order).counts.proven == 1
    assert article.books == (12, ordered), "the figure stays, what is reserved rose"
    assert article.after_a_run() == 12 - ordered

    (order_row,) = [row for row in console.sandbox.state("orders", "mplus") if row["orderId"] == order]
    paid = {"payment": [{"method": "PIN", "amount": order_row["totalInclAmount"]}]}
    console.sandbox.till.add("receipts", {"orderIds": [order], "paymentList": paid})
    assert article.after_a_run() == 12 - ordered, "delivered at the till, and reserved in the books still"
    (header,) = console.rows("SO_HDR", COMMENT1=f"MP-{console.till_client.number(order)}")
    console.sandbox.accountview.invoice(str(header["ORD_NR"]))
    assert article.books == (12 - ordered, 0)
    assert article.after_a_run() == 12 - ordered, "everything is booked: both sides are equal"


@pytest.mark.long
def test_a_sale_whose_order_is_deleted_in_the_books_stays_off_sale_once_a_look_found_that(console: Console) -> None:
    console.application.flows.change("stock", {"reservations": "field"}, make_actor(WHO))
    console.application.flows.change("orders", {"on": True}, make_actor(WHO))
    article = Article(console, unpromised_article(console))
    order = console.till_client.order(article.code)
    level = article.level
    assert console.run("orders", order).counts.proven == 1
    assert article.after_a_run() == level < 12

    (header,) = console.rows("SO_HDR", COMMENT1=f"MP-{console.till_client.number(order)}")
    for line in console.rows("SO_LINE", ORD_NR=str(header["ORD_NR"])):
        console.sandbox.accountview.remove("SO_LINE", str(line["REC_ID"]))
    console.sandbox.accountview.remove("SO_HDR", str(header["ORD_NR"]))
    console.sandbox.accountview.edit("ARTICLE", article.code, {"K9_RSRV": 0})
    console.application.drift.check_all()
    assert article.after_a_run() == level, "nothing of it is reserved in the books any more, and it is promised still"
