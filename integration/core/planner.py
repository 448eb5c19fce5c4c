"""Decides what a plan does with one record, for runs and for trials of a mapping. Does no input or output."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from integration.core.conflicts import conflicts
from integration.core.flow import Flow, Stage
from integration.core.issues import Issue, Skip, unreadable_record_issue
from integration.core.links import Link
from integration.core.plan import Change, Policy, Unchanged, diff
from integration.core.records import CurrentRecord, Record, Unreadable
from integration.core.source_values import split_source_values


class RecordRules(Protocol):
    """Rules of a flow for its records; see `flows/spec.py`."""

    flow: Flow
    policy: Policy

    def objection(
        self, stage: Stage, desired: Record, current: CurrentRecord | None, link: Link | None
    ) -> Issue | None:
        """Return the issue if the record found in the target is not the intended one, or None."""

    def remarks(
        self, stage: Stage, desired: Record, current: CurrentRecord | None, link: Link | None
    ) -> tuple[Issue, ...]:
        """Return issues to show to a person, in addition to the change that is written."""

    def writable_part(self, stage: Stage, desired: Record, current: CurrentRecord | None) -> Record | Skip:
        """Return the part of the desired record that may be written now, or the reason why nothing may be."""


@dataclass(frozen=True, slots=True)
class WrittenOnce:
    """Result for a document that exists in the target or could not be read back: it is not written again."""


@dataclass(frozen=True, slots=True)
class Desired:
    """A record as the target should have it, with its title, its group and its unit.

    `inputs` holds, by path, the source figures from which a running figure is computed, as text.
    """

    record: Record
    title: str
    group: str = ""
    unit: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """Result for one record, and an issue for each field that is held back because both sides changed it."""

    outcome: Change | Unchanged | WrittenOnce | Issue | Skip
    waiting_issues: tuple[Issue, ...] = ()


def plan_record(
    rules: RecordRules, stage: Stage, desired: Desired, current: CurrentRecord | None, link: Link | None
) -> Decision:
    """Return the decision for one record, by comparing the desired, the current and the agreed values."""
    record, agreed = desired.record, link.agreed if link else None
    if current is not None and isinstance(current.record, Unreadable):
        return Decision(unreadable_record_issue(current.record, rules.flow.target))
    if objection := rules.objection(stage, record, current, link):
        return Decision(objection)
    fitting = rules.writable_part(stage, record, current)
    if isinstance(fitting, Skip):
        return Decision(fitting)
    if stage.write_once and (current is not None or (link is not None and link.unproven)):
        return Decision(WrittenOnce())
    fitting, source_texts = split_source_values(fitting)
    current_record = current.record if current else None
    outcome = diff(fitting, current_record, agreed, rules.policy, title=desired.title, group=desired.group)
    if isinstance(outcome, Issue):
        return Decision(outcome)
    waits: tuple[Issue, ...] = ()
    if outcome.conflicts:
        waits = tuple(conflicts(outcome.conflicts, fitting, current_record, agreed, desired.title))
    waits += rules.remarks(stage, record, current, link)
    if isinstance(outcome, Change) and (source_texts or desired.unit or desired.inputs):
        otherwise = {name: source_texts[name] for name in source_texts.keys() & outcome.desired.values.keys()}
        inputs = {path: desired.inputs[path] for path in desired.inputs.keys() & outcome.desired.flat().keys()}
        outcome = replace(outcome, source_values=otherwise, unit=desired.unit, inputs=inputs)
    return Decision(outcome, waits)
