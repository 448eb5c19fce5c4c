"""Carrying out a plan that a person agreed to: sent once, proven by reading back, settled by looking when in doubt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from integration.connectors.parallel import side_by_side, sliced
from integration.connectors.protocol import Connector
from integration.core.errors import (
    InDoubtError,
    IntegrationError,
    MalformedAnswerError,
    PlanStaleError,
    PlanUnsafeError,
    RejectedError,
)
from integration.core.flow import Flow
from integration.core.issues import Issue
from integration.core.plan import Approval, Change, differences, remaining, still_applies
from integration.core.records import Held, Record, Written
from integration.core.run import Outcome, PlanRow, Run, RunState, Step
from integration.flows.spec import FlowLogic
from integration.runner.lookup import look
from integration.runner.parts import Parts, next_cursors
from integration.store.links import References as LinkReferences
from integration.store.plan_lines import Known

log = structlog.get_logger(__name__)

WRITE_PAGE = 100  # changes looked up and read back together
TREE_PAGE = 10_000  # groups refer to one another, so all of them are one page
KEPT_AT_ONCE = 25  # changes marked as sent together, for each call in flight; a crash leaves so many to look up
ATTEMPTS = 4  # writes of one change in one run before a person is asked


@dataclass(frozen=True, slots=True)
class Pause:
    """There is more to do, but not before some seconds have passed."""

    seconds: float


class Commit:
    """Writes what an approved plan says, and nothing else."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def outdated(self, run: Run, published: int) -> PlanStaleError | None:
        """Return why a plan no longer says what would be written, while this mapping is in force; None where it does.

        The mapping that has to be in force still is the plan's own, unless it was made with an earlier one on purpose.
        """
        if published != run.in_force:
            made_with = run.mapping_version
            return PlanStaleError("mapping_published_since", flow=run.flow, version=made_with, current=published)
        if run.names not in (None, self.parts.names()):
            return PlanStaleError("names_changed_since", flow=run.flow)
        return None

    def approve(self, run_id: str, approval: Approval) -> None:
        """Keep a person's yes. Raises PlanStaleError or PlanUnsafeError before anything is sent."""
        run = self.parts.runs.open_plan(run_id)
        outdated = self.outdated(run, self.parts.logic(run.flow).mapping_version)
        if outdated is not None:
            raise outdated
        if approval.fingerprint != run.fingerprint:
            raise PlanStaleError("fingerprint_differs", flow=run.flow, run=run.id)
        typed = approval.confirmed or {}
        for brake in run.brakes:
            if typed.get(brake.code) != brake.count:
                raise PlanUnsafeError(brake.code, flow=run.flow, count=brake.count, limit=brake.limit)
        self.parts.runs.approve(run_id, approval)

    def page(self, run_id: str) -> Pause | None:
        """Carry out the next page of an approved plan; None when the run has ended.

        Also how an interrupted run goes on: what was sent and not settled is looked up first, and only changes that
        nobody sent are sent. Raises IntegrationError when a system cannot be spoken to; the rest stays planned.
        """
        run = self.parts.runs.get(run_id)
        if run.state is not RunState.COMMITTING:
            return None
        if self.parts.runs.cancel_requested(run_id):
            self.parts.runs.interrupt(run_id, "cancelled", {"flow": run.flow})
            return None
        logic = self.parts.logic_of(run)
        self._settle_doubtful(run, logic.flow)
        doubtful = self.parts.ledger.unsettled(run_id)
        if rows := _free(logic.flow, self._next(run_id, logic), doubtful):
            self._carry_out(run, logic.flow, self.parts.links.references(run.flow), rows)
            return Pause(0)
        if doubtful:
            return Pause(self.parts.patience.pause.total_seconds())
        self._finish(run, logic)
        return None

    def _next(self, run_id: str, logic: FlowLogic) -> list[PlanRow]:
        rows = self.parts.ledger.next_planned(run_id, WRITE_PAGE)
        if (
            rows and rows[0].kind in logic.flow.stages[rows[0].stage].needs.values()
        ):  # a tree, which is looked at as a whole
            rows = self.parts.ledger.next_planned(run_id, TREE_PAGE)
        return rows

    def _carry_out(self, run: Run, flow: Flow, references: LinkReferences, rows: Sequence[PlanRow]) -> None:
        target = self.parts.connectors[flow.target]
        held = look(target, [_agreed(row) for row in rows], references)
        ready: list[tuple[PlanRow, Change]] = []
        moved: list[Outcome] = []
        for row in rows:
            change, now = _change(row), held.get(row.key)
            todo = change if still_applies(change, _record(now)) else None
            if (
                todo is None and row.attempts and not flow.stages[row.stage].once
            ):  # we may have done part of it ourselves
                todo = remaining(change, _record(now))
            if todo is None:
                facts = {"key": row.title, "fields": _named(_moved(change, now))}
                issue = Issue("target_changed_since_plan", row.key, facts=facts)
                moved.append(Outcome(row.seq, Step.PARKED, issue=issue))
            elif not differences(todo.wanted, _record(now)):
                moved.append(Outcome(row.seq, Step.PROVEN, now.reference if now else "", now.marker if now else ""))
            else:
                ready.append((row, todo))
        if moved:
            known = _changes(rows)
            self.parts.ledger.settle(run.id, [one for one in moved if one.step is Step.PARKED], known)
            self._prove_untouched(run, [one for one in moved if one.step is Step.PROVEN], known)
        written: list[PlanRow] = []
        try:
            for chunk in sliced(ready, target.in_flight * KEPT_AT_ONCE):
                written += self._send(run, target, references, chunk, held)
        finally:
            self._read_back(run, target, references, written)

    def _prove_untouched(self, run: Run, outcomes: Sequence[Outcome], known: Known) -> None:
        """Settle what a look showed to be done already; it passes through *sent* like everything proven."""
        if outcomes:
            self.parts.ledger.mark_sent(run.id, [one.seq for one in outcomes], known)
            self.parts.ledger.settle(run.id, outcomes, known)

    def _send(
        self,
        run: Run,
        target: Connector,
        references: LinkReferences,
        chunk: Sequence[tuple[PlanRow, Change]],
        held: Mapping[str, Held],
    ) -> list[PlanRow]:
        """Send some changes, several in flight; return those the target says it accepted."""
        known = _changes([row for row, _ in chunk])
        self.parts.ledger.mark_sent(run.id, list(known), known)  # on disk before the call

        def write(item: tuple[PlanRow, Change]) -> Written:
            row, change = item
            return target.write(change, held.get(row.key), references, f"{run.id}-{row.seq}")

        accepted: list[PlanRow] = []
        refused: dict[int, Outcome] = {}
        outcomes: list[Outcome] = []
        stopped: IntegrationError | None = None
        for (row, _), answer in zip(chunk, side_by_side(write, chunk, target.in_flight), strict=True):
            match answer:
                case Written():
                    accepted.append(row)
                case RejectedError():
                    facts = {"key": row.title, "flow": run.flow, **answer.facts}
                    refused[row.seq] = Outcome(row.seq, Step.PARKED, issue=Issue(answer.code, row.key, facts=facts))
                case InDoubtError() | MalformedAnswerError():
                    outcomes.append(Outcome(row.seq, Step.IN_DOUBT, issue=None))
                case _:  # not delivered: it is as if it had not been tried
                    outcomes.append(Outcome(row.seq, Step.PLANNED))
                    stopped = answer
        again = [row for row, _ in chunk if row.seq in refused and row.attempts]
        outcomes += (refused | self._there_after_all(target, references, again)).values()
        self.parts.ledger.settle(run.id, outcomes, known)
        if stopped is not None:
            self._read_back(run, target, references, accepted)
            raise stopped
        return accepted

    def _there_after_all(
        self, target: Connector, references: LinkReferences, rows: Sequence[PlanRow]
    ) -> dict[int, Outcome]:
        """Return as proven what the target refuses because an earlier attempt of ours went through after all."""
        held = look(target, [_agreed(row) for row in rows], references)
        there = {row.seq: now for row in rows if (now := held.get(row.key)) is not None}
        return {
            row.seq: Outcome(row.seq, Step.PROVEN, there[row.seq].reference, there[row.seq].marker)
            for row in rows
            if row.seq in there and not differences(_change(row).wanted, there[row.seq].record)
        }

    def _read_back(self, run: Run, target: Connector, references: LinkReferences, rows: Sequence[PlanRow]) -> None:
        """Prove what was accepted by reading it; an answer that said yes proves nothing."""
        if not rows:
            return
        held = look(target, [_agreed(row) for row in rows], references)
        outcomes = []
        for row in rows:
            now, change = held.get(row.key), _change(row)
            wrong = differences(change.wanted, _record(now))
            if now is not None and not wrong:
                outcomes.append(Outcome(row.seq, Step.PROVEN, now.reference, now.marker))
            elif still_applies(change, _record(now)):  # accepted, and not to be seen yet
                outcomes.append(Outcome(row.seq, Step.IN_DOUBT))
            else:
                outcomes.append(_parked_wrong(row, change, now, wrong))
        self.parts.ledger.settle(run.id, outcomes, _changes(rows), page_ends=True)

    def _settle_doubtful(self, run: Run, flow: Flow) -> None:
        """Look in the target for what was sent and never settled; nothing is repeated before it was looked for."""
        rows = self.parts.ledger.unsettled(run.id)
        if not rows:
            return
        references = self.parts.links.references(run.flow)
        held = look(self.parts.connectors[flow.target], [_agreed(row) for row in rows], references)
        outcomes = []
        for row in rows:
            now, change = held.get(row.key), _change(row)
            outcome = self._after_look(row, change, now, once=flow.stages[row.stage].once)
            if outcome is not None:
                outcomes.append(outcome)
        if outcomes:
            self.parts.ledger.settle(run.id, outcomes, _changes(rows))

    def _after_look(self, row: PlanRow, change: Change, now: Held | None, *, once: bool) -> Outcome | None:
        """Return what a look says about one change in doubt, or None while it is too early to tell."""
        record = now.record if now else None
        wrong = differences(change.wanted, record)
        if now is not None and not wrong:
            return Outcome(row.seq, Step.PROVEN, now.reference, now.marker)
        untouched = still_applies(change, record)
        if untouched and row.step is Step.SENT:  # we died meanwhile: nobody knows when it was on its way
            return Outcome(row.seq, Step.IN_DOUBT)
        if untouched and row.sent_at and self.parts.clock() - row.sent_at < self.parts.patience.visible_within:
            return None
        if row.attempts >= ATTEMPTS:
            cause = "read_back_missing" if untouched else "read_back_differs"
            facts = {"key": row.title, "fields": _named(wrong)}
            return Outcome(row.seq, Step.PARKED, issue=Issue(cause, row.key, facts=facts))
        if untouched or (not once and remaining(change, record) is not None):
            return Outcome(row.seq, Step.PLANNED)
        return _parked_wrong(row, change, now, wrong)

    def _finish(self, run: Run, logic: FlowLogic) -> None:
        left = run.approval is not None and bool(run.approval.left_out)
        self.parts.ledger.finish(run.id, cursors={} if left else next_cursors(run, logic))
        log.info("commit finished", run=run.id, flow=run.flow)


def _record(held: Held | None) -> Record | None:
    return held.record if held else None


def _change(row: PlanRow) -> Change:
    if row.change is None:
        raise TypeError(f"line {row.seq} holds no change")
    return row.change


def _changes(rows: Sequence[PlanRow]) -> Known:
    return {row.seq: _change(row) for row in rows}


def _agreed(row: PlanRow) -> Record:
    return _change(row).agreed


def _moved(change: Change, now: Held | None) -> tuple[str, ...]:
    if change.before is None or now is None:
        return ()
    return differences(change.before, now.record)


def _named(paths: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(path.rpartition("/")[2] for path in paths))


def _parked_wrong(row: PlanRow, change: Change, now: Held | None, wrong: Sequence[str]) -> Outcome:
    held = now.record.flat() if now else {}
    wanted = change.wanted.flat()
    facts = {"key": row.title, "fields": _named(wrong)}
    if wrong:
        facts |= {"planned_value": str(wanted[wrong[0]] or ""), "target_value": str(held.get(wrong[0]) or "")}
    cause = "read_back_differs" if now is not None else "read_back_missing"
    return Outcome(row.seq, Step.PARKED, issue=Issue(cause, row.key, wrong[0] if wrong else "", facts))


def _free(flow: Flow, rows: Sequence[PlanRow], doubtful: Sequence[PlanRow]) -> Sequence[PlanRow]:
    """Return the changes whose needs are settled: a record cannot be written before what it refers to.

    When they only refer to one another in a circle, all of them: the target will say so.
    """
    open_keys = {(row.kind, row.key) for row in (*rows, *doubtful)}

    def is_free(row: PlanRow) -> bool:
        values = _change(row).wanted.values
        return not any((kind, values.get(name)) in open_keys for name, kind in flow.stages[row.stage].needs.items())

    free = [row for row in rows if is_free(row)]
    return free if free or doubtful else rows
