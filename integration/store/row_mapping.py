"""Converts runs, staged records and plan lines to table rows and back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from integration.core.issues import Issue, Skip
from integration.core.link_evidence import evidence_from_json
from integration.core.plan import Action, Approval, Brake, Change
from integration.core.plan_lines import PlanRow
from integration.core.position import Position, Task
from integration.core.records import Kind, record_from_json, record_to_json
from integration.core.run import Counts, Mode, Run
from integration.core.staged_records import StagedRecord
from integration.core.states import RunState, Step
from integration.store.facets import changed_fields, changed_prices

Row = sa.Row[tuple[Any, ...]]


def change_to_json(change: Change) -> dict[str, object]:
    """Return a change as JSON values."""
    shape: dict[str, object] = {
        "action": change.action,
        "kind": change.kind,
        "key": change.key,
        "title": change.title,
        "group": change.group,
        "sources": list(change.sources),
        "desired": record_to_json(change.desired),
        "before": None if change.before is None else record_to_json(change.before),
    }
    if change.agreed is not change.desired:  # creates agree on exactly the wanted values
        shape["agreed"] = record_to_json(change.agreed)
    if change.kept_paths:
        shape["kept_paths"] = list(change.kept_paths)
    if change.conflicts:
        shape["conflicts"] = list(change.conflicts)
    if change.first_match:
        shape["first_match"] = True
    if change.source_values:
        shape["source_values"] = dict(change.source_values)
    if change.unit:
        shape["unit"] = change.unit
    if change.inputs:
        shape["inputs"] = dict(change.inputs)
    if change.undoes:
        shape["undoes"] = True
    if change.evidence:
        shape["evidence"] = change.evidence.to_json()
    return shape


def change_from_json(shape: Mapping[str, Any]) -> Change:
    """Return the change from the data of `change_to_json`."""
    desired = record_from_json(shape["desired"])
    return Change(
        action=Action(shape["action"]),
        kind=Kind.stored(shape["kind"]),
        key=shape["key"],
        title=shape["title"],
        group=shape["group"],
        sources=tuple(shape["sources"]),
        desired=desired,
        before=None if shape["before"] is None else record_from_json(shape["before"]),
        agreed=record_from_json(shape["agreed"]) if "agreed" in shape else desired,
        kept_paths=tuple(shape.get("kept_paths", ())),
        conflicts=tuple(shape.get("conflicts", ())),
        first_match=shape.get("first_match", False),
        undoes=shape.get("undoes", False),
        source_values=shape.get("source_values", {}),
        unit=shape.get("unit", ""),
        inputs=shape.get("inputs", {}),
        evidence=evidence_from_json(shape.get("evidence")),
    )


def line_to_row(run: str, seq: int, line: PlanRow) -> dict[str, object]:
    """Return a line as a table row. Skipped and parked lines are settled from the start."""
    step = {Action.SKIP: Step.LEFT, Action.PARK: Step.PARKED}.get(line.action, line.step)
    change = line.change
    found_by = "\n".join((line.key, line.title, line.group, *(change.sources if change else ())))
    return {
        "run": run, "seq": seq, "stage": line.stage, "action": line.action, "step": step, "kind": line.kind,
        "key": line.key, "title": line.title, "group": line.group, "found_by": found_by.casefold(),
        "weight": line.weight, "first_match": change is not None and change.first_match,
        "change": None if change is None else change_to_json(change), "digest": line.digest,
        "brakes": list(line.brakes), "cause": line.cause, "cause_field": line.cause_field,
        "facts": dict(line.facts), "attempts": line.attempts, "sent_at": line.sent_at, "accepted": line.accepted,
        "reference": line.reference,
        "fields": changed_fields(change), "price_moves": changed_prices(change),
        "calls": 0 if change is None else line.calls,
    }  # fmt: skip


def plan_row(row: Row) -> PlanRow:
    """Return the plan line of a table row."""
    return PlanRow(
        seq=row.seq, stage=row.stage, action=Action(row.action), kind=Kind.stored(row.kind), key=row.key,
        title=row.title, group=row.group, weight=row.weight,
        change=None if row.change is None else change_from_json(row.change),
        digest=row.digest, brakes=tuple(row.brakes), cause=row.cause, cause_field=row.cause_field, facts=row.facts,
        step=Step(row.step), attempts=row.attempts, sent_at=row.sent_at, accepted=row.accepted,
        reference=row.reference, calls=row.calls, run=row.run,
    )  # fmt: skip


def staged_to_row(run: str, stage: str, staged_record: StagedRecord) -> dict[str, object]:
    """Return a staged record as a table row."""
    issue = staged_record.issue
    return {
        "run": run,
        "stage": stage,
        "key": staged_record.key,
        "parent": staged_record.parent,
        "title": staged_record.title,
        "number": staged_record.number,
        "mark": staged_record.mark,
        "taking_part": staged_record.skip is None,
        "record": None if staged_record.record is None else record_to_json(staged_record.record),
        "issue": None if issue is None else [issue.cause, issue.key, issue.field, dict(issue.facts), dict(issue.about)],
        "skip": None
        if staged_record.skip is None
        else [staged_record.skip.reason, staged_record.skip.key, dict(staged_record.skip.facts)],
        "group": staged_record.group,
        "source_hash": staged_record.source_hash,
        "same": staged_record.is_unchanged,
    }


def staged_of(row: Row) -> StagedRecord:
    """Return the staged record of a table row."""
    return StagedRecord(
        key=row.key, parent=row.parent, title=row.title, number=row.number, mark=row.mark,
        record=None if row.record is None else record_from_json(row.record),
        issue=None if row.issue is None else Issue(*row.issue), skip=None if row.skip is None else Skip(*row.skip),
        group=row.group, source_hash=row.source_hash, is_unchanged=row.same,
    )  # fmt: skip


def approval_to_json(approval: Approval) -> dict[str, object]:
    """Return an approval as JSON values."""
    return {
        "fingerprint": approval.fingerprint,
        "by": approval.by,
        "confirmed": None if approval.confirmed is None else dict(approval.confirmed),
    }


def _approval_of(shape: Mapping[str, Any]) -> Approval:
    return Approval(shape["fingerprint"], shape["by"], shape["confirmed"])


def position_to_json(position: Position) -> dict[str, object]:
    """Return a position as JSON values."""
    return {field.name: getattr(position, field.name) for field in fields(position)}


def position_of(shape: Mapping[str, Any]) -> Position:
    """Return the position from the data of `position_to_json`."""
    by_kind = {name: {Kind.stored(kind): stamp for kind, stamp in shape[name].items()} for name in ("since", "stamps")}
    return Position(**{**shape, "task": Task(shape["task"]), "keys": tuple(shape["keys"]), **by_kind})


def run_of(row: Row, counts: Counts, left_out: Mapping[int, str]) -> Run:
    """Return the run of a table row."""
    return Run(
        id=row.id, flow=row.flow, state=RunState(row.state), mode=Mode(row.mode), by=row.by,
        started_at=row.started_at, ended_at=row.ended_at, mapping_version=row.mapping_version,
        fingerprint=row.fingerprint, brakes=tuple(Brake(*brake) for brake in row.brakes),
        approval=None if row.approval is None else _approval_of(row.approval), position=position_of(row.position),
        mapping_version_at_start=row.in_force, basis=row.basis, undo_of=row.undo_of, notes=row.notes,
        progress_done=row.progress_done, progress_total=row.progress_total, phase=row.phase, error=row.error,
        facts=row.facts, counts=counts, approvals=row.approvals,
        excluded=left_out, pruned_at=row.pruned_at,
    )  # fmt: skip
