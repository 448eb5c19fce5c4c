"""A day of the till, worked out: Saturday 17 October 2026 in Utrecht, entered at a till that sold nothing before.

Two workplaces, fifteen receipts and an invoice, one rehearsal, two counts. What it comes to stands in the test of the
connector's days; the page it becomes in the books in the tests of the flow.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from integration.sandbox.mplus.app import Till
from integration.sandbox.server import Sandbox, running

DAY, NEXT = "2026-10-17", "2026-10-18"
KEY = f"{DAY}/1"
ON_ACCOUNT, OF_THE_INVOICE = 10007, 10012  # customers of the till
EXCLUSIVE = "VAT-METHOD-EXCLUSIVE"

Line = dict[str, Any]


@contextmanager
def a_worked_out_day() -> Iterator[Sandbox]:
    """Both systems with only this day at the till."""
    with running(articles=50, trades=False) as sandbox:
        fill(sandbox.till)
        yield sandbox


def fill(till: Till) -> None:
    """Enter the whole day."""
    for number, name in ((ON_ACCOUNT, "Fietskoeriers Domstad"), (OF_THE_INVOICE, "Kinderopvang De Zwaan")):
        till.add("relations", {"relationNumber": number, "name": name, "companyName": name, "country": "NL"})
    first_workplace(till)
    second_workplace(till)
    direct_invoice(till)
    rehearsal(till)
    count(till)


def first_workplace(till: Till) -> None:
    """Enter the receipts 1.1.2026.4100 to 4109."""
    float_ = sales_line("Wisselgeld uit kluis", 95, 4, 10000)
    receipt(till, (1, 4100), "08:45", [float_], CASH=10000, receiptType="RECEIPT-TYPE-CASH-INFLOW")
    receipt(
        till,
        (1, 4101),
        "09:12",
        [sales_line("Binnenband", 30, 2, 1295, 2), sales_line("Fietskaart", 70, 1, 995)],
        CASH=3585,
    )
    bicycle = sales_line("Stadsfiets", 10, 2, 74900, discountPercentage=1000)
    receipt(till, (1, 4102), "10:05", [bicycle, sales_line("Slot", 40, 2, 3995)], PIN=71405)
    helmet = [sales_line("Helm", 20, 2, 4999), sales_line("Reparatie", 50, 1, 1749)]
    receipt(till, (1, 4103), "10:40", helmet, CASH=6750, ROUNDING=-2)
    coat = [
        sales_line(text, group, code, price, discountPercentage=500)
        for text, group, code, price in (("Jas", 20, 2, 8995), ("Pomp", 40, 2, 2495), ("Boek", 70, 1, 2250))
    ]
    receipt(till, (1, 4104), "11:20", coat, PIN=13053)
    back = [sales_line("Retour helm van 10-10", 20, 2, 4995, -1)]
    receipt(till, (1, 4105), "12:02", back, CASH=-4995, receiptType="RECEIPT-TYPE-CREDIT-RECEIPT")
    receipt(till, (1, 4106), "13:15", [sales_line("Cadeaubon GC-7781", 80, 4, 5000)], PIN=5000)
    seat = [
        sales_line("Kinderzitje", 40, 2, 11900),
        sales_line("Jas", 20, 2, 6450),
        sales_line("Reisgids", 70, 1, 1250),
    ]
    receipt(till, (1, 4107), "14:00", seat, GIFTCARD=3500, CASH=6100, PIN=10000)
    lent = [sales_line("Reparatie", 50, 1, 6495), sales_line("Borg leenaccu in", 90, 3, 5000)]
    receipt(till, (1, 4108), "15:10", lent, PIN=11495)
    stamps = [sales_line("Postzegels", 97, 4, -1450)]
    receipt(till, (1, 4109), "15:40", stamps, CASH=-1450, receiptType="RECEIPT-TYPE-CASH-OUTFLOW")


def second_workplace(till: Till) -> None:
    """Enter the receipts 1.2.2026.2201 to 2205; the last one after midnight."""
    receipt(till, (2, 2201), "09:50", [sales_line("Pakket onderdelen naar Noorwegen", 30, 3, 5500)], PIN=5500)
    service = [sales_line("Onderdelen", 30, 2, 18473), sales_line("Onderhoud", 50, 1, 9500)]
    receipt(till, (2, 2202), "11:45", service, INVOICE=27973, relationNumber=ON_ACCOUNT)
    brakes = [
        sales_line("Remblokken", 30, 2, 777, 3), sales_line("Kaart", 70, 1, 475),
        sales_line("Borg leenfiets terug", 90, 3, 2500, -1),
    ]  # fmt: skip
    receipt(till, (2, 2203), "16:20", brakes, CASH=305, ROUNDING=1)
    receipt(till, (2, 2204), "17:05", [sales_line("Reparatie", 50, 1, 7250), sales_line("Fooi", 96, 4, 250)], PIN=7500)
    receipt(till, (2, 2205), "00:25", [sales_line("Lampset", 40, 2, 2995)], PIN=2995, entered=NEXT)


def direct_invoice(till: Till) -> None:
    """Enter the invoice 2026.731: prices without VAT, paid at once by card."""
    values = {
        "invoiceNumber": {"year": 2026, "number": 731},
        "invoiceType": "INVOICE-TYPE-DIRECT-INVOICE",
        "vatMethod": EXCLUSIVE,
        "relationNumber": OF_THE_INVOICE,
        "financialDate": DAY,
        "entryTimestamp": f"{DAY}T14:30:00",
        "lineList": {"line": [sales_line("Bakfiets", 10, 2, 45000, price_is="priceExcl")]},
        "paymentList": {"payment": [{"method": "PIN", "amount": 54450}]},
    }
    till.add("invoices", values)


def rehearsal(till: Till) -> None:
    """Ring up 1.2.2026.2206 in training: it counts nowhere."""
    receipt(till, (2, 2206), "17:30", [sales_line("Stadsfiets", 10, 2, 99900)], "training", PIN=99900)


def count(till: Till) -> None:
    """Count both drawers: the first is short by 0.35 and sends 200.00 to the bank."""
    drawer = {"day": DAY, "branch": 1, "at": f"{DAY}T18:05:00"}
    till.add("counts", {**drawer, "workplace": 1, "number": "2026.311", "start": 15000, "counted": 34955,
                        "deposited": 20000})  # fmt: skip
    till.add("counts", {**drawer, "workplace": 2, "number": "2026.312", "start": 10000, "counted": 10305,
                        "deposited": 0})  # fmt: skip


def late_receipt(till: Till) -> None:
    """Enter 1.2.2026.2207 on the next morning, on this day still."""
    receipt(till, (2, 2207), "08:55", [sales_line("Bel", 40, 2, 1815)], PIN=1815, entered=NEXT)


def recount(till: Till) -> None:
    """Correct the count of the first drawer, so that no cash is missing."""
    till.edit("counts", "1/1/2026.311", {"counted": 34990})


def receipt(
    till: Till,
    number: tuple[int, int],
    at: str,
    lines: list[Line],
    table: str = "receipts",
    *,
    entered: str = DAY,
    receiptType: str = "RECEIPT-TYPE-RECEIPT",  # noqa: N803 - as the interface calls it
    relationNumber: int | None = None,  # noqa: N803
    **paid: int,
) -> None:
    """Enter one receipt of this day, paid by these methods in cents."""
    workplace, serial = number
    values = {
        "receiptNumber": {"branchNumber": 1, "workplaceNumber": workplace, "year": 2026, "number": serial},
        "receiptType": receiptType,
        "workplaceNumber": workplace,
        "financialDate": DAY,
        "entryTimestamp": f"{entered}T{at}:00",
        "lineList": {"line": lines},
        "paymentList": {"payment": [{"method": method, "amount": amount} for method, amount in paid.items()]},
    }
    till.add(table, values | ({"relationNumber": relationNumber} if relationNumber else {}))


def sales_line(
    text: str, group: int, vat_code: int, price: int, quantity: int = 1, price_is: str = "price", **more: int
) -> Line:
    """Return a line that sells something at a price in cents."""
    data = {"quantity": quantity, price_is: price, "turnoverGroup": group, "vatCode": vat_code, **more}
    return {"articleNumber": 0, "text": text, "data": data}
