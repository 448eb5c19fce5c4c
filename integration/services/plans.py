"""Plans line by line: what would be written, why each value, how many calls that takes, and the whole as a file."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence

from integration.connectors.protocol import Connector
from integration.core.records import Kind, Unreadable
from integration.core.rules import Trace
from integration.core.run import EVERY_LINE, Among, PlanRow, RunState
from integration.services.logic import Logics
from integration.store.plans import Plans as StoredPlans
from integration.store.stores import Stores

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
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["action", "kind", "key", "title", "field", "now", "will_be", "state", "cause"])
        offset = 0
        while rows := self.rows(run_id, show, find, offset, CSV_PAGE, among):
            offset += len(rows)
            for row in rows:
                writer.writerows(_csv_lines(row))
        return out.getvalue()


def _csv_lines(row: PlanRow) -> Iterator[list[str]]:
    shown = [row.action, row.kind, row.key, row.title]
    if row.change is None:
        yield [*shown, row.cause_field, "", "", row.step, row.cause]
        return
    before = row.change.before.flat() if row.change.before else {}
    for path, value in row.change.wanted.flat().items():
        yield [*shown, path, _text(before.get(path)), _text(value), row.step, row.cause]


def _text(value: object) -> str:
    return "" if value is None else "; ".join(value) if isinstance(value, tuple) else str(value)
