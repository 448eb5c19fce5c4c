"""Makes customers, orders and sales at the till of the sandbox, as a cashier does."""

from collections.abc import Mapping, Sequence
from typing import Any

from integration.sandbox.mplus.contract import WireFields, contract, written
from integration.sandbox.server import Sandbox
from tests.sandbox.soap_client import RawClient, Reply, prefix_tags, tags

HIGH, LOW, ZERO = 2, 1, 3  # VAT codes of the till


class TillClient:
    """A client of one till."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._contract = contract()
        self._till = RawClient(sandbox.mplus_url)

    def customer(self, name: str, email: str = "", **values: Any) -> str:
        """Make a relation and return its number."""
        fields = {"name": name, "email": email, "country": "NL", **values}
        return self._create("createRelation", "relation", "Relation", fields).text("relationNumber")

    def order(
        self,
        article: str,
        *,
        quantity: int = 1,
        relation: str = "",
        lines: Sequence[Mapping[str, Any]] = (),
        **values: Any,
    ) -> str:
        """Make an order of one article, or of other lines, and return its id."""
        order_lines = lines or [self.line(article, quantity)]
        fields = {
            "orderId": "", **({"relationNumber": int(relation)} if relation else {}), **values, "lineList": order_lines,
        }  # fmt: skip
        return self._create("createOrder", "order", "Order", fields).text("info/orderId")

    @staticmethod
    def line(article: str, quantity: int = 1, **data: Any) -> dict[str, Any]:
        """Return a line of an order; price and VAT code are those of the article unless `data` has them."""
        return {"articleNumber": int(article), "data": {"quantity": quantity, "decimalPlaces": 0, **data}}

    def number(self, order: str) -> str:
        """Return the number of an order for people: 2026.61."""
        order_row = next(row for row in self._sandbox.state("orders", "mplus") if row["orderId"] == order)
        number: Any = order_row["orderNumber"]
        return f"{number['year']}.{number['number']}"

    def change(self, order: str, article: str, quantity: int) -> None:
        """Change the quantity; the till computes the total of the order again."""
        fields = {"orderId": order, "lineList": [self.line(article, quantity)]}
        self._create("updateOrder", "order", "Order", fields)

    def cancel(self, order: str) -> None:
        """Cancel an order."""
        assert self._call(f"<cancelOrder>{tags(orderId=order)}</cancelOrder>").text("result").endswith("-OK")

    def pay_in_advance(self, order: str, method: str, amount: int) -> None:
        """Pay an order in advance; it stays an order."""
        payment = tags(payment=tags(method=method, amount=amount))
        reply = self._till.ask("payOrder", tags(orderId=order, prepay="true", paymentList=payment))
        assert reply.text("result").endswith("-OK"), reply.raw

    def pay_rest(self, order: str, method: str, amount: int) -> str:
        """Pay the rest of an order and return the invoice it becomes."""
        payment = tags(payment=tags(method=method, amount=amount))
        ask = tags(orderId=order, prepay="false", paymentList=payment)
        reply = self._till.ask("payOrder", ask)
        assert reply.text("result").endswith("-OK"), reply.raw
        return reply.text("invoiceId")

    def _create(self, operation: str, element: str, type_: str, values: Mapping[str, Any]) -> Reply:
        fields: WireFields = self._contract.build(type_, values)
        body = f"<ns:{operation}><ns:{element}>{written(fields).decode()}</ns:{element}></ns:{operation}>"
        reply = self._till.call(body)
        assert reply.text("result").endswith("-OK"), reply.raw
        return reply

    def _call(self, content: str) -> Reply:
        return self._till.call(prefix_tags(content))
