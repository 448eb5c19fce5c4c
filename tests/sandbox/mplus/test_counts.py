"""Drawer counts: each covers the sales since the previous count, begins with its remaining cash, and never changes."""

from typing import Any

import pytest

from integration.sandbox.server import Sandbox

DAY = "2026-11-25"
BELL = {"articleNumber": 0, "text": "Bel", "data": {"quantity": 1, "price": 1000, "turnoverGroup": 40, "vatCode": 2}}


def sell(sandbox: Sandbox, at: str) -> None:
    paid = {"payment": [{"method": "CASH", "amount": 1000}]}
    values = {"financialDate": DAY, "entryTimestamp": f"{DAY}T{at}:00", "lineList": {"line": [BELL]}}
    sandbox.till.add("receipts", {**values, "paymentList": paid})


def count(sandbox: Sandbox, at: str, amount: int, deposited: int = 0) -> dict[str, Any]:
    fields = {"day": DAY, "branch": 1, "workplace": 1, "at": f"{DAY}T{at}:00"}
    sandbox.till.add("counts", {**fields, "counted": amount, "deposited": deposited})
    return line(sandbox)


def line(sandbox: Sandbox) -> dict[str, Any]:
    (count_line,) = sandbox.state("counts", "mplus")[-1]["cashCountLineList"]["cashCountLine"]
    return dict(count_line)


def test_several_counts_of_a_day_share_its_receipts_out(sandbox: Sandbox) -> None:
    end_amount = count(sandbox, "08:00", 15000)["endAmount"]
    for at in ("09:00", "10:00", "15:00"):
        sell(sandbox, at)
    noon = count(sandbox, "12:00", end_amount + 2000, deposited=5000)
    evening = count(sandbox, "18:00", noon["endAmount"] + 990)
    assert (noon["startAmount"], noon["addedAmount"], noon["differenceAmount"]) == (15000, 2000, 0)
    assert noon["endAmount"] == 12000
    assert (evening["startAmount"], evening["addedAmount"], evening["differenceAmount"]) == (12000, 1000, -10)


def test_what_is_sold_after_a_count_is_in_the_next_one(sandbox: Sandbox) -> None:
    count(sandbox, "18:00", 15000)
    before = sandbox.state("counts", "mplus")
    sell(sandbox, "17:30")
    assert sandbox.state("counts", "mplus") == before
    assert count(sandbox, "19:00", 16000)["addedAmount"] == 1000


def test_counting_anew_is_a_further_version(sandbox: Sandbox) -> None:
    count(sandbox, "18:00", 15000)
    number = sandbox.state("counts", "mplus")[-1]["cashCountNumber"]
    key = f"1/1/{number['year']}.{number['number']}"
    sandbox.till.edit("counts", key, {"counted": 14000})
    assert sandbox.state("counts", "mplus")[-1]["versionNumber"] == 2
    assert line(sandbox)["countedAmount"] == 14000
    with pytest.raises(LookupError):
        sandbox.till.edit("counts", "1/1/2026.99999", {"counted": 1})
