"""Making a plan: page by page, writing nothing to either system.

Every method does one page and may be repeated after a crash: a page and the place of the next one are kept together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from integration.core.errors import ConfigurationError
from integration.core.flow import Flow
from integration.core.issues import Issue, Skip
from integration.core.plan import (
    Action,
    Change,
    Tally,
    Unchanged,
    brakes,
    diff,
    differences,
    fingerprint,
    price_jumps,
    retire,
)
from integration.core.records import Held, Kind, Record, merged
from integration.core.run import Link, Mode, PlanRow, Run, RunState, Step
from integration.flows import FlowLogic, Shaped
from integration.runner.parts import Parts, counted, next_cursors

log = structlog.get_logger(__name__)

PLAN_PAGE = 250  # target records compared at a time


class Preview:
    """Reads both systems and keeps what would have to change."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._uniques: dict[tuple[str, int], _Uniques] = {}

    def begin(self, flow: str, *, by: str, mode: Mode = Mode.CHANGES, keys: Sequence[str] = ()) -> Run:
        """Open a run of a flow. Raises RunActiveError while another run of it is at work.

        Without a memory of an earlier run there is nothing to compare changes with, so everything is read.
        """
        logic = self.parts.logic(flow)
        known = {
            str(stage.source): self.parts.cursors.get(flow, f"source:{stage.source}") for stage in logic.flow.stages
        }
        if mode is Mode.CHANGES and not known[logic.flow.stages[counted(logic.flow)].source]:
            mode = Mode.COMPLETE
        position = {"phase": "extract", "stage": "0", "keys": "\n".join(keys)}
        if mode is Mode.CHANGES:
            position |= {f"since:{kind}": since for kind, since in known.items() if since}
        return self.parts.runs.begin(flow, mode, by, logic.mapping_version, position)

    def page(self, run_id: str) -> bool:
        """Do the next page of a preview and tell whether there is more. Writes nothing to either system."""
        run = self.parts.runs.get(run_id)
        if run.state is not RunState.PREVIEWING:
            return False
        logic = self.parts.logic(run.flow)
        phases = {
            "extract": self._extract, "touched": self._touched, "siblings": self._siblings,
            "plan": self._plan, "vanished": self._vanished, "finish": self._finish,
        }  # fmt: skip
        return phases[run.position["phase"]](run, logic)

    def _extract(self, run: Run, logic: FlowLogic) -> bool:
        """Read one page of the source, map and check each record, and keep it."""
        place, position = int(run.position["stage"]), dict(run.position)
        stage = logic.flow.stages[place]
        source = self.parts.connectors[logic.flow.source]
        if "marker" not in position:  # where the target stands before anything is compared
            kind = logic.flow.stages[counted(logic.flow)].target
            position["marker"] = self.parts.connectors[logic.flow.target].changed(kind, "").stamp or ""
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
        self.parts.runs.stage_page(run.id, place, logic.stage(place, records), position)
        self.parts.runs.progress(run.id, "extract", int(position.get("read", "0")), 0)
        return True

    def _touched(self, run: Run, logic: FlowLogic) -> bool:
        """Read again from the source what was edited in the target since the last run."""
        place, position = counted(logic.flow), dict(run.position)
        kind = logic.flow.stages[place].target
        since = self.parts.cursors.get(logic.flow.name, f"target:{kind}")
        if since is None:
            position["phase"] = "siblings"
        else:
            batch = self.parts.connectors[logic.flow.target].changed(kind, since, position.get("mark"))
            position["marker"] = max(batch.stamp or "", position.get("marker", ""), key=_whole)
            self._stage_touched(run, logic, place, batch.records, position)
            position.pop("mark", None)
            position |= {"mark": batch.after} if batch.after else {"phase": "siblings"}
        self.parts.runs.position(run.id, position)
        return True

    def _stage_touched(
        self, run: Run, logic: FlowLogic, place: int, records: Sequence[Record], position: dict[str, str]
    ) -> None:
        """Stage the sources of what others changed; our own writes come back with the marker we were given."""
        stage = logic.flow.stages[place]
        numbers = [part.key for record in records for part in record.parts]
        articles = self.parts.links.by_reference(logic.flow.name, Kind.ARTICLE, numbers)
        ours = self.parts.links.by_reference(logic.flow.name, stage.target, [record.key for record in records])
        sources = []
        for record in records:
            link = ours.get(record.key)
            if link is None or link.marker == record.values.get("marker"):
                continue
            sources += [articles[part.key].key for part in record.parts if part.key in articles]
        self._stage_fetched(run, logic, place, sources, position)

    def _siblings(self, run: Run, logic: FlowLogic) -> bool:
        """Read the other variants of what changed, so that a product is always judged as a whole."""
        place, position = counted(logic.flow), dict(run.position)
        stage = logic.flow.stages[place]
        after: str | None = None
        while members := self.parts.runs.staged_groups(run.id, place, after, PLAN_PAGE):
            after = members[-1][0].parent
            present = {one.key for group in members for one in group}
            parents = [group[0].parent for group in members if group[0].parent != group[0].key]
            known = self.parts.links.get(logic.flow.name, stage.target, parents)
            linked = {part.source for link in known.values() if link.agreed for part in link.agreed.parts}
            self._stage_fetched(run, logic, place, sorted(linked - present), position)
        position |= {"phase": "plan", "stage": "0"}
        self.parts.runs.position(run.id, position)
        return True

    def _stage_fetched(
        self, run: Run, logic: FlowLogic, place: int, keys: Sequence[str], position: dict[str, str]
    ) -> None:
        kind = logic.flow.stages[place].source
        missing = self.parts.runs.not_staged(run.id, place, keys)
        if not missing:
            return
        records = self.parts.connectors[logic.flow.source].fetch(kind, missing)
        position["read"] = str(int(position.get("read", "0")) + len(records))
        self.parts.runs.stage_page(run.id, place, logic.stage(place, records), position)

    def _plan(self, run: Run, logic: FlowLogic) -> bool:
        """Compare one page of what should be with what is, and keep what follows."""
        place, position = int(run.position["stage"]), dict(run.position)
        stage = logic.flow.stages[place]
        groups = self.parts.runs.staged_groups(run.id, place, position.get("after"), PLAN_PAGE)
        if not groups:
            position.pop("after", None)
            more = place + 1 < len(logic.flow.stages)
            position |= {"stage": str(place + 1)} if more else {"phase": _after_plan(run.mode)}
            self.parts.runs.position(run.id, position)
            return True
        uniques = self._unique(run.id, place)
        shaped = [logic.shape(place, members, uniques.numbers, uniques.marks) for members in groups]
        page = _PlanPage(place, counted=stage.counted)
        self._compare(run, logic, shaped, page)
        position |= {"after": groups[-1][0].parent, "planned": str(int(position.get("planned", "0")) + page.weight)}
        for name, count in (("changes", page.changes), ("jumps", page.jumps)):
            position[name] = str(int(position.get(name, "0")) + count)
        self.parts.runs.keep_page(run.id, page.rows, page.unchanged, page.unchanged_weight, position)
        self.parts.runs.progress(run.id, "plan", int(position["planned"]), int(position.get("read", "0")))
        return True

    def _compare(self, run: Run, logic: FlowLogic, shaped: Sequence[Shaped], page: "_PlanPage") -> None:
        flow, kind = logic.flow, logic.flow.stages[page.place].target
        desired = [one.desired for one in shaped if one.desired]
        references = self.parts.links.references(flow.name)
        references.ask(kind, [record.key for record in desired])
        held = self.parts.connectors[flow.target].lookup(desired, references) if desired else {}
        links = self.parts.links.get(flow.name, kind, [record.key for record in desired])
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
        numbers = self.parts.links.by_reference(flow, Kind.ARTICLE, [part.key for part in parts])
        eans = {str(part.values["ean"]): part for part in parts if part.values.get("ean")}
        marks = self.parts.links.by_mark(flow, Kind.ARTICLE, list(eans))
        found = {}
        for part in parts:
            owner = numbers.get(part.key)
            if owner is not None and owner.key != part.source:
                found[part.source] = Issue(
                    "sku_duplicate", part.source, "number",
                    {"key": part.source, "article": part.source, "other": owner.key, "number": part.key},
                )  # fmt: skip
        for ean, part in eans.items():
            owner = marks.get(ean)
            if owner is not None and owner.key != part.source:
                found[part.source] = Issue(
                    "ean_duplicate", part.source, "ean",
                    {"key": part.source, "article": part.source, "other": owner.key, "value": ean},
                )  # fmt: skip
        return found

    def _vanished(self, run: Run, logic: FlowLogic) -> bool:
        """Propose to retire what a complete extract no longer has."""
        place, position = counted(logic.flow), dict(run.position)
        stage = logic.flow.stages[place]
        if not int(position.get("read", "0")) and self.parts.links.count(run.flow, stage.source):
            raise ConfigurationError("source_empty", flow=run.flow, system=logic.flow.source)
        gone = self.parts.runs.vanished(run.id, run.flow, stage.source, position.get("after"), PLAN_PAGE, stage=place)
        if not gone or not logic.retires:
            position |= {"phase": "finish"}
            self.parts.runs.position(run.id, position)
            return True
        position["after"] = gone[-1].key
        rows = self._retirements(run, logic, place, self._really_gone(logic, stage.source, gone))
        position["retirements"] = str(int(position.get("retirements", "0")) + len(rows))
        self.parts.runs.keep_page(run.id, rows, [], 0, position)
        return True

    def _really_gone(self, logic: FlowLogic, kind: Kind, gone: Sequence[Link]) -> list[Link]:
        """Ask for each of them by name: a row deleted while pages are turned hides another one."""
        found = self.parts.connectors[logic.flow.source].fetch(kind, [link.key for link in gone])
        there = {record.key for record in found}
        return [link for link in gone if link.key not in there]

    def _retirements(self, run: Run, logic: FlowLogic, place: int, gone: Sequence[Link]) -> list[PlanRow]:
        flow, kind = logic.flow, logic.flow.stages[place].target
        codes = frozenset(link.key for link in gone)
        owners = self.parts.links.owning(run.flow, kind, codes)
        held = self.parts.connectors[flow.target].lookup(
            [link.agreed for link in owners if link.agreed], self.parts.links.references(flow.name)
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

    def _finish(self, run: Run, logic: FlowLogic) -> bool:
        position = run.position
        read, changes = int(position.get("read", "0")), int(position.get("changes", "0"))
        retirements = int(position.get("retirements", "0"))
        mark = fingerprint(run.flow, run.mapping_version, self.parts.runs.digests(run.id))
        kind = logic.flow.stages[counted(logic.flow)].source
        tally = Tally(
            changes=changes + retirements, read=read, price_jumps=int(position.get("jumps", "0")),
            retirements=retirements, first=not self.parts.links.count(run.flow, kind),
        )  # fmt: skip
        tripped = brakes(tally, logic.limits) if tally.changes else ()
        state = RunState.READY if tally.changes else RunState.DONE
        cursors = next_cursors(run, logic) if state is RunState.DONE else {}
        for older in self.parts.runs.latest(run.flow, [RunState.READY]):
            self.parts.runs.discard(older.id, by="newer plan")
        self.parts.runs.finish_preview(run.id, mark, tripped, state, read, cursors=cursors)
        self._uniques = {key: value for key, value in self._uniques.items() if key[0] != run.id}
        log.info("preview finished", run=run.id, flow=run.flow, read=read, changes=tally.changes)
        return False

    def _unique(self, run_id: str, place: int) -> "_Uniques":
        key = (run_id, place)
        if key not in self._uniques:
            found = self.parts.runs.duplicates(run_id, place)
            self._uniques[key] = _Uniques(found.numbers, found.marks)
        return self._uniques[key]


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
            )
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
            )
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
            )
        )


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
