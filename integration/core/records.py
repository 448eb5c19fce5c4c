"""Records: one business object each, with our field names, in the same form for both systems.

The values of a record are open: known fields have our names (`name`, `price_excl`), and every other field keeps the
system's name, so that an operator can map it. The available fields are data (`Field`), not code.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

# Types of a field's value. Codes and numbers of things are text; amounts and quantities are Decimal.
Value = None | bool | str | Decimal | date | datetime | tuple[str, ...]


_KINDS: dict[str, "Kind"] = {}


class RecordType(StrEnum):
    """Category of kinds that share behaviour: whether they name people, what identifies them, their retention."""

    GOODS = "goods"  # articles and groups: names in them are not personal data
    PARTY = "party"  # a customer or an address
    SALE = "sale"  # a document of the till
    DOCUMENT = "document"  # a document in the books, known by its number
    PAGE = "page"  # a daybook page for many documents
    PAYMENT = "payment"  # a received payment that is passed on
    SUM = "sum"  # an amount within a document or a day
    OTHER = "other"


class _ConsoleKind:
    """Declares a kind of the console itself. The attribute's name is the kind's name."""

    def __init__(self, record_type: RecordType, *, drawn: bool = False, owned: bool = True) -> None:
        self._type, self._drawn, self._owned = record_type, drawn, owned

    def __set_name__(self, owner: type["Kind"], name: str) -> None:
        setattr(owner, name, owner.add(name.lower(), self._type, drawn=self._drawn, owned=self._owned))

    if TYPE_CHECKING:  # after class creation the attribute is the Kind

        def __get__(self, instance: object, owner: object) -> "Kind": ...


class Kind(str):
    """Kind of a record, with the properties that hold in all flows.

    There is one instance for each name, and `Kind(name)` returns it. A flow with own records adds their kinds where
    it is declared. A stored kind may be unknown, because its flow was removed or a newer version wrote it: it has a
    name, but nothing is written for it.
    """

    __slots__ = ("drawn", "is_declared", "owned", "type")

    type: RecordType
    is_declared: bool  # whether this console declares the kind
    drawn: bool  # whether stock charts use it
    owned: bool  # whether a person or system owns its fields after the write

    GROUP = _ConsoleKind(RecordType.GOODS, drawn=True)  # an article group
    ARTICLE = _ConsoleKind(RecordType.GOODS)  # a sold and stocked article; at the till always part of a product
    PRODUCT = _ConsoleKind(RecordType.GOODS, drawn=True)  # at the till: a group of articles of one item
    PICTURE = _ConsoleKind(RecordType.GOODS)  # the picture of a product
    STOCK = _ConsoleKind(
        RecordType.GOODS, drawn=True
    )  # at the till: the stock of an article, with a level for each branch
    LEVEL = _ConsoleKind(RecordType.GOODS)  # a part of STOCK, with the branch number as its key
    DEBTOR = _ConsoleKind(RecordType.PARTY)  # a customer in the books
    RELATION = _ConsoleKind(RecordType.PARTY)  # a customer at the till; in a document the part `customer`
    ADDRESS = _ConsoleKind(RecordType.PARTY, owned=False)  # a delivery address in the books
    ORDER = _ConsoleKind(RecordType.SALE)  # a sales order of the till
    INVOICE = _ConsoleKind(RecordType.SALE)  # an invoice of the till
    RECEIPT = _ConsoleKind(RecordType.SALE)  # a sale at a till
    PROPOSAL = _ConsoleKind(RecordType.SALE)  # a quotation of the till
    SALES_ORDER = _ConsoleKind(RecordType.DOCUMENT, owned=False)  # a sales order in the books
    POSTING = _ConsoleKind(RecordType.DOCUMENT, owned=False)  # a page in a sales daybook
    QUOTATION = _ConsoleKind(RecordType.DOCUMENT, owned=False)  # a quotation in the books
    LINE = _ConsoleKind(RecordType.SUM, owned=False)  # a part of a document
    VAT = _ConsoleKind(RecordType.SUM)  # a part of a document or a day of the till: the total of one VAT code
    PAYMENT = _ConsoleKind(RecordType.SUM)  # a part of a document or a day of the till
    DAY = _ConsoleKind(
        RecordType.OTHER
    )  # the takings of one branch of the till on a financial date, by the till's own sums
    TURNOVER = _ConsoleKind(RecordType.OTHER)  # a part of a day: the total of one turnover group
    COUNT = _ConsoleKind(RecordType.OTHER)  # a part of a day: the cash count of one drawer
    DAY_PAGE = _ConsoleKind(RecordType.PAGE, owned=False)  # a page in a daybook for one day of a branch
    ENTRY = _ConsoleKind(RecordType.OTHER)  # amount that a daybook page posts to a ledger account
    ITEM = _ConsoleKind(RecordType.OTHER)  # in the books: the open amount of a document, and its payments
    SETTLEMENT = _ConsoleKind(RecordType.PAYMENT)  # at the till: the payment of an invoice that was paid in the books

    def __new__(cls, name: str) -> "Kind":  # noqa: PYI034 - the one that is there
        """Return the kind with this name. Raises ValueError if there is none."""
        if name not in _KINDS:
            raise ValueError(f"no kind of record: {name!r}")
        return _KINDS[name]

    @classmethod
    def add(
        cls, name: str, record_type: RecordType = RecordType.OTHER, *, drawn: bool = False, owned: bool = True
    ) -> "Kind":
        """Declare a new kind of record. Raises ValueError if the name exists."""
        if name in _KINDS:
            raise ValueError(f"a kind of record already: {name!r}")
        kind = _KINDS[name] = cls._new(name, record_type, drawn=drawn, owned=owned)
        return kind

    @classmethod
    def stored(cls, name: str) -> "Kind":
        """Return the kind of a stored name, known or not."""
        return _KINDS.get(name) or cls._new(name, RecordType.OTHER, owned=False, is_declared=False)

    @classmethod
    def _new(
        cls, name: str, record_type: RecordType, *, drawn: bool = False, owned: bool = True, is_declared: bool = True
    ) -> "Kind":
        kind = str.__new__(cls, name)
        kind.type, kind.drawn, kind.owned, kind.is_declared = record_type, drawn, owned, is_declared
        return kind

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Pickle by name, because the kind may be unknown to the process that unpickles it."""
        return Kind.stored, (str(self),)


def kinds(*record_types: RecordType) -> tuple[Kind, ...]:
    """Return all kinds in these categories, including those of flows. Without arguments, return all kinds."""
    return tuple(kind for kind in _KINDS.values() if not record_types or kind.type in record_types)


class FieldType(StrEnum):
    """Type of a field, which decides how values are entered and shown."""

    TEXT = "text"
    CODE = "code"
    MONEY = "money"
    NUMBER = "number"
    FLAG = "flag"
    DATE = "date"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind in one system, as offered for mappings."""

    name: str
    caption: str
    type: FieldType
    kind: Kind
    length: int | None = None
    wire: str = ""  # the system's own name of the field
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One business object.

    `key` identifies it in the flow's terms for both systems; `source` is the key in the source if that differs (the
    article code in the books behind an article number of the till). `parts` are records inside it.
    """

    kind: Kind
    key: str
    values: Mapping[str, Value]
    parts: tuple["Record", ...] = ()
    source: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """Keys of the source records it covers: those of its parts if they have any, otherwise its own."""
        return tuple(part.source for part in self.parts if part.source) or (self.source or self.key,)

    def flat(self) -> dict[str, Value]:
        """Return all values by path: `name` for the record's own, `200101/price_incl` for a part's."""
        flat = dict(self.values)
        for part in self.parts:
            flat.update({f"{part.key}/{name}": value for name, value in part.values.items()})
        return flat

    def fields(self) -> Iterator[tuple[str, str, Value]]:
        """Yield path, field name with its kind (`article.price_incl`) and value."""
        for name, value in self.values.items():
            yield name, f"{self.kind}.{name}", value
        for part in self.parts:
            for name, value in part.values.items():
                yield f"{part.key}/{name}", f"{part.kind}.{name}", value


DEFAULTED = frozenset({"currency", "country"})  # source fields that get a default value if they are empty


@dataclass(frozen=True, slots=True)
class FieldPresence:
    """Presence of fields on a page of records. A field with an empty value is present.

    `always` are in every record, `present_fields` in at least one. `absent` have a meaning in our terms and are in no
    record.
    """

    always: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    present_fields: frozenset[str] = frozenset()  # empty if nothing was read
    filled: frozenset[str] = frozenset()  # null in no record
    null: frozenset[str] = frozenset()  # null in every record
    known_fields: frozenset[str] = frozenset()  # have a meaning in our terms, present or not
    fields_with_value: frozenset[str] = frozenset()  # present in some record; only of fields that have a default value
    fields_often_with_value: frozenset[str] = frozenset()  # the same, present in several records
    counts: Mapping[str, int] = field(default_factory=dict)  # number of records with a value; zero is none
    is_single_record: bool = False  # whether there is only one record
    blanks: bool = False  # whether empty texts came as blanks

    @classmethod
    def combine_pages(cls, several: Iterable["FieldPresence"]) -> "FieldPresence":
        """Return the presence over several pages, ignoring pages on which nothing was read."""
        pages = [presence for presence in several if presence != cls()]
        if not pages:
            return cls()
        return cls(
            frozenset.intersection(*(presence.always for presence in pages)),
            frozenset.intersection(*(presence.absent for presence in pages)),
            frozenset.union(*(presence.present_fields for presence in pages)),
            frozenset.intersection(*(presence.filled for presence in pages)),
            frozenset.intersection(*(presence.null for presence in pages)),
            frozenset.union(*(presence.known_fields for presence in pages)),
            frozenset.union(*(presence.fields_with_value for presence in pages)),
            frozenset.union(*(presence.fields_often_with_value for presence in pages)),
            {
                name: sum(presence.counts.get(name, 0) for presence in pages)
                for name in frozenset[str]().union(*(o.counts for o in pages))
            },
            len(pages) == 1 and pages[0].is_single_record,
            any(presence.blanks for presence in pages),
        )

    def vanished(self, known_fields: frozenset[str], reads: frozenset[str]) -> list[str]:
        """Return the known fields that no record has any more, among those with a meaning and those in `reads`."""
        return sorted(
            known_fields & (self.absent | (reads - self.present_fields if self.present_fields else frozenset()))
        )

    def newly_null(self, filled: frozenset[str], reads: frozenset[str], *, never_null: bool) -> list[str]:
        """Return the `filled` fields that are now null in every record, if they have a meaning or are in `reads`.

        If all values are null and none was before, the field has vanished. If there is a single record, null may be
        its form of an empty value, unless the system never sends null for empty values (`never_null`).
        """
        return (
            [] if self.is_single_record and not never_null else sorted(filled & self.null & (self.known_fields | reads))
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """One page of an extract: the records, the start of the next page, and the highest stamp."""

    records: tuple[Record, ...]
    after: str | None  # pass it back to get the next page; None on the last page
    stamp: str | None = None  # highest change stamp or marker read, where the next incremental extract starts
    fields: FieldPresence = FieldPresence()


@dataclass(frozen=True, slots=True)
class Unreadable(Record):
    """A record with a field that does not conform to its type. No value of it is used, and a person must act.

    A connector returns it in place of the record, as far as it can separate the record from the others of the page.
    """

    # Values of the readable fields. They show what the record claims, such as an EAN, and are never written.
    readable_values: Mapping[str, Value] = field(default_factory=dict, compare=False)
    field: str = ""  # the system's name of the field
    raw_value: str = ""  # the field's raw value
    raw: str = ""  # the whole record as received
    nameless: bool = False  # whether the key itself cannot be read, so that the record is unidentified


class WrongValueError(ValueError):
    """A field's value does not conform to the field's type."""

    def __init__(self, field: str, value: object) -> None:
        super().__init__(f"{field}: {value!r}")
        self.field = field
        self.found = str(value or "")


MAX_RAW = 20_000  # characters of a raw record that are stored


def unreadable(kind: Kind, key: str, error: WrongValueError, raw: str) -> Unreadable:
    """Return an unreadable record. Without a key, a hash of its raw text identifies it."""
    known_as = key or f"?{hashlib.sha256(raw.encode()).hexdigest()[:12]}"
    excerpt = raw[:MAX_RAW]
    return Unreadable(
        kind, known_as, {"raw": excerpt}, field=error.field, raw_value=error.found, raw=excerpt, nameless=not key
    )


@dataclass(frozen=True, slots=True)
class Location:
    """Place of an article in the target: the record that contains it, that record's name, and the article's number.

    `other` is the code of the article there if it is not the wanted one.
    """

    reference: str
    name: str
    number: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class CurrentRecord:
    """Current record of the target, in our field names and as received, for editing in place."""

    record: Record
    reference: str  # the system's own number of the record
    marker: str = ""  # change stamp or counter at the time of reading
    original: object = field(default=None, compare=False)
    evidence: str = ""  # what it was found by: link, external_id, vat_number, email, content; empty: its own key
    other_references: tuple[str, ...] = ()  # references that match the same evidence: a person must choose
    elsewhere: Mapping[str, Location] = field(default_factory=dict)  # by key: wanted parts in other target records
    hash: str = field(default="", compare=False)  # hash of the received record; empty if that does not cover everything
    owner: str = ""  # the key of another record of ours that is already linked to this one
    # Identifying values by the key of the part, if the record lacks them; see `core/link_evidence.py`.
    identities: Mapping[str, Mapping[str, str]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class WriteResult:
    """Answer of a system to a write: the reference, and the change's marker if the system reports it."""

    reference: str
    marker: str = ""


def is_same_value(value: Value, other: Value) -> bool:
    """Return True if two values mean the same.

    Empty text is the same as no value, and 1.10 the same as 1.1. Lists are compared as sets.
    """
    if value is other or value == other:
        return True
    if isinstance(value, tuple) and isinstance(other, tuple):
        return sorted(value) == sorted(other)
    return (value if value not in ("", ()) else None) == (other if other not in ("", ()) else None)


def merged(old: Record | None, new: Record) -> Record:
    """Return the new record, completed with values and parts of the old record that it lacks.

    An old part with the key of a new part is merged with it. An old part with another key and the same source is
    dropped.
    """
    if old is None:
        return new
    fresh = {part.key: part for part in new.parts}
    sources = {part.source for part in new.parts if part.source}
    old_parts = tuple(
        merged(part, fresh.pop(part.key)) if part.key in fresh else part
        for part in old.parts
        if part.key in fresh or part.source not in sources
    )
    parts = old_parts + tuple(part for part in new.parts if part.key in fresh)
    return Record(new.kind, new.key, {**old.values, **new.values}, parts, new.source or old.source)


def to_json(value: Value) -> object:
    """Return a value as JSON data that `from_json` can restore."""
    match value:
        case str() | None | bool():
            return value
        case Decimal():
            return {"n": format(value, "f")}
        case datetime():
            return {"t": value.isoformat()}
        case date():
            return {"d": value.isoformat()}
        case _:
            return list(value)


def from_json(value: object) -> Value:
    """Return the value from the data of `to_json`."""
    match value:
        case None | bool() | str():
            return value
        case {"n": str(number)}:
            return Decimal(number)
        case {"t": str(moment)}:
            return datetime.fromisoformat(moment)
        case {"d": str(day)}:
            return date.fromisoformat(day)
        case list():
            return tuple(str(item) for item in value)
        case _:
            raise TypeError(f"no value of ours: {value!r}")


def record_to_json(record: Record) -> dict[str, object]:
    """Return a record as JSON data."""
    shape: dict[str, object] = {
        "kind": record.kind,
        "key": record.key,
        "values": {
            name: value if type(value) in _AS_IT_IS else to_json(value) for name, value in record.values.items()
        },
    }
    if record.parts:
        shape["parts"] = [record_to_json(part) for part in record.parts]
    if record.source:
        shape["source"] = record.source
    return shape


def record_from_json(shape: Mapping[str, object]) -> Record:
    """Return the record from the data of `record_to_json`."""
    values, parts = shape["values"], shape.get("parts", ())
    if not isinstance(values, dict) or not isinstance(parts, list | tuple):
        raise TypeError("no record of ours")
    return Record(
        kind=Kind.stored(str(shape["kind"])),
        key=str(shape["key"]),
        values={name: value if type(value) in _AS_IT_IS else from_json(value) for name, value in values.items()},
        parts=tuple(record_from_json(part) for part in parts),
        source=str(shape.get("source", "")),
    )


_AS_IT_IS = frozenset({str, bool, type(None)})  # most values have these types; saves thousands of calls per second


def _canonical_value(value: Value) -> object:
    if isinstance(value, Decimal):
        return {"n": format(value.normalize(), "f")} if value else {"n": "0"}
    if isinstance(value, tuple):
        return sorted(value)
    return None if value == "" else to_json(value)


def canonical(record: Record | None) -> str:
    """Return a text that is equal for records with the same meaning, regardless of the order of fields and parts."""
    if record is None:
        return "null"
    flat = {path: _canonical_value(value) for path, value in record.flat().items()}
    return json.dumps([record.kind, record.key, flat], sort_keys=True, ensure_ascii=False, separators=(",", ":"))


# ---- valid texts: codes that are valid numbers of the till, and characters that can be stored


LONGEST_NUMBER = 18  # digits; the till's numbers are 64 bits wide
_UNSTORABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2


def is_number(text: str) -> bool:
    """Return True if a text consists of digits and fits into a number of the till."""
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER


def is_till_number(code: str) -> bool:
    """Return True if a code is a valid number of the till. Leading zeros would be lost."""
    return is_number(code) and not code.startswith("0")


def is_storable(text: str) -> bool:
    """Return True if the till can receive and store every character of a text."""
    return text.isprintable() or not _UNSTORABLE.search(text)  # printable characters can be stored


def clean(value: Value) -> Value:
    """Return a text without characters the till cannot store, and with one line feed per line end."""
    if isinstance(value, str) and not value.isprintable():  # printable characters can be stored
        text = _UNSTORABLE.sub("", value)
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    return value


# ---- corrections: values that replace a value of the source until the source changes it


@dataclass(frozen=True, slots=True)
class Correction:
    """Correction of one field of a source record: the value when the person corrected it, and the new value."""

    kind: Kind
    key: str
    field: str
    was: Value
    becomes: Value
    title: str = ""
    by: str = ""

    def holds_for(self, record: Record) -> bool:
        """Return True if the record still has the value that was corrected. A newer source value takes precedence."""
        return (record.kind, record.key) == (self.kind, self.key) and is_same_value(
            record.values.get(self.field), self.was
        )


def with_corrections(records: Sequence[Record], corrections: Mapping[str, Sequence[Correction]]) -> list[Record]:
    """Return the records with their corrections applied. `corrections` are by record key."""
    return [_apply_corrections(record, corrections.get(record.key, ())) for record in records]


def _apply_corrections(record: Record, corrections: Sequence[Correction]) -> Record:
    changed = {correction.field: correction.becomes for correction in corrections if correction.holds_for(record)}
    return replace(record, values={**record.values, **changed}) if changed else record
