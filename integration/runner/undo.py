"""Plans the reversal of the writes of another run, where the target still has them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from integration.core.flow import Stage
from integration.core.issues import Issue, Skip
from integration.core.plan import Change, inverse, still_applies
from integration.core.position import Task
from integration.core.records import CurrentRecord, is_same_value
from integration.core.run import Run
from integration.flows.spec import FlowLogic
from integration.runner.conflicts import find_duplicate_articles
from integration.runner.dependencies import Dependencies
from integration.runner.lookup import lookup_records
from integration.runner.page import PlanPage, empty_page

UNDO_PAGE = 250  # changes reversed at a time


def undo(deps: Dependencies, run: Run, logic: FlowLogic) -> None:
    """Plan the reversal of one page of changes that another run has proven."""
    position = run.position
    rows = deps.plans.proven(run.undo_of, position.undone, UNDO_PAGE)
    if not rows:
        deps.previews.keep_position(run.id, position.start_of(Task.FINISH))
        return
    rows = [row for row in rows if row.stage == rows[0].stage]
    page = empty_page(deps, logic, logic.flow.stage(rows[0].stage))
    changes = [row.change for row in rows if row.change]
    backs = _with_value_conflicts(
        deps, logic, page.stage, [_reversal_of(logic, page.stage, change) for change in changes]
    )
    changed_keys = {change.key for change in changes}
    fresh = [back.agreed for back in backs if isinstance(back, Change) and back.key not in changed_keys]
    references = deps.links.references(logic.flow.name)
    target = deps.connectors[logic.flow.target]
    current_records = lookup_records(target, [*(change.agreed for change in changes), *fresh], references)
    for change, back in zip(changes, backs, strict=True):  # a record may have several lines
        _add_reversal(run, logic, change, back, current_records, page)
    position = page.position_with_counts(
        replace(position, undone=rows[-1].seq, read_count=position.read_count + page.weight)
    )
    deps.previews.keep_page(run.id, page.rows, [], 0, position)


def _with_value_conflicts(
    deps: Dependencies, logic: FlowLogic, stage: Stage, backs: Sequence[Change | Skip | Issue]
) -> list[Change | Skip | Issue]:
    """Return the reversing changes, with an issue in place of each change that cannot be reversed.

    A change cannot be reversed if it restores a unique value, such as an EAN, that another article has now. An article
    that gets another value on this page does not count.
    """
    if stage.parts is None:
        return list(backs)
    records = [back.desired for back in backs if isinstance(back, Change)]
    duplicates = find_duplicate_articles(deps.links, logic.flow.name, stage.parts, records)
    parts = [part for record in records for part in record.parts]
    given_up = {part.source for part in parts if not logic.frees.isdisjoint(part.values)}
    issues = {source: issue for source, issue in duplicates.items() if issue.facts["other"] not in given_up}
    return [_reversal_or_issue(back, issues) if isinstance(back, Change) else back for back in backs]


def _reversal_or_issue(back: Change, issues: Mapping[str, Issue]) -> Change | Issue:
    issue = next((issues[part.source] for part in back.desired.parts if part.source in issues), None)
    return back if issue is None else replace(issue, key=back.key)


def _add_reversal(
    run: Run,
    logic: FlowLogic,
    change: Change,
    back: Change | Skip | Issue,
    current_records: Mapping[str, CurrentRecord],
    page: PlanPage,
) -> None:
    weight, title = len(change.sources) or 1, change.title
    if isinstance(back, Change) and back.before is None and (current := current_records.get(back.key)):  # undone before
        facts = {"key": back.title, "reference": current.reference, "system": logic.flow.target}
        back = Skip("already_in_target", change.key, facts)
    if isinstance(back, Issue):
        page.park(back, change.kind, title, change.group, weight)
    elif isinstance(back, Skip):
        page.skip(back, change.kind, title, change.group, weight)
    elif not _is_as_written(change, back, current_records.get(change.key)):
        facts = {"key": title, "run": run.undo_of}
        page.park(Issue("undo_blocked", change.key, facts=facts), change.kind, title, change.group, weight)
    else:
        current = current_records.get(change.key)
        page.change(
            replace(back, sources=back.sources or change.sources, undoes=True),
            current=current.record if current else None,
        )


def _reversal_of(logic: FlowLogic, stage: Stage, change: Change) -> Change | Skip | Issue:
    """Return the change that reverses another one, or the reason why it cannot be reversed."""
    back = logic.withdraw(stage, change) if change.before is None else inverse(logic.reversible(change))
    why = "undo_keeps" if change.before is None else "undo_keeps_filled"
    is_empty = isinstance(back, Change) and not back.desired.flat()
    return Skip(why, change.key, {"key": change.title}) if is_empty else back


def _is_as_written(change: Change, back: Change, current: CurrentRecord | None) -> bool:
    """Return True if the target still has the writes of a run; for a document, as far as its history is available."""
    if back.before is not None:
        return still_applies(back, current.record if current else None)
    if current is None or {part.key for part in current.record.parts} != {part.key for part in change.desired.parts}:
        return False
    now = current.record.flat()
    return all(is_same_value(value, now[path]) for path, value in change.desired.flat().items() if path in now)
