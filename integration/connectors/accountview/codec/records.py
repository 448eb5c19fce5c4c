"""Rows as records: which columns feed which of our names, and what is left over."""

from collections.abc import Callable, Mapping
from functools import partial

from integration.connectors.accountview.codec.values import PRICE_PLACES, Row, by_its_look, day, flag, number, text
from integration.core.records import Kind, Record, Value

STOCK = frozenset({"stock", "stock_technical", "stock_free", "stock_reserved", "stock_ordered"})
_NUMBERS = frozenset({"price"}) | STOCK
_FLAGS = frozenset({"blocked"})
_DATES = frozenset({"changed"})


def decoder(kind: Kind, names: Mapping[str, str]) -> Callable[[Row], Record | None]:
    """Return what makes records of rows, made ready for many; it returns None for a row without a code.

    Columns with a meaning stand under our names, every other one under its own: an operator can map them all.
    """
    known = [(name, column, _reader(name)) for name, column in names.items()]
    untold = {column for name, column in names.items() if name in STOCK}  # a quantity that nobody tells is not none
    meant = frozenset(names.values())

    def decode(row: Row) -> Record | None:
        key = text(row.get(names["code"]))
        if key is None:
            return None
        values = {name: read(row.get(column)) for name, column, read in known if column in row or column not in untold}
        values |= {column: by_its_look(value) for column, value in row.items() if column not in meant}
        return Record(kind, key, values)

    return decode


def others(row: Row, names: Mapping[str, str]) -> dict[str, Value]:
    """Return what stands in the columns without a meaning of ours, under their own names."""
    meant = set(names.values())
    return {column: by_its_look(value) for column, value in row.items() if column not in meant}


def _reader(name: str) -> Callable[[object], Value]:
    if name in _NUMBERS:
        return partial(number, places=PRICE_PLACES)
    if name in _FLAGS:
        return flag
    return day if name in _DATES else text
