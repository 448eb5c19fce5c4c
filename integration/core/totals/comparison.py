"""What was sold beside what is booked, per VAT code of the till, as a planned document carries it to be seen."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from integration.core.records import Kind, Record, Value
from integration.core.totals.vat import NOTHING, VatSum

_NAMES = ("sold_excl", "sold_vat", "booked_excl", "booked_vat")
_EARLIER = "sold_vat:"
"""How the names of amounts began, with the VAT code after it, before there was a part for each code."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One VAT code of the till: what was sold, and what is booked of it where that can be told apart."""

    code: str
    sold: VatSum
    booked: VatSum | None = None


def as_parts(compared: Iterable[Compared]) -> tuple[Record, ...]:
    """Return the parts of a document that carry this; nothing of it is written."""
    return tuple(Record(Kind.VAT, f"vat:{place}", _values(one)) for place, one in enumerate(compared, start=1))


def compared_in(document: Record) -> tuple[Compared, ...]:
    """Return what a document carries, also one that an earlier version kept."""
    carried = tuple(_compared(part.values) for part in document.parts if part.kind is Kind.VAT)
    return carried or tuple(_earlier(document.values))


def without_sums(document: Record) -> Record:
    """Return a document without what it carries for this: its own values and its lines."""
    parts = tuple(part for part in document.parts if part.kind is not Kind.VAT)
    return Record(document.kind, document.key, document.values, parts, document.source)


def _values(one: Compared) -> dict[str, Value]:
    sums = (one.sold, one.booked) if one.booked is not None else (one.sold,)
    amounts = [amount for each in sums for amount in (each.excl, each.vat)]
    return {"code": one.code, **dict(zip(_NAMES, amounts, strict=False))}


def _compared(values: Mapping[str, Value]) -> Compared:
    excl, vat, *there = (values.get(name) for name in _NAMES)
    return Compared(str(values.get("code", "")), _sum(excl, vat), None if None in there else _sum(*there))


def _earlier(values: Mapping[str, Value]) -> Iterator[Compared]:
    for code in [name.removeprefix(_EARLIER) for name in values if name.startswith(_EARLIER)]:
        yield _compared({"code": code} | {name: values.get(f"{name}:{code}") for name in _NAMES})


def _sum(excl: Value, vat: Value) -> VatSum:
    return VatSum(*(each if isinstance(each, Decimal) else NOTHING for each in (excl, vat)))
