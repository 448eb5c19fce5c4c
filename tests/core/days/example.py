"""One day of a till worked out to the cent: Saturday 2026-10-17 at branch 1, its documents, journals and counts.

The figures are those of a bookkeeper's example and not computed by the product: 16 documents, two drawers.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from integration.core.days.books import DayBooks, Voucher
from integration.core.days.till import DayRefusedError, MissingCodesError
from integration.core.ledgers import LedgerRules
from integration.core.missing_codes import MissingCode
from integration.core.records import Kind, Record, Value
from integration.core.totals.categories import Purpose

DAY = date(2026, 10, 17)
RATES = {"1": Decimal(9), "2": Decimal(21), "3": Decimal(0), "4": Decimal(0)}
GROUPS = {
    "10": ("turnover", "Fietsen", "8000"),
    "20": ("turnover", "Kleding", "8010"),
    "30": ("turnover", "Onderdelen", "8020"),
    "40": ("turnover", "Accessoires", "8030"),
    "50": ("turnover", "Diensten", "8040"),
    "70": ("turnover", "Boeken en kaarten", "8100"),
    "80": ("balance-upgrade", "Cadeaubonnen", "1560"),
    "85": ("balance-upgrade", "Reparatiebonnen", "1565"),
    "90": ("refundable-deposit", "Statiegeld en borg", "1570"),
    "92": ("suspense", "Aanbetalingen", "1575"),
    "95": ("cash-inflow", "Wisselgeld uit kluis", "1020"),
    "96": ("cash-inflow", "Fooi", "1580"),
    "97": ("cash-outflow", "Kleine uitgaven porti", "4510"),
    "": ("unknown", "", ""),  # of articles without a turnover group
    "0": ("unknown", "", ""),  # the same, of a till that tells it as a number
}
METHODS = {
    "CASH": ("payment", "Contant", "1000"),
    "PIN": ("eft", "Pin", "1010"),
    "GIFTCARD": ("suspense", "Cadeaubon", "1560"),
    "INVOICE": ("suspense", "Op rekening", "1300"),
    "ROUNDING": ("suspense", "Afronding contant", "4410"),
    "DEPOSIT": ("deposit", "Aanbetaling", "1575"),
    "BPE": ("bpe", "Eigen gebruik", ""),
    "VOUCHER": ("suspense", "Reparatiebon", "1565"),
}
LEDGERS = (
    *("1000", "1010", "1020", "1090", "1300", "1500", "1510", "1520", "1560", "1565", "1570", "1575", "1580"),
    *("3000", "4400", "4410", "4510", "7000", "8000", "8010", "8020", "8030", "8040", "8100", "8200", "8300"),
)


def euros(text: str | int) -> Decimal:
    """An amount."""
    return Decimal(text).quantize(Decimal("0.01"))


def cents(number: int) -> Decimal:
    """Return an amount that is given in cents."""
    return Decimal(number).scaleb(-2)


def document(
    number: str,
    lines: str,
    vat: str,
    paid: str,
    *,
    kind: Kind = Kind.RECEIPT,
    relation: str = "",
    on: date = DAY,
    paid_on: date | None = None,
    method: str = "inclusive",
    vat_number: str = "",
    price_type: str = "",
) -> Record:
    """Return a document: lines as `group/code incl`, VAT as `code excl vat`, payments as `method amount`."""
    parts: list[Record] = []
    for place, (key, incl) in enumerate(_pairs(lines), start=1):
        group, _, code = key.partition("/")
        gross = euros(incl)
        net = gross if method == "shifted" else euros(str(round(gross * 100 / (100 + RATES[code]), 2)))
        values: dict[str, Value] = {"turnover_group": group, "vat_code": code, "amount_incl": gross, "amount_excl": net}
        parts.append(Record(Kind.LINE, str(place), {**values, "price_type": price_type}))
    vat_fields = vat.split()
    for place in range(0, len(vat_fields), 3):
        code, excl, tax = vat_fields[place : place + 3]
        parts.append(Record(Kind.VAT, f"vat:{place}", {"code": code, "excl": euros(excl), "vat": euros(tax)}))
    for place, (name, amount) in enumerate(_pairs(paid), start=1):
        values = {"method": name, "type": METHODS[name][0], "amount": euros(amount), "date": paid_on or on}
        parts.append(Record(Kind.PAYMENT, f"payment:{place}", values))
    if relation:
        customer = {"number": relation, "name": f"Klant {relation}", "vat_number": vat_number}
        parts.append(Record(Kind.RELATION, "customer", customer))
    values = {"number": number, "date": on, "vat_method": method, "relation": relation, "branch": "1"}
    return Record(kind, f"id-{number}", values, tuple(parts))


def _pairs(text: str) -> list[tuple[str, str]]:
    words = text.split()
    return list(zip(words[::2], words[1::2], strict=True))


DOCUMENTS = (
    document("1.1.2026.4100", "95/4 100.00", "4 100.00 0", "CASH 100.00"),
    document("1.1.2026.4101", "30/2 25.90 70/1 9.95", "2 21.40 4.50 1 9.13 0.82", "CASH 35.85"),
    document("1.1.2026.4102", "10/2 674.10 40/2 39.95", "2 590.12 123.93", "PIN 714.05"),
    document("1.1.2026.4103", "20/2 49.99 50/1 17.49", "2 41.31 8.68 1 16.05 1.44", "CASH 67.50 ROUNDING -0.02"),
    document("1.1.2026.4104", "20/2 85.45 40/2 23.70 70/1 21.38", "2 90.21 18.94 1 19.61 1.77", "PIN 130.53"),
    document("1.1.2026.4105", "20/2 -49.95", "2 -41.28 -8.67", "CASH -49.95"),
    document("1.1.2026.4106", "80/4 50.00", "4 50.00 0", "PIN 50.00"),
    document(
        "1.1.2026.4107",
        "40/2 119.00 20/2 64.50 70/1 12.50",
        "2 151.65 31.85 1 11.47 1.03",
        "GIFTCARD 35.00 CASH 61.00 PIN 100.00",
    ),
    document("1.1.2026.4108", "50/1 64.95 90/3 50.00", "1 59.59 5.36 3 50.00 0", "PIN 114.95"),
    document("1.1.2026.4109", "97/4 -14.50", "4 -14.50 0", "CASH -14.50"),
    document("1.2.2026.2201", "30/3 55.00", "3 55.00 0", "PIN 55.00"),
    document(
        "1.2.2026.2202", "30/2 184.73 50/1 95.00", "2 152.67 32.06 1 87.16 7.84", "INVOICE 279.73", relation="10007"
    ),
    document(
        "1.2.2026.2203",
        "30/2 23.31 70/1 4.75 90/3 -25.00",
        "2 19.26 4.05 1 4.36 0.39 3 -25.00 0",
        "CASH 3.05 ROUNDING 0.01",
    ),
    document("1.2.2026.2204", "50/1 72.50 96/4 2.50", "1 66.51 5.99 4 2.50 0", "PIN 75.00"),
    document("1.2.2026.2205", "40/2 29.95", "2 24.75 5.20", "PIN 29.95"),
    document(
        "2026.731", "10/2 544.50", "2 450.00 94.50", "PIN 544.50", kind=Kind.INVOICE, relation="10012",
        method="exclusive",
    ),
)  # fmt: skip

# The till's own answers, in cents: by group, by method, by VAT code.
JOURNAL = {
    "receipt": {
        "10": (67410, 55710), "20": (14999, 12396), "30": (28894, 24833), "40": (21260, 17570), "50": (24994, 22931),
        "70": (4858, 4457), "80": (5000, 5000), "90": (2500, 2500), "95": (10000, 10000), "96": (250, 250),
        "97": (-1450, -1450),
    },
    "invoice": {"10": (54450, 45000)},
}  # fmt: skip
FINANCIAL = (
    "receipt 10/2 67410 55710 11700", "receipt 20/2 14999 12396 2603", "receipt 30/2 23394 19333 4061",
    "receipt 30/3 5500 5500 0", "receipt 40/2 21260 17570 3690", "receipt 50/1 24994 22931 2063",
    "receipt 70/1 4858 4457 401", "receipt 80/4 5000 5000 0", "receipt 90/3 2500 2500 0",
    "receipt 95/4 10000 10000 0", "receipt 96/4 250 250 0", "receipt 97/4 -1450 -1450 0",
    "invoice 10/2 54450 45000 9450",
)  # fmt: skip
PAYMENTS = {
    "receipt": {"CASH": 20295, "PIN": 126948, "ROUNDING": -1, "GIFTCARD": 3500, "INVOICE": 27973},
    "invoice": {"PIN": 54450},
}
VAT = {
    "receipt": {"1": (27388, 2464), "2": (105009, 22054), "3": (8000, 0), "4": (13800, 0)},
    "invoice": {"2": (45000, 9450)},
}
COUNTS = (
    ("1", "2026.311", "1", 15000, 19990, 34955, 20000, -35, 14955),
    ("2", "2026.312", "1", 10000, 305, 10305, 0, 0, 10305),
)


def journal(sums: dict[str, dict[str, tuple[int, int]]]) -> list[Record]:
    """Return the parts of getJournals about sales."""
    return [
        _turnover("journal", source, group, "", incl, excl)
        for source, groups in sums.items()
        for group, (incl, excl) in groups.items()
    ]


def financial(rows: tuple[str, ...]) -> list[Record]:
    """The parts of getFinancialJournal."""
    records = []
    for row in rows:
        source, key, incl, excl, vat = row.split()
        group, _, code = key.partition("/")
        part = _turnover("financial", source, group, code, int(incl), int(excl))
        more: dict[str, Value] = {"vat_code": code, "vat_percent": RATES[code], "vat": cents(int(vat))}
        records.append(replace(part, values={**part.values, **more}))
    return records


def _turnover(book: str, source: str, group: str, code: str, incl: int, excl: int) -> Record:
    type_, name, account = GROUPS[group]
    values: dict[str, Value] = {
        "book": book, "source": source, "group": group, "name": name, "type": type_, "account": account,
        "incl": cents(incl), "excl": cents(excl),
    }  # fmt: skip
    return Record(Kind.TURNOVER, ":".join(filter(None, (book, source, group, code))), values)


def cost(row: str, *, accounts: str = "7000 3000") -> Record:
    """Return the till's cost of a group, from `source group/code cents`, with its account numbers."""
    source, key, amount = row.split()
    group, _, code = key.partition("/")
    account, _, stock = accounts.partition(" ")
    values: dict[str, Value] = {
        "book": "cost", "source": source, "group": group, "name": GROUPS[group][1], "vat_codes": (code,),
        "cost": cents(int(amount)), "account": account, "stock_account": stock,
    }  # fmt: skip
    return Record(Kind.TURNOVER, f"cost:{source}:{key}", values)


def payments(sums: dict[str, dict[str, int]]) -> list[Record]:
    """The parts of getJournals that say how it was paid."""
    return [
        Record(
            Kind.PAYMENT,
            f"{source}:{method}",
            {
                "source": source, "method": method, "type": METHODS[method][0], "name": METHODS[method][1],
                "account": METHODS[method][2], "amount": cents(amount),
            },
        )
        for source, methods in sums.items()
        for method, amount in methods.items()
    ]  # fmt: skip


def vat(sums: dict[str, dict[str, tuple[int, int]]]) -> list[Record]:
    """The VAT lists of getJournals."""
    return [
        Record(
            Kind.VAT,
            f"{source}:{code}",
            {"source": source, "code": code, "percent": RATES[code], "excl": cents(excl), "vat": cents(tax)},
        )
        for source, codes in sums.items()
        for code, (excl, tax) in codes.items()
    ]


def counts(rows: tuple[tuple[str, str, str, int, int, int, int, int, int], ...]) -> list[Record]:
    """The counts of the drawers."""
    names = ("start", "added", "counted", "deposited", "difference", "end")
    return [
        Record(
            Kind.COUNT,
            f"{workplace}/{number}/CASH",
            {
                "workplace": workplace, "number": number, "version": version, "finalized": True, "method": "CASH",
                "account": "1000", "difference_account": "4400", "deposit_account": "1090",
                **{name: cents(amount) for name, amount in zip(names, amounts, strict=True)},
            },
        )
        for workplace, number, version, *amounts in rows
    ]  # fmt: skip


def day_record(*parts: Record, **values: Value) -> Record:
    """The day as the till reports it, or a day with these parts."""
    day_parts = parts or (
        *journal(JOURNAL),
        *financial(FINANCIAL),
        *payments(PAYMENTS),
        *vat(VAT),
        *counts(COUNTS),
        *DOCUMENTS,
    )
    own: dict[str, Value] = {
        "date": DAY, "branch": "1", "branch_name": "De Ketting Utrecht", "closed": True, "reference": "run-1",
        "digest": "d1",
    }  # fmt: skip
    return Record(Kind.DAY, "2026-10-17/1", {**own, **values}, tuple(day_parts))


# How the example's bookkeeper books it.
BOOKS = DayBooks(
    accounts={"30/3": "8300"},
    till_accounts=True,
    vat_codes={"2": "1", "1": "2", "3": "3", "4": "4"},
    rates={"1": Decimal(21), "2": Decimal(9), "3": Decimal(0), "4": Decimal(0)},
    vat_accounts={"1": "1500", "2": "1510", "3": "1520", "4": "1520"},
    ledgers={account: f"Rekening {account}" for account in LEDGERS},
    ledger_rules={"1300": LedgerRules(is_collective=True)},
    vouchers={"GIFTCARD": Voucher(Purpose.MULTI)},
    collective_account="1300",
    debtor={"10007": "10007", "10012": "10012"}.get,  # type: ignore[arg-type]
    item=lambda record: {"1.2.2026.2202": "MP12262202", "2026.731": "MP26731"}.get(
        str(record.values["number"]), str(record.values["number"])
    ),
)


def missing(refused: DayRefusedError) -> tuple[MissingCode, ...]:
    """Return the codes without a row for which a day is refused."""
    assert isinstance(refused, MissingCodesError), refused.cause
    return refused.codes
