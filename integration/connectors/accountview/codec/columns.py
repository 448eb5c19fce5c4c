"""Columns as the data dictionary describes them, the values they hold, and the fields a mapping may use of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from integration.connectors.accountview.codec.values import (
    OTHER_PLACES,
    PRICE_PLACES,
    Row,
    by_its_look,
    day,
    flag,
    number,
    text,
)
from integration.core.records import Field, FieldType, Kind, Value

_TYPES = {
    "C": FieldType.TEXT,
    "M": FieldType.TEXT,
    "N": FieldType.NUMBER,
    "B": FieldType.NUMBER,
    "I": FieldType.NUMBER,
    "Y": FieldType.MONEY,
    "L": FieldType.FLAG,
    "D": FieldType.DATE,
    "T": FieldType.DATE,
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column as the data dictionary describes it. `type` is the dictionary's letter."""

    name: str
    caption: str
    type: str
    length: int | None = None
    upper: bool = False
    custom: bool = False
    required: bool = False
    blocked: bool = False  # not to be written from outside


def decode_column(row: Row) -> Column:
    """Return one row of the data dictionary."""
    length = number(row.get("FIELD_LEN"), 0)
    name = (text(row.get("FIELD_NAME")) or "").upper()
    return Column(
        name=name,
        caption=text(row.get("FLD_DESC")) or name,
        type=(text(row.get("FIELD_TYPE")) or "C").upper()[:1],
        length=int(length) if length else None,
        upper="!" in (text(row.get("FLD_FMT")) or ""),
        custom=flag(row.get("REC_CUST")),
        required=flag(row.get("INP_MAND")),
        blocked=flag(row.get("COM_BLK")),
    )


def value_of(column: Column, value: object) -> Value:
    """Return a value by the type the dictionary gives its column."""
    match column.type:
        case "Y":
            return number(value, PRICE_PLACES)
        case "N" | "B" | "I":
            return by_its_look(value) if isinstance(value, int | Decimal) else number(value, OTHER_PLACES)
        case "L":
            return flag(value)
        case "D" | "T":
            return day(value)
        case _:
            return text(value)


def offered_fields(kind: Kind, columns: Sequence[Column], names: Mapping[str, str]) -> list[Field]:
    """Return what a mapping may use of a kind: our own names first, then every other column."""
    by_name = {column.name: column for column in columns}
    ours = [_field(kind, name, by_name[column]) for name, column in names.items() if column in by_name]
    meant = set(names.values())
    return ours + [_field(kind, column.name, column) for column in columns if column.name not in meant]


def _field(kind: Kind, name: str, column: Column) -> Field:
    guess = FieldType.CODE if column.type == "C" and column.upper else _TYPES.get(column.type, FieldType.TEXT)
    kind_of = FieldType.MONEY if name == "price" else FieldType.CODE if name in {"code", "group", "vat_code"} else guess
    return Field(
        name=name,
        caption=column.caption,
        type=kind_of,
        kind=kind,
        length=column.length if column.type == "C" else None,
        wire=column.name,
        custom=column.custom,
    )
