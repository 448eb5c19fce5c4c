"""Sales of a till and the resulting books, summed from the tables of a sandbox."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integration.core.money import from_cents
from integration.core.totals.booked import BookLine, booked_totals
from integration.core.totals.sold import NOTHING, VatSum
from integration.sandbox.server import Sandbox

OURS = "MP-"  # what our references of sales orders begin with
OURS_POSTED = "MO"  # those of orders that were posted
ORDERED = ("ART_CODE", "ORD_QTY", "ART_PX", "DISC_PCT", "VAT_CODE")
POSTED = ("ACCT_NR", "AMOUNT", "VAT_CODE", "VAT_AMT")
Sums = Mapping[str, VatSum]  # by the rate in percent, as text


@dataclass(frozen=True)
class Paper:
    """One document of ours in the books, with the names behind its numbers."""

    reference: str
    debtor: str
    address: str
    lines: tuple[tuple[str, ...], ...]
    sums: Sums


def sales_orders(sandbox: Sandbox) -> list[Paper]:
    """Return the sales orders that carry a reference of ours."""
    streets = {str(row["REC_ID"]): str(row["ADDRESS1"]) for row in sandbox.state("DEL_ADDR")}
    lines, names, rates = _rows_by_key(sandbox, "SO_LINE", "ORD_NR"), debtors(sandbox), _rates(sandbox)
    return [
        Paper(
            row["COMMENT1"],
            names[row["RPL_INV"]],
            streets.get(row.get("DEL_CODE") or "", ""),
            tuple(_line_values(line, ORDERED) for line in lines[row["ORD_NR"]]),
            _order_sums(lines[row["ORD_NR"]], rates, gross=row.get("GROSS_FLG") is True),
        )
        for row in sandbox.state("SO_HDR")
        if str(row.get("COMMENT1", "")).startswith(OURS)
    ]


def postings(sandbox: Sandbox) -> list[Paper]:
    """Return the pages of daybooks that carry a reference of ours."""
    lines, names, rates = _rows_by_key(sandbox, "DJ_LINE", "PAGE_NR"), debtors(sandbox), _rates(sandbox)
    return [
        Paper(
            row["INV_NR"],
            names[row["SUB_NR"]],
            "",
            tuple(_line_values(line, POSTED) for line in lines[row["PAGE_NR"]]),
            _posting_sums(lines[row["PAGE_NR"]], rates, gross=row.get("GROSS_FLG") is True),
        )
        for row in sandbox.state("DJ_PAGE")
        if str(row.get("INV_NR", "")).startswith(OURS_POSTED)
    ]


def open_items(sandbox: Sandbox) -> dict[tuple[str, str], Decimal]:
    """Return the open amounts of the ledger by debtor and reference, without settled items."""
    balances: dict[tuple[str, str], Decimal] = {}
    for row in sandbox.state("TRANSACT"):
        if row.get("SUB_NR") and row.get("INV_NR"):
            item = str(row["SUB_NR"]), str(row["INV_NR"])
            balances[item] = balances.get(item, NOTHING) + Decimal(row["AMOUNT"])
    return {item: amount for item, amount in balances.items() if amount}


def ledger_totals(sandbox: Sandbox, pages: Collection[str]) -> dict[str, Decimal]:
    """Return the totals that these pages posted, by ledger account; debit is positive."""
    totals: dict[str, Decimal] = {}
    for row in sandbox.state("TRANSACT"):
        if row["PAGE_NR"] in pages:
            totals[str(row["ACCT_NR"])] = totals.get(str(row["ACCT_NR"]), NOTHING) + Decimal(row["AMOUNT"])
    return {account: amount for account, amount in totals.items() if amount}


def debtors(sandbox: Sandbox) -> dict[str, str]:
    """Return the names of all debtors by their numbers."""
    return {str(row["SUB_NR"]): str(row["ACCT_NAME"]) for row in sandbox.state("CONTACT")}


def addresses(sandbox: Sandbox) -> list[tuple[str, ...]]:
    """Return all delivery addresses: whose they are, name and street."""
    names = debtors(sandbox)
    return [(names[row["SUB_NR"]], row["DEL_NAME"], row["ADDRESS1"]) for row in sandbox.state("DEL_ADDR")]


def sums_by_order(sandbox: Sandbox) -> dict[str, Sums]:
    """Return base and VAT of each order as the till split them, by order number such as 2026.118."""
    sums_by_number: dict[str, Sums] = {}
    for order in sandbox.state("orders", "mplus"):
        number = order["orderNumber"]
        sums: dict[str, VatSum] = {}
        for group in order["vatGroupList"]["vatGroup"]:
            rate = str(Decimal(group["vatPercentage"]).scaleb(-2).normalize())
            own = VatSum(from_cents(group["exclAmount"]), from_cents(group["vatAmount"]))
            sums[rate] = sums.get(rate, VatSum()) + own
        sums_by_number[f"{number['year']}.{number['number']}"] = sums
    return sums_by_number


def cents_apart(sums: Sums, others: Sums) -> Decimal:
    """Return how far two sums are apart, with nothing cancelling out."""
    gaps = (sums.get(rate, VatSum()) - others.get(rate, VatSum()) for rate in {*sums, *others})
    return sum((abs(gap.excl) + abs(gap.vat) for gap in gaps), NOTHING)


def _order_sums(lines: Sequence[Mapping[str, Any]], rates: Mapping[str, Decimal], *, gross: bool) -> Sums:
    booked_lines = [
        BookLine(
            str(line["REC_ID"]), Decimal(line["ORD_QTY"]), Decimal(line["ART_PX"]),
            Decimal(line.get("DISC_PCT") or 0), line["VAT_CODE"],
        )
        for line in lines
    ]  # fmt: skip
    return _sums_by_rate(booked_totals(booked_lines, rates, "incl" if gross else "excl", "document"), rates)


def _posting_sums(lines: Sequence[Mapping[str, Any]], rates: Mapping[str, Decimal], *, gross: bool) -> Sums:
    sums: dict[str, VatSum] = {}
    for line in lines:
        amount, vat = Decimal(line["AMOUNT"]), Decimal(line.get("VAT_AMT") or 0)
        excl = amount - vat if gross else amount
        sums[line["VAT_CODE"]] = sums.get(line["VAT_CODE"], VatSum()) + VatSum(excl, vat)
    return _sums_by_rate(sums, rates)


def _sums_by_rate(sums: Sums, rates: Mapping[str, Decimal]) -> Sums:
    return {str(rates[code].normalize()): vat_sum for code, vat_sum in sums.items()}


def _rates(sandbox: Sandbox) -> dict[str, Decimal]:
    return {str(row["VAT_CODE"]): Decimal(row["VAT_PCT"]) for row in sandbox.state("VAT")}


def _rows_by_key(sandbox: Sandbox, table: str, key: str) -> dict[str, list[dict[str, Any]]]:
    rows_by_key: dict[str, list[dict[str, Any]]] = {}
    for row in sandbox.state(table):
        rows_by_key.setdefault(str(row[key]), []).append(row)
    return rows_by_key


def _line_values(line: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(line.get(name) or "") for name in names)
