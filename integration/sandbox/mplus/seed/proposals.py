"""Proposals of the shop to customers: a bicycle with accessories, accepted, open or rejected."""

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random
from typing import Any, Final

from integration.sandbox.mplus.contract import WireFields
from integration.sandbox.mplus.seed.cards import FIRST_RELATION, SHARED_CUSTOMERS, price_incl
from integration.sandbox.mplus.seed.setup import VAT_CODES, turnover_group_of
from integration.sandbox.mplus.till_state import TillState
from integration.sandbox.shop.records import ShopArticle
from integration.sandbox.shop.shop import Shop

DAYS_TO_THINK: Final = timedelta(days=3)
WITHOUT_ORDER: Final = ("OUTSTANDING", "OUTSTANDING", "CANCELLED", "OUTSTANDING", "OUTSTANDING")  # the oldest first
_TAKEN_OVER: Final = frozenset(
    {
        "entryBranchNumber", "employeeNumber", "employeeName", "relationNumber", "relationName",
        "financialBranchNumber", "workplaceNumber", "deliveryAddress", "invoiceAddress", "totalInclAmount",
        "totalExclAmount", "vatMethod", "vatGroupList", "orderCategoryNumber",
    }
)  # fmt: skip


def accepted(till_state: TillState, order: Mapping[str, Any], on: date) -> dict[str, object]:
    """Add the proposal that an order comes from; return the order's fields that refer to it."""
    id_, number = (
        till_state.context.new_id("proposal"),
        {"year": on.year, "number": till_state.context.count("proposal number")},
    )
    lines = order["lineList"].children("line")
    values = {
        "proposalId": id_,
        "proposalNumber": number,
        "proposalType": "PROPOSAL-TYPE-PROPOSAL",
        "entryTimestamp": order["entryTimestamp"] - DAYS_TO_THINK,
        "financialDate": on - DAYS_TO_THINK,
        "reference": f"Offerte {number['number']}",
        "state": "PROPOSAL-STATE-ORDER",
        "orderId": order["orderId"],
        "orderNumber": order["orderNumber"],
        "lineList": WireFields(("line", _proposal_line(till_state, line)) for line in lines),
        **{name: value for name, value in order.items() if name in _TAKEN_OVER},
    }
    till_state.proposals.put(till_state.context.build("Proposal", values))
    return {"proposalId": id_, "proposalNumber": number}


def fill(till_state: TillState, shop: Shop, goods: list[ShopArticle]) -> None:
    """Add proposals that nobody has ordered yet."""
    random = Random(shop.seed + 17)
    for place, state in enumerate(WITHOUT_ORDER):
        relation = FIRST_RELATION + random.randrange(min(SHARED_CUSTOMERS, len(shop.customers)))
        day = shop.today - timedelta(days=3 * (len(WITHOUT_ORDER) - place))
        lines = [_line(till_state, random.choice(goods), 1 + random.randrange(3)) for _ in range(1 + place % 3)]
        values = {
            "financialDate": day.isoformat(),
            "relationNumber": relation,
            **till_state.relations.addressed(relation),
            "reference": f"Aanvraag {place + 1}",
            "state": f"PROPOSAL-STATE-{state}",
            "lineList": {"line": lines},
        }
        till_state.add("proposals", values)


def _line(till_state: TillState, article: ShopArticle, quantity: int) -> dict[str, Any]:
    data = {
        "quantity": quantity,
        "price": price_incl(article),
        "turnoverGroup": turnover_group_of(article.group),
        "vatCode": VAT_CODES[article.vat or "1"],
    }
    id_ = till_state.context.new_id("proposed line")
    return {"lineId": id_, "articleNumber": article.number or 0, "text": article.name, "data": data}


def _proposal_line(till_state: TillState, line: WireFields) -> WireFields:
    """Return a line of an order as in its proposal, without delivered quantities."""
    data = line.child("data").without_names("deliveredQuantity", "deliveredDecimalPlaces")
    return line.replaced("lineId", till_state.context.new_id("proposed line")).replaced("data", data)
