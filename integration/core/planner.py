"""What a plan does with one record: decided the same way for a run and for the trial of a mapping. It asks nobody."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from integration.core.conflicts import conflicts
from integration.core.flow import Flow, Stage
from integration.core.issues import Issue, Skip, not_readable
from integration.core.links import Link
from integration.core.plan import Change, Policy, Unchanged, diff
from integration.core.records import Held, Record, Unreadable
from integration.core.source_values import split_source_values


class RecordRules(Protocol):
    """What a flow says about its records; see `flows/spec.py`."""

    flow: Flow
    policy: Policy

    def objection(self, stage: Stage, desired: Record, held: Held | None, link: Link | None) -> Issue | None:
        """Return why the record the target holds is not the one meant, or None."""

    def remarks(self, stage: Stage, desired: Record, held: Held | None, link: Link | None) -> tuple[Issue, ...]:
        """Return what a person is told about a record beside what is written of it."""

    def writable_part(self, stage: Stage, desired: Record, held: Held | None) -> Record | Skip:
        """Return what of the desired record may be created or updated now; or why nothing."""


@dataclass(frozen=True, slots=True)
class WrittenOnce:
    """What comes of a document that is there, or that nobody could read back: it is written once."""


@dataclass(frozen=True, slots=True)
class Desired:
    """A record as it should be in the target, with what people call it and sort it by, and its unit.

    `inputs` are the figures of the source that a running figure is made of, as a text, by the path of the figure.
    """

    record: Record
    title: str
    group: str = ""
    unit: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What comes of a record, and which fields of it wait alone because both sides changed them."""

    outcome: Change | Unchanged | WrittenOnce | Issue | Skip
    waits: tuple[Issue, ...] = ()


def plan_record(rules: RecordRules, stage: Stage, desired: Desired, held: Held | None, link: Link | None) -> Decision:
    """Return what makes the target as it should be in one record, by what it holds and what both last agreed on."""
    record, agreed = desired.record, link.agreed if link else None
    if held is not None and isinstance(held.record, Unreadable):
        return Decision(not_readable(held.record, rules.flow.target))
    if objection := rules.objection(stage, record, held, link):
        return Decision(objection)
    fitting = rules.writable_part(stage, record, held)
    if isinstance(fitting, Skip):
        return Decision(fitting)
    if stage.write_once and (held is not None or (link is not None and link.unproven)):
        return Decision(WrittenOnce())
    fitting, told = split_source_values(fitting)
    there = held.record if held else None
    outcome = diff(fitting, there, agreed, rules.policy, title=desired.title, group=desired.group)
    if isinstance(outcome, Issue):
        return Decision(outcome)
    waits = tuple(conflicts(outcome.conflicts, fitting, there, agreed, desired.title))
    waits += rules.remarks(stage, record, held, link)
    if isinstance(outcome, Change):
        otherwise = {name: told[name] for name in told.keys() & outcome.wanted.values.keys()}
        inputs = {path: desired.inputs[path] for path in desired.inputs.keys() & outcome.wanted.flat().keys()}
        outcome = replace(outcome, told=otherwise, unit=desired.unit, inputs=inputs)
    return Decision(outcome, waits)
