"""Erasure of personal data: recognizes the records and words of one data subject, and redacts them."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from integration.core.customer_merges import merged_key
from integration.core.records import Kind, Record, RecordType, kinds

ERASED = "█████"  # replaces personal data
# Names of values that identify a person everywhere, and of those that do so only in the person's own documents.
PERSONAL_FIELDS = frozenset(
    {
        "name", "company", "contact", "first_name", "last_name", "email", "phone", "mobile", "fax", "street",
        "vat_number", "chamber_number", "iban", "bank_account", "website", "birthday", "customer", "search_code",
        "shared_email", "shared_vat_number",
    }
)  # fmt: skip
PLACES = frozenset({"postcode", "city"})
# Facts of a person's record that are not personal data.
PLAIN_FACTS = frozenset({"field", "system", "country", "table", "evidence", "run", "by", "reason", "records", "stage"})
SHORTEST = 4  # characters: a shorter word is redacted only if it is the whole text
_NUMBERS = re.compile(r"[\d\s,.;]+")


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer by number, in the books, at the till or both, and the flows that use the number as a key."""

    debtor: str = ""
    relation: str = ""
    customers: str = "customers"
    orders: str = "orders"
    merged: tuple[tuple[str, str], ...] = ()  # further numbers, each with its type, of merged customers

    @property
    def numbers(self) -> tuple[tuple[str, str], ...]:
        """The known numbers, each with its type."""
        own = (("debtor", self.debtor), ("relation", self.relation))
        return tuple(dict.fromkeys((number_type, number) for number_type, number in (*own, *self.merged) if number))

    @property
    def debtors(self) -> tuple[str, ...]:
        """The known numbers in the books."""
        return tuple(number for number_type, number in self.numbers if number_type == "debtor")

    @property
    def relations(self) -> tuple[str, ...]:
        """The known numbers at the till."""
        return tuple(number for number_type, number in self.numbers if number_type == "relation")

    def is_described_by(self, flow: str, kind: str, key: str) -> bool:
        """Return True if a record describes this customer: a debtor, relation or address.

        The kind may be empty or unknown; such a record is then judged by its flow and key only.
        """
        if kind and Kind.stored(kind).is_declared and kind not in kinds(RecordType.PARTY):
            return False
        if flow == self.customers:
            return key in self.debtors or key in map(merged_key, self.relations)
        if flow != self.orders:
            return False
        below = (*(f"{number}/" for number in self.relations), *(f"={number}/" for number in self.debtors))
        return key in self.relations or key.startswith(below)

    def is_named_by(self, values: object) -> bool:
        """Return True if the values of a document name this customer."""
        if not isinstance(values, Mapping):
            return False
        return values.get("debtor") in self.relations or values.get("debtor_number") in self.debtors


@dataclass(frozen=True)
class DataSubject:
    """A customer with their documents and the words that identify them."""

    customer: Customer
    documents: frozenset[str] = frozenset()
    identifying_words: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()

    @property
    def ids(self) -> frozenset[str]:
        """Numbers that are not erased: without any other data they identify nobody."""
        return self.documents | {number for _, number in self.customer.numbers}

    def is_own_document(self, key: str) -> bool:
        """Return True if a record is a document of the person, where place names identify the person too."""
        return key in self.documents

    def is_of_another(self, flow: str, kind: str, key: str) -> bool:
        """Return True if a record is about another person or an article, so that equal words in it are kept."""
        if kind in kinds(RecordType.GOODS):
            return True
        is_of_people = kind in kinds(RecordType.PARTY) or (not kind and flow == self.customer.customers and bool(key))
        return is_of_people and not self.customer.is_described_by(flow, kind, key)

    @cached_property
    def _identifying_words(self) -> "_Words":
        return _Words(self.identifying_words)

    @cached_property
    def _nearby_words(self) -> "_Words":
        return _Words(self.identifying_words | self.places)

    def redacted(self, value: object, *, near: bool = False) -> object:
        """Return a JSON value with the words that identify the person redacted. Names of values stay."""
        words = self._nearby_words if near else self._identifying_words
        match value:
            case str():
                return words.redacted_text(value)
            case list() | tuple():
                return [self.redacted(item, near=near) for item in value]
            case dict():
                return {name: self.redacted(item, near=near) for name, item in value.items()}
            case _:
                return value

    def agreed(self, record: Mapping[str, object]) -> dict[str, object]:
        """Return the agreed values of a link to a document, without those that identify the person.

        These values are removed, not redacted, because a drift check compares only the values that remain.
        """
        values = record["values"]
        remaining_values = (
            {n: v for n, v in values.items() if self.redacted(v, near=True) == v} if isinstance(values, dict) else {}
        )
        return {**record, "values": remaining_values}

    def facts(self, facts: Mapping[str, str]) -> dict[str, str]:
        """Return facts of the person's record, redacted except for numbers and facts that are not personal data."""
        return {name: value if self._is_plain(name, value) else ERASED for name, value in facts.items()}

    def _is_plain(self, name: str, value: str) -> bool:
        return name in PLAIN_FACTS or value in self.ids or _NUMBERS.fullmatch(value) is not None

    def redacted_values(self, values: Mapping[str, str] | None) -> dict[str, str] | None:
        """Return the values of a person's record, redacted except for document and customer numbers."""
        return None if values is None else {name: v if v in self.ids else ERASED for name, v in values.items()}

    def is_named_in(self, value: object) -> bool:
        """Return True if a JSON value contains words that identify the person."""
        return self.redacted(value) != value

    def may_be_in(self, text: str, *, near: bool = False) -> bool:
        """Return True if a plain or JSON text may identify the person. Other texts need no further search."""
        return (self._nearby_words if near else self._identifying_words).may_be_in(text)

    def search_spellings(self) -> list[str]:
        """Return all lower-case spellings to search for in texts that may identify the person."""
        return sorted(self._nearby_words.spellings)

    def to_json(self) -> dict[str, object]:
        """Return the person as JSON data."""
        customer = self.customer
        return {
            "customer": [customer.debtor, customer.relation, customer.customers, customer.orders],
            "merged": [list(number) for number in customer.merged],
            "documents": sorted(self.documents),
            "identifying": sorted(self.identifying_words),
            "places": sorted(self.places),
        }


def customer_of(record: Record) -> tuple[str, str] | None:
    """Return the type and number of a record's customer: a debtor's own number, or the relation of a document."""
    if record.kind is Kind.DEBTOR:
        return "debtor", record.key
    relation = record.values.get("relation")
    return ("relation", relation) if isinstance(relation, str) and relation else None


def person_from_json(shape: Mapping[str, Any]) -> DataSubject:
    documents, identifying, places = (frozenset(shape[name]) for name in ("documents", "identifying", "places"))
    merged = tuple((number_type, number) for number_type, number in shape["merged"])
    return DataSubject(replace(Customer(*shape["customer"]), merged=merged), documents, identifying, places)


class _Words:
    """Searches words: short words only as a whole text, longer words anywhere."""

    def __init__(self, words: Iterable[str]) -> None:
        distinct_words = {word.strip() for word in words} - {"", ERASED}
        self._short_words = {word.casefold() for word in distinct_words if len(word) < SHORTEST}
        longer = sorted((word for word in distinct_words if len(word) >= SHORTEST), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_word_pattern, longer)), re.IGNORECASE) if longer else None
        self.spellings = {spelling for word in longer for spelling in _spellings(word)}

    def redacted_text(self, text: str) -> str:
        if text.strip().casefold() in self._short_words:
            return ERASED
        return self._pattern.sub(ERASED, text) if self._pattern else text

    def may_be_in(self, text: str) -> bool:
        lower = text.lower()
        return any(spelling in lower for spelling in self.spellings)


def _word_pattern(word: str) -> str:
    """Return a pattern that finds a whole word, and not a part of a longer one such as another e-mail address."""
    return rf"(?<![\w.+-]){re.escape(word)}(?![\w@-])"


def _spellings(word: str) -> Iterator[str]:
    for variant in (word.lower(), word.casefold()):
        yield variant
        yield json.dumps(variant, ensure_ascii=False)[1:-1]
    for variant in (word, word.lower(), word.upper(), word.casefold()):
        yield json.dumps(variant)[1:-1].lower()


def identifying_words(record: object) -> tuple[set[str], set[str]]:
    """Return the identifying words and the place names of a record from the store or the log."""
    identifying: set[str] = set()
    places: set[str] = set()
    for name, value in _values(record):
        words = identifying if name in PERSONAL_FIELDS else places if name in PLACES else None
        if words is not None and isinstance(value, str) and value.strip():
            words.add(value.strip())
    return identifying, places


def _values(record: object) -> Iterator[tuple[str, object]]:
    """Yield all values of nested JSON data with their names. The name of a path is its last part."""
    if isinstance(record, Mapping):
        for name, value in record.items():
            yield str(name).rpartition("/")[2], value
            yield from _values(value)
    elif isinstance(record, list | tuple):
        for item in record:
            yield from _values(item)
