"""Stock at the till sandbox: set, changed, corrected and reserved."""

import pytest

from tests.sandbox.mplus.calls import create, order
from tests.sandbox.soap_client import RawClient, Reply, prefix_tags


class TestStock:
    def test_it_is_set_changed_and_read_as_a_scaled_number(self, till: RawClient) -> None:
        create(till)
        where = "<branchNumber>2</branchNumber><articleNumber>500001</articleNumber>"
        first = till.ask("setStock", f"{where}<amount>1250</amount><decimalPlaces>2</decimalPlaces>")
        second = till.ask("updateStock", f"{where}<amountChanged>-3</amountChanged>")
        reply = till.ask(
            "getStock",
            "<branchNumber>2</branchNumber><articleNumbers><articleNumbers>500001</articleNumbers></articleNumbers>",
        )
        assert int(second.text("stockId")) == int(first.text("stockId")) + 1
        assert (reply.text("amountFree"), reply.text("decimalPlacesFree")) == ("95", "1")
        assert reply.text("articleStocks/stockId") == second.text("stockId")

    @pytest.mark.parametrize(
        ("branch", "article", "result"),
        [(9, 500001, "BRANCH-NOT-FOUND"), (1, 123456, "ARTICLE-NOT-FOUND"), (1, 9900002, "NO-STOCK-ARTICLE")],
    )
    def test_what_has_no_stock_says_so(self, till: RawClient, branch: int, article: int, result: str) -> None:
        create(till)
        where = f"<branchNumber>{branch}</branchNumber><articleNumber>{article}</articleNumber>"
        assert till.ask("setStock", f"{where}<amount>1</amount>").text("result") == f"SET-STOCK-RESULT-{result}"
        assert (
            till.ask("updateStock", f"{where}<amountChanged>1</amountChanged>").text("result")
            == f"UPDATE-STOCK-RESULT-{result}"
        )

    def test_a_correction_is_booked_whole_or_not_at_all(self, till: RawClient) -> None:
        create(till)

        def correct(*rows: tuple[int, int]) -> Reply:
            elements = "".join(
                f"<correction><articleNumber>{article}</articleNumber><amount>{amount}</amount></correction>"
                for article, amount in rows
            )
            return till.ask(
                "saveStockCorrections",
                f"<branchNumber>1</branchNumber><employeeNumber>999999</employeeNumber><reference/><stockCorrectionList>{elements}</stockCorrectionList>",
            )

        refused = correct((500001, 4), (123456, 4))
        assert (refused.text("result"), refused.text("failedArticleNumber")) == (
            "SAVE-STOCK-CORRECTIONS-RESULT-ARTICLE-NOT-FOUND",
            "123456",
        )
        assert correct((500001, 4), (500001, 4)).text("result").endswith("DUPLICATE-ARTICLE")
        assert correct().text("result").endswith("NO-CORRECTIONS")
        assert correct((500001, 4)).text("result").endswith("-OK")
        history = till.ask(
            "getStockHistoryV2", "<articleNumbers><articleNumbers>500001</articleNumbers></articleNumbers>"
        )
        assert (history.texts("amountChanged"), history.texts("type")) == (["4"], ["STOCK-HISTORY-TYPE-CORRECTION"])

    def test_an_order_reserves_and_its_payment_releases(self, till: RawClient) -> None:
        create(till)
        where = "<branchNumber>1</branchNumber><articleNumber>500001</articleNumber>"
        till.ask("setStock", f"{where}<amount>10</amount>")
        till.call(prefix_tags(f"<createOrder>{order(quantity=4)}</createOrder>"))
        reply = till.ask(
            "getStock",
            "<branchNumber>1</branchNumber><articleNumbers><articleNumbers>500001</articleNumbers></articleNumbers>",
        )
        assert (reply.text("amountFree"), reply.text("amountReserved")) == ("6", "4")
