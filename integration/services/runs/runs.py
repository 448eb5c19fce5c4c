"""Runs and their plans: start, explain, approve, stop and resume them, and show their status."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from integration.accounts.four_eyes import FourEyes
from integration.core.authorization import requires
from integration.core.errors import ConfigurationError, PlanStaleError
from integration.core.issues import IssueGroupKey
from integration.core.people import Actor, Right
from integration.core.plan import Approval
from integration.core.plan_lines import EVERY_LINE, LineFilter, PlanRow
from integration.core.plan_sums import DOWN, UP, PlanSums
from integration.core.records import Kind, Unreadable, with_corrections
from integration.core.run import Mode, PreviewRequest, Run, Speed, speed
from integration.core.search_keys import document_total
from integration.core.states import ACTIVE, RunState, Step
from integration.core.traces import Trace, WhyAnswer
from integration.flows.spec import FlowLogic
from integration.runner import Runner
from integration.services.connections.proposals import Proposals
from integration.services.engine_lifecycle import EngineHandle
from integration.services.mappings.mappings import Logics, Mappings
from integration.services.runs.answers import (
    change_reasons,
    explanations,
    explanations_without_change,
    traces_with_corrections,
)
from integration.services.runs.exceptions import Exceptions
from integration.services.runs.retries import retry_note
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.corrections import Corrections
from integration.store.database import Clock
from integration.store.links import Links
from integration.store.plans import PlanStore
from integration.store.runs import RunStore


class Runs:
    """All stored runs, with the operations that a person can start on them."""

    def __init__(
        self,
        plans: PlanStore,
        runs: RunStore,
        work: EngineHandle,
        runner: Runner,
        mappings: Mappings,
        exceptions: Exceptions,
        proposals: Proposals,
        four_eyes: FourEyes,
        clock: Clock,
    ) -> None:
        store = runs
        self.get, self.latest, self.count, self.counts = store.get, store.latest, store.count, store.counts
        self.waiting_plans, self.open_plan, self.discard = store.waiting_plans, store.open_plan, store.discard
        self.phases, self.worked = store.phases, store.working_time
        self._clock = clock
        self._plans = plans
        self._work = work
        self._runner = runner
        self._mappings = mappings
        self._exceptions = exceptions
        self._proposals = proposals
        self._four_eyes = four_eyes

    # ---- start and end

    @requires(Right.RUN)
    def preview(self, request: PreviewRequest) -> str:
        """Start a preview in the background and return the id of its run.

        Raises RunActiveError if the flow has an active run.
        """
        self._proposals.fill_once(request.by.ref)
        return self._work.engine.preview(request)

    @requires(Right.RUN)
    def try_again(
        self,
        flow: str,
        cause: str,
        by: Actor,
        field: str | None = None,
        detail: str | None = None,
        version: int | None = None,
    ) -> str:
        """Start a preview of the records parked for a cause, and return its run id; see `Exceptions.retry_results`."""
        keys = self._exceptions.keys(flow, cause, field, detail)
        group = self._exceptions.group(IssueGroupKey(flow, cause, field or "", detail)) if detail is not None else None
        notes = retry_note(group) if group else {}
        return self.preview(PreviewRequest(flow, by, Mode.CHOSEN, tuple(keys), notes, version))

    @requires(Right.RUN)
    def undo(self, run_id: str, by: Actor) -> str:
        """Start a plan that reverts the writes of a run, and return its run id. Nothing is sent before an approval.

        Raises IntegrationError `nothing_to_undo` for a run that wrote nothing.
        """
        return self._work.engine.undo(run_id, by=by.ref)

    @requires(Right.RUN)
    def commit(self, run_id: str, approval: Approval) -> bool:
        """Approve a plan and write it in the background. Return False if a second person has to approve it first.

        Raises PlanStaleError or PlanUnsafeError, and NotAllowedError as `FourEyes.is_enough` does.
        """
        validated = self._runner.commit.validate_approval(run_id, approval)
        if not self._four_eyes.is_enough(validated.run, approval):
            return False
        self._work.engine.commit(validated)
        return True

    @requires(Right.RUN)
    def resume(self, run_id: str, by: Actor) -> None:
        """Resume an interrupted commit under its existing approval. Raises PlanStaleError if there is none."""
        run = self.open_plan(run_id)
        if run.approval is None:
            raise PlanStaleError("plan_not_approved", flow=run.flow, run=run.id)
        approval = replace(run.approval, by=by.ref)
        self._work.engine.commit(self._runner.commit.validate_approval(run_id, approval))

    @requires(Right.RUN)
    def cancel(self, run_id: str, by: Actor) -> None:
        """Stop a run after its current page. A preview is discarded; proven changes of a commit stay proven."""
        self._work.engine.cancel(run_id, by=by.ref)

    # ---- status

    @requires(Right.SEE)
    def speed(self, run: Run) -> Speed:
        """Return the speed of an active run and its remaining time. All callers get the same numbers."""
        return speed(run, next(iter(self.phases(run.id)[-1:]), None), self._clock())

    @requires(Right.SEE)
    def is_at_limit(self, run: Run, in_flight: int) -> bool:
        """Return True if the target has its maximum of parallel changes. More processes would not help then."""
        deps = self._runner.commit.deps
        try:
            target = deps.connectors[deps.logics.current_logic(run.flow).flow.target]
        except ConfigurationError:  # disconnected during the run; the run itself reports that
            return False
        return in_flight >= target.in_flight

    @requires(Right.SEE)
    def wait_start(self, run: Run) -> datetime | None:
        """Return since when an active run waits for a system that does not answer, or None if it is not waiting."""
        if run.state not in ACTIVE or not run.error:
            return None
        newest = next(iter(self.phases(run.id)[-1:]), None)
        return newest.started_at if newest and newest.name == "hold" else run.started_at

    @requires(Right.SEE)
    def outdated(self, run: Run) -> PlanStaleError | None:
        """Return why a plan can no longer be committed, or None.

        The systems are not queried; only the commit does that.
        """
        return self._runner.commit.outdated(run, self._mappings.published(run.flow).version, asks=False)

    @requires(Right.SEE)
    def in_doubt_count(self, run: Run) -> int:
        """Return how many changes of a run are in doubt: sent and not answered. Calls in progress do not count."""
        unsettled = self._plans.unsettled(run.id)
        on_their_way = unsettled[Step.SENT] if run.state is RunState.COMMITTING else 0
        return sum(unsettled.values()) - on_their_way


# ---- plans ----------------------------------------------------------------------------------------------------------


CSV_PAGE = 1_000  # lines per page
MAX_KNOWN = 8  # other plans whose amounts stay cached
PLAN_COLUMNS = ("action", "kind", "key", "title", "field", "now", "will_be", "state", "cause")


class Plans:
    """The stored plans of all runs, with sums and explanations.

    The arguments `show`, `find` and `among` select lines by state, by text and by filter.
    """

    def __init__(
        self,
        corrections: Corrections,
        links: Links,
        plans: PlanStore,
        runs: RunStore,
        logics: Logics,
        access: ConnectorFactory,
        *,
        products: str,
    ) -> None:
        """Store the dependencies. `products` is the flow that has the names of articles."""
        store = self._store = plans
        self.rows, self.row, self.count, self.changes = store.rows, store.row, store.count, store.changes
        self.facets, self.marked, self.line_about = store.facets, store.marked, store.line_about
        self.proven, self.tallies, self.titles, self.unsettled = (
            store.proven,
            store.tallies,
            store.titles,
            store.unsettled,
        )
        self._products = products
        self._runs = runs
        self._links = links
        self._corrections = corrections
        self._logics = logics
        self._access = access
        self._calls: dict[str, dict[int, int]] = {}
        self._sale_amounts: dict[str, dict[int, Decimal]] = {}

    @requires(Right.SEE)
    def writes(self, run_id: str, left_out: frozenset[int] = frozenset()) -> int:
        """Return how many write calls the selected changes of a plan need."""
        calls = self._calls.get(run_id)
        if calls is None:
            calls = self._store.calls(run_id)
            if self._runs.get(run_id).state is not RunState.PREVIEWING:  # a complete plan does not change
                self._calls = {run_id: calls}
        return sum(calls.values()) - sum(calls.get(number, 0) for number in left_out)

    @requires(Right.SEE)
    def sold(self, run_id: str, left_out: Collection[int] = ()) -> Decimal | None:
        """Return the total that the selected changes of a plan book, VAT included, or None if it books nothing."""
        amounts = self._sale_amounts.get(run_id)
        if amounts is None:
            totals = ((seq, document_total(change.agreed)) for seq, change in self._store.new_documents(run_id))
            amounts = {seq: amount for seq, amount in totals if amount is not None}
            if self._runs.get(run_id).state is not RunState.PREVIEWING:
                self._sale_amounts = {run_id: amounts, **dict(list(self._sale_amounts.items())[:MAX_KNOWN])}
        return sum((amount for seq, amount in amounts.items() if seq not in left_out), Decimal(0)) if amounts else None

    @requires(Right.SEE)
    def sums(self, run_id: str, left_out: Collection[int] = ()) -> PlanSums:
        """Return the sums of the selected changes of a plan: by kind, booked amounts, and prices raised and lowered."""
        counts = self.facets(run_id, "changes")
        excluded = self._store.excluded_facets(run_id)
        kinds, moves = (
            {value: count - excluded[facet, value] for value, count in counts[facet].items()}
            for facet in ("kind", "price")
        )
        chosen_kinds = {kind: count for kind, count in kinds.items() if count}
        return PlanSums(chosen_kinds, self.sold(run_id, left_out), moves.get(UP, 0), moves.get(DOWN, 0))

    @requires(Right.SEE)
    def group_names(self, flow: str, codes: Sequence[str], run_id: str) -> dict[str, str]:
        """Return the names of article groups by code, from links and from the lines of a plan."""
        links = self._links.get(flow, Kind.GROUP, codes)
        names = {code: str(link.agreed.values.get("name") or "") for code, link in links.items() if link.agreed}
        return names | self.titles(run_id, Kind.GROUP, [code for code in codes if code not in names])

    @requires(Right.SEE)
    def article_names(self, codes: Collection[str]) -> dict[str, str]:
        """Return the names of linked articles by their code in the books."""
        owners = self._links.owners_of_parts(self._products, Kind.PRODUCT, Kind.ARTICLE, codes)
        parts = (part for link in owners if link.agreed for part in link.agreed.parts)
        return {part.source: str(part.values.get("name") or "") for part in parts if part.source in codes}

    @requires(Right.SEE)
    def explain_line(self, run_id: str, seq: int) -> list[WhyAnswer]:
        """Return the explanation of each value of a line, also for a line that writes nothing.

        Reads the source records again. The result is empty if the source no longer has them.
        """
        run, row = self._runs.get(run_id), self.row(run_id, seq)
        logic = self._logics.current_logic(run.flow)
        own = change_reasons(run, logic, row.change) if row.change else {}
        traces = {} if "" in own else self._traces(run, row, logic)
        return (
            explanations(row.change, traces, own)
            if row.change and (own or traces)
            else explanations_without_change(row, traces)
        )

    def _traces(self, run: Run, row: PlanRow, logic: FlowLogic) -> dict[str, list[Trace]]:
        keys = row.change.sources if row.change else row.facts.get("documents", row.key).split(",")
        stage = logic.flow.stage(row.stage)
        source_records = self._access.connector(logic.flow.source).fetch(stage.source, keys)
        corrections = {
            source_record.key: [
                correction
                for correction in self._corrections.corrections_of(run.flow, keys).get(source_record.key, ())
                if correction.holds_for(source_record)
            ]
            for source_record in source_records
        }
        records = [
            source_record
            for source_record in with_corrections(source_records, corrections)
            if not isinstance(source_record, Unreadable)
        ]
        return traces_with_corrections({record.key: logic.trace(stage, record) for record in records}, corrections)

    @requires(Right.EXPORT)
    def listed(
        self, run_id: str, show: str = "all", find: str = "", among: LineFilter = EVERY_LINE
    ) -> Iterator[list[object]]:
        """Yield the selected lines of a plan with the values of `PLAN_COLUMNS`, one row per field of a change."""
        offset, left_out = 0, self._runs.get(run_id).excluded
        while rows := self.rows(run_id, show, find, offset, CSV_PAGE, among):
            offset += len(rows)
            for row in rows:
                is_out = row.step is Step.PLANNED and row.seq in left_out
                yield from _export_rows(row, "left_out" if is_out else row.step)


def _export_rows(row: PlanRow, state: str) -> Iterator[list[object]]:
    cells = [row.action, row.kind, row.key, row.title]
    if row.change is None:
        yield [*cells, row.cause_field, "", "", state, row.cause]
        return
    before = row.change.before.flat() if row.change.before else {}
    for path, value in row.change.desired.flat().items():
        yield [*cells, path, before.get(path), value, state, row.cause]
