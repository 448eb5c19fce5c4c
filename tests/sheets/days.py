"""A sheet of a day as the console would make one, with everything that a sheet can hold."""

from datetime import UTC, date, datetime
from decimal import Decimal

from integration.sheets.sheet import Cell, Holds, Noted, Sheet, SheetColumn, SheetNotes, SheetTable, Tone

MONEY, OFF = Holds.MONEY, Holds.DIFFERENCE
FIGURES = (SheetColumn("Kassa", MONEY, 1.1), SheetColumn("Boeken", MONEY, 1.1), SheetColumn("Verschil", OFF))
DATED = (SheetColumn("Datum", Holds.DATE), SheetColumn("Bedrag", MONEY))
TELLING = (
    SheetColumn("Kassa"),
    SheetColumn("Geteld", MONEY),
    SheetColumn("Verschil", OFF),
    SheetColumn("Gestort", MONEY),
)
COUNTS = [
    ("1", Decimal("349.55"), Decimal("-0.35"), Decimal("200.00")), ("2", Decimal("103.05"), Decimal(0), Decimal(0)),
]  # fmt: skip
LINES = (
    ("8000", "Fietsen bonnen", "-557.10", "-117.00"), ("8010", "Kleding bonnen", "-123.96", "-26.03"),
    ("8020", "Onderdelen bonnen", "-193.33", "-40.61"), ("8030", "Accessoires bonnen", "-175.70", "-36.90"),
    ("8040", "Diensten bonnen", "-229.31", "-20.63"), ("8100", "Boeken en kaarten bonnen", "-44.57", "-4.01"),
    ("8300", "Onderdelen bonnen", "-55.00", "0"), ("1020", "Wisselgeld uit kluis", "-100.00", "0"),
    ("1560", "Cadeaubonnen", "-50.00", "0"), ("1570", "Statiegeld en borg", "-25.00", "0"),
    ("1580", "Fooi", "-2.50", "0"), ("4510", "Kleine uitgaven porti", "14.50", "0"), ("1000", "Contant", "202.95", "0"),
    ("1010", "Pin", "1269.48", "0"), ("1300", "Op rekening 1.2.2026.2202", "279.73", "0"),
    ("1560", "Cadeaubon ingewisseld", "35.00", "0"), ("4410", "Afronding contant", "-0.01", "0"),
    ("8000", "Fietsen facturen", "-450.00", "-94.50"), ("1010", "Pin facturen", "544.50", "0"),
    ("4400", "Kasverschil kassa 1", "0.35", "0"), ("1000", "Kasverschil kassa 1", "-0.35", "0"),
    ("1090", "Afstorting kassa 1", "200.00", "0"), ("1000", "Afstorting kassa 1", "-200.00", "0"),
)  # fmt: skip
"""Account, text, amount and VAT of a page: it adds up to nothing."""


def _line(place: int, account: str, text: str, amount: str, vat: str) -> tuple[Cell, ...]:
    moved = Decimal(amount) + Decimal(vat)
    behind = "1.1.2026.4101, 1.1.2026.4102, 1.1.2026.4103, 1.1.2026.4104, 1.1.2026.4105, 1.1.2026.4107, 1.2.2026.2203"
    debit, credit = (moved, None) if moved > 0 else (None, -moved)
    return place, account, Noted(text, behind if place < 7 else ""), Decimal(vat) or None, debit, credit


def a_sheet(language: str = "nl", *, lines: int = len(LINES), tone: Tone = Tone.BAD) -> Sheet:
    """Return the sheet of the 17th of October."""
    sums: dict[str, Decimal] = {}
    for account, _, moved, taxed in LINES:
        sums[account] = sums.get(account, Decimal(0)) + Decimal(moved)
        sums["1500"] = sums.get("1500", Decimal(0)) + Decimal(taxed)
    off = {"8030": Decimal("175.70"), "8010": Decimal("-175.70")}
    accounts = [
        (account, "", amount, amount + off.get(account, Decimal(0)), off.get(account, Decimal(0)))
        for account, amount in sorted(sums.items())
    ]
    vat = [
        ("1", "21 %", Decimal("1500.09"), Decimal("315.04"), Decimal("0.00")),
        ("2", "9 %", Decimal("273.88"), Decimal("24.64"), Decimal("0.00")),
        ("3", "0 %", Decimal("55.00"), Decimal("0.00"), Decimal("0.00")),
    ]
    methods = [
        (name, Decimal(amount), Decimal(amount), Decimal(0))
        for name, amount in (
            ("Contant", "202.95"),
            ("Pin", "1813.98"),
            ("Cadeaubon", "35.00"),
            ("Op rekening", "279.73"),
        )
    ] + [("Afronding", Decimal("-0.01"), "onbekend", None)]
    page = [_line(place + 1, *LINES[place % len(LINES)]) for place in range(lines)]
    return Sheet(
        kind="Dagstaat",
        title="zaterdag 17 oktober 2026",
        subtitle="De Ketting Utrecht (filiaal 1)",
        verdict="Verschilt" if tone is Tone.BAD else "Gelijk",
        tone=tone,
        facts=(
            ("Bladzijde", "600/2600412"), ("Referentie", "MZ6101700100"), ("Administratie", "De Ketting BV"),
            ("Gecontroleerd", "18 okt. 2026, 03:47"),
        ),
        parts=(
            SheetNotes(
                "Verschillen",
                (
                    "Bladzijde 600/2600412 regel 4: rekening 8030 werd 8010, door JANSEN op 18-10-2026.",
                    "Kassabon 1.2.2026.2207 van € 18,15 kwam later. " + "Ze staat in de kassa op deze datum. " * 3,
                ),
                Tone.BAD,
            ),
            SheetTable(
                "Btw",
                (SheetColumn("Code", width=0.7), SheetColumn("Tarief", width=0.7), SheetColumn("Grondslag", MONEY, 1.2),
                SheetColumn("Btw", MONEY), SheetColumn("Verschil", OFF)), vat, narrow=True,
            ),
            SheetTable(
                "Grootboek", (SheetColumn("Rekening", width=0.9), SheetColumn("", width=0.2), *FIGURES), accounts,
                narrow=True,
            ),
            SheetTable("Betaalwijzen", (SheetColumn("Betaalwijze", width=1.4), *FIGURES), methods, narrow=True),
            SheetTable(
                "Tellingen", TELLING,
                COUNTS,
                narrow=True,
            ),
            SheetTable(
                "Bladzijde 600/2600412",
                (SheetColumn("#", Holds.NUMBER, 0.4), SheetColumn("Rekening", width=0.8),
                 SheetColumn("Omschrijving", width=4.2),
                 SheetColumn("Btw", MONEY), SheetColumn("Debet", MONEY), SheetColumn("Credit", MONEY)),
                page, sums=(None, None, "Totaal", None, Decimal("2546.51"), Decimal("2546.51")),
            ),
            SheetTable("Zonder regels", DATED, [], empty="Niets te boeken."),
            SheetTable("Dagen", DATED, [(date(2026, 10, 17), Decimal("1.20"))]),
        ),
        footer="gemaakt op 18 oktober 2026 om 03:47",
        created_at=datetime(2026, 10, 18, 1, 47, tzinfo=UTC),
        language=language,
    )  # fmt: skip
