"""Leaves out customers and addresses of a plan if none of their documents is written."""

from integration.core.issues import Skip
from integration.core.position import Position
from integration.core.records import RecordType
from integration.core.run import Mode, Run
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import Dependencies
from integration.runner.page import empty_page


def skip_unneeded(deps: Dependencies, run: Run, logic: FlowLogic) -> Position:
    """Skip each customer and address whose documents are all parked; return the position without their changes.

    They are derived from documents and planned before them, so it is known only at the end of the plan which documents
    are parked.
    """
    flow, position = logic.flow, run.position
    if run.mode is Mode.UNDO:  # a customer is restored independently of documents
        return position
    derived = [stage.name for stage in flow.stages if stage.derived and stage.target.type is RecordType.PARTY]
    unneeded = (
        deps.previews.changes_without_documents(run.id, derived, [stage.name for stage in flow.counted_stages])
        if derived
        else []
    )
    if not unneeded:
        return position
    counted_position = Position()
    skips = []
    for row, change in unneeded:
        page = empty_page(deps, logic, flow.stage(row.stage))
        page.change(change)
        counted_position = page.position_with_counts(counted_position)
        facts = {"key": row.title, "count": str(len(change.sources))}
        skips.append((row, Skip("documents_parked", row.key, facts)))
    fewer = {code: -count for code, count in counted_position.watched.items()}
    position = position.with_counts(-counted_position.changes, 0, fewer)
    deps.previews.skip_planned(run.id, skips, position)
    return position
