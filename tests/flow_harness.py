"""A harness for flows: an own database, two systems in memory, and a manual clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tomllib import loads
from typing import Any

from integration.connectors.protocol import Connector
from integration.core.foreign_documents import NO_FOREIGN_DOCUMENTS, ForeignDocuments
from integration.core.plan import Approval
from integration.core.plan_lines import PlanRow
from integration.core.records import Kind, Record, Value
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import RunState, Step
from integration.flows.products.logic import ProductsLogic
from integration.flows.products.settings import ProductSettings
from integration.flows.registry import FLOWS, mirrors_of
from integration.flows.spec import FlowLogic
from integration.runner import Dependencies, Runner, VisibilityTimeout
from integration.runner.commit import Commit
from integration.runner.preview import Preview
from integration.services.connections.foreign_documents import ForeignDocumentSearch
from integration.services.mappings.mappings import Logics
from integration.store.choices import ChoiceStore
from integration.store.corrections import Corrections
from integration.store.cursors import Cursors
from integration.store.database import Database
from integration.store.issues import Issues
from integration.store.ledger import Ledger
from integration.store.links import Links
from integration.store.plans import PlanStore
from integration.store.previews import Previews
from integration.store.runs import RunStore
from tests.builders import a_group, an_article
from tests.clocks import Clock
from tests.fakes import MemoryConnector
from tests.parts import UNHELD, part
from tests.people import make_actor


def shipped_mapping(flow: str) -> dict[str, Any]:
    """Return the shipped mapping of a flow."""
    folder = Path(__file__).parents[1] / "data" / "mappings"
    return loads((folder / f"{flow}.toml").read_text(encoding="utf-8"))


BODY = shipped_mapping("products")
TABLES = {"vat_codes": {"1": "1", "2": "2"}}
RATES = {"1": Decimal("9.00"), "2": Decimal("21.00")}


class FlowHarness:
    """The products flow on a database of its own; `source` and `target` are for the test to play with.

    Whatever a test does, every run that comes to rest is checked: what it read is accounted for. Another flow is a
    subclass with its name and its logic.
    """

    flow = "products"

    def __init__(self, database: Database, source: MemoryConnector, target: Connector, **settings: Any) -> None:
        self.source = source
        self.connectors: dict[str, Connector] = {"accountview": source, "mplus": target}
        self.settings = settings
        self.mapping_version = 1
        self.names = "as AccountView has them"
        self.decides = {"settings": "as they are"}  # a plan, beside the names
        self.read_fields: Callable[[str], None] = lambda _: None
        self.input_fingerprints: dict[str, str] = {}
        self.corrections: dict[str, str] = {}  # marks of what persons corrected, by record
        self.foreign_documents: Callable[[], ForeignDocuments] = lambda: NO_FOREIGN_DOCUMENTS
        self.accepted: set[str] = set()
        self.clock = Clock()
        mirrors = mirrors_of(FLOWS.values())
        self.runs = RunStore(database, self.clock)
        self.choices = ChoiceStore(database, self.clock)
        self.previews = Previews(database, self.clock, mirrors=mirrors)
        self.plans = PlanStore(database)
        self.ledger = Ledger(database, self.clock, mirrors=mirrors)
        self.links = Links(database, self.clock, mirrors=mirrors)
        self.issues = Issues(database, self.clock)
        self.cursors = Cursors(database, self.clock)
        self._logics: dict[str, FlowLogic] = {}
        self.restart()

    def restart(self) -> None:
        """Continue as a new process, with only the stored data."""
        deps = Dependencies(
            connectors=self.connectors, logics=self.logics(), runs=self.runs, previews=self.previews, plans=self.plans,
            ledger=self.ledger, links=self.links, cursors=self.cursors,
            corrections=part(Corrections, marks=lambda _: self.corrections, corrections_of=lambda *_: {}),
            foreign_documents=part(
                ForeignDocumentSearch,
                foreign_documents_of=lambda _: self.foreign_documents().excluding(self.accepted),
                accept=lambda _, references, _by: self.accepted.update(references),
            ),
            clock=self.clock, patience=VisibilityTimeout(timedelta(seconds=10), timedelta(seconds=1)), **UNHELD,
        )  # fmt: skip
        self.runner = Runner(Preview(deps), Commit(deps))

    def logics(self) -> Logics:
        """Return the logic of the flow, as a run gets it."""
        return part(
            Logics, current_logic=self._logic, earlier=lambda flow, _version: self._logic(flow),
            input_fingerprints=lambda _: self.input_fingerprints,
            basis=lambda *_, **_asks: {"names": self.names, **self.decides}, read_fields=self._read_fields,
        )  # fmt: skip

    def _read_fields(self, flow: str) -> None:
        self.read_fields(flow)

    def _logic(self, flow: str) -> FlowLogic:
        assert flow == self.flow
        state = f"{self.mapping_version} {self.settings}"
        if state not in self._logics:
            self._logics[state] = self.make_logic()
        return self._logics[state]

    def make_logic(self) -> FlowLogic:
        """Return the logic of the flow with the present settings."""
        return ProductsLogic(
            ProductSettings(**self.settings), BODY, self.mapping_version, TABLES, RATES,
            lambda code: self.links.allocate_number(self.flow, "article", code),
            lambda codes: {key: link.reference for key, link in self.links.get(self.flow, Kind.ARTICLE, codes).items()},
            lambda codes: self.links.allocated_numbers(self.flow, "article", codes),
            look=lambda records: self.connectors["mplus"].lookup(records, self.links.references(self.flow)),
        )  # fmt: skip

    # ---- what a person does

    def keep_approval(self, run_id: str, approval: Approval) -> None:
        """Store an approval of the present plan."""
        self.runner.commit.approve(self.runner.commit.validate_approval(run_id, approval))

    def preview(self, mode: Mode = Mode.CHANGES, keys: Sequence[str] = ()) -> Run:
        """Make a plan."""
        self.clock.advance(60)
        return self.finish_preview(
            self.runner.preview.begin(PreviewRequest(self.flow, make_actor("test"), mode, tuple(keys)))
        )

    def undo(self, run: Run) -> Run:
        """Make the undo plan of a run."""
        self.clock.advance(60)
        return self.finish_preview(self.runner.preview.undo(run.id, by="test"))

    def finish_preview(self, run: Run) -> Run:
        """Continue a preview until it is no longer active."""
        while self.runner.preview.page(run.id):
            pass
        return self.checked_run(run)

    def approve(self, run: Run, **more: Any) -> None:
        """Approve a plan with every brake confirmed."""
        confirmed = {brake.code: brake.count for brake in run.brakes}
        self.keep_approval(run.id, Approval(run.mark, **{"by": "test", "confirmed": confirmed, **more}))

    def leave(self, run: Run, *keys: str, by: str = "test") -> Run:
        """Leave changes out of a plan and return the new plan."""
        changes = self.changes(run)
        self.choices.exclude(run.id, [changes[key].seq for key in keys], by)
        return self.runs.get(run.id)

    def carry_out(self, run: Run) -> Run:
        """Write page by page until the run ends; pauses take no time."""
        while pause := self.runner.commit.page(run.id):
            self.clock.advance(pause.seconds)
        return self.checked_run(run)

    def commit(self, run: Run, **more: Any) -> Run:
        """Approve and write."""
        self.approve(run, **more)
        return self.carry_out(run)

    def run(self, mode: Mode = Mode.CHANGES, keys: Sequence[str] = ()) -> Run:
        """Make a plan and write it."""
        run = self.preview(mode, keys)
        return self.commit(run) if run.state is RunState.READY else run

    # ---- what is then

    def checked_run(self, run: Run) -> Run:
        """Return the present run and check that every record is accounted for."""
        counts = self.runs.counts(run.id)
        assert counts.difference == 0, counts
        now = self.runs.get(run.id)
        assert now.counts == counts
        if now.state is RunState.DONE:
            assert (counts.in_doubt, counts.planned) == (0, 0)
        return now

    def changes(self, run: Run) -> dict[str, PlanRow]:
        """Return the changes of a plan by key."""
        return {row.key: row for row in self.plans.rows(run.id, "changes", limit=10_000)}

    def planned_values(self, run: Run) -> dict[str, dict[str, Value]]:
        """Return the paths and values that a plan writes, by key."""
        return {key: row.change.desired.flat() for key, row in self.changes(run).items() if row.change}

    def steps(self, run: Run) -> dict[str, Step]:
        """Return the step of each change."""
        return {key: row.step for key, row in self.changes(run).items()}

    def reasons(self, run: Run) -> dict[str, str]:
        """Return the causes of skipped records, by key."""
        return {row.key: row.cause for row in self.plans.rows(run.id, "skip", limit=10_000)}

    def causes(self, run: Run) -> dict[str, str]:
        """Return the causes of parked lines, by key."""
        return {row.key: row.cause for row in self.plans.rows(run.id, "parked", limit=10_000)}


def edit_record(connector: MemoryConnector, key: str, values: Mapping[str, Value], kind: Kind = Kind.ARTICLE) -> None:
    """Return a record with changed values, given by name, or by path for those of a part."""
    record = connector.records_of(kind)[key]
    parts = tuple(
        replace(part, values={**part.values, **_part_values(values, part.key)})
        if _part_values(values, part.key)
        else part
        for part in record.parts
    )
    own = {path: value for path, value in values.items() if "/" not in path}
    connector.put(replace(record, values={**record.values, **own}, parts=parts))


def _part_values(values: Mapping[str, Value], part: str) -> dict[str, Value]:
    return {path.partition("/")[2]: value for path, value in values.items() if path.startswith(f"{part}/")}


def articles(*keys: str, **values: Value) -> list[Record]:
    """Return articles as the source has them, with their group last, so that no article has the last stamp."""
    return [*(an_article(key, **values) for key in keys), a_group()]


def variants() -> list[Record]:
    sizes = [an_article(code, parent="TRUI", size=size) for code, size in (("1", "S"), ("2", "M"), ("3", "L"))]
    return [*sizes, an_article("9001"), a_group()]
