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
        size = _integer_parameter(parameters, "pagesize", 0) or conventions.page_size_default
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
            page_number=max(_integer_parameter(parameters, "pagenumber", 1), 1),
            last_key=parameters.get("lastkey") or None,
            book_date=parameters.get("bookdate", ""),
        )

    def keys(self) -> tuple[str, ...]:
        """Return the keys that the query filters by, for ledger and switches."""
        return tuple(
            value
            for row_filter in self.filters
            if row_filter.type in {"C", "N"}
            for value in [row_filter.value]
            if value
        )


class QueryReader:
    """Selects rows of a query. Caches the latest selections until their table changes."""

    def __init__(self, conventions: Conventions) -> None:
        self._conventions = conventions
        self._selection_cache: OrderedDict[tuple[object, ...], list[str]] = OrderedDict()

    def page(self, table: Table, query: RowQuery, among: Callable[[Row], bool] | None = None) -> list[Row]:
        """Return one page of rows, optionally limited by `among`."""
        keys = self._selected_keys(table, query)
        if among is not None:
            keys = [key for key in keys if among(table.rows[key])]
        start = (query.page_number - 1) * query.page_size
        if query.last_key is not None:
            start = self._position_after(table, keys, query.last_key)
        return [table.rows[key] for key in keys[start : start + query.page_size]]

    def _position_after(self, table: Table, keys: Sequence[str], last: str) -> int:
        if keys is table.order:
            return table.count_keys_to(_key(table, last))
        try:
            return keys.index(_key(table, last)) + 1
        except ValueError:
            raise Refusal(f"Sleutel {last} is niet gevonden.") from None

    def _selected_keys(self, table: Table, query: RowQuery) -> list[str]:
        by_key = not query.sort or query.sort == (table.definition.key,)
        if not query.filters and by_key and not query.descending:
            return table.order
        cache_key = (id(table), table.version, query.filters, query.match_any, query.sort, query.descending)
        if cache_key in self._selection_cache:
            self._selection_cache.move_to_end(cache_key)
            return self._selection_cache[cache_key]
        keys = self._sort_keys(table, self._filter_keys(table, query), query)
        self._selection_cache[cache_key] = keys
        if len(self._selection_cache) > _CACHED:
            self._selection_cache.popitem(last=False)
        return keys

    def _sort_keys(self, table: Table, keys: list[str], query: RowQuery) -> list[str]:
        places = [(table.place(field.name), field) for field in _find_fields(table.definition, query.sort)]
        for place, field in reversed(places):
            keys = sorted(keys, key=_order_by(table, place, field))
        return keys[::-1] if query.descending else keys

    def _filter_keys(self, table: Table, query: RowQuery) -> list[str]:
        tests = [self._test(table, row_filter) for row_filter in query.filters]
        if not tests:
            return table.order
        quick = self._indexed_keys(table, query.filters, any_of=query.match_any and len(tests) > 1)
        candidates = table.order if quick is None else quick
        if len(tests) == 1:
            return [key for key in candidates if tests[0](table.rows[key])]
        combine = any if query.match_any else all
        return [key for key in candidates if combine(test(table.rows[key]) for test in tests)]

    def _indexed_keys(self, table: Table, filters: Sequence[RowFilter], *, any_of: bool) -> list[str] | None:
        """Return the keys that exact text filters select from an index, or None if no such filter narrows the query."""
        if self._conventions.equal_is_prefix:
            return None
        fields = [(require_field(table.definition, row_filter.source), row_filter) for row_filter in filters]
        exact = [
            (field, row_filter) for field, row_filter in fields if row_filter.operator == "equal" and field.type == "C"
        ]
        if not exact or (any_of and len(exact) < len(filters)):
            return None
        key_lists = (
            table.keys_with(table.place(field.name), self._filter_values(row_filter)) for field, row_filter in exact
        )
        return sorted({key for keys in key_lists for key in keys}) if any_of else next(key_lists)

    def _filter_values(self, row_filter: RowFilter) -> list[str]:
        return row_filter.value.split(self._conventions.list_separator) if row_filter.is_list else [row_filter.value]

    def _test(self, table: Table, row_filter: RowFilter) -> Callable[[Row], bool]:
        field = require_field(table.definition, row_filter.source)
        place = table.place(field.name)
        if field.name in self._conventions.unfilterable:
            raise Refusal(f"Filteren op veld {field.name} is niet mogelijk.")
        if field.name in self._conventions.unmatched:
            return lambda _: False
        if row_filter.type not in _filter_types(field):
            raise Refusal(f"FilterValueType {row_filter.type} past niet bij veld {field.name}.")
        match row_filter.operator:
            case "equal" | "notequal":
                same = self._equality_test(field, row_filter)
                expected = row_filter.operator == "equal"
                return lambda row: same(row.values[place]) is expected
            case "contains" if field.type in "CM":
                part = self._fold_case(row_filter.value)
                return lambda row: part in self._fold_case(_padded_text(row.values[place], field))
            case "dateonorafterdate" | "42" if field.is_moment:
                moment = moment_in(row_filter.value)
                return lambda row: bool(row.values[place]) and str(row.values[place]) >= moment
            case "dateonorbeforedate" | "43" if field.is_moment:
                limit = _period_end(moment_in(row_filter.value), row_filter.value)
                return lambda row: bool(row.values[place]) and str(row.values[place]) <= limit
            case _:
                raise Refusal(f"Operator {row_filter.operator} is niet mogelijk voor veld {field.name}.")

    def _equality_test(self, field: ColumnField, row_filter: RowFilter) -> Callable[[Value], bool]:
        if field.is_number:
            numbers = {_decimal(value) for value in self._filter_values(row_filter)}
            return lambda value: (value or Decimal(0)) in numbers
        if field.type == "L":
            flags = {_flag(value) for value in self._filter_values(row_filter)}
            return lambda value: bool(value) in flags
        if field.is_moment:
            moments = {moment_in(value) for value in self._filter_values(row_filter)}
            return lambda value: str(value or "") in moments
        texts = {self._fold_case(value).rstrip() for value in self._filter_values(row_filter)}
        if self._conventions.equal_is_prefix:
            return lambda value: self._fold_case(str(value or "")).startswith(tuple(texts))
        return lambda value: self._fold_case(str(value or "")).rstrip() in texts

    def _fold_case(self, text: str) -> str:
        return text.upper() if self._conventions.text_ignores_case else text


def answer_fields(definition: Definition, names: Sequence[str]) -> list[ColumnField]:
    """Return the fields of an answer: the named ones, or all."""
    if not names or "*" in names:
        return list(definition.fields.values())
    return list({field.name: field for field in _find_fields(definition, names)}.values())


def moment_in(text: str) -> str:
    """Return the date or time of a FoxPro date literal as ISO text."""
    match_ = _LITERAL.fullmatch(text.strip())
    if not match_:
        raise Refusal(f"{text} is geen geldige datum; schrijf {{^jjjj-mm-dd}} of {{^jjjj-mm-dd uu:mm:ss}}.")
    try:
        moment = datetime.fromisoformat(f"{match_['day']}T{match_['time'] or '00:00:00'}")
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


def _period_end(moment: str, literal: str) -> str:
    """Return the end of a period; a date without a time means the whole day."""
    return moment if ":" in literal else moment.replace("T00:00:00", "T23:59:59")


def _filters(parameters: Mapping[str, str]) -> list[RowFilter]:
    filters = []
    for number in range(1, MAX_FILTERS + 1):
        source = parameters.get(f"filtercontrolsource{number}")
        if not source:
            continue
        filters.append(
            RowFilter(
                source=source.strip(),
                operator=parameters.get(f"filteroperator{number}", "Equal").strip().lower(),
                type=_type(parameters.get(f"filtervaluetype{number}", "C")),
                value=parameters.get(f"filtervalue{number}", ""),
                is_list=_flag(parameters.get(f"filterislistofvalues{number}", "")),
            ),
        )
    return filters


def _type(text: str) -> str:
    type_ = text.strip().upper()
    if type_ not in {"C", "N", "T", "D", "L"}:
        raise Refusal(f"FilterValueType {text} is onbekend.")
    return type_


def _find_fields(definition: Definition, names: Sequence[str]) -> list[ColumnField]:
    return [require_field(definition, name) for name in names]


def require_field(definition: Definition, name: str) -> ColumnField:
    """Return the field with this name. Raises Refusal if the table has none."""
    field = definition.find(name)
    if field is None:
        raise Refusal(f"Veld {name.upper()} bestaat niet in tabel {definition.name}.")
    return field


def _key(table: Table, text: str) -> str:
    return text.zfill(6) if table.definition.name == "DCT_FLD" else normal(text)


def _padded_text(value: Value, field: ColumnField) -> str:
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


def _integer_parameter(parameters: Mapping[str, str], name: str, default: int) -> int:
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
