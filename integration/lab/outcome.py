"""Contents of both systems in a form that two runs can be compared by: with names instead of generated numbers."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from integration.core.grouping import group_by_key
from integration.sandbox.server import Sandbox

Row = Mapping[str, Any]
GIVEN = frozenset(  # generated values of a row: they depend on time and order, not on its content
    {
        "EXT_KEY", "CNG_DATE", "CNG_NR", "INP_DATE", "REC_ID", "SUB_NR", "ORD_NR", "PAGE_NR", "SRC_CODE", "HDR_ID",
        "QT_NR",
        "syncMarker", "changeTimestamp", "createTimestamp", "relationNumber", "productNumber", "groupNumber",
        "articleNumber", "pluNumber", "stockId", "imageId", "barcodeId",
    }
)  # fmt: skip
PERSONS = ("RPL_INV", "RPL_DEL", "SUB_NR")
# Documents of the books: header table and number, line table and header number, column of our reference.
DOCUMENTS = (
    ("SO_HDR", "ORD_NR", "SO_LINE", "ORD_NR", "COMMENT1"),
    ("DJ_PAGE", "PAGE_NR", "DJ_LINE", "PAGE_NR", "INV_NR"),
    ("K9_INV", "REC_ID", "K9_INVL", "HDR_ID", "COMMENT1"),
    ("K9_QUO", "QT_NR", "K9_QUOL", "QT_NR", "K9_REF"),
)
_REFERENCES = {header: reference for header, *_, reference in DOCUMENTS}
READ = ("ARTICLE", "ART_GRP", "K9_STOCK")


@dataclass
class LabOutcome:
    """All records of both systems by a readable name, and the total of each document per VAT code."""

    records: dict[str, list[str]] = field(default_factory=dict)
    sums: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    at_first: Counter[str] = field(default_factory=Counter)  # number of records before the first write

    def add(self, name: str, content: object) -> None:
        """Add one record."""
        text = json.dumps(content, sort_keys=True, default=str, ensure_ascii=False)
        self.records.setdefault(name, []).append(text)

    def counts(self) -> Counter[str]:
        """Return the number of records of each name."""
        return Counter({name: len(rows) for name, rows in self.records.items()})

    def has_copy(self, name: str) -> bool:
        """Return True if the same document exists under another reference as well."""
        table = name.partition(" ")[0]
        texts = {_without_reference(table, text) for text in self.records[name]}
        others = (rows for other, rows in self.records.items() if other != name and other.startswith(f"{table} "))
        return any(_without_reference(table, text) in texts for rows in others for text in rows)


def is_document(name: str) -> bool:
    """Return True if a record of this name is a document of the books."""
    return name.partition(" ")[0] in _REFERENCES


def _without_reference(table: str, text: str) -> str:
    header, lines = json.loads(text)
    return json.dumps([{column: value for column, value in header.items() if column != _REFERENCES[table]}, lines])


def current_outcome(sandbox: Sandbox) -> LabOutcome:
    """Return the current contents of both systems."""
    outcome = LabOutcome()
    _books(sandbox, outcome)
    _till(sandbox, outcome)
    return outcome


def _books(sandbox: Sandbox, outcome: LabOutcome) -> None:
    persons = {str(row["SUB_NR"]): _person(row) for row in sandbox.state("CONTACT")}
    streets = {str(row["REC_ID"]): str(row.get("ADDRESS1", "")) for row in sandbox.state("DEL_ADDR")}
    for row in sandbox.state("CONTACT"):
        outcome.add(f"debtor {_person(row)}", _plain(row))
    for row in sandbox.state("DEL_ADDR"):
        owner = persons.get(str(row["SUB_NR"]), "")
        outcome.add(f"address {owner} {row.get('DEL_NAME')} {row.get('ADDRESS1')}", _plain(row))
    for table in READ:
        for row in sandbox.state(table):
            name = " ".join(str(row.get(column, "")) for column in ("ART_CODE", "AG_CODE", "K9_BRANCH"))
            outcome.add(f"{table} {name}", _plain(row))
    for header, key, line, parent, reference in DOCUMENTS:
        lines = _rows_by_key(sandbox.state(line), parent)
        for row in sandbox.state(header):
            name = f"{header} {row.get(reference) or row[key]}"
            own = lines.get(str(row[key]), [])
            values = {column: _with_names(column, value, persons, streets) for column, value in row.items()}
            outcome.add(
                name, [_plain(values, PERSONS), sorted(json.dumps(_plain(own_line), default=str) for own_line in own)]
            )
            outcome.sums[name] = _sums(own)


def _till(sandbox: Sandbox, outcome: LabOutcome) -> None:
    groups = {str(row["groupNumber"]): row for row in sandbox.state("groups", "mplus")}
    articles = {str(row["articleNumber"]): _article(row) for row in sandbox.state("articles", "mplus")}
    for row in groups.values():
        outcome.add(
            f"group {_path(row, groups)}", _plain(row, apart=("parentGroupNumber", "productNumbers", "sortOrder"))
        )
    for row in sandbox.state("articles", "mplus"):
        outcome.add(f"article {_article(row)}", _plain(row))
    for row in sandbox.state("products", "mplus"):
        inside = sorted(_article(article) for article in row.get("articleList") or ())
        values = _plain(row, apart=("articleList", "groupNumbers"))
        member = sorted(
            _path(groups[str(number)], groups) for number in row.get("groupNumbers") or () if str(number) in groups
        )
        outcome.add(f"product {row.get('extProductId') or '+'.join(inside)}", [values, inside, member])
    for row in sandbox.state("relations", "mplus"):
        outcome.add(f"relation {row.get('extRelationId') or row.get('email')} {row.get('name')}", _plain(row))
    for row in sandbox.state("stock", "mplus"):
        article = articles.get(str(row["articleNumber"]), "")
        outcome.add(f"stock {row['branchNumber']} {article}", _plain(row))
    for row in sandbox.state("orders", "mplus"):
        outcome.add(f"order {row['orderId']}", _plain(row))
    for row in sandbox.state("invoices", "mplus"):
        outcome.add(f"invoice {row['invoiceId']}", _plain(row, apart=("paymentList",)))
        for payment in (row.get("paymentList") or {}).get("payment", ()):
            outcome.add(f"payment {row['invoiceId']} {payment['method']} {payment['amount']}", {})


def _plain(row: Row, kept_names: Iterable[str] = (), apart: Iterable[str] = ()) -> dict[str, Any]:
    """Return a row without generated values."""
    hidden = (GIVEN - frozenset(kept_names)) | frozenset(apart)
    return {name: _without_generated(value) for name, value in row.items() if name not in hidden}


def _without_generated(value: Any) -> Any:
    """Return a value without nested generated values."""
    if isinstance(value, Mapping):
        return _plain(value)
    return [_without_generated(item) for item in value] if isinstance(value, list | tuple) else value


def _with_names(column: str, value: object, persons: Mapping[str, str], streets: Mapping[str, str]) -> object:
    if column in PERSONS:
        return persons.get(str(value), value)
    return streets.get(str(value), value) if column == "DEL_CODE" else value


def _person(row: Row) -> str:
    return f"{row.get('ACCT_NAME')} {row.get('MAIL_BUS', '')}"


def _article(row: Row) -> str:
    return str(row.get("extArticleId") or row.get("description"))


def _path(row: Row, groups: Mapping[str, Row]) -> str:
    parent = groups.get(str(row.get("parentGroupNumber") or ""))
    return f"{_path(parent, groups)}/{row['name']}" if parent else str(row["name"])


def _rows_by_key(rows: Iterable[Row], key: str) -> dict[str, list[Row]]:
    return group_by_key((str(row[key]), row) for row in rows)


def _sums(lines: Iterable[Row]) -> dict[str, Decimal]:
    """Return the total of lines per VAT code: amounts of a posting, or quantities times prices less discount."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        code = str(line.get("VAT_CODE", ""))
        if "AMOUNT" in line:
            amount = Decimal(line["AMOUNT"])
            sums[f"{code} VAT"] = sums.get(f"{code} VAT", Decimal(0)) + Decimal(line.get("VAT_AMT") or 0)
        else:
            discount = 1 - Decimal(line.get("DISC_PCT") or 0) / 100
            amount = (
                Decimal(line.get("ORD_QTY") or line.get("ART_QTY") or 0) * Decimal(line.get("ART_PX") or 0) * discount
            )
        sums[code] = sums.get(code, Decimal(0)) + amount
    return sums
