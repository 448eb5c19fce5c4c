"""Keeps merged debtors out of a run, and plans to make their relations inactive."""

from collections.abc import Sequence

from integration.core.customer_merges import is_merged_key
from integration.core.issues import Skip
from integration.core.position import Task
from integration.core.records import Kind, Record
from integration.core.run import Run
from integration.core.staged_records import StagedRecord
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import Dependencies
from integration.runner.retire import propose

CAUSE = "customer_merged"


def without_merged(
    deps: Dependencies, logic: FlowLogic, records: Sequence[Record]
) -> tuple[list[Record], list[StagedRecord]]:
    """Return the remaining records, and placeholders for debtors that a person merged into another one."""
    debtors = [record.key for record in records if record.kind is Kind.DEBTOR]
    merged = deps.customer_merges.merged_debtors(logic.flow.name, debtors) if debtors else {}
    if not merged:
        return list(records), []
    skipped = [
        StagedRecord(key, key, key, skip=Skip(CAUSE, key, {"key": key, "number": stays}))
        for key, stays in merged.items()
    ]
    return [record for record in records if record.key not in merged or record.kind is not Kind.DEBTOR], skipped


def retire_merged(deps: Dependencies, run: Run, logic: FlowLogic) -> None:
    """Plan to make the chosen merged relations inactive, as those of vanished debtors."""
    position = run.position
    keys = [key for key in position.keys if is_merged_key(key)] if logic.retires else []
    links = deps.links.get(run.flow, logic.flow.counted_stage.target, keys)
    page = propose(deps, run, logic, [link for link in links.values() if not link.retired])
    deps.previews.keep_page(run.id, page.rows, [], 0, page.position_with_counts(position.start_of(Task.FINISH)))
