"""Issues: one reason why one record waits for a person. A value, never an exception."""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from integration.core.records import Location, Record, canonical


@dataclass(frozen=True, slots=True)
class Issue:
    """Why a record is parked.

    `cause` is a code of the catalogue, `facts` fill its sentences (texts, already without secrets). The same trouble
    tomorrow is the same issue: it is known by flow, key, cause and field.
    """

    cause: str
    key: str
    field: str = ""
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


def elsewhere(part: Record, parent: str, location: Location) -> Issue:
    """Return why an article waits that is wanted in the record of this key: the target has it or its number there."""
    facts = {
        "key": part.source, "article": part.source, "number": part.key, "held": location.number, "parent": parent,
        "product": f"{location.reference} ({location.name})" if location.name else location.reference,
    }  # fmt: skip
    if location.other:
        return Issue("article_number_taken", part.source, "number", facts | {"other": location.other})
    if location.number != part.key:
        return Issue("article_number_changed", part.source, "number", facts)
    return Issue("article_in_other_product", part.source, "parent", facts)


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a record takes no part: nobody has to act, but nobody has to wonder either."""

    reason: str
    key: str
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


PASSING = ("changed", "marker")
STOCK = ("stock", "warehouse:")
"""How names of values begin that change by themselves, without anybody having looked at the record."""


def source_mark(record: Record, passing: tuple[str, ...] = PASSING + STOCK) -> str:
    """Return a mark that becomes another one when somebody changes the record in its source.

    What is `passing` does not count: names of values begin so that change by themselves.
    """
    kept = {name: value for name, value in record.values.items() if not name.startswith(passing)}
    return hashlib.sha256(canonical(dataclasses.replace(record, values=kept)).encode()).hexdigest()[:32]
