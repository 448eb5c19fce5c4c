"""Making a plan: page by page, writing nothing to either system.

Every method does one page and may be repeated after a crash: a page and the position of the next are kept together.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog

from integration.core.errors import IntegrationError
from integration.core.plan import Brake, Tally, brakes, fingerprint
from integration.core.run import PLANS_OF_ALL, Mode, Position, PreviewRequest, Run, RunState, Task
from integration.flows.spec import FlowLogic
from integration.runner.carry import carried, gone_still, replaced_by
from integration.runner.compare import Compare
from integration.runner.extract import Extract
from integration.runner.parts import Parts, next_cursors
from integration.runner.retire import EMPTY, vanished
from integration.runner.undo import undo

log = structlog.get_logger(__name__)


class Preview:
    """Reads both systems and keeps what would have to change."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        extract, self._compare = Extract(parts), Compare(parts)
        self._tasks: Mapping[Task, Callable[[Run, FlowLogic], None]] = {
            Task.EXTRACT: extract.extract,
            Task.TOUCHED: extract.touched,
            Task.CARRY: partial(carried, parts, extract),
            Task.SIBLINGS: extract.siblings,
            Task.COMPARE: self._compare.compare,
            Task.VANISHED: self._vanished,
            Task.UNDO: partial(undo, parts),
            Task.FINISH: self._finish,
        }

    def begin(self, request: PreviewRequest) -> Run:
        """Open a run of a flow. Raises RunActiveError while another run of it is at work.

        Without a memory of an earlier run there is nothing to compare changes with, so everything is read.
        """
        logic, mode = self.parts.logic(request.flow), request.mode
        flow, cursors = logic.flow, self.parts.cursors
        known = {stage.source: cursors.get(flow.name, f"source:{stage.source}") for stage in flow.stages}
        began, first = known[flow.counted.source], flow.read_after(None)
        most = (logic.most or None) if mode is Mode.CHANGES or not began else None
        if mode is Mode.CHANGES and not (began and flow.by_changes):
            mode = Mode.COMPLETE
        since = {kind: stamp for kind, stamp in known.items() if stamp} if mode is Mode.CHANGES else {}
        position = Position(stage=flow.order(first or flow.counted), keys=request.keys, most=most, since=since)
        in_force = logic.mapping_version
        return self.parts.runs.begin(
            request.flow, mode, request.by, request.version or in_force, position, in_force=in_force,
            names=self.parts.names(), notes=request.notes,
        )  # fmt: skip

    def undo(self, run_id: str, *, by: str) -> Run:
        """Open a run that puts back what another one wrote: a plan like any other, shown before anything is sent.

        Raises RunActiveError while one of the flow is at work, and IntegrationError `nothing_to_undo`.
        """
        earlier = self.parts.runs.get(run_id)
        if not self.parts.plans.proven(run_id, after=0, limit=1):
            raise IntegrationError("nothing_to_undo", flow=earlier.flow, run=run_id)
        version = self.parts.logic(earlier.flow).mapping_version
        return self.parts.runs.begin(
            earlier.flow, Mode.UNDO, by, version, Position(task=Task.UNDO), names=self.parts.names(), undo_of=run_id
        )

    def page(self, run_id: str) -> bool:
        """Do the next page of a preview and tell whether there is more. Writes nothing to either system."""
        run = self.parts.runs.get(run_id)
        if run.state is not RunState.PREVIEWING:
            return False
        if self.parts.runs.cancel_requested(run_id):
            self.parts.runs.cancel_preview(run_id)
            return False
        self._tasks[run.position.task](run, self.parts.logic_of(run))
        return run.position.task is not Task.FINISH

    def _vanished(self, run: Run, logic: FlowLogic) -> None:
        if run.mode is Mode.COMPLETE:
            vanished(self.parts, run, logic)
        else:
            gone_still(self.parts, run, logic)

    def _finish(self, run: Run, logic: FlowLogic) -> None:
        position = run.position
        mark = fingerprint(run.flow, run.mapping_version, self.parts.previews.digests(run.id))
        watched = position.watched
        tally = Tally(
            changes=position.changes + position.retirements, records=watched.get("brake_changes"), read=position.read,
            retirements=watched.get("brake_retirements", position.retirements),
            price_jumps=watched.get("brake_price", 0), zeroed=watched.get("brake_stock_zero", 0),
            new_debtors=watched.get("brake_new_debtors", 0), empty=watched.get("brake_source_empty", 0),
            first=not self.parts.links.count(run.flow, logic.flow.linked),
        )  # fmt: skip
        tripped = brakes(tally, logic.limits) if tally.changes else ()
        state = RunState.READY if tally.changes else RunState.DONE
        waits = self.parts.runs.waiting_for_all(run.flow)
        self._compare.forget(run.id)
        if waits is not None and run.mode is Mode.CHANGES and not (tally.changes or position.read):
            self.parts.previews.finish(run.id, mark, tripped, state, position.read)  # neither system has changed
        elif waits is not None and run.mode is Mode.CHANGES and _same(waits, run, mark, tripped):
            self.parts.previews.keep_counts(run.id, mark, position.read)
            self.parts.runs.says_the_same(run.id, waits.id)
        else:
            cursors = next_cursors(run, logic) if state is RunState.DONE else {}
            replaces = replaced_by(self.parts, run, doubtful=any(brake.code == EMPTY for brake in tripped))
            replaces = replaces if tally.changes or run.mode in PLANS_OF_ALL else []
            self.parts.previews.finish(run.id, mark, tripped, state, position.read, cursors=cursors, replaces=replaces)
        log.info("preview finished", run=run.id, flow=run.flow, read=position.read, changes=tally.changes)


def _same(waits: Run, run: Run, mark: str, tripped: Sequence[Brake]) -> bool:
    """Tell whether a plan that waits says what a new one would say, made with the same mapping and names."""
    made = (waits.fingerprint, waits.brakes, waits.mapping_version, waits.in_force, waits.names)
    return made == (mark, tuple(tripped), run.mapping_version, run.in_force, run.names)
