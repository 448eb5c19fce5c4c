"""A fixed story on both built-in systems, and its transcript. Only this module drives the console."""

import json
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, redirect_stdout, suppress
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

from benchmarks.recording import RecordedRequest, record_requests
from integration.__main__ import main
from integration.application.application import Application
from integration.application.bootstrap import build
from integration.connectors.accountview.settings import AccountViewAccess
from integration.connectors.mplus.settings import MplusAccess
from integration.core.plan import Approval, Change
from integration.core.plan_lines import PlanRow
from integration.core.records import Record, record_to_json
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import ACTIVE, RunState
from integration.sandbox.server import Sandbox, running
from integration.services.connections.sandbox_host import CLIENT as SANDBOX_CLIENT
from integration.services.connections.sandbox_host import REFRESH as SANDBOX_REFRESH
from integration.services.connections.sandbox_host import TILL as SANDBOX_TILL
from integration.services.connections.sandbox_host import WAREHOUSES as SANDBOX_WAREHOUSES
from integration.settings import load_settings
from tests.people import make_actor
from tests.same.asked import Places, line_of, without_numbers
from tests.same.clock import Clock
from tests.same.recording import ASKED, Lines
from tests.timeouts import SECONDS

ARTICLES, ORDERS = 90, 24  # the smallest shop in which every flow creates, updates, skips, parks and brakes
FLOWS = ("products", "orders", "customers", "stock")
WHO = "operator"
PLAN = ", plan"
LATELY = "2026-11-23"  # one page of receipts is enough, and a few days of it
STEP_SECONDS, DAY_SECONDS = 10, 86_400
FAST = 100_000  # calls a second
EVENTS = "SELECT flow, event, kind, code, count(*) FROM events GROUP BY ALL ORDER BY ALL"


def record_story(clock: Clock, calls_at_once: int, *, long: bool) -> Lines:
    """Return the recording of the story, or of its first round, with this number of parallel calls to the till.

    One call at a time keeps its place among the others. More come in any order and are sorted, and what the till
    numbers as it comes is not compared.
    """
    with tempfile.TemporaryDirectory(prefix="integration-same-") as folder, ExitStack() as stack:
        box = stack.enter_context(running(articles=ARTICLES, orders=ORDERS))
        books, to_books = stack.enter_context(record_requests(box.accountview_url))
        till, to_till = stack.enter_context(record_requests(box.mplus_url))
        names = Path(folder) / "names.toml"
        names.write_text(_toml("warehouses", SANDBOX_WAREHOUSES), encoding="utf-8")
        settings = load_settings(
            data=Path(folder), database_url="", sandbox=False,
            accountview=AccountViewAccess(
                url=books, refresh_token=SANDBOX_REFRESH, names=names, per_second=FAST, **SANDBOX_CLIENT
            ),
            mplus=MplusAccess(url=till, in_flight=calls_at_once, per_second=FAST, **SANDBOX_TILL),
        )  # fmt: skip
        application = build(settings, executor="same", serves=False)
        stack.callback(application.close)
        transcript = _Transcript({"books": to_books, "till": to_till}, in_order=calls_at_once == 1)
        operator = _Operator(application.start(), clock, transcript)
        _prepare_systems(operator, box)
        for flow in FLOWS:
            operator.syncs("first", flow, Mode.COMPLETE)
        if long:
            _continue_story(operator, box)
        transcript.note("at the end, waits", [_json(asdict(group)) for group in application.issues.causes()])
        log = application.log.answer(EVENTS)
        transcript.note("at the end, log", [_json(dict(zip(log["columns"], row, strict=True))) for row in log["rows"]])
        return transcript.lines


def demo() -> Lines:
    """Return the JSON output of the demo."""
    sys.argv = ["integration", "demo", "--articles", str(ARTICLES), "--json"]
    with redirect_stdout(StringIO()) as out, suppress(SystemExit):
        main()
    return {"demo": out.getvalue().splitlines()}


def _prepare_systems(operator: "_Operator", box: Sandbox) -> None:
    """Set up the console, and change both systems before the first sync."""
    operator.sets("customers", leave_out=("20001",), brakes={"changes": 0})
    operator.sets("stock", fractional="park", negative="park", brakes={"zero_percent": 0})
    first, other = [row for row in box.state("relations", "mplus") if not row.get("extRelationId")][:2]
    for relation in (first, other):
        box.till.edit("relations", str(relation["relationNumber"]), {"email": first["email"], "vatNumber": ""})
    box.accountview.edit("CONTACT", "20002", {"VAT_NR": "NL000000000B00"})


def _continue_story(operator: "_Operator", box: Sandbox) -> None:
    """Continue the story after the first round."""
    operator.clock.advance(DAY_SECONDS)
    box.advance_day()
    runs = {flow: operator.syncs("next day", flow, Mode.CHANGES) for flow in FLOWS}
    operator.clock.advance(DAY_SECONDS)
    box.advance_day()
    _edit_by_hand(box)
    operator.sets("orders", orders="posting")
    operator.application.rules.set_table("revenue_accounts", {"*": "8030"}, WHO)
    for flow in FLOWS:
        operator.syncs("as postings", flow, Mode.COMPLETE)
    operator.sets("orders", default_debtor="fallback", debtor_number="20001")
    operator.tries_again("orders", "customer_missing")
    for flow in ("products", "orders", "stock"):
        operator.undoes(runs[flow])
    for documents, becomes in (("receipt", "posting"), ("invoice", "order")):
        kinds = {"orders": "nothing", "receipts": "nothing", f"{documents}s": becomes}
        operator.sets("orders", **kinds, date_from=LATELY, most=1)
        operator.looks(f"{documents}s", "orders")


def _edit_by_hand(box: Sandbox) -> None:
    """Trip the brakes: a price that jumps, an article and stock that are gone; and let a customer move."""
    codes = sorted(row["extArticleId"] for row in box.state("articles", "mplus") if row.get("extArticleId"))
    box.accountview.edit("ARTICLE", codes[0], {"PX_SELL": "999.00"})
    box.accountview.remove("ARTICLE", codes[-1])
    for row in box.state("K9_STOCK"):
        if row["ART_CODE"] in codes[1:3]:
            box.accountview.edit("K9_STOCK", row["REC_ID"], {"K9_QTY": "0"})
        if row["ART_CODE"] == codes[3]:
            box.accountview.edit("K9_STOCK", row["REC_ID"], {"K9_QTY": "2.5"})
    box.accountview.edit("CONTACT", "20003", {"CITY": "Zeist"})


class _Transcript:
    """All recorded lines so far."""

    def __init__(self, logs: Mapping[str, list[RecordedRequest]], *, in_order: bool) -> None:
        self.lines: Lines = {}
        self._logs = logs
        self._in_order = in_order
        self._places = Places()

    def note(self, name: str, lines: Iterable[str]) -> None:
        """Record lines under a name."""
        placed = [self._places.number_runs(line) for line in lines]
        self.lines[name] = placed if self._in_order else [without_numbers(line) for line in placed]

    def note_requests(self, step: str) -> None:
        """Record the requests to both systems since the last step."""
        for system, log in self._logs.items():
            self.note(name := f"{step}, {ASKED} {system}", [line_of(system, request) for request in log])
            if not self._in_order:
                self.lines[name].sort()
            log.clear()


class _Operator:
    """One person at the console."""

    def __init__(self, application: Application, clock: Clock, transcript: _Transcript) -> None:
        self.application = application
        self.clock = clock
        self._transcript = transcript

    def syncs(self, when: str, flow: str, mode: Mode) -> Run:
        """Preview and commit a flow."""
        return self._preview_and_commit(
            f"{when}, {flow}", self.application.runs.preview(PreviewRequest(flow, make_actor(WHO), mode))
        )

    def tries_again(self, flow: str, cause: str) -> Run:
        """Preview and commit the records that are parked for a cause."""
        return self._preview_and_commit(f"again, {flow}", self.application.runs.try_again(flow, cause, make_actor(WHO)))

    def looks(self, when: str, flow: str) -> None:
        """Preview a flow, and put the plan aside."""
        run = self._preview(
            f"{when}, {flow}", self.application.runs.preview(PreviewRequest(flow, make_actor(WHO), Mode.COMPLETE))
        )
        if run.state is RunState.READY:
            self.application.runs.discard(run.id, WHO)

    def sets(self, flow: str, **values: Any) -> None:
        """Change settings of a flow."""
        self.application.flows.change(flow, values, make_actor(WHO))

    def undoes(self, run: Run) -> Run:
        """Preview and commit the undo of a run."""
        return self._preview_and_commit(f"undo, {run.flow}", self.application.runs.undo(run.id, make_actor(WHO)))

    def _preview(self, step: str, run_id: str) -> Run:
        run = self._wait_until_settled(run_id)
        self._transcript.note(
            f"{step}{PLAN}", [_json(_run_values(run)), *(_json(_line_values(row)) for row in self._rows(run))]
        )
        self._transcript.note_requests(f"{step}, preview")
        self.clock.advance(STEP_SECONDS)
        return run

    def _preview_and_commit(self, step: str, run_id: str) -> Run:
        run = self._preview(step, run_id)
        if run.state is RunState.READY:
            confirmed = {brake.code: brake.count for brake in run.brakes}
            self.application.runs.commit(run.id, Approval(run.mark, WHO, confirmed=confirmed))
            run = self._wait_until_settled(run_id)
            self._transcript.note(
                f"{step}, end", [_json(_run_values(run)), *(_json(_outcome_values(row)) for row in self._rows(run))]
            )
            self._transcript.note_requests(f"{step}, commit")
            self.clock.advance(STEP_SECONDS)
        return run

    def _rows(self, run: Run) -> list[PlanRow]:
        return self.application.plans.rows(run.id, limit=100_000)

    def _wait_until_settled(self, run_id: str) -> Run:
        until = time.monotonic() + SECONDS
        while (run := self.application.runs.get(run_id)).state in ACTIVE:
            if time.monotonic() > until:
                raise RuntimeError(f"the run of {run.flow} does not come to rest: {run.state}, {run.error}")
            time.sleep(0.02)
        return run


def _run_values(run: Run) -> dict[str, Any]:
    return {
        "flow": run.flow, "state": run.state, "mode": run.mode, "mapping": run.mapping_version,
        "counts": asdict(run.counts), "brakes": [asdict(brake) for brake in run.brakes], "error": run.error,
        "facts": dict(run.facts), "fingerprint": run.fingerprint,
    }  # fmt: skip


def _line_values(row: PlanRow) -> dict[str, Any]:
    """Return the values of a plan line."""
    change = row.change
    return {
        "action": row.action, "kind": row.kind, "key": row.key, "title": row.title, "group": row.group,
        "weight": row.weight, "brakes": row.brakes, "cause": row.cause, "field": row.cause_field,
        "facts": dict(row.facts), "step": row.step, "calls": row.calls, "reference": row.reference,
        "digest": row.digest,
        "sources": change.sources if change else (), "kept": change.kept_paths if change else (),
        "first_match": (change and change.first_match) or None,
        "before": _record(change.before) if change else None, "wanted": _record(change.desired) if change else None,
        "agreed": _agreed_json(change) if change else None,
    }  # fmt: skip


def _outcome_values(row: PlanRow) -> dict[str, Any]:
    """Return the outcome of a plan line."""
    return {
        "kind": row.kind, "key": row.key, "step": row.step, "reference": row.reference, "cause": row.cause,
        "field": row.cause_field, "facts": dict(row.facts), "attempts": row.attempts,
    }  # fmt: skip


def _agreed_json(change: Change) -> object:
    return "as wanted" if change.agreed == change.desired else record_to_json(change.agreed)


def _record(record: Record | None) -> object:
    return record_to_json(record) if record else None


def _json(values: Mapping[str, Any]) -> str:
    """Return values in one line, without those that are empty."""
    present_values = {name: value for name, value in values.items() if value not in (None, "", (), [], {})}
    return json.dumps(present_values, ensure_ascii=False, default=str)


def _toml(table: str, values: Mapping[str, str]) -> str:
    return "\n".join([f"[{table}]", *(f'{name} = "{value}"' for name, value in values.items())])
