"""The console from a terminal: `python -m integration COMMAND`.

Exit status: 0 done and added up; 1 failed, or something does not add up; 2 wrong use; 3 the plan waits for a person
(nothing was written); 4 another run of the flow is at work; 5 a setting or a connection stops it.
"""

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from integration.bootstrap import ROOT, Application
from integration.core.errors import (
    ConfigurationError,
    ConnectorError,
    IntegrationError,
    PlanStaleError,
    PlanUnsafeError,
    RunActiveError,
)
from integration.core.plan import Approval
from integration.core.run import Mode, PlanRow, Run, RunState
from integration.settings import Settings, load_settings
from integration.words import say

FAILED, WAITS, BUSY, STOPPED = 1, 3, 4, 5
POLL_SECONDS = 0.1

cli = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help=__doc__)
out = Console()
err = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables.")]
FlowName = Annotated[str, typer.Argument(help="products")]
RunId = Annotated[str, typer.Argument(help="The run, as `runs` lists it.")]


@contextmanager
def _application(settings: Settings | None = None, *, start: bool = True) -> Iterator[Application]:
    application = Application(settings or load_settings(), executor="terminal", serves=False)
    try:
        yield application.start() if start else application
    finally:
        application.close()


def _explain(error: IntegrationError) -> None:
    sentences = say(error.code, error.facts)
    err.print(f"[bold]{sentences.what}[/bold]", highlight=False)
    err.print(sentences.data, sentences.do, sep="\n", highlight=False)


def _status(error: IntegrationError) -> int:
    match error:
        case RunActiveError():
            return BUSY
        case PlanUnsafeError() | PlanStaleError():
            return WAITS
        case ConfigurationError() | ConnectorError():
            return STOPPED
        case _:
            return FAILED


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, default=str, ensure_ascii=False) + "\n")


def _summary(run: Run) -> dict[str, Any]:
    return {
        "run": run.id, "flow": run.flow, "state": run.state, "mode": run.mode, "by": run.by,
        "started_at": run.started_at, "ended_at": run.ended_at, "fingerprint": run.fingerprint,
        "mapping_version": run.mapping_version, "error": run.error,
        "brakes": [asdict(brake) for brake in run.brakes],
        **asdict(run.counts), "difference": run.counts.difference,
    }  # fmt: skip


def _follow(application: Application, run_id: str, until: frozenset[RunState], *, quiet: bool) -> Run:
    """Show progress until the run has come to one of these states."""
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=err, transient=True, disable=quiet) as progress:
        task = progress.add_task("starting", total=None)
        while True:
            run = application.run(run_id)
            total = run.progress_total or None
            progress.update(task, description=f"{run.flow}: {run.phase}", completed=run.progress_done, total=total)
            if run.state in until:
                return run
            time.sleep(POLL_SECONDS)


PREVIEWED = frozenset({RunState.READY, RunState.DONE, RunState.FAILED, RunState.DISCARDED})
ENDED = frozenset({RunState.DONE, RunState.FAILED, RunState.INTERRUPTED, RunState.DISCARDED})


def _end(run: Run, *, as_json: bool) -> NoReturn:
    if as_json:
        _print_json(_summary(run))
    else:
        _show_counts([run])
        if run.error:
            _explain(IntegrationError(run.error, **run.facts))
    if run.state is RunState.READY:
        raise typer.Exit(WAITS)
    good = run.state is RunState.DONE and run.counts.difference == 0
    raise typer.Exit(0 if good else FAILED)


def _show_counts(runs: list[Run]) -> None:
    table = Table("run", "flow", "state", *(name for name in ("read", "proven", "unchanged", "skipped", "parked")))
    for name in ("in doubt", "waiting"):
        table.add_column(name, justify="right")
    for run in runs:
        counts = run.counts
        numbers = (
            counts.read, counts.proven, counts.unchanged, counts.skipped, counts.parked, counts.in_doubt,
            counts.planned,
        )  # fmt: skip
        table.add_row(run.id, run.flow, run.state, *(str(number) for number in numbers))
    out.print(table)


@cli.command()
def preview(
    flow: FlowName, complete: Annotated[bool, typer.Option(help="Read everything.")] = False, as_json: Json = False
) -> None:
    """Make a plan and show it; nothing is written to either system."""
    with _application() as application:
        run_id = application.preview(flow, by=_who(), mode=Mode.COMPLETE if complete else Mode.CHANGES)
        run = _follow(application, run_id, PREVIEWED, quiet=as_json)
        if not as_json:
            _show_rows(application.rows(run_id, limit=50), application.row_count(run_id))
            out.print(f"fingerprint {run.fingerprint}")
        _end(run, as_json=as_json)


@cli.command()
def commit(
    run_id: RunId,
    fingerprint: Annotated[str, typer.Option(help="As the preview showed it.")],
    confirm: Annotated[list[str] | None, typer.Option(help="brake=number, for each brake that holds the plan.")] = None,
    as_json: Json = False,
) -> None:
    """Write exactly the plan with this fingerprint, and prove it by reading back."""
    with _application() as application:
        application.commit(run_id, Approval(fingerprint, _who(), confirmed=_confirmed(confirm or [])))
        _end(_follow(application, run_id, ENDED, quiet=as_json), as_json=as_json)


@cli.command()
def run(
    flow: FlowName,
    complete: Annotated[bool, typer.Option(help="Read everything.")] = False,
    as_json: Json = False,
) -> None:
    """Preview and commit in one go; a plan that trips a brake waits instead."""
    with _application() as application:
        run_id = application.preview(flow, by=_who(), mode=Mode.COMPLETE if complete else Mode.CHANGES)
        found = _follow(application, run_id, PREVIEWED, quiet=as_json)
        if found.state is RunState.READY and not found.brakes:
            application.commit(run_id, Approval(found.fingerprint, _who()))
            found = _follow(application, run_id, ENDED, quiet=as_json)
        _end(found, as_json=as_json)


@cli.command()
def runs(flow: Annotated[str | None, typer.Argument()] = None, limit: int = 20, as_json: Json = False) -> None:
    """List what ran, newest first."""
    with _application(start=False) as application:
        found = application.runs(flow, limit=limit)
        if as_json:
            _print_json([_summary(one) for one in found])
        else:
            _show_counts(found)


@cli.command()
def show(run_id: RunId, only: str = "all", find: str = "", limit: int = 100, as_json: Json = False) -> None:
    """Show the lines of a plan: create, update, retire, skip, park, or all."""
    with _application(start=False) as application:
        rows = application.rows(run_id, only, find, limit=limit)
        if as_json:
            _print_json({**_summary(application.run(run_id)), "rows": [_row_json(row) for row in rows]})
        else:
            _show_rows(rows, application.row_count(run_id, only, find))


@cli.command()
def issues(flow: Annotated[str | None, typer.Argument()] = None, as_json: Json = False) -> None:
    """List what waits for a person, by cause."""
    with _application(start=False) as application:
        causes = application.causes(flow)
        if as_json:
            _print_json([asdict(cause) for cause in causes])
            return
        table = Table("flow", "count", "what happened", "what to do")
        for cause in causes:
            sentences = say(cause.cause, cause.facts)
            table.add_row(cause.flow, str(cause.count), sentences.what, sentences.do)
        out.print(table)


@cli.command()
def resume(run_id: RunId, as_json: Json = False) -> None:
    """Go on with an interrupted run; what was sent without an answer is looked up first."""
    with _application() as application:
        application.resume(run_id, by=_who())
        _end(_follow(application, run_id, ENDED, quiet=as_json), as_json=as_json)


@cli.command()
def check(as_json: Json = False) -> None:
    """Check both connections and say what is wrong with them, line by line."""
    with _application(start=False) as application:
        if application.settings.sandbox:
            application.use_sandbox(by=_who(), keep=False)
        found = {system: application.check(system) for system in ("accountview", "mplus")}
        if as_json:
            _print_json({system: [asdict(one) for one in findings] for system, findings in found.items()})
        else:
            table = Table("system", "checked", "", "")
            for system, findings in found.items():
                for one in findings:
                    mark = {True: "✓", False: "×", None: "–"}[one.ok]
                    table.add_row(system, one.name, mark, one.about if one.ok else say(one.cause, one.facts).what)
            out.print(table)
    raise typer.Exit(0 if all(one.ok for findings in found.values() for one in findings) else STOPPED)


@cli.command()
def sandbox(articles: int = 400, accountview_port: int = 0, mplus_port: int = 0, journal: Path | None = None) -> None:
    """Run both systems in a box until interrupted; print their addresses as JSON."""
    arguments = [
        "--articles", str(articles), "--accountview-port", str(accountview_port), "--mplus-port", str(mplus_port),
    ]  # fmt: skip
    if journal:
        arguments += ["--journal", str(journal)]
    os.execv(sys.executable, [sys.executable, "-m", "integration.sandbox", *arguments])  # noqa: S606 - our own program


@cli.command()
def worker() -> None:
    """Work off the queue beside the server, from any machine that reaches the same PostgreSQL."""
    settings = load_settings()
    if not settings.database_url.get_secret_value():
        raise ConfigurationError(
            "setting_invalid", setting="CONSOLE_DATABASE_URL", expected="postgresql://user:password@host/database"
        )
    application = Application(settings, executor="worker", serves=False).start()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    err.print("worker is at work; Ctrl+C stops it")
    stop.wait()
    application.close()


@cli.command(name="log")
def log_(sql: str, as_json: Json = False, rows: int = 100) -> None:
    """Ask the log a question in SQL; it can only be read."""
    with _application(start=False) as application:
        answer = application.ask_log(sql, rows=rows)
        if as_json:
            _print_json(answer)
            return
        table = Table(*answer["columns"])
        for line in answer["rows"]:
            table.add_row(*("" if value is None else str(value) for value in line))
        out.print(table)


@cli.command()
def export(path: Path) -> None:
    """Write the log to a file: .csv or .parquet."""
    with _application(start=False) as application:
        application.export_log(path)
        err.print(f"written: {path}")


@cli.command()
def console(port: int = 8501, host: str = "127.0.0.1") -> None:
    """Open the console in the browser."""
    load_settings()  # a wrong setting stops here, with its name
    arguments = ["--server.port", str(port), "--server.address", host, "--server.headless", "true"]
    os.chdir(ROOT)
    err.print(f"The console: http://{host}:{port}")
    os.execv(  # noqa: S606 - our own program
        sys.executable, [sys.executable, "-m", "streamlit", "run", "app.py", *arguments]
    )


@cli.command()
def demo(articles: int = 400, as_json: Json = False) -> None:
    """Sync every flow on a fresh sandbox, twice, and check that everything adds up."""
    lines = []
    with tempfile.TemporaryDirectory(prefix="integration-demo-") as folder:
        settings = load_settings(data=Path(folder), sandbox=True, sandbox_articles=articles, database_url="")
        with _application(settings) as application:
            for number in (1, 2):
                for flow in application.flows:
                    lines.append(_round(application, flow, number, quiet=as_json))
                    if as_json:
                        _print_json({name: lines[-1][name] for name in DEMO_FIELDS})
            if not as_json:
                _show_demo(application, lines)
    raise typer.Exit(0 if all(_adds_up(line) for line in lines) else FAILED)


DEMO_FIELDS = (
    "flow", "round", "read", "proven", "unchanged", "skipped", "parked", "in_doubt", "preview_writes", "writes",
)  # fmt: skip


def _round(application: Application, flow: str, number: int, *, quiet: bool) -> dict[str, Any]:
    """Preview and commit one flow on the sandbox and count its calls by the sandbox's own ledger."""
    if application.sandbox is None:
        raise RuntimeError("the demo runs on the sandbox")
    ledger = application.sandbox.ledger
    before = ledger.counts()["writes"]
    run_id = application.preview(flow, by="demo", mode=Mode.COMPLETE)
    found = _follow(application, run_id, PREVIEWED, quiet=quiet)
    planned = ledger.counts()["writes"]
    if found.state is RunState.READY:
        confirmed = {brake.code: brake.count for brake in found.brakes}
        application.commit(run_id, Approval(found.fingerprint, "demo", confirmed=confirmed))
        found = _follow(application, run_id, ENDED, quiet=quiet)
    counts = asdict(found.counts)
    return {
        "flow": flow, "round": number, **counts, "difference": found.counts.difference, "state": found.state,
        "preview_writes": planned - before, "writes": ledger.counts()["writes"] - planned,
    }  # fmt: skip


def _adds_up(line: Mapping[str, Any]) -> bool:
    settled = line["proven"] + line["unchanged"] + line["skipped"] + line["parked"]
    whole = line["read"] == settled and line["in_doubt"] == 0 and line["state"] == RunState.DONE
    return bool(whole and line["preview_writes"] == 0 and (line["round"] == 1 or line["writes"] == 0))


def _show_demo(application: Application, lines: list[dict[str, Any]]) -> None:
    table = Table("flow", "round", "read", "=", "proven", "+", "unchanged", "+", "skipped", "+", "parked", "")
    table.add_column("writes in preview", justify="right")
    table.add_column("writes", justify="right")
    for line in lines:
        table.add_row(
            line["flow"], str(line["round"]), str(line["read"]), "=", str(line["proven"]), "+", str(line["unchanged"]),
            "+", str(line["skipped"]), "+", str(line["parked"]), "✓" if _adds_up(line) else "×",
            str(line["preview_writes"]), str(line["writes"]),
        )  # fmt: skip
    out.print(table)
    reasons = Table("waits for a person", "records", "what to do")
    for cause in application.causes():
        sentences = say(cause.cause, cause.facts)
        reasons.add_row(sentences.what, str(cause.count), sentences.do)
    out.print(reasons)


def _show_rows(rows: list[PlanRow], total: int) -> None:
    table = Table("line", "action", "key", "title", "what changes or why not")
    for row in rows:
        table.add_row(str(row.seq), row.action, row.key, row.title, _what(row))
    out.print(table)
    if total > len(rows):
        out.print(f"{len(rows)} of {total} lines")


def _what(row: PlanRow) -> str:
    if row.change is None:
        return say(row.cause, row.facts).what if row.cause else ""
    before = row.change.before.flat() if row.change.before else {}
    shown = [
        f"{path.rpartition('/')[2]} {before[path]} → {value}"
        if path in before
        else f"{path.rpartition('/')[2]} {value}"
        for path, value in row.change.wanted.flat().items()
        if value not in (None, "")
    ]
    most = 4
    return " · ".join(shown[:most]) + (f" · +{len(shown) - most}" if len(shown) > most else "")


def _row_json(row: PlanRow) -> dict[str, Any]:
    change = row.change
    return {
        "line": row.seq, "action": row.action, "kind": row.kind, "key": row.key, "title": row.title,
        "records": row.weight, "state": row.step, "cause": row.cause, "facts": dict(row.facts),
        "before": dict(change.before.flat()) if change and change.before else {},
        "wanted": dict(change.wanted.flat()) if change else {},
    }  # fmt: skip


def _confirmed(given: list[str]) -> dict[str, int]:
    confirmed = {}
    for one in given:
        name, _, number = one.partition("=")
        if not number.isdecimal():
            raise typer.BadParameter("brake=number, for example brake_price=3")
        confirmed[name] = int(number)
    return confirmed


def _who() -> str:
    return os.environ.get("USER", "") or "terminal"  # noqa: TID251 - who types, not a setting


def main() -> None:
    """Run a command; what stops it is told in sentences, never as a stack trace."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        cli()
    except IntegrationError as error:
        _explain(error)
        sys.exit(_status(error))


if __name__ == "__main__":
    main()
