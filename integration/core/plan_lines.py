"""The lines of a plan as they are kept, and which of them are meant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from integration.core.plan import Action, Change
from integration.core.records import Kind
from integration.core.states import Step


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One line of a kept plan, with where it stands; `stage` is the name of that of the flow.

    `weight` is how many records read it accounts for, `calls` how many write calls its change takes. `cause` names the
    issue of a parked line or the reason of a skipped one, `facts` fill its sentences.
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
    accepted: bool = False  # the target said yes
    reference: str = ""
    calls: int = 1
    run: str = ""  # whose line it is
    about: Mapping[str, str] = field(default_factory=dict, compare=False)  # of what is parked; only the log is told


@dataclass(frozen=True, slots=True)
class LineFilter:
    """What some lines of a plan have in common: a field they change, their group, their cause. Empty says nothing."""

    field: str = ""
    group: str = ""
    cause: str = ""


EVERY_LINE = LineFilter()
