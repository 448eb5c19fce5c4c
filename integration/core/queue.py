"""The exception queue as values: one issue in it, and what many of them have in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from integration.core.issues import Issue


class IssueState(StrEnum):
    """Where an issue stands."""

    OPEN = "open"
    SET_ASIDE = "set_aside"  # a person said why it may stay as it is
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Trouble:
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
    def of(self) -> Trouble:
        """What they have in common."""
        return Trouble(self.flow, self.cause, self.field, self.detail)


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
class Met:
    """An issue as a run met it, with what the record is called."""

    issue: Issue
    kind: str = ""
    title: str = ""
