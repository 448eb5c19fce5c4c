"""Outcomes of changes, and the facts that their lines show."""

from collections.abc import Iterable, Sequence

from integration.core.flow import Flow
from integration.core.issues import Issue, Skip
from integration.core.plan import Change, remaining
from integration.core.plan_lines import PlanRow
from integration.core.records import CurrentRecord, Record
from integration.core.run import Outcome
from integration.core.states import Step
from integration.store.plan_lines import NumberedChanges


def record_of(current: CurrentRecord | None) -> Record | None:
    """Return the record of the target's version, or None if there is none."""
    return current.record if current else None


def change_of(row: PlanRow) -> Change:
    """Return the change of a line. Raises TypeError for a line without a change, which is a defect of ours."""
    if row.change is None:
        raise TypeError(f"line {row.seq} has no change")
    return row.change


def changes_by_number(rows: Sequence[PlanRow]) -> NumberedChanges:
    """Return the changes of lines, by line number."""
    return {row.seq: change_of(row) for row in rows}


def is_known(flow: Flow, row: PlanRow) -> bool:
    """Return True if the stage and the record kinds of a line are known here; otherwise it cannot be handled."""
    has_known_kinds = row.kind.is_declared and all(part.kind.is_declared for part in change_of(row).desired.parts)
    return has_known_kinds and row.stage in flow.order


def agreed_of(row: PlanRow) -> Record:
    """Return the values of our fields that both systems have after a line is carried out."""
    return change_of(row).agreed


def may_be_partial(row: PlanRow, change: Change, now: CurrentRecord | None) -> bool:
    """Return True if a change of several calls, such as stock of several branches, may still be partly visible."""
    return row.calls > 1 and remaining(change, record_of(now)) is not None


def field_names(paths: Iterable[str]) -> str:
    """Return the names of fields as shown to people, each once."""
    return ", ".join(dict.fromkeys(path.rpartition("/")[2] for path in paths))


def as_issue(why: Issue | Skip) -> Issue:
    """Return the reason why a planned change is not written as the issue of its line."""
    return why if isinstance(why, Issue) else Issue(why.reason, why.key, facts=why.facts)


def verification_failed(row: PlanRow, change: Change, now: CurrentRecord | None, wrong: Sequence[str]) -> Outcome:
    """Return the outcome of a change after which the target has other values than planned."""
    current_values = now.record.flat() if now else {}
    planned_values = change.desired.flat()
    facts = {"key": row.title, "fields": field_names(wrong)}
    if wrong:
        facts |= {
            "planned_value": str(planned_values[wrong[0]] or ""),
            "target_value": str(current_values.get(wrong[0]) or ""),
        }
    cause = "read_back_differs" if now is not None else "read_back_missing"
    return Outcome(row.seq, Step.PARKED, issue=Issue(cause, row.key, wrong[0] if wrong else "", facts))
