"""Carrying out a plan that a person agreed to: sent once, proven by reading back, settled by looking when in doubt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

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
from integration.core.plan import Approval, Change, differences, is_of_plan, remaining, still_applies
from integration.core.records import Held, Record, Written
from integration.core.run import Outcome, PlanRow, Run, RunState, Step
from integration.flows.spec import FlowLogic
from integration.runner.doubts import doubt_facts, may_try_another
from integration.runner.lookup import look, look_and_see
from integration.runner.parts import Parts, next_cursors
from integration.store.links import References as LinkReferences
from integration.store.plan_lines import UNSETTLED, Known

log = structlog.get_logger(__name__)

WRITE_PAGE = 100  # changes looked up and read back together
TREE_PAGE = 10_000  # groups refer to one another, so all of them are one page
ATTEMPTS = 4  # writes of one change of what is there, before a person is asked: the same value twice is one value
SENDINGS = 2  # of something new that was never answered, before a person is asked
WITNESSES = (3, 25)  # records that were written last and have to be found: at first, and where none of those is


@dataclass(frozen=True, slots=True)
class Sending:
    """A change that is sent: its line, what of it is left to do, and what the target holds."""

    row: PlanRow
    change: Change
    held: Held | None


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

    def approve(self, run_id: str, approval: Approval) -> int:
        """Keep a person's yes and return its number.

        Raises PlanStaleError or PlanUnsafeError before anything is sent.
        """
        run = self.parts.runs.open_plan(run_id)
        outdated = self.outdated(run, self.parts.logic(run.flow).mapping_version)
        if outdated is not None:
            raise outdated
        if not is_of_plan(approval.fingerprint, run.fingerprint):
            raise PlanStaleError("fingerprint_differs", flow=run.flow, run=run.id)
        if approval.fingerprint != run.mark:
            raise PlanStaleError("choice_changed", flow=run.flow, run=run.id, count=len(run.left_out))
        typed = approval.confirmed or {}
        for brake in run.brakes:
            if typed.get(brake.code) != brake.count:
                raise PlanUnsafeError(brake.code, flow=run.flow, count=brake.count, limit=brake.limit)
        return self.parts.runs.approve(run_id, approval)

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
        rows = _free(logic.flow, self._next(run_id, logic), doubtful)
        if rows and self._carry_out(run, logic.flow, self.parts.links.references(run.flow), rows):
            return Pause(0)
        if rows or doubtful:
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

    def _carry_out(self, run: Run, flow: Flow, references: LinkReferences, rows: Sequence[PlanRow]) -> bool:
        """Settle what needs no write and send the rest, and tell whether anything could be done by now."""
        held, sees = self._look(run, flow, references, rows)
        ready: list[Sending] = []
        moved = self._by_others(run, flow, [row for row in rows if row.key not in held and not _change(row).before])
        settled = {one.seq for one in moved}
        for row in rows:
            if row.seq in settled:
                continue
            change, now = _change(row), held.get(row.key)
            todo = change if still_applies(change, _record(now)) else None
            if (
                todo is None and row.attempts and not flow.stages[row.stage].once
            ):  # we may have done part of it ourselves
                todo = remaining(change, _record(now))
            if todo is None and now is not None and self._done_already(run, row, change, now):
                moved.append(Outcome(row.seq, Step.PROVEN, now.reference, now.marker))
            elif todo is None:
                facts = {"key": row.title, "fields": _named(_moved(change, now))}
                issue = Issue("target_changed_since_plan", row.key, facts=facts)
                moved.append(Outcome(row.seq, Step.PARKED, issue=issue))
            elif not differences(todo.wanted, _record(now)):
                moved.append(Outcome(row.seq, Step.PROVEN, now.reference if now else "", now.marker if now else ""))
            else:
                ready.append(Sending(row, todo, now))
        if moved:
            known = _changes(rows)
            self.parts.ledger.settle(run.id, [one for one in moved if one.step is Step.PARKED], known)
            self._prove_untouched(run, [one for one in moved if one.step is not Step.PARKED], known)
        ready = _one_of_each(ready)
        if not sees:
            ready = self._one_alone(run, flow, ready)
        self._send(run, flow, references, ready)
        return bool(moved or ready)

    def _by_others(self, run: Run, flow: Flow, rows: Sequence[PlanRow]) -> list[Outcome]:
        """Return the ends of what is new in this plan and another one has sent, where no look shows it.

        What was accepted and nobody can read is done; what nobody knows anything of is a question. Neither is sent.
        """
        if not rows:
            return []
        kind, keys = rows[0].kind, [row.key for row in rows]
        doubts = {one.key: one for one in self.parts.ledger.doubts(run.id, run.flow, kind, keys)}
        links = self.parts.links.get(run.flow, kind, keys) if flow.stages[rows[0].stage].unproven else {}
        found = []
        for row in rows:
            if row.key in doubts:
                found.append(replace(_doubted(run, flow, doubts[row.key]), seq=row.seq))
            elif row.key in links:
                found.append(Outcome(row.seq, Step.ACCEPTED, links[row.key].reference))
        return found

    def _done_already(self, run: Run, row: PlanRow, change: Change, now: Held) -> bool:
        """Tell whether the target has all that a change wants, since another plan said the same and was written.

        What is new counts when it is known to be ours: another record that looks alike is a question for a person.
        """
        if differences(change.wanted, now.record):
            return False
        link = self.parts.links.get(run.flow, row.kind, [row.key]).get(row.key)
        return change.before is not None or (link is not None and link.reference == now.reference)

    def _look(
        self, run: Run, flow: Flow, references: LinkReferences, rows: Sequence[PlanRow]
    ) -> tuple[dict[str, Held], bool]:
        """Return what the target holds, and whether what it does not show is not there.

        That matters where something new is sent, and there a look has to find something that is known to be there, or
        some of what was sent as new.
        """
        target, wanted = self.parts.connectors[flow.target], [_agreed(row) for row in rows]
        if flow.stages[rows[0].stage].unproven:
            return {}, True
        if not self.parts.safeguards.look:
            return look(target, [_agreed(row) for row in rows if _change(row).before], references), True
        if all(_change(row).before for row in rows):
            return look(target, wanted, references), True
        for number in WITNESSES:
            known = self.parts.links.newest(run.flow, rows[0].kind, number)
            held, sees = look_and_see(target, wanted, references, [one.agreed for one in known if one.agreed])
            sees = sees or any(row.key in held for row in rows if _change(row).before is None)
            if sees or len(known) < number:
                break
        return held, sees

    def _one_alone(self, run: Run, flow: Flow, ready: list[Sending]) -> list[Sending]:
        """Return what may be sent while nobody knows whether new records will be seen: of those, one alone.

        None while one of this run may still be seen. Raises IntegrationError `look_unproven` where one was not.
        """
        new = [one for one in ready if one.change.before is None][:1]
        doubts = self.parts.ledger.every_doubt(run.flow, new[0].row.kind) if new else []
        if doubts and not self._may_try_another(flow, doubts, run):
            if not any(row.run == run.id and row.step in UNSETTLED for row in doubts):
                raise IntegrationError("look_unproven", system=flow.target, kind=str(new[0].row.kind))
            new = []
        return [one for one in ready if one.change.before is not None or one in new]

    def _prove_untouched(self, run: Run, outcomes: Sequence[Outcome], known: Known) -> None:
        """Settle what a look showed to be done already; it passes through *sent* like everything proven."""
        if outcomes:
            self.parts.ledger.mark_sent(run.id, [one.seq for one in outcomes], known)
            self.parts.ledger.settle(run.id, outcomes, known)

    def _send(self, run: Run, flow: Flow, references: LinkReferences, ready: Sequence[Sending]) -> None:
        """Send changes, as many marked as sent as there are calls in flight, and prove those that were accepted."""
        target = self.parts.connectors[flow.target]
        accepted: dict[int, str] = {}
        unkept: dict[int, str] = {}  # what of it is on disk with the next ones that are sent
        try:
            for some in sliced(ready, target.in_flight):
                if self.parts.safeguards.ledger:
                    self.parts.ledger.mark_sent(run.id, [one.row.seq for one in some], _sent(some), unkept)
                unkept = self._sent_together(run, flow, references, some)
                accepted |= unkept
        finally:
            rows = [one.row for one in ready if one.row.seq in accepted]
            self._read_back(run, flow, references, rows, accepted)

    def _sent_together(
        self, run: Run, flow: Flow, references: LinkReferences, some: Sequence[Sending]
    ) -> dict[int, str]:
        """Send some changes side by side; return what the target accepted, with the references it told."""
        target = self.parts.connectors[flow.target]

        def write(one: Sending) -> Written:
            return target.write(one.change, one.held, references, f"{run.id}-{one.row.seq}")

        accepted: dict[int, str] = {}
        refused: dict[int, Outcome] = {}
        outcomes: list[Outcome] = []
        stopped: IntegrationError | None = None
        answers = side_by_side(write, some, target.in_flight)
        if not self.parts.safeguards.ledger:
            self.parts.ledger.mark_sent(run.id, [one.row.seq for one in some], _sent(some))
        for one, answer in zip(some, answers, strict=True):
            row = one.row
            match answer:
                case Written():
                    accepted[row.seq] = answer.reference
                case RejectedError():
                    facts = {"key": row.title, "flow": run.flow, **answer.facts}
                    refused[row.seq] = Outcome(row.seq, Step.PARKED, issue=Issue(answer.code, row.key, facts=facts))
                case InDoubtError() | MalformedAnswerError():
                    outcomes.append(Outcome(row.seq, Step.IN_DOUBT, issue=None))
                case _:  # not delivered: it is as if it had not been tried
                    outcomes.append(Outcome(row.seq, Step.PLANNED))
                    stopped = answer
        unproven = flow.stages[some[0].row.stage].unproven
        again = [one.row for one in some if one.row.seq in refused and one.row.attempts and not unproven]
        outcomes += (refused | self._there_after_all(target, references, again)).values()
        self.parts.ledger.settle(run.id, outcomes, _sent(some))
        if stopped is not None:
            self._read_back(run, flow, references, [one.row for one in some if one.row.seq in accepted], accepted)
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

    def _read_back(
        self,
        run: Run,
        flow: Flow,
        references: LinkReferences,
        rows: Sequence[PlanRow],
        accepted: Mapping[int, str],
    ) -> None:
        """Prove what was accepted by reading it; an answer that said yes proves nothing, where it can be read."""
        if not rows:
            return
        if flow.stages[rows[0].stage].unproven:
            believed = [Outcome(row.seq, Step.ACCEPTED, accepted[row.seq]) for row in rows]
            self.parts.ledger.settle(run.id, believed, _changes(rows), page_ends=True, accepted=accepted)
            return
        held = look(self.parts.connectors[flow.target], [_agreed(row) for row in rows], references)
        outcomes = []
        for row in rows:
            now, change = held.get(row.key), _change(row)
            wrong = differences(change.wanted, _record(now))
            if now is not None and not wrong:
                outcomes.append(Outcome(row.seq, Step.PROVEN, now.reference, now.marker))
            elif still_applies(change, _record(now)):  # accepted, and not to be seen yet
                outcomes.append(Outcome(row.seq, Step.IN_DOUBT, accepted[row.seq]))
            else:
                outcomes.append(_parked_wrong(row, change, now, wrong))
        self.parts.ledger.settle(run.id, outcomes, _changes(rows), page_ends=True, accepted=accepted)

    def _settle_doubtful(self, run: Run, flow: Flow) -> None:
        """Look in the target for what was sent and never settled; nothing is repeated before it was looked for."""
        rows = self.parts.ledger.unsettled(run.id)
        if not rows:
            return
        references, outcomes = self.parts.links.references(run.flow), []
        for kind in dict.fromkeys(row.kind for row in rows):
            alike = [row for row in rows if row.kind is kind]
            held, sees = self._look(run, flow, references, alike)
            if not sees and self._waits_for_another(run, flow, alike, held):
                continue
            outcomes += [self._after_look(run, flow, row, held.get(row.key), sees=sees) for row in alike]
        self.parts.ledger.settle(run.id, [one for one in outcomes if one is not None], _changes(rows))

    def _may_try_another(self, flow: Flow, doubts: Sequence[PlanRow], run: Run) -> bool:
        """Tell whether one more record may be sent to find out whether looks see, where anything can be seen at all."""
        return may_try_another(doubts, run) and self.parts.connectors[flow.target].shows(doubts[0].kind)

    def _waits_for_another(self, run: Run, flow: Flow, rows: Sequence[PlanRow], held: Mapping[str, Held]) -> bool:
        """Tell whether the next new record will show first whether looks see: one that is there is proven."""
        following = self.parts.ledger.next_planned(run.id, 1)
        if any(row.step is Step.SENT or row.key in held for row in rows):
            return False
        doubts = self.parts.ledger.every_doubt(run.flow, rows[0].kind)
        is_next = any(row.kind is rows[0].kind for row in following)
        return is_next and self._may_try_another(flow, doubts, run)

    def _after_look(self, run: Run, flow: Flow, row: PlanRow, now: Held | None, *, sees: bool) -> Outcome | None:
        """Return what a look says about one change in doubt, or None while it is too early to tell.

        Only what was never answered is sent again, and of something new only once, after a look that sees: what was
        accepted and is not to be seen is a question for a person, and so is what no look can tell.
        """
        if flow.stages[row.stage].unproven:
            return Outcome(row.seq, Step.ACCEPTED, row.reference) if row.accepted else _doubted(run, flow, row)
        change, record = _change(row), _record(now)
        if change.before is None and not self.parts.safeguards.look:
            return Outcome(row.seq, Step.PLANNED)
        wrong = differences(change.wanted, record)
        if now is not None and not wrong:
            return Outcome(row.seq, Step.PROVEN, now.reference, now.marker)
        untouched, is_new = still_applies(change, record), change.before is None
        partly = not untouched and not flow.stages[row.stage].once and remaining(change, record) is not None
        waited = self.parts.clock() - (row.sent_at or self.parts.clock())
        if (untouched or partly) and (row.step is Step.SENT or waited < timedelta(0)):
            return Outcome(row.seq, Step.IN_DOUBT)  # we died meanwhile: nobody knows when it was on its way
        if untouched and waited < self.parts.patience.visible_within:
            return None
        if untouched and is_new and (row.accepted or row.attempts >= SENDINGS or not sees):
            return _doubted(run, flow, row)
        if row.attempts >= ATTEMPTS:
            cause = "read_back_missing" if untouched else "read_back_differs"
            facts = {"key": row.title, "fields": _named(wrong)}
            return Outcome(row.seq, Step.PARKED, issue=Issue(cause, row.key, facts=facts))
        if untouched or partly:
            return Outcome(row.seq, Step.PLANNED)
        return _parked_wrong(row, change, now, wrong)

    def _finish(self, run: Run, logic: FlowLogic) -> None:
        left = self.parts.plans.count(run.id, "left")
        self.parts.ledger.finish(run.id, cursors={} if left else next_cursors(run, logic))
        log.info("commit finished", run=run.id, flow=run.flow)


def _record(held: Held | None) -> Record | None:
    return held.record if held else None


def _change(row: PlanRow) -> Change:
    if row.change is None:
        raise TypeError(f"line {row.seq} holds no change")
    return row.change


def _one_of_each(ready: Sequence[Sending]) -> list[Sending]:
    """Return the first change of each record: the next one is made of what the target holds after it."""
    first: dict[str, Sending] = {}
    for one in ready:
        first.setdefault(one.row.key, one)
    return list(first.values())


def _sent(some: Sequence[Sending]) -> Known:
    return _changes([one.row for one in some])


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


def _doubted(run: Run, flow: Flow, row: PlanRow) -> Outcome:
    """Return the question whether the target has what was sent to it."""
    cause = "read_back_missing" if row.accepted else "never_answered"
    return Outcome(row.seq, Step.PARKED, issue=Issue(cause, row.key, facts=doubt_facts(run.flow, flow.target, row)))


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
