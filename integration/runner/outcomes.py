"""How changes end, and what their lines say of it."""

from collections.abc import Iterable, Sequence

from integration.core.flow import Flow
from integration.core.issues import Issue, Skip
from integration.core.plan import Change, remaining
from integration.core.plan_lines import PlanRow
from integration.core.records import Held, Record
from integration.core.run import Outcome
from integration.core.states import Step
from integration.store.plan_lines import Known


def record_of(held: Held | None) -> Record | None:
    """Return the record of what is held, or None where nothing is."""
    return held.record if held else None


def change_of(row: PlanRow) -> Change:
    """Return what a line changes. Raises TypeError for one that holds no change, which is a defect of ours."""
    if row.change is None:
        raise TypeError(f"line {row.seq} holds no change")
    return row.change


def changes_by_number(rows: Sequence[PlanRow]) -> Known:
    """Return what lines change, by their numbers."""
    return {row.seq: change_of(row) for row in rows}


def is_known(flow: Flow, row: PlanRow) -> bool:
    """Tell whether the kinds of record of a line, and its stage, are known here: else nothing can be done with it."""
    known = row.kind.known and all(part.kind.known for part in change_of(row).wanted.parts)
    return known and row.stage in flow.order


def agreed_of(row: PlanRow) -> Record:
    """Return what both systems hold of our fields once a line is carried out."""
    return change_of(row).agreed


def may_be_partial(row: PlanRow, change: Change, now: Held | None) -> bool:
    """Tell whether a change of several calls, such as levels of several branches, may show in full in a moment."""
    return row.calls > 1 and remaining(change, record_of(now)) is not None


def field_names(paths: Iterable[str]) -> str:
    """Return the names of fields as they are told, each once."""
    return ", ".join(dict.fromkeys(path.rpartition("/")[2] for path in paths))


def as_issue(why: Issue | Skip) -> Issue:
    """Return why something that was planned is not written after all, as its line tells it."""
    return why if isinstance(why, Issue) else Issue(why.reason, why.key, facts=why.facts)


def verification_failed(row: PlanRow, change: Change, now: Held | None, wrong: Sequence[str]) -> Outcome:
    """Return the end of a change after which the target holds something else."""
    held = now.record.flat() if now else {}
    wanted = change.wanted.flat()
    facts = {"key": row.title, "fields": field_names(wrong)}
    if wrong:
        facts |= {"planned_value": str(wanted[wrong[0]] or ""), "target_value": str(held.get(wrong[0]) or "")}
    cause = "read_back_differs" if now is not None else "read_back_missing"
    return Outcome(row.seq, Step.PARKED, issue=Issue(cause, row.key, wrong[0] if wrong else "", facts))
