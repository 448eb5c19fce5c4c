"""The order of things: what a preview and a commit do, page by page, and what is on disk before the next step.

Nothing here knows what makes a run durable. Every method does one page and may be repeated after a crash: what was
already kept is not done again, and what was sent and not settled is looked up before anything else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from integration.connectors.http import side_by_side
from integration.connectors.protocol import Connector, References
from integration.core.errors import (
    ConfigurationError,
    InDoubtError,
    IntegrationError,
    MalformedAnswerError,
    PlanStaleError,
    PlanUnsafeError,
    RejectedError,
)
from integration.core.flow import Flow
from integration.core.issues import Issue, Skip
from integration.core.plan import (
    Action,
    Approval,
    Change,
    Tally,
    Unchanged,
    brakes,
    diff,
    differences,
    fingerprint,
    price_jumps,
    remaining,
    retire,
    still_applies,
)
from integration.core.records import Held, Kind, Record, Written, merged
from integration.core.run import Link, Mode, Outcome, PlanRow, Run, RunState, Step
from integration.flows import FlowLogic, Shaped
from integration.store.cursors import Cursors
from integration.store.links import Links
from integration.store.runs import Runs

log = structlog.get_logger(__name__)

PLAN_PAGE = 250  # target records compared at a time
WRITE_PAGE = 100  # changes looked up and read back together
KEPT_AT_ONCE = 5  # changes marked as sent together, for each call in flight
ATTEMPTS = 4  # writes of one change in one run before a person is asked

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pause:
    """There is more to do, but not before some seconds have passed."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what was accepted may stay invisible before we believe that it never was."""

    visible_within: timedelta = timedelta(seconds=60)
    look_again: timedelta = timedelta(seconds=2)


class Runner:
    """Carries out previews and commits with what `bootstrap` gives it."""

    def __init__(
        self,
        *,
        connectors: Mapping[str, Connector],
        logic: Callable[[str], FlowLogic],
        runs: Runs,
        links: Links,
        cursors: Cursors,
        clock: Callable[[], datetime],
        patience: Patience | None = None,
    ) -> None:
        self.connectors = connectors
        self.logic = logic
        self.runs = runs
        self.links = links
        self.cursors = cursors
        self.clock = clock
        self.patience = patience or Patience()
        self._uniques: dict[tuple[str, int], _Uniques] = {}

    # ---- preview ----------------------------------------------------------------------------------------------

    def begin(self, flow: str, *, by: str, mode: Mode = Mode.CHANGES, keys: Sequence[str] = ()) -> Run:
        """Open a run of a flow. Raises RunActiveError while another run of it is at work.

        Without a memory of an earlier run there is nothing to compare changes with, so everything is read.
        """
        logic = self.logic(flow)
        known = {str(stage.source): self.cursors.get(flow, f"source:{stage.source}") for stage in logic.flow.stages}
        if mode is Mode.CHANGES and not all(known.values()):
            mode = Mode.COMPLETE
        position = {"phase": "extract", "stage": "0", "keys": "\n".join(keys)}
        if mode is Mode.CHANGES:
            position |= {f"since:{kind}": since for kind, since in known.items() if since}
        return self.runs.begin(flow, mode, by, logic.mapping_version, position)

    def preview_page(self, run_id: str) -> bool:
        """Do the next page of a preview and tell whether there is more. Writes nothing to either system."""
        run = self.runs.get(run_id)
        if run.state is not RunState.PREVIEWING:
            return False
        logic = self.logic(run.flow)
        phases = {
            "extract": self._extract, "touched": self._touched, "siblings": self._siblings,
            "plan": self._plan, "vanished": self._vanished, "finish": self._finish_preview,
        }  # fmt: skip
        return phases[run.position["phase"]](run, logic)

    def _extract(self, run: Run, logic: FlowLogic) -> bool:
        """Read one page of the source, map and check each record, and keep it."""
        place, position = int(run.position["stage"]), dict(run.position)
        stage = logic.flow.stages[place]
        source = self.connectors[logic.flow.source]
        if run.mode is Mode.CHOSEN and stage.counted:
            records, after, stamp = source.fetch(stage.source, position["keys"].split("\n")), None, None
        else:
            batch = source.extract(stage.source, position.get(f"since:{stage.source}"), position.get("after"))
            records, after, stamp = list(batch.records), batch.after, batch.stamp
        if stamp:
            position[f"stamp:{stage.source}"] = max(stamp, position.get(f"stamp:{stage.source}", ""))
        if stage.counted:
            position["read"] = str(int(position.get("read", "0")) + len(records))
        position.pop("after", None)
        if after is not None:
            position["after"] = after
        else:
            position |= _after_extract(run.mode, place, logic.flow)
        self.runs.stage_page(run.id, place, logic.stage(place, records), position)
        self.runs.progress(run.id, "extract", int(position.get("read", "0")), 0)
        return True

    def _touched(self, run: Run, logic: FlowLogic) -> bool:
        """Read again from the source what was edited in the target since the last run."""
        place, position = _counted(logic.flow), dict(run.position)
        kind = logic.flow.stages[place].target
        since = self.cursors.get(logic.flow.name, f"target:{kind}")
        if since is None:
            position["phase"] = "siblings"
        else:
            batch = self.connectors[logic.flow.target].changed(kind, since, position.get("mark"))
            position["marker"] = max(batch.stamp or "", position.get("marker", ""), key=_whole)
            self._stage_touched(run, logic, place, batch.records, position)
            position.pop("mark", None)
            position |= {"mark": batch.after} if batch.after else {"phase": "siblings"}
        self.runs.position(run.id, position)
        return True

    def _stage_touched(
        self, run: Run, logic: FlowLogic, place: int, records: Sequence[Record], position: dict[str, str]
    ) -> None:
        """Stage the sources of what others changed; our own writes come back with the marker we were given."""
        stage = logic.flow.stages[place]
        numbers = [part.key for record in records for part in record.parts]
        articles = self.links.by_reference(logic.flow.name, Kind.ARTICLE, numbers)
        ours = self.links.by_reference(logic.flow.name, stage.target, [record.key for record in records])
        sources = []
        for record in records:
            link = ours.get(record.key)
            if link is None or link.marker == record.values.get("marker"):
                continue
            sources += [articles[part.key].key for part in record.parts if part.key in articles]
        self._stage_fetched(run, logic, place, sources, position)

    def _siblings(self, run: Run, logic: FlowLogic) -> bool:
        """Read the other variants of what changed, so that a product is always judged as a whole."""
        place, position = _counted(logic.flow), dict(run.position)
        stage = logic.flow.stages[place]
        after: str | None = None
        while members := self.runs.staged_groups(run.id, place, after, PLAN_PAGE):
            after = members[-1][0].parent
            present = {one.key for group in members for one in group}
            parents = [group[0].parent for group in members if group[0].parent != group[0].key]
            known = self.links.get(logic.flow.name, stage.target, parents)
            linked = {part.source for link in known.values() if link.agreed for part in link.agreed.parts}
            self._stage_fetched(run, logic, place, sorted(linked - present), position)
        position |= {"phase": "plan", "stage": "0"}
        self.runs.position(run.id, position)
        return True

    def _stage_fetched(
        self, run: Run, logic: FlowLogic, place: int, keys: Sequence[str], position: dict[str, str]
    ) -> None:
        kind = logic.flow.stages[place].source
        missing = self.runs.not_staged(run.id, place, keys)
        if not missing:
            return
        records = self.connectors[logic.flow.source].fetch(kind, missing)
        position["read"] = str(int(position.get("read", "0")) + len(records))
        self.runs.stage_page(run.id, place, logic.stage(place, records), position)

    def _plan(self, run: Run, logic: FlowLogic) -> bool:
        """Compare one page of what should be with what is, and keep what follows."""
        place, position = int(run.position["stage"]), dict(run.position)
        stage = logic.flow.stages[place]
        groups = self.runs.staged_groups(run.id, place, position.get("after"), PLAN_PAGE)
        if not groups:
            position.pop("after", None)
            more = place + 1 < len(logic.flow.stages)
            position |= {"stage": str(place + 1)} if more else {"phase": _after_plan(run.mode)}
            self.runs.position(run.id, position)
            return True
        uniques = self._unique(run.id, place)
        shaped = [logic.shape(place, members, uniques.numbers, uniques.marks) for members in groups]
        page = _PlanPage(place, counted=stage.counted)
        self._compare(run, logic, shaped, page)
        position |= {"after": groups[-1][0].parent, "planned": str(int(position.get("planned", "0")) + page.weight)}
        for name, count in (("changes", page.changes), ("jumps", page.jumps)):
            position[name] = str(int(position.get(name, "0")) + count)
        self.runs.keep_page(run.id, page.rows, page.unchanged, page.unchanged_weight, position)
        self.runs.progress(run.id, "plan", int(position["planned"]), int(position.get("read", "0")))
        return True

    def _compare(self, run: Run, logic: FlowLogic, shaped: Sequence[Shaped], page: "_PlanPage") -> None:
        flow, kind = logic.flow, logic.flow.stages[page.place].target
        desired = [one.desired for one in shaped if one.desired]
        references = self.links.references(flow.name)
        held = self.connectors[flow.target].lookup(desired, references) if desired else {}
        links = self.links.get(flow.name, kind, [record.key for record in desired])
        taken = self._taken(flow.name, desired) if run.mode is not Mode.COMPLETE else {}
        for one in shaped:
            for issue in one.parked:
                page.park(issue, kind, one.title, one.group)
            for skip in one.skipped:
                page.skip(skip, kind, one.title, one.group)
            if one.desired is None:
                continue
            wanted, issues = _without(one.desired, taken)
            for issue in issues:
                page.park(issue, kind, one.title, one.group)
            if wanted is not None:
                self._decide(logic, one, wanted, held.get(wanted.key), links.get(wanted.key), page)

    def _decide(
        self, logic: FlowLogic, one: Shaped, wanted: Record, held: Held | None, link: Link | None, page: "_PlanPage"
    ) -> None:
        weight = len(wanted.parts) or 1
        if objection := logic.objection(page.place, wanted, held, link):
            page.park(objection, wanted.kind, one.title, one.group, weight)
            return
        fitting = logic.fitting(page.place, wanted, held)
        if isinstance(fitting, Skip):
            page.skip(fitting, wanted.kind, one.title, one.group, weight)
            return
        agreed = link.agreed if link else None
        record = held.record if held else None
        match diff(fitting, record, agreed, logic.policy, title=one.title, group=one.group):
            case Issue() as issue:
                page.park(issue, wanted.kind, one.title, one.group, weight)
            case Unchanged(agreed=now):
                known = link is not None and agreed is not None and not differences(now, agreed)
                renewed = None if known or held is None else _link(wanted, held, merged(agreed, now))
                page.leave(renewed, weight)
            case Change() as change:
                page.change(_remembering(change, agreed), jump=price_jumps(change, logic.limits, logic.prices))

    def _taken(self, flow: str, desired: Sequence[Record]) -> dict[str, Issue]:
        """Return an issue for each part whose number or mark belongs to another record already linked."""
        parts = [part for record in desired for part in record.parts]
        numbers = self.links.by_reference(flow, Kind.ARTICLE, [part.key for part in parts])
        eans = {str(part.values["ean"]): part for part in parts if part.values.get("ean")}
        marks = self.links.by_mark(flow, Kind.ARTICLE, list(eans))
        found = {}
        for part in parts:
            owner = numbers.get(part.key)
            if owner is not None and owner.key != part.source:
                found[part.source] = Issue(
                    "sku_duplicate", part.source, "number",
                    {"key": part.source, "sku": part.key, "codes": f"{owner.key}, {part.source}"},
                )  # fmt: skip
        for ean, part in eans.items():
            owner = marks.get(ean)
            if owner is not None and owner.key != part.source:
                found[part.source] = Issue(
                    "ean_duplicate", part.source, "ean",
                    {"key": part.source, "ean": ean, "codes": f"{owner.key}, {part.source}"},
                )  # fmt: skip
        return found

    def _vanished(self, run: Run, logic: FlowLogic) -> bool:
        """Propose to retire what a complete extract no longer has."""
        place, position = _counted(logic.flow), dict(run.position)
        stage = logic.flow.stages[place]
        if not int(position.get("read", "0")) and self.links.count(run.flow, stage.source):
            raise ConfigurationError("source_empty", flow=run.flow, system=logic.flow.source)
        gone = self.runs.vanished(run.id, run.flow, stage.source, position.get("after"), PLAN_PAGE)
        if not gone or not logic.retires:
            position |= {"phase": "finish"}
            self.runs.position(run.id, position)
            return True
        position["after"] = gone[-1].key
        rows = self._retirements(run, logic, place, gone)
        position["retirements"] = str(int(position.get("retirements", "0")) + len(rows))
        self.runs.keep_page(run.id, rows, [], 0, position)
        return True

    def _retirements(self, run: Run, logic: FlowLogic, place: int, gone: Sequence[Link]) -> list[PlanRow]:
        flow, kind = logic.flow, logic.flow.stages[place].target
        codes = frozenset(link.key for link in gone)
        owners = self.links.owning(run.flow, kind, codes)
        held = self.connectors[flow.target].lookup(
            [link.agreed for link in owners if link.agreed], self.links.references(flow.name)
        )
        page = _PlanPage(place, counted=True)
        for link in owners:
            now = held.get(link.key)
            if link.agreed is None or now is None:
                continue
            title = str(link.agreed.values.get("name") or link.key)
            change = retire(link.agreed, codes, title=title)
            if not differences(change.wanted, now.record):  # somebody did it by hand
                continue
            page.change(change, jump=False)
        return page.rows

    def _finish_preview(self, run: Run, logic: FlowLogic) -> bool:
        position = run.position
        read, changes = int(position.get("read", "0")), int(position.get("changes", "0"))
        retirements = int(position.get("retirements", "0"))
        mark = fingerprint(run.flow, run.mapping_version, self.runs.digests(run.id))
        counted = logic.flow.stages[_counted(logic.flow)]
        tally = Tally(
            changes=changes + retirements, read=read, price_jumps=int(position.get("jumps", "0")),
            retirements=retirements, first=not self.links.count(run.flow, counted.source),
        )  # fmt: skip
        tripped = brakes(tally, logic.limits) if tally.changes else ()
        state = RunState.READY if tally.changes else RunState.DONE
        cursors = self._cursors(run, logic) if state is RunState.DONE else {}
        self.runs.finish_preview(run.id, mark, tripped, state, read, cursors=cursors)
        self._uniques = {key: value for key, value in self._uniques.items() if key[0] != run.id}
        log.info("preview finished", run=run.id, flow=run.flow, read=read, changes=tally.changes)
        return False

    def _unique(self, run_id: str, place: int) -> "_Uniques":
        key = (run_id, place)
        if key not in self._uniques:
            found = self.runs.duplicates(run_id, place)
            self._uniques[key] = _Uniques(found.numbers, found.marks)
        return self._uniques[key]

    def _cursors(self, run: Run, logic: FlowLogic) -> dict[str, str]:
        """Where the next run starts: nothing when this one read only chosen records."""
        if run.mode is Mode.CHOSEN:
            return {}
        cursors = {
            f"source:{stage.source}": run.position[f"stamp:{stage.source}"]
            for stage in logic.flow.stages
            if f"stamp:{stage.source}" in run.position
        }
        kind = logic.flow.stages[_counted(logic.flow)].target
        marker = run.position.get("marker") or self.connectors[logic.flow.target].changed(kind, "").stamp
        return cursors | ({f"target:{kind}": marker} if marker else {})

    # ---- commit -----------------------------------------------------------------------------------------------

    def approve(self, run_id: str, approval: Approval) -> None:
        """Keep a person's yes. Raises PlanStaleError or PlanUnsafeError before anything is sent."""
        run = self.runs.get(run_id)
        if run.state not in (RunState.READY, RunState.INTERRUPTED):
            raise PlanStaleError("plan_already_committed", flow=run.flow, run=run.id)
        published = self.logic(run.flow).mapping_version
        if published != run.mapping_version:
            raise PlanStaleError(
                "mapping_published_since", flow=run.flow, version=run.mapping_version, new_version=published
            )
        if approval.fingerprint != run.fingerprint:
            raise PlanStaleError("plan_stale", flow=run.flow)
        typed = approval.confirmed or {}
        for brake in run.brakes:
            if typed.get(brake.code) != brake.count:
                raise PlanUnsafeError(brake.code, flow=run.flow, count=brake.count, limit=brake.limit)
        self.runs.approve(run_id, approval)

    def commit_page(self, run_id: str) -> Pause | None:
        """Carry out the next page of an approved plan; None when the run has ended.

        Also how an interrupted run goes on: what was sent and not settled is looked up first, and only changes that
        nobody sent are sent. Raises IntegrationError when a system cannot be spoken to; the rest stays planned.
        """
        run = self.runs.get(run_id)
        if run.state is not RunState.COMMITTING:
            return None
        if self.runs.cancel_requested(run_id):
            self.runs.interrupt(run_id, "cancelled", {"flow": run.flow})
            return None
        logic = self.logic(run.flow)
        target = self.connectors[logic.flow.target]
        references = self.links.references(run.flow)
        self._settle_doubtful(run, target, references)
        rows = self.runs.next_planned(run_id, WRITE_PAGE)
        if not rows:
            if self.runs.unsettled(run_id):
                return Pause(self.patience.look_again.total_seconds())
            self._finish_commit(run, logic)
            return None
        self._carry_out(run, target, references, rows)
        return Pause(0)

    def _carry_out(self, run: Run, target: Connector, references: References, rows: Sequence[PlanRow]) -> None:
        held = target.lookup([_agreed(row) for row in rows], references)
        ready: list[tuple[PlanRow, Change]] = []
        moved: list[Outcome] = []
        for row in rows:
            change, now = _change(row), held.get(row.key)
            todo = change if still_applies(change, now and now.record) else None
            if todo is None and row.attempts:  # we may have done part of it ourselves
                todo = remaining(change, now and now.record)
            if todo is None:
                facts = {"key": row.title, "fields": _named(_moved(change, now))}
                issue = Issue("target_changed_since_plan", row.key, facts=facts)
                moved.append(Outcome(row.seq, Step.PARKED, issue=issue))
            elif not differences(todo.wanted, now and now.record):
                moved.append(Outcome(row.seq, Step.PROVEN, now.reference if now else "", now.marker if now else ""))
            else:
                ready.append((row, todo))
        if moved:
            self.runs.settle(run.id, [one for one in moved if one.step is Step.PARKED])
            self._prove_untouched(run, [one for one in moved if one.step is Step.PROVEN])
        written: list[PlanRow] = []
        try:
            for chunk in _chunks(ready, target.in_flight * KEPT_AT_ONCE):
                written += self._send(run, target, references, chunk, held)
        finally:
            self._read_back(run, target, references, written)

    def _prove_untouched(self, run: Run, outcomes: Sequence[Outcome]) -> None:
        """Settle what a look showed to be done already; it passes through *sent* like everything proven."""
        if outcomes:
            self.runs.mark_sent(run.id, [one.seq for one in outcomes])
            self.runs.settle(run.id, outcomes)

    def _send(
        self,
        run: Run,
        target: Connector,
        references: References,
        chunk: Sequence[tuple[PlanRow, Change]],
        held: Mapping[str, Held],
    ) -> list[PlanRow]:
        """Send some changes, several in flight; return those the target says it accepted."""
        self.runs.mark_sent(run.id, [row.seq for row, _ in chunk])  # on disk before the call

        def write(item: tuple[PlanRow, Change]) -> Written:
            row, change = item
            return target.write(change, held.get(row.key), references, f"{run.id}-{row.seq}")

        accepted: list[PlanRow] = []
        outcomes: list[Outcome] = []
        stopped: IntegrationError | None = None
        for (row, _), answer in zip(chunk, side_by_side(write, chunk, target.in_flight), strict=True):
            match answer:
                case Written():
                    accepted.append(row)
                case RejectedError():
                    facts = {"key": row.title, **answer.facts}
                    outcomes.append(Outcome(row.seq, Step.PARKED, issue=Issue(answer.code, row.key, facts=facts)))
                case InDoubtError() | MalformedAnswerError():
                    outcomes.append(Outcome(row.seq, Step.IN_DOUBT, issue=None))
                case _:  # not delivered: it is as if it had not been tried
                    outcomes.append(Outcome(row.seq, Step.PLANNED))
                    stopped = answer
        if outcomes:
            self.runs.settle(run.id, outcomes)
        if stopped is not None:
            self._read_back(run, target, references, accepted)
            raise stopped
        return accepted

    def _read_back(self, run: Run, target: Connector, references: References, rows: Sequence[PlanRow]) -> None:
        """Prove what was accepted by reading it; an answer that said yes proves nothing."""
        if not rows:
            return
        held = target.lookup([_agreed(row) for row in rows], references)
        outcomes = []
        for row in rows:
            now, change = held.get(row.key), _change(row)
            wrong = differences(change.wanted, now and now.record)
            if now is not None and not wrong:
                outcomes.append(Outcome(row.seq, Step.PROVEN, now.reference, now.marker))
            elif still_applies(change, now and now.record):  # accepted, and not to be seen yet
                outcomes.append(Outcome(row.seq, Step.IN_DOUBT))
            else:
                outcomes.append(_parked_wrong(row, change, now, wrong))
        self.runs.settle(run.id, outcomes)
        settled = self.runs.get(run.id)
        self.runs.progress(run.id, "write", settled.progress_done + len(rows), settled.progress_total)

    def _settle_doubtful(self, run: Run, target: Connector, references: References) -> None:
        """Look in the target for what was sent and never settled; nothing is repeated before it was looked for."""
        rows = self.runs.unsettled(run.id)
        if not rows:
            return
        held = target.lookup([_agreed(row) for row in rows], references)
        outcomes = []
        for row in rows:
            now, change = held.get(row.key), _change(row)
            outcome = self._after_look(row, change, now)
            if outcome is not None:
                outcomes.append(outcome)
        if outcomes:
            self.runs.settle(run.id, outcomes)

    def _after_look(self, row: PlanRow, change: Change, now: Held | None) -> Outcome | None:
        """Return what a look says about one change in doubt, or None while it is too early to tell."""
        record = now.record if now else None
        wrong = differences(change.wanted, record)
        if now is not None and not wrong:
            return Outcome(row.seq, Step.PROVEN, now.reference, now.marker)
        untouched = still_applies(change, record)
        if untouched and row.sent_at and self.clock() - row.sent_at < self.patience.visible_within:
            return None if row.step is Step.IN_DOUBT else Outcome(row.seq, Step.IN_DOUBT)
        if row.attempts >= ATTEMPTS:
            cause = "read_back_missing" if untouched else "read_back_differs"
            facts = {"key": row.title, "fields": _named(wrong)}
            return Outcome(row.seq, Step.PARKED, issue=Issue(cause, row.key, facts=facts))
        if untouched or remaining(change, record) is not None:
            return Outcome(row.seq, Step.PLANNED)
        return _parked_wrong(row, change, now, wrong)

    def _finish_commit(self, run: Run, logic: FlowLogic) -> None:
        left = run.approval is not None and bool(run.approval.left_out)
        self.runs.finish_commit(run.id, cursors={} if left else self._cursors(run, logic))
        log.info("commit finished", run=run.id, flow=run.flow)


@dataclass(frozen=True, slots=True)
class _Uniques:
    numbers: Mapping[str, tuple[str, ...]]
    marks: Mapping[str, tuple[str, ...]]


class _PlanPage:
    """The lines of one page of a plan while they are collected."""

    def __init__(self, place: int, *, counted: bool) -> None:
        self.place = place
        self.counted = counted
        self.rows: list[PlanRow] = []
        self.unchanged: list[Link] = []
        self.unchanged_weight = 0
        self.changes = 0
        self.jumps = 0
        self.weight = 0

    def _weighed(self, weight: int) -> int:
        weight = weight if self.counted else 0
        self.weight += weight
        return weight

    def park(self, issue: Issue, kind: Kind, title: str, group: str, weight: int = 1) -> None:
        self.rows.append(
            PlanRow(
                0,
                self.place,
                Action.PARK,
                kind,
                issue.key,
                title,
                group,
                self._weighed(weight),
                cause=issue.cause,
                cause_field=issue.field,
                facts=issue.facts,
                step=Step.PARKED,
            )  # fmt: skip
        )

    def skip(self, skip: Skip, kind: Kind, title: str, group: str, weight: int = 1) -> None:
        self.rows.append(
            PlanRow(
                0,
                self.place,
                Action.SKIP,
                kind,
                skip.key,
                title,
                group,
                self._weighed(weight),
                cause=skip.reason,
                facts=skip.facts,
                step=Step.LEFT,
            )  # fmt: skip
        )

    def leave(self, link: Link | None, weight: int) -> None:
        self.unchanged_weight += self._weighed(weight)
        if link is not None:
            self.unchanged.append(link)

    def change(self, change: Change, *, jump: bool) -> None:
        self.changes += change.action is not Action.RETIRE
        self.jumps += jump
        marks = (("brake_price",) if jump else ()) + (("brake_retirements",) if change.action is Action.RETIRE else ())
        self.rows.append(
            PlanRow(
                0,
                self.place,
                change.action,
                change.kind,
                change.key,
                change.title,
                change.group,
                self._weighed(len(change.sources)),
                change=change,
                digest=change.digest(),
                brakes=marks,
            )  # fmt: skip
        )


def _counted(flow: Flow) -> int:
    return next(place for place, stage in enumerate(flow.stages) if stage.counted)


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else -1


def _after_extract(mode: Mode, place: int, flow: Flow) -> dict[str, str]:
    if place + 1 < len(flow.stages):
        return {"stage": str(place + 1)}
    return {"phase": {Mode.CHANGES: "touched", Mode.CHOSEN: "siblings"}.get(mode, "plan"), "stage": "0"}


def _after_plan(mode: Mode) -> str:
    return "vanished" if mode is Mode.COMPLETE else "finish"


def _without(desired: Record, taken: Mapping[str, Issue]) -> tuple[Record | None, list[Issue]]:
    """Return the record without the parts that have an issue, and those issues."""
    issues = [taken[part.source] for part in desired.parts if part.source in taken]
    if not issues:
        return desired, []
    parts = tuple(part for part in desired.parts if part.source not in taken)
    rest = Record(desired.kind, desired.key, desired.values, parts, desired.source) if parts else None
    return rest, issues


def _link(wanted: Record, held: Held, agreed: Record) -> Link:
    return Link(wanted.kind, wanted.key, held.reference, agreed, held.marker)


def _remembering(change: Change, agreed: Record | None) -> Change:
    """Return the change with the memory of parts it does not touch kept."""
    return change if agreed is None else replace(change, agreed=merged(agreed, change.agreed))


def _change(row: PlanRow) -> Change:
    if row.change is None:
        raise TypeError(f"line {row.seq} holds no change")
    return row.change


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


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
