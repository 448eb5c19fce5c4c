"""Reads queries from URL parameters, and selects the rows that match them."""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from integration.sandbox.accountview.conventions import ColumnField, Conventions, Value
from integration.sandbox.accountview.dictionary import Definition
from integration.sandbox.accountview.tables import STAMP, Row, Table, normal

MAX_FILTERS: Final = 20
_CACHED: Final = 8


class Refusal(Exception):  # noqa: N818  # what AccountView says no to is not an error of the sandbox
    """AccountView refuses the request; the message is in Dutch."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class RowFilter:
    """One structured filter."""

    source: str
    operator: str
    type: str
    value: str
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class RowQuery:
    """Query of a GET request."""

    object: str
    fields: tuple[str, ...] = ()
    filters: tuple[RowFilter, ...] = ()
    match_any: bool = False
    sort: tuple[str, ...] = ()
    descending: bool = False
    page_size: int = 0
    page_number: int = 1
    last_key: str | None = None
    book_date: str = ""

    @classmethod
    def read(cls, parameters: Mapping[str, str], conventions: Conventions) -> "RowQuery":
        """Return the query in these parameters, whose names are in lower case."""
        if parameters.get("filter"):
            raise Refusal("De parameter Filter wordt niet ondersteund; gebruik FilterControlSource1.")
        size = _whole(parameters, "pagesize", 0) or conventions.page_size_default
        if conventions.larger_pages == "shortened":
            size = min(size, conventions.page_size_max)
        if not 0 < size <= conventions.page_size_max:
            raise Refusal(f"PageSize moet tussen 1 en {conventions.page_size_max} liggen.")
        return cls(
            object=parameters.get("businessobject", "").strip().upper(),
            fields=_names(parameters.get("fields", "")),
            filters=tuple(_filters(parameters)),
            match_any=_flag(parameters.get("matchanyfilter", "")),
            sort=_names(parameters.get("sortfields", "")),
            descending=_descending(parameters.get("sortorder", "")),
            page_size=size,
            page_number=max(_whole(parameters, "pagenumber", 1), 1),
            last_key=parameters.get("lastkey") or None,
            book_date=parameters.get("bookdate", ""),
        )

    def keys(self) -> tuple[str, ...]:
        """Return the keys that the query filters by, for ledger and switches."""
        return tuple(value for each in self.filters if each.type in {"C", "N"} for value in [each.value] if value)


class QueryReader:
    """Selects rows of a query. Caches the latest selections until their table changes."""

    def __init__(self, conventions: Conventions) -> None:
        self._conventions = conventions
        self._kept: OrderedDict[tuple[object, ...], list[str]] = OrderedDict()

    def page(self, table: Table, query: RowQuery, among: Callable[[Row], bool] | None = None) -> list[Row]:
        """Return one page of rows, optionally limited by `among`."""
        keys = self._selected(table, query)
        if among is not None:
            keys = [key for key in keys if among(table.rows[key])]
        start = (query.page_number - 1) * query.page_size
        if query.last_key is not None:
            start = self._after(table, keys, query.last_key)
        return [table.rows[key] for key in keys[start : start + query.page_size]]

    def _after(self, table: Table, keys: Sequence[str], last: str) -> int:
        if keys is table.order:
            return table.count_keys_to(_key(table, last))
        try:
            return keys.index(_key(table, last)) + 1
        except ValueError:
            raise Refusal(f"Sleutel {last} is niet gevonden.") from None

    def _selected(self, table: Table, query: RowQuery) -> list[str]:
        by_key = not query.sort or query.sort == (table.definition.key,)
        if not query.filters and by_key and not query.descending:
            return table.order
        asked = (id(table), table.version, query.filters, query.match_any, query.sort, query.descending)
        if asked in self._kept:
            self._kept.move_to_end(asked)
            return self._kept[asked]
        keys = self._sorted(table, self._filtered(table, query), query)
        self._kept[asked] = keys
        if len(self._kept) > _CACHED:
            self._kept.popitem(last=False)
        return keys

    def _sorted(self, table: Table, keys: list[str], query: RowQuery) -> list[str]:
        places = [(table.place(each.name), each) for each in _known(table.definition, query.sort)]
        for place, each in reversed(places):
            keys = sorted(keys, key=_order_by(table, place, each))
        return keys[::-1] if query.descending else keys

    def _filtered(self, table: Table, query: RowQuery) -> list[str]:
        tests = [self._test(table, each) for each in query.filters]
        if not tests:
            return table.order
        quick = self._quick(table, query.filters, any_of=query.match_any and len(tests) > 1)
        candidates = table.order if quick is None else quick
        if len(tests) == 1:
            return [key for key in candidates if tests[0](table.rows[key])]
        combine = any if query.match_any else all
        return [key for key in candidates if combine(test(table.rows[key]) for test in tests)]

    def _quick(self, table: Table, filters: Sequence[RowFilter], *, any_of: bool) -> list[str] | None:
        """Return the keys that exact text filters select from an index, or None if no such filter narrows the query."""
        if self._conventions.equal_is_prefix:
            return None
        fields = [(_field(table.definition, each.source), each) for each in filters]
        exact = [(field, each) for field, each in fields if each.operator == "equal" and field.type == "C"]
        if not exact or (any_of and len(exact) < len(filters)):
            return None
        found = (table.keys_with(table.place(field.name), self._wanted(each)) for field, each in exact)
        return sorted({key for keys in found for key in keys}) if any_of else next(found)

    def _wanted(self, each: RowFilter) -> list[str]:
        return each.value.split(self._conventions.list_separator) if each.is_list else [each.value]

    def _test(self, table: Table, each: RowFilter) -> Callable[[Row], bool]:
        field = _field(table.definition, each.source)
        place = table.place(field.name)
        if field.name in self._conventions.unfilterable:
            raise Refusal(f"Filteren op veld {field.name} is niet mogelijk.")
        if field.name in self._conventions.unmatched:
            return lambda _: False
        if each.type not in _filter_types(field):
            raise Refusal(f"FilterValueType {each.type} past niet bij veld {field.name}.")
        match each.operator:
            case "equal" | "notequal":
                same = self._same(field, each)
                expected = each.operator == "equal"
                return lambda row: same(row.values[place]) is expected
            case "contains" if field.type in "CM":
                part = self._folded(each.value)
                return lambda row: part in self._folded(_wide(row.values[place], field))
            case "dateonorafterdate" | "42" if field.is_moment:
                moment = moment_in(each.value)
                return lambda row: bool(row.values[place]) and str(row.values[place]) >= moment
            case "dateonorbeforedate" | "43" if field.is_moment:
                limit = _until(moment_in(each.value), each.value)
                return lambda row: bool(row.values[place]) and str(row.values[place]) <= limit
            case _:
                raise Refusal(f"Operator {each.operator} is niet mogelijk voor veld {field.name}.")

    def _same(self, field: ColumnField, each: RowFilter) -> Callable[[Value], bool]:
        if field.is_number:
            numbers = {_decimal(value) for value in self._wanted(each)}
            return lambda value: (value or Decimal(0)) in numbers
        if field.type == "L":
            wanted = {_flag(value) for value in self._wanted(each)}
            return lambda value: bool(value) in wanted
        if field.is_moment:
            moments = {moment_in(value) for value in self._wanted(each)}
            return lambda value: str(value or "") in moments
        texts = {self._folded(value).rstrip() for value in self._wanted(each)}
        if self._conventions.equal_is_prefix:
            return lambda value: self._folded(str(value or "")).startswith(tuple(texts))
        return lambda value: self._folded(str(value or "")).rstrip() in texts

    def _folded(self, text: str) -> str:
        return text.upper() if self._conventions.text_ignores_case else text


def answer_fields(definition: Definition, names: Sequence[str]) -> list[ColumnField]:
    """Return the fields of an answer: the named ones, or all."""
    if not names or "*" in names:
        return list(definition.fields.values())
    return list({each.name: each for each in _known(definition, names)}.values())


def moment_in(text: str) -> str:
    """Return the date or time of a FoxPro date literal as ISO text."""
    found = _LITERAL.fullmatch(text.strip())
    if not found:
        raise Refusal(f"{text} is geen geldige datum; schrijf {{^jjjj-mm-dd}} of {{^jjjj-mm-dd uu:mm:ss}}.")
    try:
        moment = datetime.fromisoformat(f"{found['day']}T{found['time'] or '00:00:00'}")
    except ValueError:
        raise Refusal(f"{text} is geen bestaande datum.") from None
    return moment.strftime(STAMP)


def check_book_date(text: str, conventions: Conventions) -> None:
    """Refuse a book date outside all fiscal years. A missing or empty date means the current year."""
    if not text or text.startswith("0001-"):
        return
    try:
        year = datetime.fromisoformat(text).year
    except ValueError:
        raise Refusal(f"BookDate {text} is geen geldige datum.") from None
    if not conventions.first_year <= year <= conventions.last_year:
        raise Refusal(f"Er is geen administratie met boekjaar {year}.")


_LITERAL: Final = re.compile(r"\{\^(?P<day>\d{4}-\d{2}-\d{2})(?:[ T](?P<time>\d{2}:\d{2}:\d{2}))?\}")


def _until(moment: str, written: str) -> str:
    """Return the end of a period; a date without a time means the whole day."""
    return moment if ":" in written else moment.replace("T00:00:00", "T23:59:59")


def _filters(parameters: Mapping[str, str]) -> list[RowFilter]:
    found = []
    for number in range(1, MAX_FILTERS + 1):
        source = parameters.get(f"filtercontrolsource{number}")
        if not source:
            continue
        found.append(
            RowFilter(
                source=source.strip(),
                operator=parameters.get(f"filteroperator{number}", "Equal").strip().lower(),
                type=_type(parameters.get(f"filtervaluetype{number}", "C")),
                value=parameters.get(f"filtervalue{number}", ""),
                is_list=_flag(parameters.get(f"filterislistofvalues{number}", "")),
            ),
        )
    return found


def _type(text: str) -> str:
    type_ = text.strip().upper()
    if type_ not in {"C", "N", "T", "D", "L"}:
        raise Refusal(f"FilterValueType {text} is onbekend.")
    return type_


def _known(definition: Definition, names: Sequence[str]) -> list[ColumnField]:
    return [_field(definition, name) for name in names]


def _field(definition: Definition, name: str) -> ColumnField:
    field = definition.find(name)
    if field is None:
        raise Refusal(f"Veld {name.upper()} bestaat niet in tabel {definition.name}.")
    return field


def _key(table: Table, written: str) -> str:
    return written.zfill(6) if table.definition.name == "DCT_FLD" else normal(written)


def _wide(value: Value, field: ColumnField) -> str:
    """Return text padded to the width of its field, as the database stores it."""
    return str(value or "").ljust(field.length if field.type == "C" else 0)


def _order_by(table: Table, place: int, field: ColumnField) -> Callable[[str], Any]:
    return lambda key: _sortable(table.rows[key].values[place], field)


def _sortable(value: Value, field: ColumnField) -> Decimal | str:
    if field.is_number:
        return value if isinstance(value, Decimal) else Decimal(0)
    return str(value or "").upper()


def _filter_types(field: ColumnField) -> str:
    if field.is_moment:
        return "DT"
    return "N" if field.is_number else "LC" if field.type == "L" else "C"


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip().upper() for name in text.split(",") if name.strip())


def _flag(text: str) -> bool:
    return text.strip().lower() in {"true", "1", ".t."}


def _descending(text: str) -> bool:
    match text.strip().lower():
        case "" | "ascending":
            return False
        case "descending":
            return True
        case _:
            raise Refusal(f"SortOrder {text} is onbekend.")


def _whole(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal():
        raise Refusal(f"{name} moet een getal zijn.")
    return int(text)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text.strip() or "0")
    except InvalidOperation:
        raise Refusal(f"{text} is geen getal.") from None
