"""Issues: values that say why a record is parked, and the types of the issue queue."""

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
    """Reason why a record is parked.

    `cause` is a code of the catalogue; `facts` fill its sentences and contain no secrets. Flow, key, cause and field
    identify an issue, so the same problem tomorrow is the same issue. `about` holds display facts of the record for
    the log, and is not part of the issue's identity.
    """

    cause: str
    key: str
    field: str = ""
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    about: Mapping[str, str] = dataclasses.field(default_factory=dict, compare=False)


def article_elsewhere_issue(part: Record, parent: str, location: Location) -> Issue:
    """Return the issue of an article that another target record has, or whose number is taken or changed."""
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


REPEATED_STOP = "run_stops_repeatedly"  # cause of the records of a commit that stops several times in a row
KEY_UNREADABLE = "key_unreadable"  # cause of a record that has no key to read it by
LONGEST_FOUND = 200  # characters of a value that a sentence shows


def unreadable_record_issue(record: Unreadable, system: str) -> Issue:
    """Return the issue of a record that cannot be read, with its raw text."""
    facts = {"key": record.key, "field": record.field, "value": record.raw_value[:LONGEST_FOUND]}
    cause = KEY_UNREADABLE if record.nameless else "record_unreadable"
    return Issue(cause, record.key, record.field, facts | {"system": system, "raw": record.raw})


@dataclass(frozen=True, slots=True)
class Skip:
    """Reason why a record takes no part in the flow. Nobody has to act."""

    reason: str
    key: str
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


PASSING = ("changed", "marker")
# Prefixes of values that change without an edit of the record.
STOCK = ("stock", "warehouse:")


def source_mark(record: Record, passing: tuple[str, ...] = PASSING + STOCK) -> str:
    """Return a mark that changes if somebody changes the record in its source.

    Values whose names have a prefix in `passing` do not count, because they change without an edit.
    """
    values = {name: value for name, value in record.values.items() if not name.startswith(passing)}
    return hashlib.sha256(canonical(dataclasses.replace(record, values=values)).encode()).hexdigest()[:32]


class IssueState(StrEnum):
    """State of an issue."""

    OPEN = "open"
    DISMISSED = "dismissed"  # by a person, with a reason
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class IssueGroupKey:
    """Key of the issues that one repair removes; `detail` holds the grouping facts of the cause."""

    flow: str
    cause: str
    field: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CauseGroup:
    """All open issues, or all dismissed issues, of one issue group.

    `facts`, `reason`, `by` and `run` (the last run that met the cause) are those of the newest issue. `sold` is the
    total of the documents, as far as they report it.
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
    def group_key(self) -> IssueGroupKey:
        return IssueGroupKey(self.flow, self.cause, self.field, self.detail)


@dataclass(frozen=True, slots=True)
class OpenIssue:
    """One issue of the queue with its state."""

    id: int
    flow: str
    issue: Issue
    title: str
    state: IssueState
    first_seen: datetime
    last_seen: datetime
    occurrences: int
    run: str
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class IssueOccurrence:
    """An issue as a run met it, with the kind and title of its record."""

    issue: Issue
    kind: str = ""
    title: str = ""
