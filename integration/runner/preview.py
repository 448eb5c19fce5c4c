"""Makes a plan page by page, without writing to either system.

Every method processes one page and may be repeated after a crash: a page and the next position are stored together.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import structlog

from integration.core.basis import NAMES
from integration.core.equalized_fields import EQUALIZED, EqualizedField, equalized_facts, equalized_fields
from integration.core.errors import IntegrationError
from integration.core.flow import Flow
from integration.core.foreign_documents import FOREIGN_DOCUMENTS_NOTE
from integration.core.guards import FOREIGN_DOCUMENT_LIMIT, SOURCE_EMPTY, VALUES_LOST, brakes
from integration.core.link_evidence import IDENTITY_CAUSES
from integration.core.plan import Brake, fingerprint
from integration.core.plan_lines import LineFilter
from integration.core.position import Position, Task
from integration.core.reverted_values import VALUE_REVERTED
from integration.core.run import ALL_FOR, PARKED_FOR, PLANS_OF_ALL, Mode, PreviewRequest, Run
from integration.core.states import RunState
from integration.flows.spec import FlowLogic
from integration.runner.compare import Compare
from integration.runner.corrections import CORRECTION_MARKS_NOTE, corrected_in, corrected_now
from integration.runner.dependencies import Dependencies, changed_input_notes, next_cursors
from integration.runner.extract import Extract
from integration.runner.field_presence import lost_values
from integration.runner.foreign_documents import find_foreign_documents
from integration.runner.merged_customers import retire_merged
from integration.runner.pending_plan import carry_over, recheck_retirements, replaced_by
from integration.runner.prefetch import Prefetch
from integration.runner.retire import plan_retirements
from integration.runner.uncertain_writes import ask_about_unplanned
from integration.runner.undo import undo
from integration.runner.unneeded import skip_unneeded

log = structlog.get_logger(__name__)
MISSING = "target_record_missing"
SAMPLE = 50  # lines of one cause that are read to see which system they contradict


class Preview:
    """Reads both systems and stores the changes that are necessary."""

    def __init__(self, deps: Dependencies) -> None:
        self.deps = deps
        self._prefetch = Prefetch()
        extract = Extract(deps, self._prefetch)
        self._compare = Compare(deps, extract, self._prefetch)
        self._tasks: Mapping[Task, Callable[[Run, FlowLogic], None]] = {
            Task.EXTRACT: extract.extract,
            Task.TOUCHED: extract.read_edited,
            Task.PARKED: extract.read_parked_again,
            Task.CARRY: partial(carry_over, deps, extract),
            Task.SIBLINGS: extract.read_siblings,
            Task.COMPARE: self._compare.compare,
            Task.VANISHED: self._process_vanished,
            Task.UNDO: partial(undo, deps),
            Task.FINISH: self._finish,
        }

    def begin(self, request: PreviewRequest) -> Run:
        """Start a run of a flow. Raises RunActiveError while another run of the flow is active.

        Reads everything if no earlier run left cursors, or if the inputs of the logic have changed: then an unchanged
        source record may give another result. A request for changes may skip records that are unchanged by hash; a
        request for everything compares all records.
        """
        logic, mode = self.deps.logics.current_logic(request.flow), request.mode
        flow, cursors = logic.flow, self.deps.cursors
        stamps = {stage.source: cursors.get(flow.name, f"source:{stage.source}") for stage in flow.stages}
        began, first = any(stamps[stage.source] for stage in flow.counted_stages), flow.next_read_stage(None)
        limit = (logic.max_records or None) if mode is Mode.CHANGES or not began else None
        notes = {}
        if mode in PLANS_OF_ALL:
            notes = changed_input_notes(self.deps, logic, self.deps.runs.waiting_for_all(flow.name))
        if mode is not Mode.CHANGES or not began:
            notes.pop(ALL_FOR, None)
        trusting = mode is Mode.CHANGES and any(stage.hashed for stage in flow.stages)
        if mode is Mode.CHANGES and not (began and flow.by_changes and ALL_FOR not in notes):
            mode = Mode.COMPLETE
        if mode is not Mode.CHANGES:
            notes.pop(PARKED_FOR, None)
        since = {kind: stamp for kind, stamp in stamps.items() if stamp} if mode is Mode.CHANGES else {}
        stage = (first or flow.counted_stage).name
        position = Position(stage=stage, keys=request.keys, max_records=limit, since=since, trusting=trusting)
        in_force = logic.mapping_version
        version = request.version or in_force
        of_another = {name: note for name, note in request.notes.items() if name != CORRECTION_MARKS_NOTE}
        return self.deps.runs.begin(
            request.flow, mode, request.by.ref, version, position, in_force=in_force,
            basis=self.deps.basis(request.flow, version, asks=True),
            notes={**of_another, **notes, **corrected_now(self.deps, request.flow)},
        )  # fmt: skip

    def undo(self, run_id: str, *, by: str) -> Run:
        """Start a run that plans the reversal of another run. The plan is shown before anything is sent.

        Raises RunActiveError while a run of the flow is active. Raises IntegrationError `nothing_to_undo`, or
        `plan_not_kept` if the lines of the earlier run were deleted.
        """
        earlier = self.deps.runs.get(run_id)
        if earlier.pruned_at is None and not self.deps.plans.proven(run_id, after=0, limit=1):
            raise IntegrationError("nothing_to_undo", flow=earlier.flow, run=run_id)
        version = self.deps.logics.current_logic(earlier.flow).mapping_version
        now = self.deps.basis(earlier.flow, version, asks=False)
        basis = {kind: mark for kind, mark in now.items() if kind == NAMES}  # the values to restore are already fixed
        return self.deps.runs.begin(
            earlier.flow, Mode.UNDO, by, version, Position(task=Task.UNDO), basis=basis, undo_of=run_id
        )

    def page(self, run_id: str) -> bool:
        """Process the next page of a preview and return whether there are more. Writes nothing to either system.

        The prefetched page is discarded at the end of the preview and after an error.
        """
        more = False
        try:
            more = self._page(run_id)
        finally:
            if not more:
                self.drop_prefetch(run_id)
        return more

    def drop_prefetch(self, run_id: str) -> None:
        """Discard the prefetched page of a run, because this process no longer works on the run."""
        self._prefetch.drop(run_id)

    def _page(self, run_id: str) -> bool:
        run = self.deps.runs.get(run_id)
        if run.state is not RunState.PREVIEWING:
            return False
        if self.deps.runs.cancel_requested(run_id):
            self.drop_prefetch(run_id)  # before the run is stored as cancelled
            self.deps.runs.cancel_preview(run_id)
            return False
        self._tasks[run.position.task](run, self.deps.logic_of(run))
        return run.position.task is not Task.FINISH

    def _process_vanished(self, run: Run, logic: FlowLogic) -> None:
        if run.mode is Mode.COMPLETE:
            plan_retirements(self.deps, run, logic)
        elif run.mode is Mode.CHOSEN:
            retire_merged(self.deps, run, logic)
        else:
            recheck_retirements(self.deps, run, logic)

    def _finish(self, run: Run, logic: FlowLogic) -> None:
        ask_about_unplanned(self.deps, run, logic)
        position = skip_unneeded(self.deps, run, logic)
        mark = fingerprint(run.flow, run.mapping_version, self.deps.previews.digests(run.id))
        counts, changes = position.watched, position.changes + position.retirements
        foreign = find_foreign_documents(self.deps, run)
        notes = {FOREIGN_DOCUMENTS_NOTE: foreign.to_note()} if foreign.references else {}
        corrections = corrected_in(self.deps, run)
        if CORRECTION_MARKS_NOTE in run.notes:
            notes[CORRECTION_MARKS_NOTE] = corrections
        lost = lost_values(self.deps, run, logic)
        equalized = self._equalized_fields(run, logic, changes)
        if equalized:  # second limits count these values as well, also those below the limit of the brake
            most = max(field.count for field in equalized)
            held_position = replace(position, watched={**counts, EQUALIZED.name: most})
            self.deps.previews.keep_position(run.id, held_position)
        limit = logic.settings.limits.get(EQUALIZED.name)
        exceeding = [field for field in equalized if limit is not None and field.count > limit]
        guard_counts = {
            **counts,
            FOREIGN_DOCUMENT_LIMIT.name: len(foreign.references),
            VALUES_LOST.name: sum(lost.values()),
            EQUALIZED.name: sum(field.count for field in exceeding),
        }
        is_first = not self.deps.links.any(run.flow, *logic.flow.linked_kinds)
        exceeded = brakes(
            logic.settings.guards, logic.settings.limits, guard_counts, position.read_count, is_first=is_first,
            details={EQUALIZED.name: equalized_facts(exceeding), VALUES_LOST.name: {"field": ", ".join(sorted(lost))}},
        )  # fmt: skip
        tripped = exceeded if changes > counts.get(VALUE_REVERTED, 0) else ()
        state = RunState.READY if changes else RunState.DONE
        waits = self.deps.runs.waiting_for_all(run.flow)
        self._compare.forget(run.id)
        if waits is not None and run.mode is Mode.CHANGES and not (changes or position.read_count):
            self.deps.previews.finish(run.id, mark, tripped, state, position.read_count)  # neither system has changed
        elif (
            waits is not None
            and run.mode is Mode.CHANGES
            and self._is_same_plan(waits, run, mark, tripped, corrections)
        ):
            self.deps.previews.keep_counts(run.id, mark, position.read_count)
            self.deps.runs.discard_duplicate(run.id, waits.id)
        else:
            cursors = next_cursors(run, logic) if state is RunState.DONE else {}
            replaces = replaced_by(self.deps, run, doubtful=any(brake.code == SOURCE_EMPTY.code for brake in tripped))
            replaces = replaces if changes or run.mode in PLANS_OF_ALL else []
            self.deps.previews.finish(
                run.id, mark, tripped, state, position.read_count, cursors=cursors, replaces=replaces, notes=notes
            )
        _report_contradictions(self.deps, run, logic.flow, position)
        log.info("preview finished", run=run.id, flow=run.flow, read=position.read_count, changes=changes)

    def _equalized_fields(self, run: Run, logic: FlowLogic, changes: int) -> tuple[EqualizedField, ...]:
        """Return the equalized fields of a plan, whatever their count."""
        is_guarded = any(guard.name == EQUALIZED.name for guard in logic.settings.guards)
        return equalized_fields(self.deps.plans.updates(run.id), 0) if changes and is_guarded else ()

    def _is_same_plan(self, waits: Run, run: Run, mark: str, tripped: Sequence[Brake], corrections: str) -> bool:
        """Return True if the waiting plan has the same content as the new plan and was decided by the same inputs.

        Values reverted since then appear only in the new plan.
        """
        waiting_inputs = (
            waits.fingerprint,
            waits.brakes,
            waits.mapping_version,
            waits.mapping_version_at_start,
            waits.basis,
        )
        if waits.notes.get(CORRECTION_MARKS_NOTE, "") != corrections:
            return False
        back = [
            self.deps.plans.count(plan.id, "changes", among=LineFilter(cause=VALUE_REVERTED)) for plan in (waits, run)
        ]
        return back[0] == back[1] and waiting_inputs == (
            mark,
            tuple(tripped),
            run.mapping_version,
            run.mapping_version_at_start,
            run.basis,
        )


def _report_contradictions(deps: Dependencies, run: Run, flow: Flow, position: Position) -> None:
    """Report the system that most of the contradicting records of a preview name.

    A record that a system lost contradicts that system. `position` is the last one of the preview.
    """
    systems = Counter({flow.target: deps.plans.count(run.id, "park", among=LineFilter(cause=MISSING))})
    systems[flow.source] += position.retirements if run.mode is Mode.COMPLETE else 0
    for cause in IDENTITY_CAUSES:
        number = deps.plans.count(run.id, "park", among=LineFilter(cause=cause))
        rows = deps.plans.rows(run.id, "park", limit=SAMPLE, among=LineFilter(cause=cause)) if number else []
        if rows:
            (system, _), *_ = Counter(row.facts.get("system", flow.target) for row in rows).most_common(1)
            systems[system] += number
    for system, number in (+systems).items():
        deps.identities.suspect(system, number, position.read_count)
