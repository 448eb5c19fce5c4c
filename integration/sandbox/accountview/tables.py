"""Rows of one administration: stored by key, found by index, and cached as JSON."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from integration.sandbox.accountview.conventions import ColumnField, Conventions, Value, encoder
from integration.sandbox.accountview.dictionary import Definition

_SECOND: Final = timedelta(seconds=1)
STAMP: Final = "%Y-%m-%dT%H:%M:%S"


class Row:
    """One row: its values in the order of the fields, and its cached JSON."""

    __slots__ = ("ext_key", "key", "projection", "text", "values")

    def __init__(self, key: str, ext_key: int, values: list[Value]) -> None:
        self.key = key
        self.ext_key = ext_key
        self.values = values
        self.projection: object = None
        self.text = ""


class Projection:
    """Selected fields of a table, ready to write rows as JSON. A row caches the text of its latest projection."""

    def __init__(
        self,
        definition: Definition,
        fields: Sequence[ColumnField],
        conventions: Conventions,
        id_of: str = "",
    ) -> None:
        places = {name: place for place, name in enumerate(definition.fields)}
        self._columns = [
            (f'"{_label(field)}":', places[field.name], encoder(field.type), _width(field, conventions))
            for field in fields
        ]
        self._id = f',"{id_of}_Id":' if id_of else ""
        self._has_key = conventions.dictionary_keys or not definition.name.startswith("DCT_")

    def write(self, row: Row, number: int) -> str:
        """Return the JSON of a row; `number` is the position of its header in the answer."""
        if row.projection is not self:
            row.text = self._text(row)
            row.projection = self
        return f"{{{row.text}{self._id}{number}}}" if self._id else f"{{{row.text}}}"

    def _text(self, row: Row) -> str:
        values = row.values
        members = [
            label + encode(_padded(values[place], width) if width else values[place])
            for label, place, encode, width in self._columns
        ]
        if self._has_key:
            members.append(f'"EXT_KEY":{row.ext_key}')
        return ",".join(members)


class Table:
    """All rows of one table. The caller holds the lock of the server."""

    def __init__(self, definition: Definition, first_ext_key: int = 1) -> None:
        self.definition = definition
        self.rows: dict[str, Row] = {}
        self.order: list[str] = []
        self.children: dict[str, list[Row]] = {}
        self.version = 0
        self.serial = 0
        self._places = {name: place for place, name in enumerate(definition.fields)}
        self._conventional_places = self._places | {
            name: self._places[local_name] for name, local_name in definition.names.items()
        }
        self._indexes: dict[int, dict[str, list[str]]] = {}
        self._latest_stamp = ""
        self._ext_key = first_ext_key

    def place(self, name: str) -> int:
        """Return the position of a field in a row."""
        return self._conventional_places[name]

    def value(self, row: Row, name: str) -> Value:
        """Return one value of a row, by the conventional name of its field."""
        return row.values[self.place(name)]

    def get(self, key: str) -> Row | None:
        """Return the row with this key, in any letter case, or None."""
        return self.rows.get(normal(key))

    def load(self, rows: Iterable[Mapping[str, Value]]) -> None:
        """Fill an empty table at once, with values by conventional name."""
        for values in rows:
            self._store_row(self.row(values))
        self.order = sorted(self.rows)
        self.version += 1

    def row(self, values: Mapping[str, Value]) -> Row:
        """Return a new row, which is not in the table yet."""
        row_values: list[Value] = [None] * len(self._places)
        for name, value in values.items():
            row_values[self._conventional_places[name]] = value
        self._ext_key += 1
        key = row_values[self._places[self.definition.key]]
        return Row(str(key).zfill(6) if isinstance(key, Decimal) else normal(str(key)), self._ext_key, row_values)

    def add(self, row: Row) -> None:
        """Add a new row that already has its stamp."""
        self._store_row(row)
        insort(self.order, row.key)
        for place, index in self._indexes.items():
            _add_to_index(index, row, place)
        self.version += 1

    def change(self, row: Row, values: Mapping[str, Value], moment: datetime) -> None:
        """Change values of a row, by conventional name, and give it a later stamp."""
        for name, value in values.items():
            self._set_value(row, self.place(name), value)
        self.stamp(row, moment, created=False)
        row.projection = None
        self.version += 1

    def note(self, row: Row, values: Mapping[str, Value]) -> None:
        """Change values of a row as part of a change that is already stamped."""
        for name, value in values.items():
            self._set_value(row, self.place(name), value)
        row.projection = None
        self.version += 1

    def copy_with_values(self, row: Row, values: Mapping[str, Value]) -> Row:
        """Return a copy of a row with some other values, outside the table."""
        copy = Row(row.key, row.ext_key, list(row.values))
        for name, value in values.items():
            copy.values[self.place(name)] = value
        return copy

    def remove(self, row: Row) -> None:
        del self.rows[row.key]
        del self.order[bisect_left(self.order, row.key)]
        for place, index in self._indexes.items():
            _remove_from_index(index, row, place)
        if self.definition.parent_key:
            self.children[self._parent(row)].remove(row)
        self.version += 1

    def count_keys_to(self, key: str) -> int:
        """Return the number of keys up to and including this one."""
        return bisect_right(self.order, normal(key))

    def keys_with(self, place: int, texts: Iterable[str]) -> list[str]:
        """Return the sorted keys of rows with one of these texts in a field, in any letter case."""
        if place == self._places[self.definition.key]:
            return sorted({normal(text) for text in texts} & self.rows.keys())
        index = self._indexes.get(place)
        if index is None:
            index = self._indexes[place] = {}
            for key in self.order:
                _add_to_index(index, self.rows[key], place)
        return sorted({key for text in texts for key in index.get(normal(text), ())})

    def plain(self, row: Row) -> dict[str, object]:
        """Return a row for the control address: filled fields only, numbers as text."""
        filled: dict[str, object] = {
            name: value if isinstance(value, str | bool) else str(value)
            for name, value in zip(self._places, row.values, strict=True)
            if value not in {None, ""}
        }
        return {**filled, "EXT_KEY": row.ext_key}

    def _store_row(self, row: Row) -> None:
        self.rows[row.key] = row
        if self.definition.parent_key:
            self.children.setdefault(self._parent(row), []).append(row)

    def _parent(self, row: Row) -> str:
        return normal(str(row.values[self._places[self.definition.parent_key]]))

    def _set_value(self, row: Row, place: int, value: Value) -> None:
        index = self._indexes.get(place)
        if index is not None:
            _remove_from_index(index, row, place)
        row.values[place] = value
        if index is not None:
            _add_to_index(index, row, place)

    def stamp(self, row: Row, moment: datetime, *, created: bool) -> None:
        """Set the change stamp of a row.

        It has seconds, never decreases within a table, and differs after every change of a row.
        """
        names = self.definition.fields
        changed, number, entered = (self.definition.local_name(name) for name in ("CNG_DATE", "CNG_NR", "INP_DATE"))
        stamp = max(moment.strftime(STAMP), self._latest_stamp)
        if changed in names:
            old = row.values[self._places[changed]]
            if isinstance(old, str) and old >= stamp:
                stamp = (datetime.strptime(old, STAMP) + _SECOND).strftime(STAMP)  # noqa: DTZ007  # AccountView's own time
            self._set_value(row, self._places[changed], stamp)
        if number in names:
            count = row.values[self._places[number]]
            row.values[self._places[number]] = count + 1 if isinstance(count, Decimal) else Decimal(1)
        if created and entered in names:
            row.values[self._places[entered]] = stamp
        self._latest_stamp = stamp


def normal(key: str) -> str:
    """Return a key in the form for comparison: without trailing blanks, in upper case."""
    return key.rstrip().upper()


def _add_to_index(index: dict[str, list[str]], row: Row, place: int) -> None:
    index.setdefault(normal(str(row.values[place] or "")), []).append(row.key)


def _remove_from_index(index: dict[str, list[str]], row: Row, place: int) -> None:
    index[normal(str(row.values[place] or ""))].remove(row.key)


def _label(field: ColumnField) -> str:
    return "DCT_FLD_Id" if field.name == "DCT_FLD_ID" else field.name


def _width(field: ColumnField, conventions: Conventions) -> int:
    return field.length if conventions.padded_text and field.type == "C" else 0


def _padded(value: Value, width: int) -> Value:
    return value.ljust(width) if isinstance(value, str) else value
