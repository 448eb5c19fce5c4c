"""What is kept of one person: which records those are, which words name them, and what comes in their place."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from integration.core.records import Kind, Record, Sort, kinds

ERASED = "█████"  # in the place of what named a person
# Values that name a person wherever they stand, and those that do so only among what is known of the person.
TELLING = frozenset(
    {
        "name", "company", "contact", "first_name", "last_name", "email", "phone", "mobile", "fax", "street",
        "vat_number", "chamber_number", "iban", "bank_account", "website", "birthday", "customer", "search_code",
        "shared_email", "shared_vat_number",
    }
)  # fmt: skip
PLACES = frozenset({"postcode", "city"})
# Facts of a record of a person that say nothing of the person.
PLAIN_FACTS = frozenset({"field", "system", "country", "table", "evidence", "run", "by", "reason", "records", "stage"})
SHORTEST = 4  # signs: what is shorter names a person only where nothing else stands beside it
_NUMBERS = re.compile(r"[\d\s,.;]+")


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer by number: in the books, at the till, or both; and the flows that know the number as a key."""

    debtor: str = ""
    relation: str = ""
    customers: str = "customers"
    orders: str = "orders"

    @property
    def numbers(self) -> tuple[tuple[str, str], ...]:
        """The numbers that are there, each with whose number it is."""
        return tuple(
            (sort, number) for sort, number in (("debtor", self.debtor), ("relation", self.relation)) if number
        )

    def has(self, flow: str, kind: str, key: str) -> bool:
        """Tell whether a record is about this customer itself: a debtor, relation or address.

        Its kind may be empty, or one that is only stored: nobody knows that such a record is of nobody.
        """
        if kind and Kind.stored(kind).known and kind not in kinds(Sort.PARTY):
            return False
        if flow == self.customers:
            return bool(self.debtor) and key == self.debtor
        if flow != self.orders:
            return False
        of_relation = bool(self.relation) and (key == self.relation or key.startswith(f"{self.relation}/"))
        return of_relation or (bool(self.debtor) and key.startswith(f"={self.debtor}/"))

    def is_named_by(self, values: object) -> bool:
        """Tell whether values of a document are of one for this customer."""
        if not isinstance(values, Mapping):
            return False
        by_relation = bool(self.relation) and values.get("debtor") == self.relation
        return by_relation or (bool(self.debtor) and values.get("debtor_number") == self.debtor)


@dataclass(frozen=True)
class DataSubject:
    """A customer with the documents made for them, and the words that name them."""

    customer: Customer
    documents: frozenset[str] = frozenset()
    telling: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()

    @property
    def ids(self) -> frozenset[str]:
        """What stays: numbers say nothing of a person any more once nothing else is kept."""
        return self.documents | {number for _, number in self.customer.numbers}

    def is_near(self, key: str) -> bool:
        """Tell whether a record is a document of the person, where a place names them too."""
        return key in self.documents

    def is_of_another(self, flow: str, kind: str, key: str) -> bool:
        """Tell whether a record is about somebody or something else: the same words are theirs there."""
        if kind in kinds(Sort.GOODS):
            return True
        is_of_people = kind in kinds(Sort.PARTY) or (not kind and flow == self.customer.customers and bool(key))
        return is_of_people and not self.customer.has(flow, kind, key)

    @cached_property
    def _telling(self) -> "_Words":
        return _Words(self.telling)

    @cached_property
    def _near(self) -> "_Words":
        return _Words(self.telling | self.places)

    def blotted(self, told: object, *, near: bool = False) -> object:
        """Return a value as JSON has it, without what names the person; names of values stay."""
        words = self._near if near else self._telling
        match told:
            case str():
                return words.blotted(told)
            case list() | tuple():
                return [self.blotted(one, near=near) for one in told]
            case dict():
                return {name: self.blotted(one, near=near) for name, one in told.items()}
            case _:
                return told

    def agreed(self, record: Mapping[str, object]) -> dict[str, object]:
        """Return a document as a link keeps it, without the values that name the person.

        They are left out, not blotted: what is not agreed is not looked at.
        """
        values = record["values"]
        kept = {n: v for n, v in values.items() if self.blotted(v, near=True) == v} if isinstance(values, dict) else {}
        return {**record, "values": kept}

    def facts(self, facts: Mapping[str, str]) -> dict[str, str]:
        """Return facts of a record of the person: numbers, and what says nothing of the person."""
        return {name: value if self._is_plain(name, value) else ERASED for name, value in facts.items()}

    def _is_plain(self, name: str, value: str) -> bool:
        return name in PLAIN_FACTS or value in self.ids or _NUMBERS.fullmatch(value) is not None

    def stripped(self, values: Mapping[str, str] | None) -> dict[str, str] | None:
        """Return values of a record of the person, of which only their names stay."""
        return None if values is None else {name: v if v in self.ids else ERASED for name, v in values.items()}

    def is_named_in(self, told: object, *, near: bool = False) -> bool:
        """Tell whether a value as JSON has it names the person."""
        return self.blotted(told, near=near) != told

    def may_be_in(self, text: str, *, near: bool = False) -> bool:
        """Tell whether a text, plain or as JSON has it, may name the person; what does not is not looked into."""
        return (self._near if near else self._telling).may_be_in(text)

    def needles(self) -> list[str]:
        """Return every spelling in small letters by which a text that may name the person is found."""
        return sorted(self._near.spellings)

    def to_json(self) -> dict[str, object]:
        """Return the person as JSON can carry it."""
        one = self.customer
        return {
            "customer": [one.debtor, one.relation, one.customers, one.orders],
            "documents": sorted(self.documents), "telling": sorted(self.telling), "places": sorted(self.places),
        }  # fmt: skip


def customer_of(record: Record) -> tuple[str, str] | None:
    """Return by whose number a record read is about a customer: a debtor's own, or the relation of a document."""
    if record.kind is Kind.DEBTOR:
        return "debtor", record.key
    relation = record.values.get("relation")
    return ("relation", relation) if isinstance(relation, str) and relation else None


def person_from_json(told: Mapping[str, Sequence[str]]) -> DataSubject:
    """Return the person that `to_json` told."""
    documents, telling, places = (frozenset(told[name]) for name in ("documents", "telling", "places"))
    return DataSubject(Customer(*told["customer"]), documents, telling, places)


class _Words:
    """Words to be found: short ones where they are all there is, others anywhere."""

    def __init__(self, words: Iterable[str]) -> None:
        told = {one.strip() for one in words} - {"", ERASED}
        self._whole = {one.casefold() for one in told if len(one) < SHORTEST}
        longer = sorted((one for one in told if len(one) >= SHORTEST), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_bounded, longer)), re.IGNORECASE) if longer else None
        self.spellings = {spelling for one in longer for spelling in _spellings(one)}

    def blotted(self, text: str) -> str:
        if text.strip().casefold() in self._whole:
            return ERASED
        return self._pattern.sub(ERASED, text) if self._pattern else text

    def may_be_in(self, text: str) -> bool:
        lower = text.lower()
        return any(one in lower for one in self.spellings)


def _bounded(word: str) -> str:
    """Return a pattern that finds a word, and not one that only ends or begins like it, such as another address."""
    return rf"(?<![\w.+-]){re.escape(word)}(?![\w@-])"


def _spellings(word: str) -> Iterator[str]:
    for one in (word.lower(), word.casefold()):
        yield one
        yield json.dumps(one, ensure_ascii=False)[1:-1]
    for one in (word, word.lower(), word.upper(), word.casefold()):
        yield json.dumps(one)[1:-1].lower()


def identifying_words(record: object) -> tuple[set[str], set[str]]:
    """Return the words of a record, as it is kept or as the log tells it, that name a person, and the places."""
    telling: set[str] = set()
    places: set[str] = set()
    for name, value in _values(record):
        found = telling if name in TELLING else places if name in PLACES else None
        if found is not None and isinstance(value, str) and value.strip():
            found.add(value.strip())
    return telling, places


def _values(record: object) -> Iterator[tuple[str, object]]:
    """Yield every value of JSON under its own name, however deep it stands; of a path the last part."""
    if isinstance(record, Mapping):
        for name, value in record.items():
            yield str(name).rpartition("/")[2], value
            yield from _values(value)
    elif isinstance(record, list | tuple):
        for one in record:
            yield from _values(one)
