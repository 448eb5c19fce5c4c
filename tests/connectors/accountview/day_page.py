"""The worked-out day of one branch as a page, in each way that its VAT and its cash can be booked."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from integration.core.records import Kind, Record, Value

DAY = date(2026, 10, 17)
_LINES = (
    ("8000", "Fietsen bonnen", "-557.10", "1", "-117.00"),
    ("8010", "Kleding bonnen", "-123.96", "1", "-26.03"),
    ("8020", "Onderdelen bonnen", "-193.33", "1", "-40.61"),
    ("8030", "Accessoires bonnen", "-175.70", "1", "-36.90"),
    ("8040", "Diensten bonnen", "-229.31", "2", "-20.63"),
    ("8100", "Boeken en kaarten bonnen", "-44.57", "2", "-4.01"),
    ("8300", "Onderdelen bonnen", "-55.00", "3", "0.00"),
    ("1020", "Wisselgeld uit kluis", "-100.00", "", ""),
    ("1560", "Cadeaubonnen", "-50.00", "", ""),
    ("1570", "Statiegeld en borg", "-25.00", "", ""),
    ("1580", "Fooi", "-2.50", "", ""),
    ("4510", "Kleine uitgaven porti", "14.50", "", ""),
    ("1000", "Contant", "202.95", "", ""),
    ("1010", "Pin", "1269.48", "", ""),
    ("1300", "Op rekening 1.2.2026.2202", "279.73", "", ""),
    ("1560", "Cadeaubon ingewisseld", "35.00", "", ""),
    ("4410", "Afronding contant", "-0.01", "", ""),
    ("8000", "Fietsen facturen", "-450.00", "1", "-94.50"),
    ("1010", "Pin facturen", "544.50", "", ""),
    ("4400", "Kasverschil kassa 1", "0.35", "", ""),
    ("1000", "Kasverschil kassa 1", "-0.35", "", ""),
    ("1090", "Afstorting kassa 1", "200.00", "", ""),
    ("1000", "Afstorting kassa 1", "-200.00", "", ""),
)
LEDGER = {
    account: Decimal(amount)
    for account, amount in {
        "1000": "2.60", "1010": "1813.98", "1020": "-100.00", "1090": "200.00", "1300": "279.73",
        "1500": "-315.04", "1510": "-24.64", "1560": "-15.00", "1570": "-25.00", "1580": "-2.50",
        "4400": "0.35", "4410": "-0.01", "4510": "14.50", "8000": "-1007.10", "8010": "-123.96",
        "8020": "-193.33", "8030": "-175.70", "8040": "-229.31", "8100": "-44.57", "8300": "-55.00",
    }.items()
}  # fmt: skip
"""Postings of the page on each account, in every way of booking."""


VAT = {
    account: sum((Decimal(vat) for number, _, _, code, vat in _LINES if number == account and code), Decimal(0))
    for account in ("8000", "8010", "8020", "8030", "8040", "8100", "8300")
}
"""The VAT of each account of turnover."""


def a_day_page(mode: str = "L", **values: Value) -> Record:
    """The page with its VAT on the lines (L), within their amounts (G), or on lines (S); or in a cash daybook (K)."""
    complete: dict[str, Value] = {
        "reference": "MZ6101700100", "daybook": "100" if mode == "K" else "600", "date": DAY, "period": Decimal(10),
        "text": "Kassa 2026-10-17 De Ketting Utrecht", "currency": "EUR", "gross": mode == "G",
        "till_reference": "run-41f0", "concept": False, "digest": "3f9a", "branch": "1",
    }  # fmt: skip
    lines = [_line(*line) for line in _LINES]
    match mode:
        case "G":
            lines = [line | {"amount": _sum(line)} for line in lines]
        case "S":
            lines = _with_lines_of_vat(lines)
        case "K":
            lines = [_with_opposite_signs(line) for line in lines if line["account"] != "1000"]
    parts = tuple(Record(Kind.LINE, str(place), line) for place, line in enumerate(lines, start=1))
    return Record(Kind.DAY_PAGE, f"{DAY}/1", complete | values, parts)


def with_line(page: Record, place: int, **values: Value) -> Record:
    """The page with some values of one of its lines changed."""
    parts = tuple(
        replace(part, values={**part.values, **values}) if part.key == str(place) else part for part in page.parts
    )
    return replace(page, parts=parts)


def _line(account: str, text: str, amount: str, code: str, vat: str) -> dict[str, Value]:
    line: dict[str, Value] = {"account": account, "text": text, "amount": Decimal(amount)}
    if code:
        line |= {"vat_code": code, "vat": Decimal(vat)}
    if account == "1300":
        line |= {"debtor": "20007", "item": "MP12262202"}
    return line


def _sum(line: dict[str, Value]) -> Decimal:
    return sum((value for name in ("amount", "vat") if isinstance(value := line.get(name), Decimal)), Decimal(0))


def _with_lines_of_vat(lines: list[dict[str, Value]]) -> list[dict[str, Value]]:
    plain: list[dict[str, Value]] = [
        {name: value for name, value in line.items() if name not in ("vat_code", "vat")} for line in lines
    ]
    of_vat: list[dict[str, Value]] = [
        {"account": account, "text": "Btw", "amount": Decimal(amount), "vat_code": code, "vat_base": Decimal(base)}
        for account, amount, code, base in (
            ("1500", "-315.04", "1", "-1500.09"),
            ("1510", "-24.64", "2", "-273.88"),
        )
    ]
    return plain + of_vat


def _with_opposite_signs(line: dict[str, Value]) -> dict[str, Value]:
    return {name: -value if isinstance(value, Decimal) else value for name, value in line.items()}
