"""A sheet as a plain value: its contents in the reader's language, without layout.

Text may come from outside. Printing must show every character of it, and must never evaluate it as a formula.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Tone(StrEnum):
    """Tone of a verdict."""

    GOOD = "good"
    WAITING = "waiting"
    BAD = "bad"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Noted:
    """A text with a small note."""

    text: str
    note: str = ""


# None is an empty cell. Decimals are amounts of money; a text in their column is the reason why there is none.
Cell = None | str | int | Decimal | date | Noted


class Holds(StrEnum):
    """Type of the values of a column."""

    TEXT = "text"
    MONEY = "money"
    DIFFERENCE = "difference"  # an amount that should be zero
    LEDGER = "ledger"  # an amount on a ledger account; debit is positive
    NUMBER = "number"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """One column: its heading, the type of its values, and its relative width."""

    title: str
    holds: Holds = Holds.TEXT
    width: float = 1.0


@dataclass(frozen=True, slots=True)
class SheetTable:
    """A table with sums below it. Narrow tables may be side by side. `empty` is shown if there are no rows."""

    title: str
    columns: Sequence[SheetColumn]
    rows: Sequence[Sequence[Cell]]
    sums: Sequence[Cell] = ()
    narrow: bool = False
    empty: str = ""


@dataclass(frozen=True, slots=True)
class SheetNotes:
    """Sentences under a title, for example one per difference."""

    title: str
    sentences: Sequence[str]
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Sheet:
    """Contents of a sheet from top to bottom. `facts` are labels with their values."""

    kind: str  # type of sheet
    title: str
    subtitle: str
    verdict: str
    tone: Tone
    facts: Sequence[tuple[str, str]]
    parts: Sequence[SheetTable | SheetNotes]
    footer: str  # time and program, for the footer
    created_at: datetime
    language: str
