"""Reading for a plan: what changed in the source, what was edited in the target, and what belongs to either."""

from collections.abc import Sequence
from dataclasses import replace

from integration.core.flow import Stage
from integration.core.issues import source_mark
from integration.core.records import Kind, Record, Unreadable
from integration.core.rules import as_text
from integration.core.run import Mode, Position, Progress, Run, Staged, Task
from integration.flows.spec import FlowLogic, staged_in
from integration.runner.parts import Parts

SIBLINGS_PAGE = 250  # parents looked at together


class Extract:
    """Reads, maps and checks each record by itself, and keeps it until it is compared."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def extract(self, run: Run, logic: FlowLogic) -> None:
        """Read one page of the source."""
        position, stage = self._with_marker(run.position, logic), logic.flow.stages[run.position.stage]
        source = self.parts.connectors[logic.flow.source]
        if run.mode is Mode.CHOSEN and stage.counted:
            records, after, stamp = source.fetch(stage.source, position.keys), None, None
        else:
            batch = source.extract(stage.source, position.since.get(stage.source), position.after)
            records, after, stamp = list(batch.records), batch.after, batch.stamp
        if stamp:
            highest = max(stamp, position.stamps.get(stage.source, ""), key=_in_order)
            position = replace(position, stamps={**position.stamps, stage.source: highest})
        if stage.counted:
            position = self._counting(run, logic, stage, records, position)
        if after is not None and not position.has_enough:
            position = replace(position, after=after)
        else:
            position = _after_extract(run.mode, stage, position, logic)
        self._stage(run, logic, stage, records, position, Progress("extract", position.read, 0))

    def _with_marker(self, position: Position, logic: FlowLogic) -> Position:
        """Return a position that knows where the target stood before anything was compared."""
        if position.marker is not None:
            return position
        batch = self.parts.connectors[logic.flow.target].changed(logic.flow.counted.target, "")
        return replace(position, marker=batch.stamp or "")

    def touched(self, run: Run, logic: FlowLogic) -> None:
        """Read again from the source what was edited in the target since the last run."""
        position, kind = run.position, logic.flow.counted.target
        since = self.parts.cursors.get(logic.flow.name, f"target:{kind}")
        following = Task.SIBLINGS
        if run.position.read and self.parts.runs.waiting_for_all(run.flow) is not None:
            following = Task.CARRY
        if since is None:
            position = position.at(following)
        else:
            batch = self.parts.connectors[logic.flow.target].changed(kind, since, position.after)
            position = replace(position, marker=max(batch.stamp or "", position.marker or "", key=_in_order))
            position = self._stage_touched(run, logic, batch.records, position)
            position = replace(position, after=batch.after) if batch.after else position.at(following)
        self.parts.previews.keep_position(run.id, position)

    def _stage_touched(self, run: Run, logic: FlowLogic, records: Sequence[Record], position: Position) -> Position:
        """Stage the sources of what others changed; our own writes come back with the marker we were given."""
        numbers = [part.key for record in records for part in record.parts]
        articles = self.parts.links.by_reference(logic.flow.name, Kind.ARTICLE, numbers)
        kind = logic.flow.counted.target
        ours = self.parts.links.by_reference(logic.flow.name, kind, [record.key for record in records])
        sources = []
        for record in records:
            link = ours.get(record.key)
            if link is None or link.marker == record.values.get("marker"):
                continue
            inside = [articles[part.key].key for part in record.parts if part.key in articles]
            sources += inside or [link.key]
        return self.stage_fetched(run, logic, logic.flow.counted, sources, position)

    def siblings(self, run: Run, logic: FlowLogic) -> None:
        """Read the other variants of what changed, so that a product is always judged as a whole."""
        position, stage = run.position, logic.flow.counted
        order, after = logic.flow.order(stage), None
        while members := self.parts.previews.staged_groups(run.id, order, after, SIBLINGS_PAGE):
            after = members[-1][0].parent
            present = {one.key for group in members for one in group}
            parents = [group[0].parent for group in members if group[0].parent != group[0].key]
            known = self.parts.links.get(logic.flow.name, stage.target, parents)
            linked = {part.source for link in known.values() if link.agreed for part in link.agreed.parts}
            position = self.stage_fetched(run, logic, stage, sorted(linked - present), position)
        self.parts.previews.keep_position(run.id, position.at(Task.COMPARE))

    def stage_fetched(
        self, run: Run, logic: FlowLogic, stage: Stage, keys: Sequence[str], position: Position
    ) -> Position:
        """Stage the records under these keys that were not read yet; return the position with those counted."""
        missing = self.parts.previews.not_staged(run.id, logic.flow.order(stage), keys)
        if not missing:
            return position
        records = self.parts.connectors[logic.flow.source].fetch(stage.source, missing)
        if stage.counted:
            position = self._counting(run, logic, stage, records, position)
        self._stage(run, logic, stage, records, position)
        return position

    def _counting(
        self, run: Run, logic: FlowLogic, stage: Stage, records: Sequence[Record], position: Position
    ) -> Position:
        """Return a position that counts these records, each once however often and on however many pages it came."""
        keys = [record.key for record in records]
        fresh = self.parts.previews.not_staged(run.id, logic.flow.order(stage), keys)
        return replace(position, read=position.read + len(fresh))

    def _stage(
        self,
        run: Run,
        logic: FlowLogic,
        stage: Stage,
        records: Sequence[Record],
        position: Position,
        progress: Progress | None = None,
    ) -> None:
        """Keep a page of records mapped, and first what comes out of them by the way: a repeated page does no harm."""
        flow, previews = logic.flow, self.parts.previews
        if stage.counted:
            self._look_again(run, logic, records)
            records = self.parts.corrected(run.flow, records)
            readable = [record for record in records if not isinstance(record, Unreadable)]
            for one in flow.stages:
                if one.derived and (staged := _grouped(logic, one, readable)):
                    previews.stage_page(run.id, flow.order(one), staged, run.position)
        previews.stage_page(run.id, flow.order(stage), _grouped(logic, stage, records), position, progress)

    def _look_again(self, run: Run, logic: FlowLogic, records: Sequence[Record]) -> None:
        """Take back what was set aside of records that somebody changed since."""
        known = self.parts.previews.aside(run.flow, [record.key for record in records])
        if not known:
            return
        marks = {record.key: source_mark(record, logic.flow.passing) for record in records if record.key in known}
        changed = [issue for key, before in known.items() for issue, mark in before.items() if marks[key] != mark]
        if changed:
            self.parts.previews.look_again(run.id, changed)


def _after_extract(mode: Mode, stage: Stage, position: Position, logic: FlowLogic) -> Position:
    if (following := logic.flow.read_after(stage)) is not None:
        return replace(position, stage=logic.flow.order(following), after=None)
    return position.at({Mode.CHANGES: Task.TOUCHED, Mode.CHOSEN: Task.SIBLINGS}.get(mode, Task.COMPARE))


def _grouped(logic: FlowLogic, stage: Stage, records: Sequence[Record]) -> list[Staged]:
    """Return what records come to in a stage, with what the source sorts them by."""
    staged, name = staged_in(logic, stage, records), stage.grouped_by
    if not name:
        return staged
    groups = {record.key: as_text(record.values.get(name)).strip() for record in records}
    return [replace(one, group=groups.get(one.key, "")) for one in staged]


def _in_order(stamp: str) -> tuple[int, str]:
    """Markers are whole numbers and compare as such; time stamps compare as text."""
    return (int(stamp), "") if stamp.isdecimal() else (-1, stamp)
