"""What is written in one request: columns, and rows of values in the same order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal

from integration.connectors.accountview.codec.cells import Cell
from integration.connectors.accountview.settings import BusinessObject


@dataclass(frozen=True, slots=True)
class Body:
    """What is written in one request: a header row and the rows of its details by table."""

    header: Mapping[str, Cell]
    details: Mapping[str, Sequence[Mapping[str, Cell]]] = field(default_factory=dict)


def encode_body(of: BusinessObject, body: Body, book_date: date) -> dict[str, object]:
    """Return the body of a create or an update: a list of columns, and rows of values in the same order."""
    table: dict[str, object] = {"Definition": _definition(of.table, ["RowId"], body.header)}
    data: dict[str, object] = {"Data": {"Rows": [{"Values": ["1", *_values(body.header, body.header)]}]}}
    details = {name: rows for name, rows in body.details.items() if rows}
    if details:  # the n-th list of detail rows belongs to the n-th definition
        table["DetailDefinitions"] = [
            _definition(name, ["RowId", "HeaderId"], _columns(rows)) for name, rows in details.items()
        ]
        data["DetailData"] = [{"Rows": _detail_rows(rows)} for rows in details.values()]
    return {"BookDate": _moment(book_date), "BusinessObject": of.code, "Table": table, "TableData": data}


def _columns(rows: Sequence[Mapping[str, Cell]]) -> dict[str, Cell]:
    """Every column that some row has: all rows of a table share one list of columns."""
    return {name: cell for row in reversed(rows) for name, cell in row.items()}


def _detail_rows(rows: Sequence[Mapping[str, Cell]]) -> list[dict[str, object]]:
    columns = _columns(rows)
    return [{"Values": [str(place), "1", *_values(columns, row)]} for place, row in enumerate(rows, start=1)]


def _definition(table: str, pseudo: Sequence[str], columns: Mapping[str, Cell]) -> dict[str, object]:
    fields = [{"Name": name, "FieldType": "C"} for name in pseudo]
    return {
        "Name": table,
        "Fields": fields + [{"Name": name, "FieldType": cell.type} for name, cell in columns.items()],
    }


def _values(columns: Mapping[str, Cell], row: Mapping[str, Cell]) -> list[object]:
    return [_wire(row[name].value) if name in row else None for name in columns]


def _wire(value: object) -> object:
    match value:
        case "":
            return None  # an empty text in a column that points to another table is refused
        case date():
            return _moment(value)
        case Decimal():
            return float(value)  # JSON numbers; shortest text, so 19.99 is sent as 19.99
        case _:
            return value


def _moment(value: date) -> str:
    """Written moments carry time and Z; the calendar day is what counts."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
    return f"{value:%Y-%m-%d}T00:00:00.000Z"
