"""Parses write requests: the positional tables of a POST or PUT, checked against the dictionary as AccountView does."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from integration.sandbox.accountview.conventions import ColumnField, Value, tidy
from integration.sandbox.accountview.dictionary import OBJECTS, Definition, SandboxObject
from integration.sandbox.accountview.query import Refusal, require_field

PSEUDO: Final = frozenset({"ROWID", "HEADERID"})
_EARLIEST_YEAR: Final = 1900
_FITTING: Final[Mapping[str, str]] = {
    "C": "C",
    "M": "C",
    "N": "N",
    "Y": "N",
    "B": "N",
    "I": "IN",
    "L": "L",
    "D": "T",
    "T": "T",
}
_SHAPES: Final[Mapping[str, tuple[str, ...]]] = {
    "SO1": ("COMMENT1", "ORD_NR", "RPL_INV"),
    "DJ2": ("INV_NR", "SUB_NR", "DJ_CODE"),
    "K9F": ("COMMENT1", "RPL_INV"),
    "K9Q": ("K9_REF", "RPL_INV"),
    "AR1": ("SUB_NR", "MAIL_BUS", "ACCT_NAME"),
    "ADDR": ("REC_ID", "SUB_NR"),
    "AK1": ("ART_CODE",),
}


@dataclass(frozen=True)
class SentRow:
    """One row of a request: values by field name, and the ids by which rows of the request refer to each other."""

    values: Mapping[str, Value]
    row_id: str = ""
    header_id: str = ""


@dataclass(frozen=True)
class PostedDocument:
    """One write request: rows of a header table, and the detail rows of each."""

    object: SandboxObject
    book_date: str
    headers: tuple[SentRow, ...]
    details: Mapping[str, tuple[SentRow, ...]]  # by the row id of the header

    def keys(self, definition: Definition) -> tuple[str, ...]:
        """Return the references and keys in the request, for ledger and switches."""
        names = [definition.local_name(name) for name in _SHAPES.get(self.object.code, ())]
        return tuple(str(row.values[name]) for row in self.headers for name in names if row.values.get(name))


def read(body: bytes) -> dict[str, Any]:
    """Return the body with all its keys in lower case."""
    try:
        content = _lower_keys(json.loads(body, parse_float=Decimal, parse_int=Decimal))
    except ValueError:
        raise Refusal("De aanvraag bevat geen geldige JSON.") from None
    if not isinstance(content, dict):
        raise Refusal("De aanvraag bevat geen object.")
    return content


def document(body: Mapping[str, Any], definitions: Mapping[str, Definition]) -> PostedDocument:
    """Return the document of a body. Raises Refusal if it is not valid."""
    code = str(body.get("businessobject") or "").strip().upper()
    object_ = OBJECTS.get(code)
    if object_ is None:
        raise Refusal(f"Business object {code or '(leeg)'} bestaat niet.")
    table, data = _part(body, "table"), _part(body, "tabledata")
    header = _part(table, "definition")
    _require_table(header, object_.table)
    headers = _rows(header, _part(data, "data"), definitions[object_.table])
    if not headers:
        raise Refusal("De aanvraag bevat geen rijen.")
    return PostedDocument(
        object=object_,
        book_date=str(body.get("bookdate") or ""),
        headers=headers,
        details=_details(table, data, object_, headers, definitions),
    )


def check_required(object_: SandboxObject, definition: Definition, row: SentRow) -> None:
    """Refuse a new row that lacks a required field."""
    filled = {definition.local_name(name) for name in object_.filled}
    for field in definition.fields.values():
        if field.required and field.name not in filled and row.values.get(field.name) in {None, ""}:
            raise Refusal(f"Veld {field.name} ({field.caption}) is verplicht.")


def _details(
    table: Mapping[str, Any],
    data: Mapping[str, Any],
    object_: SandboxObject,
    headers: Sequence[SentRow],
    definitions: Mapping[str, Definition],
) -> Mapping[str, tuple[SentRow, ...]]:
    kinds, parts = table.get("detaildefinitions") or [], data.get("detaildata") or []
    if len(kinds) != len(parts):
        raise Refusal("DetailDefinitions en DetailData hebben niet evenveel onderdelen.")
    details: dict[str, tuple[SentRow, ...]] = {}
    for kind, part in zip(kinds, parts, strict=True):
        _require_table(kind, object_.detail)
        for row in _rows(kind, part, definitions[object_.detail]):
            header_id = _header_id(row, headers)
            details[header_id] = (*details.get(header_id, ()), row)
    return details


def _header_id(row: SentRow, headers: Sequence[SentRow]) -> str:
    """Return the id of the header row that a detail refers to.

    A single header without a row id has the id `1`.
    """
    row_ids = {header.row_id for header in headers}
    if row.header_id in row_ids:
        return row.header_id
    if len(headers) == 1 and not headers[0].row_id and row.header_id in {"", "1"}:
        return ""
    raise Refusal(f"HeaderId {row.header_id or '(leeg)'} verwijst niet naar een rij van de aanvraag.")


def _require_table(kind: Mapping[str, Any], expected: str) -> None:
    name = str(kind.get("name") or "").strip().upper()
    if not expected or name != expected:
        raise Refusal(f"Tabel {name or '(leeg)'} hoort niet bij dit business object.")


def _rows(
    kind: Mapping[str, Any],
    part: Mapping[str, Any],
    definition: Definition,
) -> tuple[SentRow, ...]:
    columns = [_column(field_definition, definition) for field_definition in kind.get("fields") or []]
    rows = part.get("rows") if isinstance(part, dict) else None
    if not columns or not isinstance(rows, list):
        raise Refusal(f"Velden of rijen van tabel {definition.name} ontbreken.")
    return tuple(_row(row, columns) for row in rows)


def _column(field_definition: Mapping[str, Any], definition: Definition) -> ColumnField:
    name, type_ = (
        str(field_definition.get("name") or "").strip(),
        str(field_definition.get("fieldtype") or "").strip().upper(),
    )
    if len(type_) != 1 or type_ not in "CNILT":
        raise Refusal(f"FieldType {type_ or '(leeg)'} van veld {name} is onbekend.")
    if name.upper() in PSEUDO:
        return ColumnField(name.upper(), "C", 0, "")
    field = require_field(definition, name)
    if type_ not in _FITTING[field.type]:
        raise Refusal(f"FieldType {type_} past niet bij veld {field.name}.")
    return field


def _row(content: Mapping[str, Any], columns: Sequence[ColumnField]) -> SentRow:
    values = content.get("values") if isinstance(content, dict) else None
    if not isinstance(values, list) or len(values) != len(columns):
        raise Refusal("Het aantal waarden is niet gelijk aan het aantal velden.")
    row_values: dict[str, Value] = {}
    ids = {"ROWID": "", "HEADERID": ""}
    for field, value in zip(columns, values, strict=True):
        if field.name in PSEUDO:
            ids[field.name] = "" if value is None else str(value).strip()
        else:
            row_values[field.name] = value_of(field, value)
    return SentRow(row_values, ids["ROWID"], ids["HEADERID"])


def value_of(field: ColumnField, value: Any) -> Value:
    """Return a value as AccountView stores it. Raises Refusal if the field cannot hold it."""
    if value is None:
        return None
    if field.is_number:
        return _number(field, value)
    if field.type == "L":
        return _boolean(field, value)
    return _moment(field, value) if field.is_moment else _text(field, value)


def _text(field: ColumnField, value: Any) -> str:
    if not isinstance(value, str | Decimal):
        raise Refusal(f"Veld {field.name} verwacht tekst.")
    text = str(value).rstrip()
    if field.type == "C" and len(text) > field.length:
        raise Refusal(f"Veld {field.name} ({field.caption}) is te lang: ten hoogste {field.length} tekens.")
    try:
        text.encode("cp1252")
    except UnicodeEncodeError as error:
        strange = text[error.start : error.end]
        raise Refusal(f"Veld {field.name} bevat een teken dat niet kan worden opgeslagen: {strange}") from None
    return text.upper() if field.upper else text


def _number(field: ColumnField, value: Any) -> Decimal:
    if isinstance(value, str) and _NUMERAL.fullmatch(value.strip()):
        value = Decimal(value.strip())
    if not isinstance(value, Decimal) or not value.is_finite():
        raise Refusal(f"Veld {field.name} verwacht een getal.")
    if field.type == "I" and value != value.to_integral_value():
        raise Refusal(f"Veld {field.name} verwacht een geheel getal.")
    try:
        return tidy(value.quantize(_MONEY) if field.type == "Y" else value)
    except InvalidOperation:
        raise Refusal(f"De waarde van veld {field.name} is te groot.") from None


def _boolean(field: ColumnField, value: Any) -> bool:
    match value:
        case bool():
            return value
        case str() if value.strip().lower() in {"true", "false"}:
            return value.strip().lower() == "true"
        case _:
            raise Refusal(f"Veld {field.name} verwacht true of false.")


def _moment(field: ColumnField, value: Any) -> str | None:
    """Return a date or time as AccountView stores it. A zero date means no date."""
    if value == "":
        return None
    match_ = _ISO.fullmatch(value) if isinstance(value, str) else None
    if not match_:
        raise Refusal(f"Veld {field.name} verwacht een datum en tijd, bijvoorbeeld 2025-03-14T00:00:00.000Z.")
    if int(match_["year"]) < _EARLIEST_YEAR:
        return None
    return f"{match_['day']}T00:00:00" if field.type == "D" else f"{match_['day']}T{match_['time']}"


_MONEY: Final = Decimal("0.0001")
_NUMERAL: Final = re.compile(r"[+-]?\d+(\.\d+)?")
_ISO: Final = re.compile(
    r"(?P<day>(?P<year>\d{4})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))"
    r"T(?P<time>[0-2]\d:[0-5]\d:[0-5]\d)(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?",
)


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = body.get(name)
    if not isinstance(part, dict):
        raise Refusal(f"Onderdeel {name} ontbreekt.")
    return part


def _lower_keys(content: Any) -> Any:
    """Return a body with all keys in lower case, because their letter case does not matter."""
    if isinstance(content, dict):
        return {key.lower(): _lower_keys(value) for key, value in content.items()}
    return [_lower_keys(item) for item in content] if isinstance(content, list) else content
