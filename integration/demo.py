"""Every flow on a fresh sandbox: synced, synced again after a day of sales, and a third time with nothing to write."""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from integration.core.plan import Approval
from integration.core.run import Mode, PreviewRequest, RunState
from integration.flows.registry import FLOWS
from integration.services import Application
from integration.settings import AccountViewAccess, MplusAccess, load_settings
from integration.terminal import ENDED, PREVIEWED, follow, opened, out, print_json, show_causes, table_of

ROUNDS = (1, 2, 3)
AFTER_A_DAY, UNCHANGED = 2, 3
DEMO_FIELDS = (
    "flow", "round", "read", "proven", "unchanged", "skipped", "parked", "in_doubt", "preview_writes", "writes",
)  # fmt: skip


def _round(application: Application, flow: str, number: int, *, quiet: bool) -> dict[str, Any]:
    """Preview and commit one flow on the sandbox and count its calls by the sandbox's own ledger."""
    if application.sandbox.running is None:
        raise RuntimeError("the demo runs on the sandbox")
    ledger = application.sandbox.running.ledger
    before = ledger.counts()["writes"]
    run_id = application.runs.preview(PreviewRequest(flow, by="demo", mode=Mode.COMPLETE))
    found = follow(application, run_id, PREVIEWED, quiet=quiet, wait=60)
    planned = ledger.counts()["writes"]
    if found.state is RunState.READY:
        confirmed = {brake.code: brake.count for brake in found.brakes}
        application.runs.commit(run_id, Approval(found.mark, "demo", confirmed=confirmed))
        found = follow(application, run_id, ENDED, quiet=quiet, wait=60)
    counts = asdict(found.counts)
    return {
        "flow": flow, "round": number, **counts, "difference": found.counts.difference, "state": found.state,
        "preview_writes": planned - before, "writes": ledger.counts()["writes"] - planned,
    }  # fmt: skip


def _adds_up(line: Mapping[str, Any]) -> bool:
    whole = line["difference"] == 0 and line["in_doubt"] == 0 and line["state"] == RunState.DONE
    return bool(whole and line["preview_writes"] == 0 and (line["round"] != UNCHANGED or line["writes"] == 0))


def _show_demo(application: Application, lines: list[dict[str, Any]]) -> None:
    names = ("round", "read", "proven", "unchanged", "skipped", "parked", "preview_writes", "writes")
    short = {"unchanged": "un-\nchanged", "preview_writes": "preview\nwrites", "writes": "commit\nwrites"}
    table = table_of("flow", *names, "sum", numbers=names, short=short)
    for line in lines:
        numbers = [line[name] for name in names]
        table.add_row(line["flow"], *(str(number) for number in numbers), "✓" if _adds_up(line) else "×")
    out.print(table)
    show_causes(application.issues.causes())


def show(articles: int, *, as_json: bool) -> bool:
    """Sync every flow on a fresh sandbox three times, show what came of it, and tell whether all adds up."""
    lines = []
    with tempfile.TemporaryDirectory(prefix="integration-demo-") as folder:
        settings = load_settings(
            data=Path(folder), sandbox=True, sandbox_articles=articles, database_url="",
            accountview=AccountViewAccess(), mplus=MplusAccess(),
        )  # fmt: skip
        with opened(settings) as application:
            for number in ROUNDS:
                if number == AFTER_A_DAY and application.sandbox.running:
                    application.sandbox.running.advance_day()
                for flow in sorted(FLOWS, key=lambda name: FLOWS[name].turn):
                    lines.append(_round(application, flow, number, quiet=as_json))
                    if as_json:
                        print_json({name: lines[-1][name] for name in DEMO_FIELDS})
            if not as_json:
                _show_demo(application, lines)
    return all(_adds_up(line) for line in lines)
