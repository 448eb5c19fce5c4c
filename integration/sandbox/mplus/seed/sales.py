"""Seeded orders, receipts and invoices of the sample shop: mixed rates, discounts, returns, odd quantities."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from integration.sandbox.mplus.contract import ZONE, WireFields
from integration.sandbox.mplus.seed.cards import FIRST_RELATION, GIFT_CARD, REPAIR_HOUR, SHARED_CUSTOMERS, price_incl
from integration.sandbox.mplus.seed.frequency import is_time_for
from integration.sandbox.mplus.seed.proposals import accepted
from integration.sandbox.mplus.seed.setup import (
    EXEMPT,
    GIFT_CARDS,
    LOW,
    RATES,
    SHIFTED,
    SUPERUSER,
    VAT_CODES,
    Basket,
    Sold,
    returned,
    returned_sale,
    turnover_group_of,
    with_reversed_vat,
)
from integration.sandbox.mplus.sums import EXCLUSIVE, INCLUSIVE, rounded, summed
from integration.sandbox.mplus.till_state import TillState
from integration.sandbox.shop.records import ShopArticle
from integration.sandbox.shop.shop import Shop

COIN: Final = 5
DAYS_TO_PAY: Final = timedelta(days=5)
PARTLY_DELIVERED, DELIVERED, CANCELLED = 5, 6, 8


class SampleSales:
    """Makes documents, the same for the same seed."""

    def __init__(self, shop: Shop, till_state: TillState, random: Random) -> None:
        self._shop = shop
        self._till_state = till_state
        self._random = random
        self.goods = [
            article
            for article in shop.articles
            if article.number and not article.blocked and not article.fault and article.price_excl > 0
        ]

    def order(self, on: date, serial: int) -> None:
        """Add an order; its serial number decides its state."""
        basket = self._basket(serial, exclusive=is_time_for("order without VAT in its prices", serial))
        total = basket.sums.incl
        paid = {0: total, 1: total, 2: total // 2, 3: 0}[serial % 4]
        state = serial % 9
        number = self._till_state.context.count("order number")
        method = self._random.choice(("IDEAL", "PIN", "CREDITCARD")) if paid == total else "IDEAL"
        at_counter = is_time_for("paid beforehand at the counter", serial)
        relation = self._relation() if serial % 6 else None
        if relation and is_time_for("customer of the till alone", serial):
            relation = self._customer_of_the_till(serial)
        values: dict[str, Any] = {
            "orderId": self._till_state.context.new_id("order"),
            "extOrderId": f"WEB-{number:05}" if serial % 3 else None,
            "orderType": "ORDER-TYPE-EXTERNAL-SALES-ORDER" if serial % 3 else "ORDER-TYPE-SALES-ORDER",
            **self._head(on, self._branch(), relation, with_addresses=True),
            **self._totals(basket, "Order"),
            **self._other_address(serial, relation),
            "reference": f"Bestelling {number}",
            "deliveryMethod": self._random.choice(("PICKUP", "SHIP", "BIKE")),
            "deliveryDate": on + timedelta(days=3),
            "prepaidAmount": paid,
            "fullyPaid": paid >= total,
            **_order_states(state),
            "orderNumber": {"year": on.year, "number": number},
            "orderCategoryNumber": 5
            if state == CANCELLED
            else 4
            if state in {DELIVERED, DELIVERED + 1}
            else 1 + serial % 3,
            "lineList": self._lines(basket, delivered=state in {PARTLY_DELIVERED, DELIVERED, DELIVERED + 1}),
            "paymentList": self._payments(on, [("PIN" if at_counter else method, paid)] if paid else [], at_counter),
        }
        category = self._till_state.reference.categories[values["orderCategoryNumber"]]
        values["orderCategoryDescription"] = category["orderCategoryDescription"]
        if is_time_for("order from a proposal", serial):
            values |= accepted(self._till_state, values, on)
        self._till_state.orders.put(self._till_state.context.build("Order", values))

    def receipt(self, on: date, serial: int) -> None:
        """Add a sale at a till, or its return."""
        basket = self._basket(serial, with_gift_card=is_time_for("gift card", serial))
        branch = self._branch()
        document = self._put_receipt(on, branch, basket, serial)
        if is_time_for("receipt taken back", serial):
            self._put_receipt(on, branch, returned(basket), serial, credited=document)

    def invoice(self, on: date, serial: int) -> None:
        """Add an invoice on account, sometimes with a credit note."""
        method = SHIFTED if is_time_for("reverse charge", serial) else EXCLUSIVE if serial % 3 else INCLUSIVE
        basket = self._basket(serial, method=method)
        id_ = self._put_invoice(on, basket, serial)
        if is_time_for("invoice taken back", serial):
            self._put_invoice(on, returned(basket), serial, credited=id_)

    def deliver(self, order_id: str) -> None:
        """Mark an earlier order as delivered."""
        document = self._till_state.orders.documents[order_id]
        changed = self._till_state.context.build("Order", {**_order_states(DELIVERED), "orderCategoryNumber": 4})
        fields = self._till_state.context.contract.merged("Order", self._till_state.orders.fields(document), changed)
        self._till_state.orders.put(fields)

    def _put_receipt(self, on: date, branch: int, basket: Basket, serial: int, credited: str = "") -> str:
        total = basket.sums.incl
        payments = [] if total == 0 else self._payment_parts(total, serial)
        is_on_account = any(method == "INVOICE" for method, _ in payments)
        relation = self._relation() if serial % 5 == 0 or is_on_account else None
        return self.add_receipt(on, (branch, 1 + serial % 2), basket, payments, relation=relation, credited=credited)

    def add_receipt(
        self,
        on: date,
        place: tuple[int, int],
        basket: Basket,
        payments: Sequence[tuple[str, int]],
        *,
        relation: int | None = None,
        credited: str = "",
        before: int = 0,
    ) -> str:
        """Add a receipt of a branch and workplace with these payments; return its id.

        `before` is the number of earlier receipts of the workplace.
        """
        branch, workplace = place
        id_ = self._till_state.context.new_id("receipt")
        values = {
            "receiptId": id_,
            **self._head(on, branch, relation),
            **self._totals(basket, "Receipt"),
            "receiptNumber": {
                "branchNumber": branch,
                "workplaceNumber": workplace,
                "year": on.year,
                "number": before + self._till_state.context.count(f"receipt {branch} {workplace}"),
            },
            "receiptType": "RECEIPT-TYPE-CREDIT-RECEIPT" if credited else "RECEIPT-TYPE-RECEIPT",
            "workplaceNumber": workplace,
            "paidAmount": basket.sums.incl,
            "state": "RECEIPT-STATE-PAID",
            "lineList": self._lines(basket),
            "paymentList": self._payments(on, payments),
            "creditedReceiptId": credited or None,
        }
        self._till_state.receipts.put(self._till_state.context.build("Receipt", values))
        return id_

    def _put_invoice(self, on: date, basket: Basket, serial: int, credited: str = "") -> str:
        total = basket.sums.incl
        is_late = is_time_for("invoice paid later", serial)
        paid = 0 if credited else {0: total, 1: total if is_late else 0, 2: total // 3}[serial % 3]
        id_ = self._till_state.context.new_id("invoice")
        values = {
            "invoiceId": id_,
            **self._head(on, self._branch(), self._relation(), with_addresses=True),
            **self._totals(basket, "Invoice"),
            "invoiceNumber": {"year": on.year, "number": self._till_state.context.count("invoice number")},
            "invoiceType": "INVOICE-TYPE-CREDIT-INVOICE"
            if credited
            else "INVOICE-TYPE-DIRECT-INVOICE"
            if serial % 4
            else "INVOICE-TYPE-INVOICE",
            "reference": f"Inkoop {serial + 300}",
            "dueDate": on + timedelta(days=14),
            "paidAmount": paid,
            "state": _invoice_state(total, paid, credited=bool(credited)),
            "finalized": True,
            "finalizedTimestamp": self._moment(on),
            "lineList": self._lines(basket),
            "paymentList": self._payments(on + is_late * DAYS_TO_PAY, [("PIN", paid)] if paid else []),
            "creditedInvoiceId": credited or None,
            "creditedReason": "Retour ontvangen" if credited else None,
        }
        self._till_state.invoices.put(self._till_state.context.build("Invoice", values))
        return id_

    def _basket(
        self, serial: int, *, exclusive: bool = False, with_gift_card: bool = False, method: str = ""
    ) -> Basket:
        method = method or (EXCLUSIVE if exclusive else INCLUSIVE)
        sold = [self._sale_item(serial + place) for place in range(1 + serial % 4)]
        if is_time_for("repair", serial):
            quarters = Decimal(self._random.randrange(1, 9)) / 4
            sold.append(Sold(REPAIR_HOUR, "Reparatie per uur", 50, LOW, 5450, quarters, 3))
        if is_time_for("return in a sale", serial):
            sold.append(returned_sale(sold[0]))
        if with_gift_card:
            sold.append(Sold(GIFT_CARD, "Cadeaubon", GIFT_CARDS, EXEMPT, 2500))
        if method == SHIFTED:
            sold = [with_reversed_vat(item) for item in sold]
        lines = [(item.vat_code, item.amount(method)) for item in sold]
        return Basket(tuple(sold), method, summed(lines, RATES, method))

    def _sale_item(self, serial: int) -> Sold:
        article: ShopArticle = self._random.choice(self.goods)
        quantity, places = Decimal(self._random.choice((1, 1, 1, 2, 3))), serial % 3
        if is_time_for("odd quantity", serial):
            quantity, places = Decimal(self._random.randrange(100, 3000)) / 1000, 3
        return Sold(
            article=article.number or 0,
            text=article.name,
            group=turnover_group_of(article.group),
            vat_code=VAT_CODES[article.vat or "1"],
            incl=price_incl(article),
            quantity=quantity,
            places=places,
            discount=self._random.choice((10, 15, 25)) if is_time_for("discount", serial) else 0,
        )

    def _totals(self, basket: Basket, type_: str) -> dict[str, Any]:
        values = {
            "totalInclAmount": basket.sums.incl,
            "totalExclAmount": basket.sums.excl,
            "vatMethod": basket.method,
            "vatGroupList": [
                {
                    "vatCode": group.vat_code,
                    "vatPercentage": self._till_state.context.conventions.percentage(group.rate),
                    "exclAmount": group.excl,
                    "vatAmount": group.vat,
                }
                for group in basket.sums.groups
            ],
        }
        return {name: value for name, value in values.items() if name in self._till_state.context.contract.types[type_]}

    def _lines(self, basket: Basket, *, delivered: bool = False) -> WireFields:
        return WireFields(
            ("line", self._line(item, amounts, basket.method, delivered=delivered))
            for item, amounts in zip(basket.sold, basket.sums.lines, strict=True)
        )

    def _line(self, item: Sold, amounts: tuple[int, int], method: str, *, delivered: bool) -> WireFields:
        scaled = int(item.quantity.scaleb(item.places))
        places = self._till_state.context.conventions.places(item.places)
        rate = Decimal(0) if method == SHIFTED else RATES[item.vat_code]
        data = {
            "quantity": scaled,
            "decimalPlaces": places,
            "deliveredQuantity": scaled if delivered else None,
            "deliveredDecimalPlaces": places if delivered else None,
            "price": item.incl if method != SHIFTED else item.excl(method),
            "priceExcl": item.excl(method),
            "turnoverGroup": item.group,
            "vatCode": item.vat_code,
            "vatPercentage": self._till_state.context.conventions.percentage(rate),
            "discountType": "DISCOUNT-TYPE-SALES-PRICE" if item.discount else "DISCOUNT-TYPE-NONE",
            "discountPercentage": self._till_state.context.conventions.percentage(Decimal(item.discount)) or None,
            "totalInclAmount": amounts[0],
            "totalExclAmount": amounts[1],
        }
        values = {
            "lineId": self._till_state.context.new_id("line"),
            "articleNumber": item.article,
            "pluNumber": str(item.article),
            "text": item.text,
            "data": data,
            "lineType": "LINE-TYPE-NONE",
        }
        return self._till_state.context.build("Line", values)

    def _payments(self, on: date, parts: Sequence[tuple[str, int]], at_counter: bool = False) -> list[dict[str, Any]]:
        rows = []
        for method, amount in parts:
            payment_method = self._till_state.reference.methods[method]
            rows.append(
                {
                    "paymentId": self._till_state.context.new_id("payment"),
                    "financialDate": on,
                    "method": method,
                    "description": payment_method["description"],
                    "amount": amount,
                    "workplaceNumber": 1 if at_counter else None,
                    "paymentMethodType": payment_method["type"],
                    "accountNumber": payment_method["accountNumber"],
                    "externalReference": f"tr_{self._random.randrange(10**8):08}" if method == "IDEAL" else None,
                }
            )
        return rows

    def _payment_parts(self, total: int, serial: int) -> list[tuple[str, int]]:
        """Return the payments of a receipt.

        Cash is rounded to five cents, and the difference is a separate payment.
        """
        match serial % 10:
            case 0 | 1 | 2:
                cash = rounded(Decimal(total) / COIN) * COIN
                return [("CASH", cash), *([("ROUNDING", total - cash)] if total != cash else [])]
            case 3 if total > 2500:  # noqa: PLR2004  # the value of a gift card
                return [("GIFTCARD", 2500), ("PIN", total - 2500)]
            case 4 if total > 1000:  # noqa: PLR2004  # a deposit of ten euros
                return [("DEPOSIT", 1000), ("PIN", total - 1000)]
            case 5:
                return [("INVOICE", total)]
            case 6:
                return [("CREDITCARD", total)]
            case _:
                return [("PIN", total)]

    def _head(self, on: date, branch: int, relation: int | None, *, with_addresses: bool = False) -> dict[str, Any]:
        employee = self._random.choice((101, 102, 103, SUPERUSER))
        relation_fields = self._till_state.relations.fields(relation) if relation else WireFields()
        head: dict[str, Any] = {
            "entryBranchNumber": branch,
            "employeeNumber": employee,
            "employeeName": self._till_state.reference.employees[employee]["name"],
            "entryTimestamp": self._moment(on),
            "relationNumber": relation,
            "relationName": relation_fields.text("name") or None,
            "financialDate": on,
            "financialBranchNumber": branch,
            "workplaceNumber": 1,
        }
        if relation and with_addresses:
            names = ("name", "contact", "address", "zipcode", "city", "country")
            address = {name: relation_fields.text(name) for name in names}
            head |= {"deliveryAddress": address, "invoiceAddress": address}
        return head

    def _moment(self, on: date) -> datetime:
        at = time(self._random.randrange(9, 18), self._random.randrange(60), self._random.randrange(60))
        return datetime.combine(on, at, ZONE)

    def _branch(self) -> int:
        return self._random.choice(self._shop.branches).number

    def _relation(self) -> int:
        return FIRST_RELATION + self._random.randrange(min(SHARED_CUSTOMERS, len(self._shop.customers)))

    def _customer_of_the_till(self, serial: int) -> int:
        """Return a relation that the books do not have."""
        alone = [
            number for number in self._till_state.relations.relations if number >= FIRST_RELATION + SHARED_CUSTOMERS
        ]
        return alone[serial % len(alone)] if alone else self._relation()

    def _other_address(self, serial: int, relation: int | None) -> dict[str, Any]:
        """Return a delivery address that differs from the customer's own."""
        if not relation or not is_time_for("other delivery address", serial):
            return {}
        relation_fields = self._till_state.relations.fields(relation)
        address = {
            **{name: relation_fields.text(name) for name in ("name", "contact")},
            "address": f"Havenstraat {1 + serial}",
            "zipcode": "1234 AB",
            "city": "Amsterdam",
            "country": "NL",
        }
        return {"deliveryAddress": address}


def _order_states(state: int) -> Mapping[str, str]:
    delivery = (
        "PARTIAL" if state == PARTLY_DELIVERED else "COMPLETE" if state in {DELIVERED, DELIVERED + 1} else "NOTHING"
    )
    complete = (
        "COMPLETE" if state in {DELIVERED, DELIVERED + 1} else "PARTIAL" if state == PARTLY_DELIVERED else "NOTHING"
    )
    return {
        "deliveryState": f"ORDER-DELIVERY-STATE-{delivery}",
        "cancelState": "ORDER-CANCEL-STATE-COMPLETE" if state == CANCELLED else "ORDER-CANCEL-STATE-NOTHING",
        "completeState": f"ORDER-COMPLETE-STATE-{complete}",
    }


def _invoice_state(total: int, paid: int, *, credited: bool) -> str:
    if credited:
        return "INVOICE-STATE-OUTSTANDING-CREDIT"
    if paid >= total:
        return "INVOICE-STATE-PAID"
    return "INVOICE-STATE-PARTLY-PAID" if paid else "INVOICE-STATE-OUTSTANDING"
