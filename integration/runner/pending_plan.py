"""Carries changes of the waiting plan over to a new plan, and decides which plans the new plan replaces.

Some changes, such as removed records, show only when everything is read. A plan of an incremental run must not lose
such changes of the waiting plan.
"""

from dataclasses import replace

from integration.core.guards import SOURCE_EMPTY
from integration.core.position import Task
from integration.core.run import PLANS_OF_ALL, Mode, Run
from integration.core.states import RunState
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import Dependencies
from integration.runner.extract import Extract
from integration.runner.retire import propose

CARRY_PAGE = 250  # changes of the waiting plan, checked together


def waiting_plans(deps: Dependencies, flow: str) -> list[Run]:
    """Return the waiting plans of a flow that cover the complete flow, newest first."""
    return [run for run in deps.runs.latest(flow, [RunState.READY]) if run.mode in PLANS_OF_ALL]


def carry_over(deps: Dependencies, extract: Extract, run: Run, logic: FlowLogic) -> None:
    """Read one page of the records that the waiting plans change again, unless this run has read them already."""
    position, flow = run.position, logic.flow
    plans = {plan.id: plan for plan in waiting_plans(deps, flow.name)}
    rows = deps.plans.changes_of(sorted(plans), position.after, CARRY_PAGE)
    if not rows:
        deps.previews.keep_position(run.id, position.start_of(Task.SIBLINGS))
        return
    for stage in flow.stages:
        keys = [key for row in rows if row.stage == stage.name and row.change for key in row.change.sources]
        if stage.derived:
            position = extract.stage_counted(run, logic, keys, position)
        elif not stage.off:
            position = extract.stage_fetched(run, logic, stage, keys, position)
    deps.previews.keep_position(run.id, replace(position, after=f"{rows[-1].run}:{rows[-1].seq:012}"))


def recheck_retirements(deps: Dependencies, run: Run, logic: FlowLogic) -> None:
    """Check one page of the newest waiting plan's retirements: whether the source still lacks the records."""
    position, stage = run.position, logic.flow.counted_stage
    plans = waiting_plans(deps, run.flow)[:1] if logic.retires else []
    rows = deps.plans.changes_of([plan.id for plan in plans], position.after, CARRY_PAGE, retirements=True)
    if not rows:
        deps.previews.keep_position(run.id, position.start_of(Task.FINISH))
        return
    records = [row.change.desired for row in rows if row.change]
    codes = {source for record in records for source in ([part.source for part in record.parts] or [record.key])}
    unread = deps.previews.not_staged(run.id, stage.name, sorted(codes))
    links = [
        link for link in deps.links.get(run.flow, stage.parts or stage.target, unread).values() if not link.retired
    ]
    page, position = propose(deps, run, logic, links), replace(position, after=f"{rows[-1].run}:{rows[-1].seq:012}")
    empty = sum(brake.count for plan in plans for brake in plan.brakes if brake.code == SOURCE_EMPTY.code and page.rows)
    position = replace(position, watched={**position.watched, SOURCE_EMPTY.name: empty})
    deps.previews.keep_page(run.id, page.rows, [], 0, page.position_with_counts(position))


def replaced_by(deps: Dependencies, run: Run, *, doubtful: bool) -> list[str]:
    """Return the waiting plans that the plan of a run replaces.

    A `doubtful` plan reports that every record is gone; it replaces none.
    """
    others = [other for other in deps.runs.latest(run.flow, [RunState.READY]) if other.id != run.id]
    if doubtful:
        return []
    if run.mode in PLANS_OF_ALL:
        return [
            other.id
            for other in others
            if other.mode in PLANS_OF_ALL or (other.mode is Mode.CHOSEN and deps.plans.contains_plan(run.id, other.id))
        ]
    return [
        other.id
        for other in others
        if other.mode is run.mode
        and other.undo_of == run.undo_of
        and set(other.position.keys) <= set(run.position.keys)
    ]
