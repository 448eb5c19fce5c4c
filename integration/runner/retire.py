"""Plans to retire records that a complete extract no longer contains."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from integration.core.errors import ConfigurationError
from integration.core.flow import Stage
from integration.core.guards import SOURCE_EMPTY
from integration.core.links import Link
from integration.core.plan import differences, retire
from integration.core.position import Task
from integration.core.records import Kind
from integration.core.run import Run
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import Dependencies
from integration.runner.identified import target_question
from integration.runner.lookup import lookup_records
from integration.runner.page import PlanPage, empty_page
from integration.runner.reverted_values import add_without_retracted

RETIRE_PAGE = 250  # missing records checked together
# Count of source records read without a key; while it is not 0, no record counts as gone
NAMELESS = "nameless"


def plan_retirements(deps: Dependencies, run: Run, logic: FlowLogic) -> None:
    """Process one page of linked records that were not read.

    If a record was read without a key, no record counts as gone. If nothing was read at all, a brake holds the
    retirements. Raises ConfigurationError `source_empty` if nothing was read and the flow retires nothing, or if
    nothing was read although the source returns some of the records by key.
    """
    position, kind = run.position, logic.flow.counted_stage.source
    if not position.read_count and (count := deps.links.count(run.flow, *logic.flow.expected_kinds)):
        if not logic.retires:
            raise ConfigurationError("source_empty", flow=run.flow, system=logic.flow.source, count=count)
        position = replace(position, watched={**position.watched, SOURCE_EMPTY.name: count})
    unread = _unread_links(deps, run, logic) if logic.retires and not position.watched.get(NAMELESS) else []
    if not unread:
        deps.previews.keep_position(run.id, position.start_of(Task.FINISH))
        return
    missing = _missing_links(deps, logic, kind, unread)
    if len(missing) < len(unread) and SOURCE_EMPTY.name in position.watched:  # the source is not empty, but incomplete
        count = position.watched[SOURCE_EMPTY.name]
        raise ConfigurationError("source_empty", flow=run.flow, system=logic.flow.source, count=count)
    page = _retirements(deps, run, logic, missing)
    deps.previews.keep_page(
        run.id, page.rows, [], 0, page.position_with_counts(replace(position, after=unread[-1].key))
    )


def propose(deps: Dependencies, run: Run, logic: FlowLogic, links: Sequence[Link]) -> PlanPage:
    """Return a page that retires the given records if the source does not return them by key either."""
    return _retirements(deps, run, logic, _missing_links(deps, logic, logic.flow.counted_stage.source, links))


def _unread_links(deps: Dependencies, run: Run, logic: FlowLogic) -> list[Link]:
    stage = logic.flow.counted_stage
    kind = stage.parts or stage.target
    return deps.previews.links_not_staged(run.id, run.flow, kind, stage.name, run.position.after, RETIRE_PAGE)


def _missing_links(deps: Dependencies, logic: FlowLogic, kind: Kind, links: Sequence[Link]) -> list[Link]:
    """Return the links whose records the source does not return by key either.

    A row that is deleted during paging can hide another row.
    """
    records = deps.connectors[logic.flow.source].fetch(kind, [link.key for link in links])
    present_keys = {record.key for record in records}
    return [link for link in links if link.key not in present_keys]


def _owners(deps: Dependencies, flow: str, stage: Stage, codes: Collection[str]) -> list[Link]:
    """Return the links of the target records that contain these source records, or that are these records."""
    if stage.parts is not None:
        return deps.links.owners_of_parts(flow, stage.target, stage.parts, codes)
    links = deps.links.get(flow, stage.target, codes)
    return [links[key] for key in sorted(links)]


def _without_shared(deps: Dependencies, logic: FlowLogic, stage: Stage, missing: Sequence[Link]) -> list[Link]:
    """Return the links whose target record is not also linked to a record that the source still has.

    A person may have chosen the target record of a customer for the same customer under a new number.
    """
    if stage.parts is not None:
        return list(missing)
    keys = deps.links.keys_by_reference(logic.flow.name, stage.target, [link.reference for link in missing])
    other_keys = {key for several in keys.values() for key in several} - {link.key for link in missing}
    source = deps.connectors[logic.flow.source]
    present = {record.key for record in source.fetch(stage.source, sorted(other_keys))} if other_keys else set()
    return [link for link in missing if keys.get(link.reference, set()).isdisjoint(present)]


def _retirements(deps: Dependencies, run: Run, logic: FlowLogic, links: Sequence[Link]) -> PlanPage:
    flow, page = logic.flow, empty_page(deps, logic, logic.flow.counted_stage)
    codes = frozenset(link.key for link in links)
    owners = _without_shared(deps, logic, page.stage, _owners(deps, run.flow, page.stage, codes))
    target, references = deps.connectors[flow.target], deps.links.references(flow.name)
    current_records = lookup_records(target, [link.agreed for link in owners if link.agreed], references)
    reverted_values = deps.previews.reverted_values_of(flow.name, page.stage.target, [link.key for link in owners])
    for link in owners:
        now = current_records.get(link.key)
        if link.agreed is None or now is None:
            continue
        title, back = str(link.agreed.values.get("name") or link.key), reverted_values.get(link.key, {})
        change = retire(link.agreed, codes, now.record, title=title, frees=logic.frees)
        if not differences(change.desired, now.record):  # a person did it by hand
            continue
        if question := target_question(flow, link, link.agreed, now, title):
            page.park(question, link.kind, title, "", 0)
            continue
        add_without_retracted(page, change, back, link.agreed)
    return page
