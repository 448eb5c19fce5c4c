"""An independent computation of a month: VAT, turnover and books, from raw data of both sandbox systems in cents.

No code of the product is used.
"""

import re
import zipfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from tests.flows.days.plain import allocate_vat

Row = Mapping[str, Any]
REVENUE = frozenset({10, 20, 30, 40, 50, 60, 70})  # turnover groups of sales; the others are gift cards and the like
TAXED = REVENUE | {85, 91}  # with single-purpose vouchers, taxed when sold, and taxed deposits
VOUCHER = "VOUCHER"  # payment by single-purpose vouchers, all for repairs at the low rate
ACCOUNTS = {10: "8000", 20: "8010", 30: "8020", 40: "8030", 50: "8040", 60: "8050", 70: "8100"}
CODES = {1: "2", 2: "1", 3: "3", 4: "4"}  # VAT codes of the books by those of the till
VAT_ACCOUNTS = {"1": "1500", "2": "1510", "3": "1520", "4": "1520", "9": "1530"}
OSS = "9"


class Sums(NamedTuple):
    """Taxable amount and VAT in cents."""

    base: int = 0
    vat: int = 0

    def plus(self, base: int, vat: int) -> "Sums":
        return Sums(self.base + base, self.vat + vat)


class Place(NamedTuple):
    """A date and a branch."""

    day: date
    branch: int


def day_of(fields: Row) -> date:
    return date(fields["year"], fields["mon"], fields["day"])


def place_of(document: Row) -> Place:
    return Place(day_of(document["financialDate"]), document["financialBranchNumber"])


def lines_of(document: Row) -> list[Row]:
    return [line["data"] for line in document["lineList"]["line"]]


def parts_of(document: Row, germans: Collection[int]) -> Iterator[tuple[int, str, Sums]]:
    """Yield the turnover group, VAT code of the books and amounts of each taxed line, rounded per line."""
    for line in lines_of(document):
        if line["turnoverGroup"] in TAXED:
            is_oss = line["vatCode"] == 2 and document.get("relationNumber") in germans
            amounts = Sums(line["totalExclAmount"], line["totalInclAmount"] - line["totalExclAmount"])
            yield line["turnoverGroup"], OSS if is_oss else CODES[line["vatCode"]], amounts


def vat_by_code(document: Row, germans: Collection[int]) -> dict[str, int]:
    """Return the VAT of a document by code of the books, as the till computed it once per code."""
    vat_by_code: dict[str, int] = {}
    for _, code, _ in parts_of(document, germans):
        amounts = {group["vatCode"]: group["vatAmount"] for group in document["vatGroupList"]["vatGroup"]}
        vat_by_code[code] = amounts[
            next(own for own, theirs in {**CODES, 2: OSS if code == OSS else "1"}.items() if theirs == code)
        ]
    return vat_by_code


def till_vat(documents: Sequence[Row], germans: Collection[int]) -> dict[str, Sums]:
    """Return taxable amount and VAT by VAT code of the books."""
    totals: dict[str, Sums] = {}
    for document in documents:
        vat = vat_by_code(document, germans)
        for _, code, amounts in parts_of(document, germans):
            totals[code] = totals.get(code, Sums()).plus(amounts.base + amounts.vat, 0)
        for code, tax in vat.items():
            totals[code] = totals[code].plus(-tax, tax)
        base, tax = _voucher_sums(document)
        totals["2"] = totals.get("2", Sums()).plus(-base, -tax)
    return totals


def _voucher_sums(document: Row) -> Sums:
    """Return the part of a document that was paid with vouchers, whose VAT was due when they were sold."""
    paid = sum(
        payment["amount"]
        for payment in document.get("paymentList", {}).get("payment", [])
        if payment["method"] == VOUCHER
    )
    if not paid:
        return Sums()
    (vat_group,) = (group for group in document["vatGroupList"]["vatGroup"] if group["vatCode"] == 1)
    vat = round(paid * vat_group["vatAmount"] / (vat_group["exclAmount"] + vat_group["vatAmount"]))
    return Sums(paid - vat, vat)


def till_turnover(documents: Sequence[Row], germans: Collection[int]) -> dict[tuple[int, int, str], int]:
    """Return turnover by branch, turnover group and account, in cents.

    The till adds up lines over a day. Odd cents of its VAT go to the groups with the largest remainders.
    """
    days: dict[tuple[Place, str, str], list[Row]] = defaultdict(list)
    for document in documents:
        source = "invoice" if "invoiceId" in document else "receipt"
        for code in vat_by_code(document, germans):
            days[place_of(document), source, code].append(document)
    turnover: dict[tuple[int, int, str], int] = defaultdict(int)
    for (place, _, code), day_documents in days.items():
        groups: dict[int, tuple[int, int]] = {}
        for document in day_documents:
            for group, own, (base, vat) in parts_of(document, germans):
                if own == code:
                    before = groups.get(group, (0, 0))
                    groups[group] = (before[0] + base, before[1] + vat)
        for group, (base, _) in allocate_vat(
            groups, sum(vat_by_code(document, germans)[code] for document in day_documents)
        ).items():
            if group in REVENUE:
                turnover[place.branch, group, "8300" if (group, code) == (30, "3") else ACCOUNTS[group]] += base
    return {key: cents for key, cents in turnover.items() if cents}


# ---- the books


def cents(text: object) -> int:
    return round(float(str(text or 0)) * 100)


def our_place(page: Row) -> Place | None:
    """Return the day and branch of a page with our reference, or None for a foreign page."""
    match = re.fullmatch(r"MZ(\d)(\d{2})(\d{2})(\d{3})\d{2}", str(page.get("INV_NR", "")))
    return Place(date(2020 + int(match[1]), int(match[2]), int(match[3])), int(match[4])) if match else None


def books_vat(rows: Sequence[Row], pages: Sequence[Row]) -> dict[str, dict[str, Sums]]:
    """Return the ledger's taxable amount and VAT by origin, day or foreign, and VAT code."""
    ours = {(page["DJ_CODE"], page["PAGE_NR"]) for page in pages if our_place(page)}
    totals: dict[str, dict[str, Sums]] = {"days": {}, "foreign": {}}
    for row in rows:
        if code := row.get("VAT_CODE"):
            origin = "days" if (row["DJ_CODE"], row["PAGE_NR"]) in ours else "foreign"
            amount = -cents(row["AMOUNT"])
            is_vat = row["ACCT_NR"] == VAT_ACCOUNTS[code]
            sums = totals[origin].get(code, Sums())
            totals[origin][code] = sums.plus(0, amount) if is_vat else sums.plus(amount, 0)
    return totals


# ---- a clearing account


class BankRow(NamedTuple):
    """An amount in cents that a foreign page took out of the clearing account."""

    day: date
    page: str
    amount: int
    text: str


class Clearing(NamedTuple):
    """Figures of a clearing account in cents. `settled` are payout pages with their fees."""

    opening: int
    takings: Mapping[Place, int]
    payouts: list[BankRow]
    settled: Mapping[str, int]
    open_fees: int
    under_way: Mapping[Place, int]
    unmatched: list[BankRow]
    opening_left: int

    @property
    def closing(self) -> int:
        """Balance at the end."""
        return self.opening + sum(self.takings.values()) - sum(payout.amount for payout in self.payouts)


def clearing(rows: Sequence[Row], pages: Sequence[Row], account: str, first: date, window: int) -> Clearing:
    """Return the figures of an account from the ledger from a day on.

    The texts of the bank say which branch it pays: on a working day the days since the working day before, less a fee
    of one percent or none. Its fees of a week are one page on Monday.
    """
    opening, takings, payouts = _movements([row for row in rows if row["ACCT_NR"] == account], pages, first)
    under_way = {place: amount for place, amount in takings.items() if amount}
    settled = {payout.page: fee for payout in payouts if (fee := _settle(payout, under_way)) is not None}
    fees: dict[date, int] = defaultdict(int)
    for payout in payouts:
        fees[payout.day + timedelta(days=7 - payout.day.weekday())] += settled.get(payout.page, 0)
    booked = [payout for payout in payouts if payout.text == "Kosten pin" and fees[payout.day] == payout.amount]
    balance, unmatched = opening, list[BankRow]()
    for payout in payouts:
        if payout.page in settled or payout in booked:
            continue
        if payout.day <= first + timedelta(days=window) and 0 < payout.amount <= balance:
            balance -= payout.amount
        else:
            unmatched.append(payout)
    open_fees = sum(settled.values()) - sum(payout.amount for payout in booked)
    return Clearing(opening, takings, payouts, settled, open_fees, under_way, unmatched, balance)


def _movements(
    rows: Sequence[Row], pages: Sequence[Row], first: date
) -> tuple[int, Mapping[Place, int], list[BankRow]]:
    """Return opening balance, takings by day and branch, and payouts, oldest first."""
    places = {f"{page['DJ_CODE']}/{page['PAGE_NR']}": our_place(page) for page in pages}
    takings: dict[Place, int] = defaultdict(int)
    payouts, opening = [], 0
    for row in rows:
        page, day = f"{row['DJ_CODE']}/{row['PAGE_NR']}", date.fromisoformat(str(row["TRN_DATE"])[:10])
        amount = cents(row["AMOUNT"])
        if place := places.get(page):
            takings[place] += amount
        elif day == first and amount > 0:
            opening += amount
        else:
            payouts.append(BankRow(day, page, -amount, str(row.get("TRN_DESC", ""))))
    return opening, takings, sorted(payouts)


def _settle(payout: BankRow, under_way: dict[Place, int]) -> int | None:
    """Remove the takings that a payout settles, and return its fee; None if there are none."""
    if not payout.text.startswith("Uitbetaling pin filiaal"):
        return None
    branch, back = int(payout.text.rpartition(" ")[2]), 3 if payout.day.weekday() == 0 else 1
    paid = [Place(payout.day - timedelta(days=ago), branch) for ago in range(1, back + 1)]
    gross = sum(under_way.get(place, 0) for place in paid)
    fee = gross - payout.amount
    if not gross or fee not in (0, int(gross * Decimal("0.01") + Decimal("0.5"))):
        return None
    for place in paid:
        under_way.pop(place, None)
    return fee


# ---- the Excel file


_NAMES = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def worksheets(file: Any) -> dict[str, list[list[str | float]]]:
    """Return the cells of each worksheet by its name: texts and numbers, row by row."""
    with zipfile.ZipFile(file) as book:
        shared = ET.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314 - our own file
        texts = ["".join(part.text or "" for part in item.iter(f"{{{_NAMES['m']}}}t")) for item in shared]
        workbook = ET.fromstring(book.read("xl/workbook.xml"))  # noqa: S314 - our own file
        names = [sheet.attrib["name"] for sheet in workbook.findall("m:sheets/m:sheet", _NAMES)]
        return {
            name: list(_cells(book.read(f"xl/worksheets/sheet{place}.xml"), texts))
            for place, name in enumerate(names, start=1)
        }


def _cells(content: bytes, texts: Sequence[str]) -> Iterator[list[str | float]]:
    for row in ET.fromstring(content).iter(f"{{{_NAMES['m']}}}row"):  # noqa: S314 - our own file
        cells: list[str | float] = []
        for cell in row:
            value = cell.find("m:v", _NAMES)
            if value is None or value.text is None:
                cells.append("")
            else:
                cells.append(texts[int(value.text)] if cell.get("t") == "s" else float(value.text))
        yield cells
