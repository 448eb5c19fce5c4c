"""Making a plan: page by page, writing nothing to either system.

Every method does one page and may be repeated after a crash: a page and the place of the next one are kept together.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import structlog

from integration.core.errors import ConfigurationError, IntegrationError
from integration.core.flow import Flow
from integration.core.issues import Issue, Skip, source_mark
from integration.core.plan import (
    Action,
    Change,
    Tally,
    Unchanged,
    brakes,
    diff,
    differences,
    fingerprint,
    inverse,
    retire,
    still_applies,
)
from integration.core.records import Held, Kind, Record, merged, same
from integration.core.rules import as_text
from integration.core.run import Link, Mode, PlanRow, Progress, Run, RunState, Staged, Step
from integration.flows.spec import FlowLogic, Shaped
from integration.runner.lookup import look, look_around
from integration.runner.parts import AS_IT_WAS, IN_FORCE, NAMES, Parts, next_cursors

log = structlog.get_logger(__name__)

PLAN_PAGE = 250  # target records compared at a time
MOST_DOCUMENTS = 50  # named by the issue of a record that comes out of them


class Preview:
    """Reads both systems and keeps what would have to change."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._uniques: dict[tuple[str, int], _Uniques] = {}

    def begin(
        self,
        flow: str,
        *,
        by: str,
        mode: Mode = Mode.CHANGES,
        keys: Sequence[str] = (),
        notes: Mapping[str, str] | None = None,
        version: int | None = None,
    ) -> Run:
        """Open a run of a flow. Raises RunActiveError while another run of it is at work.

        Without a memory of an earlier run there is nothing to compare changes with, so everything is read. `notes` stay
        in the run's position; `version` asks for a mapping that was in force before.
        """
        logic = self.parts.logic(flow)
        known = {
            str(stage.source): self.parts.cursors.get(flow, f"source:{stage.source}") for stage in logic.flow.stages
        }
        began = known[logic.flow.stages[logic.flow.counted].source]
        first = _next_read(logic.flow, -1)
        position = {"phase": "extract", "stage": str(first), "keys": "\n".join(keys)}
        if mode is Mode.CHANGES or not began:
            position["most"] = str(logic.most or "")
        if mode is Mode.CHANGES and not (began and logic.flow.by_changes):
            mode = Mode.COMPLETE
        if mode is Mode.CHANGES:
            position |= {f"since:{kind}": since for kind, since in known.items() if since}
        position |= notes or {}
        if version is not None and version != logic.mapping_version:
            position |= {AS_IT_WAS: str(version), IN_FORCE: str(logic.mapping_version)}
        return self._open(flow, mode, by, version or logic.mapping_version, position)

    def undo(self, run_id: str, *, by: str) -> Run:
        """Open a run that puts back what another one wrote.

        Raises RunActiveError while one of the flow is at work, and IntegrationError `nothing_to_undo`.
        """
        earlier = self.parts.runs.get(run_id)
        if not self.parts.runs.proven(run_id, after=0, limit=1):
            raise IntegrationError("nothing_to_undo", flow=earlier.flow, run=run_id)
        logic = self.parts.logic(earlier.flow)
        position = {"phase": "undo", "of": run_id, "done": "0"}
        return self._open(earlier.flow, Mode.UNDO, by, logic.mapping_version, position)

    def _open(self, flow: str, mode: Mode, by: str, version: int, position: Mapping[str, str]) -> Run:
        return self.parts.runs.begin(flow, mode, by, version, {**position, NAMES: self.parts.names()})

    def page(self, run_id: str) -> bool:
        """Do the next page of a preview and tell whether there is more. Writes nothing to either system."""
        run = self.parts.runs.get(run_id)
        if run.state is not RunState.PREVIEWING:
            return False
        if self.parts.runs.cancel_requested(run_id):
            self.parts.runs.cancel_preview(run_id)
            return False
        logic = self.parts.logic_of(run)
        phases = {
            "extract": self._extract, "touched": self._touched, "siblings": self._siblings,
            "plan": self._plan, "vanished": self._vanished, "undo": self._undo, "finish": self._finish,
        }  # fmt: skip
        return phases[run.position["phase"]](run, logic)

    def _extract(self, run: Run, logic: FlowLogic) -> bool:
        """Read one page of the source, map and check each record, and keep it."""
        place, position = int(run.position["stage"]), dict(run.position)
        stage = logic.flow.stages[place]
        source = self.parts.connectors[logic.flow.source]
        if "marker" not in position:  # where the target stands before anything is compared
            kind = logic.flow.stages[logic.flow.counted].target
            position["marker"] = self.parts.connectors[logic.flow.target].changed(kind, "").stamp or ""
        if run.mode is Mode.CHOSEN and stage.counted:
            records, after, stamp = source.fetch(stage.source, position["keys"].split("\n")), None, None
        else:
            batch = source.extract(stage.source, position.get(f"since:{stage.source}"), position.get("after"))
            records, after, stamp = list(batch.records), batch.after, batch.stamp
        if stamp:
            position[f"stamp:{stage.source}"] = max(stamp, position.get(f"stamp:{stage.source}", ""), key=_in_order)
        if stage.counted:
            position["read"] = str(int(position.get("read", "0")) + len(records))
        position.pop("after", None)
        if after is not None and not _enough(position):
            position["after"] = after
        else:
            position |= _after_extract(run.mode, place, logic.flow)
        self._stage(run, logic, place, records, position, Progress("extract", int(position.get("read", "0")), 0))
        return True

    def _stage(
        self,
        run: Run,
        logic: FlowLogic,
        place: int,
        records: Sequence[Record],
        position: Mapping[str, str],
        progress: Progress | None = None,
    ) -> None:
        """Keep a page of records mapped, and first what comes out of them by the way: a repeated page does no harm."""
        if logic.flow.stages[place].counted:
            self._look_again(run, logic, records)
            records = self.parts.corrected(run.flow, records)
            for aside, stage in enumerate(logic.flow.stages):
                if stage.derived and (staged := _grouped(logic, aside, records)):
                    self.parts.runs.stage_page(run.id, aside, staged, run.position)
        self.parts.runs.stage_page(run.id, place, _grouped(logic, place, records), position, progress)

    def _look_again(self, run: Run, logic: FlowLogic, records: Sequence[Record]) -> None:
        """Take back what was set aside of records that somebody changed since."""
        known = self.parts.runs.aside(run.flow, [record.key for record in records])
        if not known:
            return
        passing = logic.flow.passing
        marks = {record.key: source_mark(record, passing) for record in records if record.key in known}
        changed = [issue for key, before in known.items() for issue, mark in before.items() if marks[key] != mark]
        if changed:
            self.parts.runs.look_again(run.id, changed)

    def _touched(self, run: Run, logic: FlowLogic) -> bool:
        """Read again from the source what was edited in the target since the last run."""
        place, position = logic.flow.counted, dict(run.position)
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
            inside = [articles[part.key].key for part in record.parts if part.key in articles]
            sources += inside or [link.key]
        self._stage_fetched(run, logic, place, sources, position)

    def _siblings(self, run: Run, logic: FlowLogic) -> bool:
        """Read the other variants of what changed, so that a product is always judged as a whole."""
        place, position = logic.flow.counted, dict(run.position)
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
        self._stage(run, logic, place, records, position)

    def _plan(self, run: Run, logic: FlowLogic) -> bool:
        """Compare one page of what should be with what is, and keep what follows."""
        place, position = int(run.position["stage"]), dict(run.position)
        groups = self.parts.runs.staged_groups(run.id, place, position.get("after"), PLAN_PAGE)
        if not groups:
            position.pop("after", None)
            more = place + 1 < len(logic.flow.stages)
            position |= {"stage": str(place + 1)} if more else {"phase": _after_plan(run.mode)}
            self.parts.runs.position(run.id, position)
            return True
        page = self._page(logic, place)
        self._compare(run, logic, groups, page)
        position |= {"after": groups[-1][0].parent, "planned": str(int(position.get("planned", "0")) + page.weight)}
        for name, count in {"changes": page.changes, **page.watched}.items():
            position[name] = str(int(position.get(name, "0")) + count)
        progress = Progress("plan", int(position["planned"]), int(position.get("read", "0")))
        self.parts.runs.keep_page(run.id, page.rows, page.unchanged, page.unchanged_weight, position, progress)
        return True

    def _shaped(self, run: Run, logic: FlowLogic, place: int, members: Sequence[Staged]) -> Shaped:
        """Return what the members of one parent come to, with how they are sorted and what they come out of."""
        uniques, stage = self._unique(run.id, place), logic.flow.stages[place]
        one = logic.shape(place, members, uniques.numbers, uniques.marks)
        if stage.grouped_by:
            one = replace(one, group=one.group or _group(members))
        return replace(one, members=tuple(each.key for each in members)) if stage.derived else one

    def _compare(self, run: Run, logic: FlowLogic, groups: Sequence[Sequence[Staged]], page: "_PlanPage") -> None:
        flow, kind = logic.flow, logic.flow.stages[page.place].target
        shaped = [self._shaped(run, logic, page.place, members) for members in groups]
        desired = [one.desired for one in shaped if one.desired]
        held, taken = look_around(self.parts.connectors[flow.target], shaped, self.parts.links, flow.name)
        links = self.parts.links.get(flow.name, kind, [record.key for record in desired])
        if kind is Kind.PRODUCT and run.mode is not Mode.COMPLETE:
            taken = self._taken(flow.name, desired) | taken
        waiting = self._waiting(run, logic, page.place, desired)
        waiting |= self._claimed(run, logic, kind, held)
        for one, members in zip(shaped, groups, strict=True):
            for issue in one.parked:
                page.park(_of_documents(issue, one), kind, one.title, one.group)
            for skip in one.skipped:
                page.skip(skip, kind, one.title, one.group)
            is_apart = one.desired is not None and not taken.keys().isdisjoint(one.desired.sources)
            rest = self._left(run, logic, members, taken, page) if is_apart else one
            if (wanted := rest.desired) is None:
                continue
            if missing := waiting.get(wanted.key):
                page.park(_of_documents(missing, rest), kind, rest.title, rest.group, len(wanted.sources))
            else:
                self._decide(logic, rest, wanted, held.get(wanted.key), links.get(wanted.key), page)

    def _left(
        self,
        run: Run,
        logic: FlowLogic,
        members: Sequence[Staged],
        taken: Mapping[str, Issue],
        page: "_PlanPage",
    ) -> Shaped:
        """Park the members that have an issue, and return what the others come to: as if those were not there."""
        kind = logic.flow.stages[page.place].target
        for each in members:
            if each.record is not None and each.key in taken:
                page.park(taken[each.key], kind, each.title, each.group)
        rest = [each for each in members if each.key not in taken]
        return self._shaped(run, logic, page.place, rest) if rest else Shaped(None, members[0].title)

    def _decide(
        self, logic: FlowLogic, one: Shaped, wanted: Record, held: Held | None, link: Link | None, page: "_PlanPage"
    ) -> None:
        weight = len(wanted.sources)
        if objection := logic.objection(page.place, wanted, held, link):
            page.park(_of_documents(objection, one), wanted.kind, one.title, one.group, weight)
            return
        fitting = logic.fitting(page.place, wanted, held)
        if isinstance(fitting, Skip):
            page.skip(fitting, wanted.kind, one.title, one.group, weight)
            if held is not None and link is None and logic.flow.stages[page.place].once:
                page.unchanged.append(_link(wanted, held, wanted))
            return
        agreed = link.agreed if link else None
        if held is not None and logic.flow.stages[page.place].once:
            page.leave(None if agreed else _link(wanted, held, wanted), weight)
            return
        record = held.record if held else None
        match diff(fitting, record, agreed, logic.policy, title=one.title, group=one.group):
            case Issue() as issue:
                page.park(_of_documents(issue, one), wanted.kind, one.title, one.group, weight)
            case Unchanged(agreed=now):
                known = link is not None and agreed is not None and not differences(now, agreed)
                renewed = None if known or held is None else _link(wanted, held, merged(agreed, now))
                page.leave(renewed, weight)
            case Change() as change:
                if logic.flow.stages[page.place].once:  # remembered whole: a later change of the document shows
                    change = replace(change, agreed=wanted)
                if one.members:  # a debtor is there for its documents
                    change = replace(change, sources=one.members)
                page.change(_remembering(change, agreed), logic.watched(change), held.reference if held else "")

    def _waiting(self, run: Run, logic: FlowLogic, place: int, desired: Sequence[Record]) -> dict[str, Issue]:
        """Return an issue for each record that needs another one which is parked in this plan."""
        found: dict[str, Issue] = {}
        for name, kind in logic.flow.stages[place].needs.items():
            keys = {str(record.values[name]) for record in desired if record.values.get(name)}
            parked = self.parts.runs.parked(run.id, kind, sorted(keys))
            for record in desired:
                line = parked.get(str(record.values.get(name) or ""))
                if line is not None:
                    facts = {"key": record.key, "field": name, "needed": line.title, "cause": line.cause}
                    found.setdefault(record.key, Issue("needed_record_parked", record.key, name, facts))
        return found

    def _claimed(self, run: Run, logic: FlowLogic, kind: Kind, held: Mapping[str, Held]) -> dict[str, Issue]:
        """Return an issue for each record that was matched with what another record has been matched with before."""
        matched = {key: now for key, now in held.items() if now.evidence not in ("", "link")}
        references = sorted({now.reference for now in matched.values()})
        if not references or logic.flow.stages[logic.flow.stage(kind)].once:
            return {}
        owners = {one.reference: one.key for one in self.parts.links.by_reference(run.flow, kind, references).values()}
        owners = self.parts.runs.claims(run.id, kind, references) | owners
        found: dict[str, Issue] = {}
        for key, now in sorted(matched.items()):
            owner = owners.setdefault(now.reference, key)
            if owner != key:
                facts = {"key": key, "customer": key, "system": logic.flow.target, "candidates": now.reference}
                found[key] = Issue("customer_ambiguous", key, facts=facts | {"other": owner})
        return found

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
        place, position = logic.flow.counted, dict(run.position)
        stage = logic.flow.stages[place]
        if not int(position.get("read", "0")) and self.parts.links.count(run.flow, logic.flow.linked):
            raise ConfigurationError("source_empty", flow=run.flow, system=logic.flow.source)
        after = position.get("after")
        gone = (
            self.parts.runs.vanished(run.id, run.flow, stage.source, after, PLAN_PAGE, stage=place)
            if logic.retires
            else []
        )
        if not gone:
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
        target, references = self.parts.connectors[flow.target], self.parts.links.references(flow.name)
        held = look(target, [link.agreed for link in owners if link.agreed], references)
        page = self._page(logic, place)
        for link in owners:
            now = held.get(link.key)
            if link.agreed is None or now is None:
                continue
            title = str(link.agreed.values.get("name") or link.key)
            change = retire(link.agreed, codes, title=title)
            if not differences(change.wanted, now.record):  # somebody did it by hand
                continue
            page.change(change, logic.watched(change))
        return page.rows

    def _undo(self, run: Run, logic: FlowLogic) -> bool:
        """Turn one page of what another run proved around, where the target still holds what that run wrote."""
        position = dict(run.position)
        rows = self.parts.runs.proven(position["of"], int(position["done"]), PLAN_PAGE)
        if not rows:
            position["phase"] = "finish"
            self.parts.runs.position(run.id, position)
            return True
        rows = [row for row in rows if row.stage == rows[0].stage]
        page = self._page(logic, rows[0].stage)
        changes = [row.change for row in rows if row.change]
        backs = {one.key: _turned(logic, page.place, one) for one in changes}
        fresh = [one.agreed for one in backs.values() if isinstance(one, Change) and one.key not in backs]
        references = self.parts.links.references(logic.flow.name)
        target = self.parts.connectors[logic.flow.target]
        held = look(target, [*(one.agreed for one in changes), *fresh], references)
        for change in changes:
            self._turn_around(run, logic, change, backs[change.key], held, page)
        position["done"] = str(rows[-1].seq)
        for name, count in {
            "changes": page.changes,
            "retirements": page.retirements,
            "read": page.weight,
            **page.watched,
        }.items():
            position[name] = str(int(position.get(name, "0")) + count)
        self.parts.runs.keep_page(run.id, page.rows, [], 0, position)
        return True

    def _turn_around(
        self,
        run: Run,
        logic: FlowLogic,
        change: Change,
        back: Change | Skip,
        held: Mapping[str, Held],
        page: "_PlanPage",
    ) -> None:
        weight, title = len(change.sources) or 1, change.title
        if isinstance(back, Change) and back.before is None and (there := held.get(back.key)):  # undone before
            facts = {"key": back.title, "reference": there.reference, "system": logic.flow.target}
            back = Skip("already_in_target", change.key, facts)
        if isinstance(back, Skip):
            page.skip(back, change.kind, title, change.group, weight)
        elif not _as_written(change, back, held.get(change.key)):
            facts = {"key": title, "run": run.position["of"]}
            page.park(Issue("undo_blocked", change.key, facts=facts), change.kind, title, change.group, weight)
        else:
            page.change(replace(back, sources=back.sources or change.sources), logic.watched(back))

    def _finish(self, run: Run, logic: FlowLogic) -> bool:
        position = run.position
        read, changes = int(position.get("read", "0")), int(position.get("changes", "0"))
        retirements = int(position.get("retirements", "0"))
        mark = fingerprint(run.flow, run.mapping_version, self.parts.runs.digests(run.id))
        tally = Tally(
            changes=changes + retirements, read=read, retirements=retirements,
            price_jumps=int(position.get("brake_price", "0")), zeroed=int(position.get("brake_stock_zero", "0")),
            new_debtors=int(position.get("brake_new_debtors", "0")),
            first=not self.parts.links.count(run.flow, logic.flow.linked),
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

    def _page(self, logic: FlowLogic, place: int) -> "_PlanPage":
        stage, target = logic.flow.stages[place], self.parts.connectors[logic.flow.target]
        return _PlanPage(place, counted=stage.counted, calls=target.calls)

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

    def __init__(self, place: int, *, counted: bool, calls: Callable[[Change], int]) -> None:
        self.place = place
        self.counted = counted
        self.calls = calls
        self.rows: list[PlanRow] = []
        self.unchanged: list[Link] = []
        self.unchanged_weight = 0
        self.changes = 0
        self.retirements = 0
        self.watched: Counter[str] = Counter()
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

    def change(self, change: Change, watched: tuple[str, ...], reference: str = "") -> None:
        self.changes += change.action is not Action.RETIRE
        self.retirements += change.action is Action.RETIRE
        self.watched.update(watched)
        marks = watched + (("brake_retirements",) if change.action is Action.RETIRE else ())
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
                reference=reference,
                calls=self.calls(change),
            )
        )


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else -1


def _in_order(stamp: str) -> tuple[int, str]:
    """Markers are whole numbers and compare as such; time stamps compare as text."""
    return (int(stamp), "") if stamp.isdecimal() else (-1, stamp)


def _enough(position: Mapping[str, str]) -> bool:
    """Tell whether this run has read as many records as it may."""
    most = position.get("most", "")
    return bool(most) and int(position.get("read", "0")) >= int(most)


def _next_read(flow: Flow, place: int) -> int:
    """Return the next stage that is read by itself, or the number of stages when there is none."""
    following = (at for at in range(place + 1, len(flow.stages)) if not flow.stages[at].derived)
    return next(following, len(flow.stages))


def _after_extract(mode: Mode, place: int, flow: Flow) -> dict[str, str]:
    if (following := _next_read(flow, place)) < len(flow.stages):
        return {"stage": str(following)}
    return {"phase": {Mode.CHANGES: "touched", Mode.CHOSEN: "siblings"}.get(mode, "plan"), "stage": "0"}


def _after_plan(mode: Mode) -> str:
    return "vanished" if mode is Mode.COMPLETE else "finish"


def _grouped(logic: FlowLogic, place: int, records: Sequence[Record]) -> list[Staged]:
    """Return what records come to in a stage, with what the source sorts them by."""
    staged, name = logic.stage(place, records), logic.flow.stages[place].grouped_by
    if not name:
        return staged
    groups = {record.key: as_text(record.values.get(name)).strip() for record in records}
    return [replace(one, group=groups.get(one.key, "")) for one in staged]


def _group(members: Sequence[Staged]) -> str:
    return next((one.group for one in members if one.group), "")


def _turned(logic: FlowLogic, place: int, change: Change) -> Change | Skip:
    """Return the change that undoes another one, or why it stays."""
    back = logic.withdraw(place, change) if change.before is None else inverse(change)
    is_empty = isinstance(back, Change) and not back.wanted.flat()
    return Skip("undo_keeps", change.key, {"key": change.title}) if is_empty else back


def _as_written(change: Change, back: Change, held: Held | None) -> bool:
    """Tell whether the target still has what a run wrote there: of a document, as far as its history tells."""
    if back.before is not None:
        return still_applies(back, held.record if held else None)
    if held is None or {part.key for part in held.record.parts} != {part.key for part in change.wanted.parts}:
        return False
    now = held.record.flat()
    return all(same(value, now[path]) for path, value in change.wanted.flat().items() if path in now)


def _of_documents(issue: Issue, one: Shaped) -> Issue:
    """Return an issue with what its document comes to; that of a derived record with the documents it comes out of.

    They are what is tried again.
    """
    sold = one.desired.values.get("sold_incl") if one.desired else None
    if isinstance(sold, Decimal) and "sold" not in issue.facts:
        issue = replace(issue, facts={**issue.facts, "sold": format(sold, "f")})
    if not one.members or "documents" in issue.facts:
        return issue
    return replace(issue, facts={**issue.facts, "documents": ",".join(one.members[:MOST_DOCUMENTS])})


def _link(wanted: Record, held: Held, agreed: Record) -> Link:
    return Link(wanted.kind, wanted.key, held.reference, agreed, held.marker)


def _remembering(change: Change, agreed: Record | None) -> Change:
    """Return the change with the memory of parts it does not touch kept."""
    return change if agreed is None else replace(change, agreed=merged(agreed, change.agreed))
