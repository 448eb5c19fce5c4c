"""Stored lines of a plan, and a filter for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from integration.core.plan import Action, Change
from integration.core.records import Kind
from integration.core.states import Step


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One line of a stored plan with its state; `stage` is the name of a stage of the flow.

    `weight` is the number of source records that the line covers, `calls` the number of write calls of its change.
    `cause` is the cause of a parked line or the reason of a skipped one; `facts` fill its sentences.
    """

    seq: int
    stage: str
    action: Action
    kind: Kind
    key: str
    title: str
    group: str = ""
    weight: int = 1
    change: Change | None = None
    digest: str = ""
    brakes: tuple[str, ...] = ()
    cause: str = ""
    cause_field: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    step: Step = Step.PLANNED
    attempts: int = 0
    sent_at: datetime | None = None
    accepted: bool = False  # the target answered positively
    reference: str = ""
    calls: int = 1
    run: str = ""  # id of the run that the line belongs to
    about: Mapping[str, str] = field(default_factory=dict, compare=False)  # facts of a parked record, for the log


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Filter for plan lines by changed field, group and cause. An empty value matches all lines."""

    field: str = ""
    group: str = ""
    cause: str = ""


EVERY_LINE = LineFilter()
