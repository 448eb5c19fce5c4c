"""Console processes of their own, to be asked and to be killed."""

import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from multiprocessing.connection import Connection
from operator import attrgetter
from pathlib import Path
from tomllib import loads
from typing import Any

from dbos import DBOS

from integration.application.application import Application
from integration.application.bootstrap import build
from integration.connectors.mplus.client import interface_contract
from integration.connectors.protocol import Connector, References
from integration.core.errors import IntegrationError
from integration.core.flow import Stage
from integration.core.foreign_documents import NO_FOREIGN_DOCUMENTS
from integration.core.plan import Approval, Change
from integration.core.records import CurrentRecord, Record, WriteResult
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.staged_records import StagedRecord
from integration.core.states import RunState
from integration.core.timetable import Schedule
from integration.engine.engine import Engine, _scheduled
from integration.flows.products.logic import ProductsLogic
from integration.flows.products.settings import ProductSettings
from integration.flows.products.spec import PRODUCTS
from integration.process.standard_error import set_up_log
from integration.runner import Dependencies, Runner
from integration.runner.commit import Commit
from integration.runner.preview import Preview
from integration.services.connections.foreign_documents import ForeignDocumentSearch
from integration.services.mappings.mappings import Logics
from integration.settings import load_settings
from integration.store.corrections import Corrections
from integration.store.cursors import Cursors
from integration.store.database import open_database
from integration.store.fencing_tokens import FencingTokens
from integration.store.heartbeats import Heartbeats
from integration.store.ledger import Ledger
from integration.store.links import Links
from integration.store.plans import PlanStore
from integration.store.previews import Previews
from integration.store.runs import RunStore
from tests.builders import a_group, an_article
from tests.clocks import now
from tests.fakes import MemoryConnector
from tests.parts import UNHELD, part
from tests.people import make_actor

interface_contract()  # what the till's interface is described by is read here once, and not by each process

ENDED = (RunState.DONE, RunState.FAILED, RunState.INTERRUPTED)


def bring_to_an_end(folder: Path, access: Mapping[str, Any]) -> None:
    """Finish the run in this folder, whichever process started it; start one if none exists."""
    _redirect_output(folder)
    application = build(load_settings(data=folder, **access)).start()
    try:
        runs = application.runs.latest("products")
        run_id = (
            runs[0].id
            if runs
            else application.runs.preview(PreviewRequest("products", by=make_actor("test"), mode=Mode.COMPLETE))
        )
        while (run := application.runs.get(run_id)).state not in ENDED:
            if run.state is RunState.READY:
                confirmed = {brake.code: brake.count for brake in run.brakes}
                application.runs.commit(run_id, Approval(run.mark, "test", confirmed=confirmed))
            time.sleep(0.05)
    finally:
        application.close()


def execute_orders(folder: Path, access: Mapping[str, Any], executor: str, orders: Connection) -> None:
    """Run a console, and call the methods whose names and arguments arrive, until None arrives."""
    _redirect_output(folder)
    serves = executor == "server"
    application = build(load_settings(data=folder, **access), executor=executor, serves=serves).start()
    try:
        while (order := orders.recv()) is not None:
            try:
                orders.send(_answer(application, *order))
            except IntegrationError as refusal:
                orders.send(refusal)
    finally:
        application.close()


def _answer(application: Application, name: str, arguments: tuple[Any, ...]) -> object:
    if name == "due":  # answered when the run has come to rest, where one began
        DBOS.trigger_schedule(*arguments).get_result()
        begun = application.runs.latest(limit=1)
        return DBOS.retrieve_workflow(f"preview-{begun[0].id}").get_result() if begun else None
    if name == "round":  # as the clock wakes a flow, on a whole second
        flow, mode = arguments
        return DBOS.start_workflow(_scheduled, now().replace(microsecond=0), {"flow": flow, "mode": mode}).get_result()
    if name == "approve":
        commit = application.work.engine.runner.commit
        return commit.approve(commit.validate_approval(*arguments))
    if name == "check_now":
        return DBOS.trigger_schedule(*arguments).get_result()
    if name == "queued":
        return [workflow.workflow_id for workflow in DBOS.list_workflows(workflow_id_prefix=list(arguments))]
    return attrgetter(name)(application)(*arguments)


def meet_a_bug(folder: Path, *, while_writing: bool) -> None:
    """Run a flow with a defect on a real engine, where it maps records or where it writes, until the run rests."""
    _redirect_output(folder)
    database = open_database(f"sqlite:///{folder / 'console.sqlite'}")
    runs, links = RunStore(database, now), Links(database, now)
    logic = _products(ProductsLogic if while_writing else _WrongAboutRecords)
    target = _WrongAboutWrites() if while_writing else MemoryConnector()
    systems: dict[str, Connector] = {"accountview": MemoryConnector([an_article(), a_group()]), "mplus": target}
    deps = Dependencies(
        connectors=systems, logics=part(Logics, current_logic=lambda _: logic, input_fingerprints=lambda _: {},
        basis=lambda *_, **_asks: {}, read_fields=lambda _: None), runs=runs, previews=Previews(database, now),
        plans=PlanStore(database),
        ledger=Ledger(database, now), links=links, cursors=Cursors(database, now),
        corrections=Corrections(database, now),
        foreign_documents=part(ForeignDocumentSearch, foreign_documents_of=lambda _: NO_FOREIGN_DOCUMENTS),
        clock=now, **UNHELD,
    )  # fmt: skip
    engine = Engine(
        url=f"sqlite:///{folder / 'engine.sqlite'}", executor="server-1",
        runner=Runner(Preview(deps), Commit(deps)), runs=runs,
        fencing_tokens=FencingTokens(database, now), heartbeats=Heartbeats(database, now), schedules=_NoSchedules(),
    )  # fmt: skip
    engine.start()
    try:
        run_id = engine.preview(PreviewRequest("products", make_actor("test"), Mode.COMPLETE))
        while (run := runs.get(run_id)).state not in ENDED:
            if run.state is RunState.READY:
                engine.commit(engine.runner.commit.validate_approval(run_id, Approval(run.mark, "test")))
            time.sleep(0.02)
    finally:
        engine.stop()
        database.close()


class _NoSchedules:
    """No schedules."""

    def schedules(self) -> list[Schedule]:
        return []

    def may_begin(self, flow: str, mode: Mode, due: datetime | None = None) -> bool:
        del flow, mode, due
        return False

    def may_wait(self, flow: str, mode: Mode, due: datetime) -> bool:
        del flow, mode, due
        return False

    def report_missed_run(self, flow: str, mode: Mode, due: datetime) -> None:
        del flow, mode, due

    def may_approve(self, run: Run) -> Approval | None:
        del run
        return None


def _products(kind: type[ProductsLogic] = ProductsLogic) -> ProductsLogic:
    mapping = loads(PRODUCTS.mapping.read_text(encoding="utf-8"))
    return kind(ProductSettings(), mapping, 1, {"vat_codes": {"2": "2"}}, {"2": Decimal("21.00")}, str)


class _WrongAboutRecords(ProductsLogic):
    """The products flow with a defect where it maps records."""

    def stage(self, stage: Stage, records: Sequence[Record]) -> list[StagedRecord]:
        raise ZeroDivisionError(f"a defect at {stage.target}: {len(records)}")


class _WrongAboutWrites(MemoryConnector):
    """A connection with a defect where it writes."""

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        raise ZeroDivisionError(f"a defect at {change.key} {current} {references} {token}")


def _redirect_output(folder: Path) -> None:
    """Redirect all output of this process to a file beside its data."""
    folder.mkdir(parents=True, exist_ok=True)
    output = os.open(folder / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    set_up_log("info")  # as every process of ours does
