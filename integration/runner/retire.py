"""Proposing to retire what a complete extract no longer has."""

from collections.abc import Sequence
from dataclasses import replace

from integration.core.errors import ConfigurationError
from integration.core.plan import differences, retire
from integration.core.position import Task
from integration.core.records import Kind
from integration.core.run import Link, Run
from integration.flows.spec import FlowLogic
from integration.runner.lookup import look
from integration.runner.page import PlanPage, page_of
from integration.runner.parts import Parts

RETIRE_PAGE = 250  # vanished records looked at together


class Retire:
    """Plans what becomes of records that vanished from the source."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def vanished(self, run: Run, logic: FlowLogic) -> None:
        """Look at one page of what is linked and was not read. Raises ConfigurationError where nothing was."""
        position, kind = run.position, logic.flow.counted.source
        if not position.read and (count := self.parts.links.count(run.flow, logic.flow.linked)):
            raise ConfigurationError("source_empty", flow=run.flow, system=logic.flow.source, count=count)
        gone = self._unread(run, logic) if logic.retires else []
        if not gone:
            self.parts.previews.keep_position(run.id, position.at(Task.FINISH))
            return
        page = self._retirements(run, logic, self._really_gone(logic, kind, gone))
        self.parts.previews.keep_page(run.id, page.rows, [], 0, page.counted(replace(position, after=gone[-1].key)))

    def _unread(self, run: Run, logic: FlowLogic) -> list[Link]:
        stage = logic.flow.counted
        return self.parts.previews.vanished(
            run.id, run.flow, stage.source, logic.flow.order(stage), run.position.after, RETIRE_PAGE
        )

    def _really_gone(self, logic: FlowLogic, kind: Kind, gone: Sequence[Link]) -> list[Link]:
        """Ask for each of them by name: a row deleted while pages are turned hides another one."""
        found = self.parts.connectors[logic.flow.source].fetch(kind, [link.key for link in gone])
        there = {record.key for record in found}
        return [link for link in gone if link.key not in there]

    def _retirements(self, run: Run, logic: FlowLogic, gone: Sequence[Link]) -> PlanPage:
        flow, page = logic.flow, page_of(self.parts, logic, logic.flow.counted)
        codes = frozenset(link.key for link in gone)
        owners = self.parts.links.owning(run.flow, page.stage.target, codes)
        target, references = self.parts.connectors[flow.target], self.parts.links.references(flow.name)
        held = look(target, [link.agreed for link in owners if link.agreed], references)
        for link in owners:
            now = held.get(link.key)
            if link.agreed is None or now is None:
                continue
            title = str(link.agreed.values.get("name") or link.key)
            change = retire(link.agreed, codes, title=title)
            if not differences(change.wanted, now.record):  # somebody did it by hand
                continue
            page.change(change, logic.watched(change))
        return page
