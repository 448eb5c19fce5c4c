"""Issues: one reason why one record waits for a person, a value, never an exception; and the queue of them."""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from integration.core.records import Location, Record, Unreadable, canonical


@dataclass(frozen=True, slots=True)
class Issue:
    """Why a record is parked.

    `cause` is a code of the catalogue, `facts` fill its sentences (texts, already without secrets). The same trouble
    tomorrow is the same issue: it is known by flow, key, cause and field. `about` is what people know the record by;
    the log is told of it, and it is no part of the issue.
    """

    cause: str
    key: str
    field: str = ""
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    about: Mapping[str, str] = dataclasses.field(default_factory=dict, compare=False)


def article_elsewhere_issue(part: Record, parent: str, location: Location) -> Issue:
    """Return why an article waits that is wanted in the record of this key: the target has it or its number there."""
    facts = {
        "key": part.source,
        "article": part.source,
        "number": part.key,
        "held": location.number,
        "parent": parent,
        "product": f"{location.reference} ({location.name})" if location.name else location.reference,
    }
    if location.other:
        return Issue("article_number_taken", part.source, "number", facts | {"other": location.other})
    if location.number != part.key:
        return Issue("article_number_changed", part.source, "number", facts)
    return Issue("article_in_other_product", part.source, "parent", facts)


LONGEST_FOUND = 200  # characters of a value that are told in a sentence


def not_readable(record: Unreadable, system: str) -> Issue:
    """Return why a record of a system waits that cannot be read, with all of it as it came."""
    facts = {"key": record.key, "field": record.field, "value": record.found[:LONGEST_FOUND]}
    cause = "key_unreadable" if record.nameless else "record_unreadable"
    return Issue(cause, record.key, record.field, facts | {"system": system, "raw": record.raw})


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a record takes no part: nobody has to act, but nobody has to wonder either."""

    reason: str
    key: str
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


PASSING = ("changed", "marker")
# How names of values begin that change by themselves, without anybody having looked at the record.
STOCK = ("stock", "warehouse:")


def source_mark(record: Record, passing: tuple[str, ...] = PASSING + STOCK) -> str:
    """Return a mark that becomes another one when somebody changes the record in its source.

    What is `passing` does not count: names of values begin so that change by themselves.
    """
    kept = {name: value for name, value in record.values.items() if not name.startswith(passing)}
    return hashlib.sha256(canonical(dataclasses.replace(record, values=kept)).encode()).hexdigest()[:32]


class IssueState(StrEnum):
    """Where an issue stands."""

    OPEN = "open"
    SET_ASIDE = "set_aside"  # a person said why it may stay as it is
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class IssueGroupKey:
    """What issues have in common that one repair serves: `detail` tells the trouble from others of its cause."""

    flow: str
    cause: str
    field: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CauseGroup:
    """All open issues of one cause, or all that were set aside.

    `facts`, `reason`, `by` and `run`, which met it last, are those of the newest; `sold` is what its documents come to,
    as far as they tell.
    """

    flow: str
    cause: str
    field: str
    count: int
    first_seen: datetime
    last_seen: datetime
    facts: Mapping[str, str]
    detail: str = ""
    assigned: str = ""
    note: str = ""
    reason: str = ""
    by: str = ""
    run: str = ""
    sold: Decimal | None = None

    @property
    def of(self) -> IssueGroupKey:
        """What they have in common."""
        return IssueGroupKey(self.flow, self.cause, self.field, self.detail)


@dataclass(frozen=True, slots=True)
class OpenIssue:
    """One issue of the queue, with what became of it."""

    id: int
    flow: str
    issue: Issue
    title: str
    state: IssueState
    first_seen: datetime
    last_seen: datetime
    seen: int
    run: str
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class IssueOccurrence:
    """An issue as a run met it, with what the record is called."""

    issue: Issue
    kind: str = ""
    title: str = ""
