"""A sheet as a plain value: what stands on it, in the words of its reader, and nothing of how it looks.

Text may come from outside. Whoever prints it shows every sign of it, and nothing of it is ever computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Tone(StrEnum):
    """What a verdict is like."""

    GOOD = "good"
    WAITING = "waiting"
    BAD = "bad"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Noted:
    """A text with something small beneath it."""

    text: str
    note: str = ""


# None leaves a cell empty. Decimals are amounts of money, and a text in their column says why there is none.
Cell = None | str | int | Decimal | date | Noted


class Holds(StrEnum):
    """What a column holds."""

    TEXT = "text"
    MONEY = "money"
    DIFFERENCE = "difference"  # money that should be nothing
    NUMBER = "number"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """One column: what stands above it, what it holds, and how wide it is beside the others."""

    title: str
    holds: Holds = Holds.TEXT
    width: float = 1.0


@dataclass(frozen=True, slots=True)
class SheetTable:
    """A table with its sums below; a narrow one may stand beside another one. `empty` is said where it has no rows."""

    title: str
    columns: Sequence[SheetColumn]
    rows: Sequence[Sequence[Cell]]
    sums: Sequence[Cell] = ()
    narrow: bool = False
    empty: str = ""


@dataclass(frozen=True, slots=True)
class SheetNotes:
    """Sentences under a title, such as each difference by its name."""

    title: str
    sentences: Sequence[str]
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands on a sheet, from top to bottom. `facts` are labels with their values."""

    kind: str  # what sort of sheet it is
    title: str
    subtitle: str
    verdict: str
    tone: Tone
    facts: Sequence[tuple[str, str]]
    parts: Sequence[SheetTable | SheetNotes]
    made: str  # when and by what, at the foot
    made_at: datetime
    language: str
