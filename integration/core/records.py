"""Records: one business object each, in our own field names, alike for both systems.

A record's values are open: the known fields have names of our own (`name`, `price_excl`), every other field of a
system keeps that system's name, so that an operator can map it. Which fields exist is data (`Field`), not code.
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

# What a field can hold. Codes and numbers of things are text; amounts and quantities are Decimal.
Value = None | bool | str | Decimal | date | datetime | tuple[str, ...]


_KINDS: dict[str, "Kind"] = {}


class Sort(StrEnum):
    """What kinds of record are alike in: whom they name, what they are known by, how long they are kept."""

    GOODS = "goods"  # what is sold: a name in it is nobody's
    PARTY = "party"  # a customer, or where one is
    SALE = "sale"  # a document of the till
    DOCUMENT = "document"  # a document in the books, known by its number
    PAGE = "page"  # a page in the books that is for many documents
    PAYMENT = "payment"  # what came in for a document, passed on
    SUM = "sum"  # a part of a document or a day: what it comes to, and for what
    OTHER = "other"


class _Ours:
    """A kind of the console itself, which has the name of the attribute it is given to."""

    def __init__(self, sort: Sort, *, drawn: bool = False, owned: bool = True) -> None:
        self._sort, self._drawn, self._owned = sort, drawn, owned

    def __set_name__(self, owner: type["Kind"], name: str) -> None:
        setattr(owner, name, owner.add(name.lower(), self._sort, drawn=self._drawn, owned=self._owned))

    if TYPE_CHECKING:  # the kind stands in its place once its class is there

        def __get__(self, instance: object, owner: object) -> "Kind": ...


class Kind(str):
    """What sort of business object a record is, with what is true of all of them in whichever flow.

    There is one of each name, and `Kind(name)` returns it. A flow with records of its own adds their kinds where it
    is declared; whoever needs to know something of a kind asks it. What is stored may be of a kind that is not known:
    its flow is gone, or a newer revision wrote it. It has its name, and nothing is written for it.
    """

    __slots__ = ("drawn", "known", "owned", "sort")

    sort: Sort
    known: bool  # whether it is a kind of this console
    drawn: bool  # whether charts of stock are drawn from it
    owned: bool  # whether anybody decides about its fields once it is written

    GROUP = _Ours(Sort.GOODS, drawn=True)  # an article group
    ARTICLE = _Ours(Sort.GOODS)  # what is sold and stocked; at the till always inside a product
    PRODUCT = _Ours(Sort.GOODS, drawn=True)  # at the till: what groups the articles of one item
    PICTURE = _Ours(Sort.GOODS)  # the picture of a product
    STOCK = _Ours(Sort.GOODS, drawn=True)  # at the till: how much there is of one article, with a level for each branch
    LEVEL = _Ours(Sort.GOODS)  # a part of STOCK, under the number of its branch
    DEBTOR = _Ours(Sort.PARTY)  # a customer in the books
    RELATION = _Ours(Sort.PARTY)  # a customer at the till; in a document the part `customer`
    ADDRESS = _Ours(Sort.PARTY, owned=False)  # where goods are delivered, in the books
    ORDER = _Ours(Sort.SALE)  # a sales order of the till
    INVOICE = _Ours(Sort.SALE)  # an invoice of the till
    RECEIPT = _Ours(Sort.SALE)  # a sale at a till
    PROPOSAL = _Ours(Sort.SALE)  # a quotation of the till
    SALES_ORDER = _Ours(Sort.DOCUMENT, owned=False)  # a sales order in the books
    POSTING = _Ours(Sort.DOCUMENT, owned=False)  # a page in a sales daybook
    QUOTATION = _Ours(Sort.DOCUMENT, owned=False)  # a quotation in the books
    LINE = _Ours(Sort.SUM, owned=False)  # a part of a document
    VAT = _Ours(Sort.SUM)  # a part of a document or a day of the till: what one VAT code comes to
    PAYMENT = _Ours(Sort.SUM)  # a part of a document or a day of the till
    DAY = _Ours(Sort.OTHER)  # what one branch of the till took in on a financial date, by the till's own sums
    TURNOVER = _Ours(Sort.OTHER)  # a part of a day: what one turnover group comes to
    COUNT = _Ours(Sort.OTHER)  # a part of a day: the count of one drawer
    DAY_PAGE = _Ours(Sort.PAGE, owned=False)  # a page in a daybook for one day of a branch
    ENTRY = _Ours(Sort.OTHER)  # what a page put on an account of the ledger
    ITEM = _Ours(Sort.OTHER)  # in the books: what a debtor owes of a document, and what has come in for it
    SETTLEMENT = _Ours(Sort.PAYMENT)  # at the till: the payment of an invoice that was paid in the books

    def __new__(cls, name: str) -> "Kind":  # noqa: PYI034 - the one that is there
        """Return the kind of this name. Raises ValueError where there is none."""
        if name not in _KINDS:
            raise ValueError(f"no kind of record: {name!r}")
        return _KINDS[name]

    @classmethod
    def add(cls, name: str, sort: Sort = Sort.OTHER, *, drawn: bool = False, owned: bool = True) -> "Kind":
        """Return a new kind of record. Raises ValueError where there is one of this name."""
        if name in _KINDS:
            raise ValueError(f"a kind of record already: {name!r}")
        one = _KINDS[name] = cls._of(name, sort, drawn=drawn, owned=owned)
        return one

    @classmethod
    def stored(cls, name: str) -> "Kind":
        """Return the kind of a name that was stored, known or not."""
        return _KINDS.get(name) or cls._of(name, Sort.OTHER, owned=False, known=False)

    @classmethod
    def _of(cls, name: str, sort: Sort, *, drawn: bool = False, owned: bool = True, known: bool = True) -> "Kind":
        one = str.__new__(cls, name)
        one.sort, one.drawn, one.owned, one.known = sort, drawn, owned, known
        return one

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Travel, and be copied, by name: it may be no known one, also where it arrives."""
        return Kind.stored, (str(self),)


def kinds(*sorts: Sort) -> tuple[Kind, ...]:
    """Return the kinds of these sorts, of all where none is given, those of every flow among them."""
    return tuple(kind for kind in _KINDS.values() if not sorts or kind.sort in sorts)


class FieldType(StrEnum):
    """How a field's values are entered and shown."""

    TEXT = "text"
    CODE = "code"
    MONEY = "money"
    NUMBER = "number"
    FLAG = "flag"
    DATE = "date"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind in one system, as the mapping offers it."""

    name: str
    caption: str
    type: FieldType
    kind: Kind
    length: int | None = None
    wire: str = ""  # the system's own name for it, for people who know it by that
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One business object.

    `key` identifies it in both systems' terms of the flow; `source` is the key it came from where that differs
    (the article code in the books behind a till article number). `parts` are records inside it.
    """

    kind: Kind
    key: str
    values: Mapping[str, Value]
    parts: tuple["Record", ...] = ()
    source: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """The keys of the records read that it accounts for: those of its parts where they have any, else its own."""
        return tuple(part.source for part in self.parts if part.source) or (self.source or self.key,)

    def flat(self) -> dict[str, Value]:
        """Return every value under its path: `name` for its own, `200101/price_incl` for that of a part."""
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


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields every record of a page has, and which some have; those with a meaning of ours that none has.

    One that is empty is there all the same.
    """

    always: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()  # none where nothing was read
    filled: frozenset[str] = frozenset()  # that are null in no record
    null: frozenset[str] = frozenset()  # that are null in every record
    meant: frozenset[str] = frozenset()  # that have a meaning of ours, whether any record has them or not
    held: frozenset[str] = frozenset()  # that some record holds; of those without which a usual value is taken
    often_held: frozenset[str] = frozenset()  # the same, that several records hold
    alone: bool = False  # whether one record is all there is
    blanks: bool = False  # whether a text that says nothing came as blanks

    @classmethod
    def of_all(cls, several: Iterable["Fields"]) -> "Fields":
        """Return the same of some pages together, but for those of which nothing was read."""
        read = [one for one in several if one != cls()]
        if not read:
            return cls()
        return cls(
            frozenset.intersection(*(one.always for one in read)),
            frozenset.intersection(*(one.absent for one in read)),
            frozenset.union(*(one.told for one in read)),
            frozenset.intersection(*(one.filled for one in read)),
            frozenset.intersection(*(one.null for one in read)),
            frozenset.union(*(one.meant for one in read)),
            frozenset.union(*(one.held for one in read)),
            frozenset.union(*(one.often_held for one in read)),
            len(read) == 1 and read[0].alone,
            any(one.blanks for one in read),
        )

    def vanished(self, known: frozenset[str], reads: frozenset[str]) -> list[str]:
        """Return which of the fields known are in no record: those with a meaning, and those that somebody `reads`."""
        return sorted(known & (self.absent | (reads - self.told if self.told else frozenset())))

    def emptied(self, filled: frozenset[str], reads: frozenset[str], *, never_null: bool) -> list[str]:
        """Return which of the fields that were `filled` are null now: those with a meaning, and that somebody `reads`.

        A value that is null in every record, where none was null before, has vanished. In a record alone null may be
        how an empty value is told, unless the system tells what is empty otherwise and nothing as null (`never_null`).
        """
        return [] if self.alone and not never_null else sorted(filled & self.null & (self.meant | reads))


@dataclass(frozen=True, slots=True)
class Batch:
    """One page of an extract: what was read, where the next page starts, and how far the stamps have come."""

    records: tuple[Record, ...]
    after: str | None  # hand back to get the next page; None when this was the last
    stamp: str | None = None  # highest change stamp or marker seen, where the next incremental extract starts
    fields: Fields = Fields()


@dataclass(frozen=True, slots=True)
class Unreadable(Record):
    """A record of which one field does not hold what its type says: nothing of it is used, and a person looks at it.

    A connector returns it in the place of the record, as far as it can be told from the others of its page.
    """

    field: str = ""  # as the system calls it
    found: str = ""  # what it holds
    raw: str = ""  # all of it as it came
    nameless: bool = False  # whether its key is what cannot be read: nobody knows which record it is


class WrongValueError(ValueError):
    """A field does not hold what its type says."""

    def __init__(self, field: str, found: object) -> None:
        super().__init__(f"{field}: {found!r}")
        self.field = field
        self.found = str(found or "")


MOST_RAW = 20_000  # characters of a record that are kept as they came


def unreadable(kind: Kind, key: str, error: WrongValueError, raw: str) -> Unreadable:
    """Return a record that cannot be read; one without a key is known by what it looks like."""
    known_as = key or f"?{hashlib.sha256(raw.encode()).hexdigest()[:12]}"
    kept = raw[:MOST_RAW]
    return Unreadable(kind, known_as, {"raw": kept}, field=error.field, found=error.found, raw=kept, nameless=not key)


@dataclass(frozen=True, slots=True)
class Location:
    """Where the target has an article: in which of its records, what that is called, and under which number.

    `other` is the code of the article it is there, when that is not the one wanted.
    """

    reference: str
    name: str
    number: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """What the target holds now: in our words, and as it came for editing in place."""

    record: Record
    reference: str  # the system's own number for it
    marker: str = ""  # change stamp or counter at the time of reading
    original: object = field(default=None, compare=False)
    evidence: str = ""  # by what it was found: link, external_id, vat_number, email, content; empty: by its own key
    others: tuple[str, ...] = ()  # references that the same evidence fits as well: a question, never a choice of ours
    elsewhere: Mapping[str, Location] = field(default_factory=dict)  # wanted parts, by key, that are not here under it
    hash: str = field(default="", compare=False)  # of what came of it; empty where that does not say all there is
    owner: str = ""  # the key of another record of ours that is known to be this one
    # What identifies it, by the key of the part, where its record does not hold that; see `core/link_evidence.py`.
    identities: Mapping[str, Mapping[str, str]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Written:
    """A system's answer to a write: its reference, and the marker it gave the change where it tells."""

    reference: str
    marker: str = ""


def same(one: Value, other: Value) -> bool:
    """Tell whether two values mean the same: empty text is no value, 1.10 is 1.1, lists are compared as sets."""
    if one is other:
        return True
    if isinstance(one, tuple) and isinstance(other, tuple):
        return sorted(one) == sorted(other)
    return (one if one not in ("", ()) else None) == (other if other not in ("", ()) else None)


def merged(old: Record | None, new: Record) -> Record:
    """Return the new record with the values and parts of the old one that it does not mention.

    A part that has another key now, and the same source, is mentioned.
    """
    if old is None:
        return new
    fresh = {part.key: part for part in new.parts}
    sources = {part.source for part in new.parts if part.source}
    kept = tuple(
        merged(part, fresh.pop(part.key)) if part.key in fresh else part
        for part in old.parts
        if part.key in fresh or part.source not in sources
    )
    parts = kept + tuple(part for part in new.parts if part.key in fresh)
    return Record(new.kind, new.key, {**old.values, **new.values}, parts, new.source or old.source)


def to_json(value: Value) -> object:
    """Return a value as JSON can carry it, so that `from_json` gives back the same."""
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
    """Return the value that `to_json` was given."""
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
    """Return a record as JSON can carry it."""
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
    """Return the record that `record_to_json` was given."""
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


_AS_IT_IS = frozenset({str, bool, type(None)})  # most values are one of these, and thousands pass in a second


def _canonical(value: Value) -> object:
    if isinstance(value, Decimal):
        return {"n": format(value.normalize(), "f")} if value else {"n": "0"}
    if isinstance(value, tuple):
        return sorted(value)
    return None if value == "" else to_json(value)


def canonical(record: Record | None) -> str:
    """Return a text that is equal for records that mean the same, whatever the order of fields and parts."""
    if record is None:
        return "null"
    flat = {path: _canonical(value) for path, value in record.flat().items()}
    return json.dumps([record.kind, record.key, flat], sort_keys=True, ensure_ascii=False, separators=(",", ":"))


# ---- what both systems take as text: which codes can be a number of the till, and which characters can be stored


LONGEST_NUMBER = 18  # digits; the till's numbers are 64 bits wide
_UNSTORABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2


def is_number(text: str) -> bool:
    """Tell whether a text consists of digits and fits into a number of the till."""
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER


def is_till_number(code: str) -> bool:
    """Tell whether a code can be a number of the till as it is: zeros at its start would be lost."""
    return is_number(code) and not code.startswith("0")


def is_storable(text: str) -> bool:
    """Tell whether every character of a text can be sent to the till and kept there."""
    return text.isprintable() or not _UNSTORABLE.search(text)  # what can be printed can be stored


def clean(value: Value) -> Value:
    """Return a text the till can hold and gives back as it was: no control characters, one sign per line end."""
    if isinstance(value, str) and not value.isprintable():  # what can be printed can be stored
        text = _UNSTORABLE.sub("", value)
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    return value


# ---- a value that holds in the place of one of the source, for as long as the source says what it said then


@dataclass(frozen=True, slots=True)
class Correction:
    """One field of one record of the source: what it was when a person corrected it, and what it is taken for."""

    kind: Kind
    key: str
    field: str
    was: Value
    becomes: Value
    title: str = ""
    by: str = ""

    def holds_for(self, record: Record) -> bool:
        """Tell whether the record still has the value that was corrected; what the source changed since wins."""
        return (record.kind, record.key) == (self.kind, self.key) and same(record.values.get(self.field), self.was)


def corrected(records: Sequence[Record], corrections: Mapping[str, Sequence[Correction]]) -> list[Record]:
    """Return records with their corrections, which are given by the key of the record."""
    return [_corrected(record, corrections.get(record.key, ())) for record in records]


def _corrected(record: Record, corrections: Sequence[Correction]) -> Record:
    changed = {one.field: one.becomes for one in corrections if one.holds_for(record)}
    return replace(record, values={**record.values, **changed}) if changed else record
