"""Runs and their plans: begun, looked at line by line, approved, stopped and gone on with; and how each stands."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from integration.connectors.protocol import Connector
from integration.core.errors import PlanStaleError
from integration.core.foreign import csv_text
from integration.core.issues import Trouble
from integration.core.plan import Approval
from integration.core.records import Kind, Unreadable
from integration.core.rules import Trace
from integration.core.run import EVERY_LINE, Among, Mode, PlanRow, PreviewRequest, Run, RunState, Speed, Step, speed
from integration.runner import Runner
from integration.services.exceptions import Exceptions, notes_of
from integration.services.mappings import Logics, Mappings
from integration.services.setup import Proposals
from integration.services.work import Work
from integration.store.database import Clock
from integration.store.plans import Plans as StoredPlans
from integration.store.runs import Runs as StoredRuns
from integration.store.stores import Stores


class Runs(StoredRuns):
    """Every run as it is kept, and what a person can do with it."""

    def __init__(
        self,
        stores: Stores,
        work: Work,
        runner: Runner,
        mappings: Mappings,
        exceptions: Exceptions,
        proposals: Proposals,
        clock: Clock,
    ) -> None:
        super().__init__(stores.database, clock)
        self._plans = stores.plans
        self._work = work
        self._runner = runner
        self._mappings = mappings
        self._exceptions = exceptions
        self._proposals = proposals

    # ---- begun, and brought to an end

    def preview(self, request: PreviewRequest) -> str:
        """Start a preview in the background and return its run. Raises RunActiveError while another is at work."""
        self._proposals.fill_once(request.by)
        return self._work.engine.preview(request)

    def try_again(
        self,
        flow: str,
        cause: str,
        by: str,
        field: str | None = None,
        detail: str | None = None,
        version: int | None = None,
    ) -> str:
        """Start a preview of only what is parked for a cause, and return its run; see `Exceptions.tries`."""
        keys = self._exceptions.keys(flow, cause, field, detail)
        group = self._exceptions.group(Trouble(flow, cause, field or "", detail)) if detail is not None else None
        notes = notes_of(group) if group else {}
        return self.preview(PreviewRequest(flow, by, Mode.CHOSEN, tuple(keys), notes, version))

    def undo(self, run_id: str, by: str) -> str:
        """Start a plan that puts back what a run wrote, and return its run; nothing is sent before it is approved.

        Raises IntegrationError `nothing_to_undo` for a run that wrote nothing.
        """
        return self._work.engine.undo(run_id, by=by)

    def commit(self, run_id: str, approval: Approval) -> None:
        """Approve a plan and write it in the background. Raises PlanStaleError or PlanUnsafeError."""
        self._work.engine.commit(run_id, approval)

    def resume(self, run_id: str, by: str) -> None:
        """Go on with an interrupted run under the approval it has. Raises PlanStaleError where there is none."""
        run = self.open_plan(run_id)
        if run.approval is None:
            raise PlanStaleError("plan_not_approved", flow=run.flow, run=run.id)
        self._work.engine.commit(run_id, replace(run.approval, by=by))

    def cancel(self, run_id: str, by: str) -> None:
        """Ask a run to stop after the page it is at: a preview is put aside, what a commit has proven stays proven."""
        self._work.engine.cancel(run_id, by=by)

    # ---- how they stand

    def speed(self, run: Run) -> Speed:
        """Return how fast a run at work goes, and how long it still takes: the same for whoever asks."""
        return speed(run, next(iter(self.phases(run.id)[-1:]), None), self.clock())

    def outdated(self, run: Run) -> PlanStaleError | None:
        """Return why a plan can no longer be committed, as a commit would be refused, or None."""
        return self._runner.commit.outdated(run, self._mappings.published(run.flow).version)

    def doubtful(self, run: Run) -> int:
        """Return how many changes of a run were sent and not answered; what is on its way right now is no doubt yet."""
        unsettled = self._plans.count(run.id, "in_doubt")
        on_their_way = self._plans.count(run.id, "sent") if run.state is RunState.COMMITTING else 0
        return unsettled - on_their_way


# ---- plans ----------------------------------------------------------------------------------------------------------


CSV_PAGE = 1_000  # lines read at a time


class Plans(StoredPlans):
    """The kept plans of all runs, and what follows from them.

    Which lines are meant: how they `show`, what to `find` in them, and `among` which.
    """

    def __init__(self, stores: Stores, logics: Logics, connector: Callable[[str], Connector]) -> None:
        super().__init__(stores.database)
        self._runs = stores.runs
        self._links = stores.links
        self._logics = logics
        self._connector = connector
        self._calls: dict[str, dict[int, int]] = {}

    def writes(self, run_id: str, left_out: frozenset[int] = frozenset()) -> int:
        """Return how many write calls the chosen changes of a plan take."""
        known = self._calls.get(run_id)
        if known is None:
            known = self.calls(run_id)
            if self._runs.get(run_id).state is not RunState.PREVIEWING:  # a plan that is made does not change
                self._calls = {run_id: known}
        return sum(known.values()) - sum(known.get(number, 0) for number in left_out)

    def group_names(self, flow: str, codes: Sequence[str], run_id: str) -> dict[str, str]:
        """Return the names of article groups by code: of those that are linked, and of those a plan writes."""
        found = self._links.get(flow, Kind.GROUP, codes)
        names = {code: str(link.agreed.values.get("name") or "") for code, link in found.items() if link.agreed}
        return names | self.titles(run_id, Kind.GROUP, [code for code in codes if code not in names])

    def why(self, run_id: str, seq: int) -> dict[str, list[Trace]]:
        """Return for each source record of a line how every value of it came about."""
        run, row = self._runs.get(run_id), self.row(run_id, seq)
        logic = self._logics.now(run.flow)
        keys = row.change.sources if row.change else row.facts.get("documents", row.key).split(",")
        stage = logic.flow.stages[row.stage]
        records = self._logics.corrected(run.flow, self._connector(logic.flow.source).fetch(stage.source, keys))
        return {record.key: logic.trace(stage, record) for record in records if not isinstance(record, Unreadable)}

    def csv(self, run_id: str, show: str = "all", find: str = "", among: Among = EVERY_LINE) -> str:
        """Return the shown lines of a plan as CSV, one field of a change per line."""
        header = ["action", "kind", "key", "title", "field", "now", "will_be", "state", "cause"]
        return csv_text(header, self._csv_lines(run_id, show, find, among))

    def _csv_lines(self, run_id: str, show: str, find: str, among: Among) -> Iterator[list[object]]:
        offset, left_out = 0, self._runs.get(run_id).left_out
        while rows := self.rows(run_id, show, find, offset, CSV_PAGE, among):
            offset += len(rows)
            for row in rows:
                is_out = row.step is Step.PLANNED and row.seq in left_out
                yield from _csv_lines(row, "left_out" if is_out else row.step)


def _csv_lines(row: PlanRow, state: str) -> Iterator[list[object]]:
    shown = [row.action, row.kind, row.key, row.title]
    if row.change is None:
        yield [*shown, row.cause_field, "", "", state, row.cause]
        return
    before = row.change.before.flat() if row.change.before else {}
    for path, value in row.change.wanted.flat().items():
        yield [*shown, path, before.get(path), value, state, row.cause]
