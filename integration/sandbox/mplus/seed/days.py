"""Special days of the tills in the past, with receipts other than plain sales.

Two days at the first branch have everything that a day can have besides sales.
"""

from datetime import date, timedelta
from typing import Any

from integration.sandbox.mplus.seed.setup import DEPOSITS, EXEMPT, GIFT_CARDS, HIGH, LOW, ZERO
from integration.sandbox.mplus.till_state import TillState

BUSY, AFTERMATH = 40, 33  # days ago
BRANCH, FIRST, SECOND = 1, 1, 2  # and its two workplaces


def fill(till_state: TillState, today: date) -> None:
    """Add the receipts of the two days to a till that has its sales already."""
    busy, aftermath = today - timedelta(days=BUSY), today - timedelta(days=AFTERMATH)
    till = _Till(till_state, busy)
    till.receipt(
        "08:45", FIRST, [_line("Wisselgeld uit kluis", 95, EXEMPT, 10000)], CASH=10000, receipt_type="CASH-INFLOW"
    )
    helmet = till.receipt("10:40", FIRST, [_line("Helm", 20, HIGH, 4999)], CASH=5000, ROUNDING=-1)
    card = [_line("Kinderzitje", 40, HIGH, 11900), _line("Reisgids", 70, LOW, 1250)]
    till.receipt("13:15", FIRST, [_line("Cadeaubon", GIFT_CARDS, EXEMPT, 5000)], PIN=5000)
    till.receipt("14:00", FIRST, card, GIFTCARD=3500, CASH=5000, PIN=4650)
    till.receipt("15:10", FIRST, [_line("Borg leenaccu", DEPOSITS, ZERO, 5000)], PIN=5000)
    till.receipt("15:40", FIRST, [_line("Postzegels", 97, EXEMPT, -1450)], CASH=-1450, receipt_type="CASH-OUTFLOW")
    till.receipt("17:05", SECOND, [_line("Reparatie", 50, LOW, 7250), _line("Fooi", 96, EXEMPT, 250)], PIN=7500)
    night = busy + timedelta(days=1)
    till.receipt("00:25", SECOND, [_line("Lampset", 40, HIGH, 2995)], PIN=2995, entered=night)
    till.receipt("11:30", SECOND, [_line("Oefening", 10, HIGH, 99900)], PIN=99900, table="training")
    till = _Till(till_state, aftermath)
    back = [_line("Retour helm", 20, HIGH, 4999, -1)]
    till.receipt("12:02", FIRST, back, CASH=-5000, ROUNDING=1, receipt_type="CREDIT-RECEIPT", credited=helmet)
    till.receipt("16:20", SECOND, [_line("Borg leenaccu terug", DEPOSITS, ZERO, 5000, -1)], CASH=-5000)


def late_receipt(till_state: TillState, day: str, branch: int) -> None:
    """Enter a receipt for a past day: a bell of 18.15."""
    now = till_state.context.clock.replace(tzinfo=None).isoformat()
    till = _Till(till_state, date.fromisoformat(day), branch)
    till.receipt(now, SECOND, [_line("Bel", 40, HIGH, 1815)], PIN=1815)


class _Till:
    """Enters receipts of one day at one branch."""

    def __init__(self, till_state: TillState, day: date, branch: int = BRANCH) -> None:
        self._till_state = till_state
        self._day = day
        self._branch = branch

    def receipt(
        self,
        at: str,
        workplace: int,
        lines: list[dict[str, Any]],
        *,
        receipt_type: str = "RECEIPT",
        credited: str = "",
        entered: date | None = None,
        table: str = "receipts",
        **paid: int,
    ) -> str:
        """Enter a receipt at a time of day, or at a complete time, with these payments; return its id."""
        values: dict[str, Any] = {
            "receiptId": self._till_state.context.new_id("special receipt"),
            "receiptType": f"RECEIPT-TYPE-{receipt_type}",
            "financialDate": self._day.isoformat(),
            "entryTimestamp": at if "T" in at else f"{entered or self._day}T{at}:00",
            "financialBranchNumber": self._branch,
            "workplaceNumber": workplace,
            "lineList": {"line": lines},
            "paymentList": {"payment": [{"method": method, "amount": amount} for method, amount in paid.items()]},
        }
        if credited:
            values["creditedReceiptId"] = credited
        self._till_state.add(table, values)
        return str(values["receiptId"])


def _line(text: str, group: int, vat_code: int, price: int, quantity: int = 1) -> dict[str, Any]:
    data = {"quantity": quantity, "price": price, "turnoverGroup": group, "vatCode": vat_code}
    return {"articleNumber": 0, "text": text, "data": data}
