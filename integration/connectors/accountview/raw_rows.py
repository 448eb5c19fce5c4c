"""Splits an answer into raw rows of which only the keys are parsed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from integration.connectors.accountview.answers import in_capitals, lookup_name, parse_json, unreadable_answer
from integration.connectors.accountview.codec import Row, key_text, text_or_none
from integration.connectors.accountview.settings import BusinessObject


class _Name:
    """A name in an answer. Instances are never equal, so that a name that occurs twice stays in the dict twice."""

    def __init__(self, text: str) -> None:
        self.text = text


_TABLES = msgspec.json.Decoder(dict[_Name, list[msgspec.Raw]], dec_hook=lambda _, text: _Name(text))
_COLUMNS = msgspec.json.Decoder(dict[_Name, msgspec.Raw], dec_hook=lambda _, text: _Name(text))


@dataclass(frozen=True, slots=True)
class RawRow:
    """A raw row with its key. `content` leaves out the number that is only valid in one answer."""

    key: str
    content: bytes
    _row: bytes | Row

    def row(self, operation: str) -> Row:
        """Return the parsed row. Raises MalformedAnswerError if it cannot be parsed."""
        if not isinstance(self._row, bytes):
            return self._row
        try:
            shape = parse_json(self._row)
        except ValueError:
            shape = None
        if not isinstance(shape, dict):
            raise unreadable_answer(operation)
        return in_capitals(shape)


def split_rows(body: bytes, of: BusinessObject, key: str) -> list[RawRow] | None:
    """Return the rows of an answer with a single table whose rows all name the key once, in the same way.

    None for any other answer, which must be parsed completely.
    """
    try:
        ((table, rows),) = _TABLES.decode(body).items()
        names = [name.text for name in _COLUMNS.decode(rows[0])]
        (column,) = [name for name in names if lookup_name(name) == key.upper()]
        name = b'"%b"' % key.lower().encode()
        if any(row.lower().replace(b".", b"_").count(name) != 1 for row in map(bytes, rows)):
            return None
        keys = [text_or_none(_key_decoder(column).decode(row).key) or "" for row in rows]
    except (ValueError, LookupError, RecursionError, MemoryError):
        return None
    if table.text.upper() != of.table.upper():
        return None
    raw = [bytes(row) for row in rows]
    return [RawRow(*parts) for parts in zip(keys, _without_numbers(raw, names, of), raw, strict=True)]


def raw_rows_of(rows: Sequence[Row], key: str) -> list[RawRow]:
    """Return parsed rows as raw rows."""
    return [RawRow(key_text(row.get(key)), repr(row).encode(), row) for row in rows]


def _without_numbers(rows: Sequence[bytes], names: Sequence[str], of: BusinessObject) -> Sequence[bytes]:
    local = f"{of.table}_ID"
    if local.upper() not in map(str.upper, names):
        return rows
    number = re.compile(rb'"%b"\s*:\s*("[^"\\]*"|[^",}]*)' % re.escape(local).encode(), re.IGNORECASE)
    return [number.sub(b"", row) for row in rows]


@lru_cache(maxsize=64)
def _key_decoder(column: str) -> msgspec.json.Decoder[Any]:
    """Return a decoder that parses only the key of a row, if it is a text."""
    return msgspec.json.Decoder(msgspec.defstruct("Keyed", [("key", str)], rename={"key": column}))
