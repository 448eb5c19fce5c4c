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
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from integration.bootstrap import OTHERS, ROOT, build
from integration.core.causes import Who, cause
from integration.core.errors import (
    ConfigurationError,
    ConnectorError,
    IntegrationError,
    PlanStaleError,
    PlanUnsafeError,
    RunActiveError,
)
from integration.core.plan import Approval
from integration.core.queue import CauseGroup
from integration.core.run import ACTIVE, Mode, PlanRow, PreviewRequest, Run, RunState
from integration.flows.registry import FLOWS
from integration.log.client import at_the_server
from integration.services import Application
from integration.settings import AccountViewAccess, MplusAccess, Settings, known_settings, load_settings, logged_in
from integration.words import MISSING, field_name, say, value_text

FAILED, WRONG_USE, WAITS, BUSY, STOPPED = 1, 2, 3, 4, 5
POLL_SECONDS = 0.1
RUN_ID_SIGNS = len("261125-141154-66fcff")
WIDEST = 1_000  # signs; wider than any terminal

cli = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help=__doc__)
out = Console(markup=False, highlight=False, emoji=False)
err = Console(stderr=True, markup=False, highlight=False, emoji=False)


def _flow(name: str) -> str:
    if name not in FLOWS:
        raise typer.BadParameter(f"there is no flow {name}; there is {', '.join(FLOWS)}")
    return name


def _maybe_flow(name: str | None) -> str | None:
    return name and _flow(name)


Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables.")]
FlowName = Annotated[str, typer.Argument(help=", ".join(FLOWS), callback=_flow)]
AnyFlow = Annotated[str | None, typer.Argument(help="One flow only.", callback=_maybe_flow)]
RunId = Annotated[str, typer.Argument(help="The run, as `runs` lists it.")]
Complete = Annotated[bool, typer.Option(help="Read everything instead of what changed.")]
Patient = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for a system that is not available.")]
Shown = Literal["all", "create", "update", "retire", "skip", "park"]


@contextmanager
def _application(settings: Settings | None = None, *, start: bool = True) -> Iterator[Application]:
    application = build(settings or load_settings(), executor="terminal", serves=False)
    try:
        yield application.start() if start else application
    finally:
        application.close()


def _explain(error: IntegrationError) -> None:
    sentences = say(error.code, error.facts)
    err.print(sentences.what, style="bold")
    err.print(*(one for one in (sentences.data, sentences.do) if one), sep="\n")


def _explain_json(error: IntegrationError) -> None:
    _print_json({"error": error.code, "facts": dict(error.facts), **asdict(say(error.code, error.facts))})


def _status(error: IntegrationError) -> int:
    match error:
        case RunActiveError():
            return BUSY
        case PlanUnsafeError() | PlanStaleError():
            return WAITS
        case ConfigurationError() | ConnectorError():
            return STOPPED
        case _ if error.code == "nothing_to_undo" or error.code.startswith("question_"):
            return WRONG_USE
        case _:
            return FAILED


def _found(application: Application, run_id: str) -> Run:
    try:
        return application.runs.get(run_id)
    except KeyError:
        raise typer.BadParameter(f"there is no run {run_id}; `runs` lists them") from None


def _table(*columns: str, numbers: Collection[str] = ()) -> Table:
    """A table without frames; numbers are on the right, and never broken into lines."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in columns:
        if name in numbers:
            table.add_column(name, justify="right", no_wrap=True)
        else:
            fixed = RUN_ID_SIGNS if name == "run" else None  # an id that is cut names no run
            table.add_column(name, overflow="fold", no_wrap=name in ("run", "state", "action", "flow"), min_width=fixed)
    return table


def _fits(table: Table) -> bool:
    """Tell whether every line of a table has room in this terminal."""
    return out.measure(table, options=out.options.update_width(WIDEST)).maximum <= out.width


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


def _follow(application: Application, run_id: str, until: frozenset[RunState], *, quiet: bool, wait: float) -> Run:
    """Show progress until the run has come to one of these states.

    A run that waits longer than `wait` seconds for a system that is not available is left to whoever comes next:
    what it did is kept, and the next process goes on with it.
    """
    columns = (
        SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    good = time.monotonic()
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as progress:
        task = progress.add_task("starting", total=None)
        while True:
            run = application.runs.get(run_id)
            if run.state in until:
                return run
            if not run.error:
                good = time.monotonic()
            elif time.monotonic() - good > wait:
                raise ConnectorError(run.error, **run.facts)
            doing = say(run.error, run.facts).what if run.error else f"{run.flow}: {run.phase}"
            progress.update(task, description=doing, completed=run.progress_done, total=run.progress_total or None)
            time.sleep(POLL_SECONDS)


PREVIEWED = frozenset({RunState.READY, RunState.DONE, RunState.FAILED, RunState.DISCARDED})
ENDED = frozenset({RunState.DONE, RunState.FAILED, RunState.INTERRUPTED, RunState.DISCARDED})


def _show_end(run: Run, *, as_json: bool) -> None:
    if as_json:
        _print_json(_summary(run))
    else:
        _show_counts([run])
        if run.error:
            _explain(IntegrationError(run.error, **run.facts))


def _end(run: Run, *, as_json: bool) -> NoReturn:
    _show_end(run, as_json=as_json)
    if run.state is RunState.READY:
        raise typer.Exit(WAITS)
    if run.error and cause(run.error).who is Who.ADMINISTRATOR:
        raise typer.Exit(STOPPED)
    good = run.state is RunState.DONE and run.counts.difference == 0
    raise typer.Exit(0 if good else FAILED)


NUMBERS = ("read", "proven", "unchanged", "skipped", "parked", "in doubt", "waiting")


def _show_counts(runs: list[Run]) -> None:
    lines = [
        (one.counts.read, one.counts.proven, one.counts.unchanged, one.counts.skipped, one.counts.parked,
         one.counts.in_doubt, one.counts.planned)
        for one in runs
    ]  # fmt: skip
    shown = [at for at, name in enumerate(NUMBERS) if name != "in doubt" or any(line[at] for line in lines)]
    names = [NUMBERS[at] for at in shown]
    table = _table("run", "flow", "state", *names, numbers=names)
    for run, line in zip(runs, lines, strict=True):
        table.add_row(run.id, run.flow, run.state, *(str(line[at]) for at in shown))
    if _fits(table):
        out.print(table)
        return
    for run, line in zip(runs, lines, strict=True):
        out.print(f"{run.id}  {run.flow}  {run.state}")
        out.print("  " + " · ".join(f"{NUMBERS[at]} {line[at]}" for at in shown))


def _show_how_to_commit(run: Run) -> None:
    """Say what holds the plan, and the command that writes it."""
    command = f"python -m integration commit {run.id} --fingerprint {run.fingerprint}"
    for brake in run.brakes:
        out.print(say(brake.code, {"count": str(brake.count), "limit": brake.limit}).what)
        command += f" --confirm {brake.code}={brake.count}"
    out.print("Write this plan with:")
    out.print(command, soft_wrap=True)


def _end_with_plan(application: Application, run_id: str, *, as_json: bool, wait: float) -> NoReturn:
    """Follow a preview, show its plan and how to write it, and end as its state says."""
    run = _follow(application, run_id, PREVIEWED, quiet=as_json, wait=wait)
    if not as_json:
        _show_rows(application.plans.rows(run_id, limit=50), application.plans.count(run_id))
        if run.state is RunState.READY:
            _show_how_to_commit(run)
    _end(run, as_json=as_json)


@cli.command()
def preview(flow: FlowName, complete: Complete = False, wait: Patient = 300, as_json: Json = False) -> None:
    """Make a plan and show it; nothing is written to either system."""
    with _application() as application:
        run_id = application.runs.preview(
            PreviewRequest(flow, by=_who(), mode=Mode.COMPLETE if complete else Mode.CHANGES)
        )
        _end_with_plan(application, run_id, as_json=as_json, wait=wait)


@cli.command()
def commit(
    run_id: RunId,
    fingerprint: Annotated[str, typer.Option(help="As the preview showed it.")],
    confirm: Annotated[list[str] | None, typer.Option(help="brake=number, for each brake that holds the plan.")] = None,
    wait: Patient = 300,
    as_json: Json = False,
) -> None:
    """Write exactly the plan with this fingerprint, and prove it by reading back."""
    confirmed = _confirmed(confirm or [])
    with _application() as application:
        _found(application, run_id)
        application.runs.commit(run_id, Approval(fingerprint, _who(), confirmed=confirmed))
        _end(_follow(application, run_id, ENDED, quiet=as_json, wait=wait), as_json=as_json)


@cli.command()
def run(flow: FlowName, complete: Complete = False, wait: Patient = 300, as_json: Json = False) -> None:
    """Preview and commit in one go; a plan that trips a brake waits instead."""
    with _application() as application:
        run_id = application.runs.preview(
            PreviewRequest(flow, by=_who(), mode=Mode.COMPLETE if complete else Mode.CHANGES)
        )
        found = _follow(application, run_id, PREVIEWED, quiet=as_json, wait=wait)
        if found.state is RunState.READY and not found.brakes:
            application.runs.commit(run_id, Approval(found.fingerprint, _who()))
            found = _follow(application, run_id, ENDED, quiet=as_json, wait=wait)
        elif found.state is RunState.READY and not as_json:
            _show_how_to_commit(found)
        _end(found, as_json=as_json)


@cli.command()
def runs(
    flow: AnyFlow = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: Json = False,
) -> None:
    """List what ran, newest first."""
    with _application(start=False) as application:
        found = application.runs.latest(flow, limit=limit)
        if as_json:
            _print_json([_summary(one) for one in found])
        elif found:
            _show_counts(found)
        else:
            out.print("Nothing has run yet. Start with: python -m integration preview products")


@cli.command()
def show(
    run_id: RunId,
    only: Annotated[Shown, typer.Option(help="Lines of one action.")] = "all",
    find: Annotated[str, typer.Option(help="Part of a key or a title.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many lines at most.")] = 100,
    as_json: Json = False,
) -> None:
    """Show the lines of a plan: what is created, updated, retired, skipped or parked."""
    with _application(start=False) as application:
        found = _found(application, run_id)
        rows = application.plans.rows(run_id, only, find, limit=limit)
        if as_json:
            _print_json({**_summary(found), "rows": [_row_json(row) for row in rows]})
            return
        _show_counts([found])
        _show_rows(rows, application.plans.count(run_id, only, find))
        if found.state is RunState.READY:
            _show_how_to_commit(found)


@cli.command()
def issues(flow: AnyFlow = None, as_json: Json = False) -> None:
    """List what waits for a person, by cause."""
    with _application(start=False) as application:
        causes = application.issues.causes(flow)
        if as_json:
            _print_json([{**asdict(one), **asdict(say(one.cause, one.facts))} for one in causes])
        elif causes:
            _show_causes(causes)
        else:
            out.print("Nothing waits for a person.")


@cli.command()
def resume(run_id: RunId, wait: Patient = 300, as_json: Json = False) -> None:
    """Go on with an interrupted run; what was sent without an answer is looked up first."""
    with _application() as application:
        found = _found(application, run_id)
        if found.state not in ACTIVE and found.state is not RunState.DONE:  # those go on, or are over, by themselves
            application.runs.resume(run_id, by=_who())
        _end(_follow(application, run_id, ENDED, quiet=as_json, wait=wait), as_json=as_json)


@cli.command()
def cancel(run_id: RunId, wait: Patient = 300, as_json: Json = False) -> None:
    """Stop a run at its next page: a preview is put aside, and what a commit has not sent can be resumed."""
    with _application() as application:
        if _found(application, run_id).state not in ACTIVE:
            raise typer.BadParameter(f"run {run_id} is not at work")
        application.runs.cancel(run_id, by=_who())
        stopped = _follow(application, run_id, PREVIEWED | ENDED, quiet=as_json, wait=wait)
        if stopped.error not in ("cancelled", "preview_cancelled"):  # it had come to its end before
            _end(stopped, as_json=as_json)
        _show_end(stopped, as_json=as_json)


@cli.command()
def undo(run_id: RunId, wait: Patient = 300, as_json: Json = False) -> None:
    """Make a plan that puts back what a run wrote; `commit` writes it."""
    with _application() as application:
        _found(application, run_id)
        _end_with_plan(application, application.runs.undo(run_id, by=_who()), as_json=as_json, wait=wait)


@cli.command()
def retry(
    flow: FlowName,
    cause: Annotated[str, typer.Argument(help="A cause as `issues --json` names it: payment_method_unmapped, ...")],
    wait: Patient = 300,
    as_json: Json = False,
) -> None:
    """Make a plan of everything that is parked for one cause, with the mapping and tables of today."""
    with _application() as application:
        if not application.exceptions.keys(flow, cause):
            raise typer.BadParameter(f"nothing of {flow} is parked for {cause}", param_hint="cause")
        _end_with_plan(application, application.runs.try_again(flow, cause, by=_who()), as_json=as_json, wait=wait)


@cli.command()
def check(as_json: Json = False) -> None:
    """Check both connections and say what is wrong with them, line by line."""
    with _application(start=False) as application:
        application.connections.join_sandbox()
        found = {system: application.connections.check(system) for system in ("accountview", "mplus")}
        if as_json:
            _print_json({system: [asdict(one) for one in findings] for system, findings in found.items()})
        else:
            table = _table("system", "checked", "", "flow", "about")
            for system, findings in found.items():
                for one in findings:
                    mark = {True: "✓", False: "×", None: "–"}[one.ok]
                    sentences = say(one.cause, one.facts) if one.cause else None
                    about = f"{sentences.what} {sentences.do}" if sentences and not one.ok else one.about
                    table.add_row(system, one.name, mark, one.facts.get("flow", ""), about)
            out.print(table)
    raise typer.Exit(0 if all(one.ok for findings in found.values() for one in findings) else STOPPED)


@cli.command()
def settings(as_json: Json = False) -> None:
    """List every setting of the environment, what it should look like, and whether it is set; never a value."""
    given = load_settings().given()
    known = known_settings()
    if as_json:
        _print_json([{**asdict(one), "set": one.name in given} for one in known])
        return
    table = _table("setting", "set", "what it is", "default")
    for one in known:
        table.add_row(one.name, "✓" if one.name in given else "", one.shape, one.default)
    out.print(table)


@cli.command()
def sandbox(
    articles: Annotated[int, typer.Option(min=50, help="How large the sample shop is.")] = 400,
    accountview_port: Annotated[int, typer.Option(help="0: any free one.")] = 0,
    mplus_port: Annotated[int, typer.Option(help="0: any free one.")] = 0,
    journal: Annotated[Path | None, typer.Option(help="Keep what was written in this file.")] = None,
    as_json: Json = False,  # noqa: ARG001 - JSON is all it prints
) -> None:
    """Run both systems in a box until interrupted; print their addresses as JSON."""
    arguments = [
        "--articles", str(articles), "--accountview-port", str(accountview_port), "--mplus-port", str(mplus_port),
    ]  # fmt: skip
    if journal:
        arguments += ["--journal", str(journal)]
    os.execv(sys.executable, [sys.executable, "-m", "integration.sandbox", *arguments])  # noqa: S606 - our own program


@cli.command()
def worker(as_json: Json = False) -> None:
    """Work off the queue beside the server: on this machine, or on any that reaches the same PostgreSQL."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    application = build(load_settings(), executor="worker", serves=False)
    try:
        application.start()
        if as_json:
            _print_json({"worker": application.work.executor})
            sys.stdout.flush()
        else:
            err.print("The worker is at work; Ctrl+C stops it.")
        stop.wait()
    finally:
        application.close()


@cli.command(name="log")
def log_(
    sql: Annotated[str, typer.Argument(help="One SELECT; the table is called events.")],
    rows: Annotated[int, typer.Option(min=1, max=10_000, help="How many rows at most.")] = 100,
    as_json: Json = False,
) -> None:
    """Ask the log a question in SQL; it can only be read."""
    with _application(start=False) as application:
        question = {"sql": sql, "rows": rows}
        answer = _here_or_at_the_server(application, question, lambda: application.log.answer(sql, rows=rows))
    if as_json:
        _print_json(answer)
        return
    lines = answer["rows"]
    numbers = [name for at, name in enumerate(answer["columns"]) if lines and isinstance(lines[0][at], int | float)]
    table = _table(*answer["columns"], numbers=numbers)
    for line in lines:
        table.add_row(*("" if value is None else str(value) for value in line))
    out.print(table)
    if answer["cut"]:
        out.print(f"The first {rows} rows; --rows shows more.")


@cli.command()
def export(path: Annotated[Path, typer.Argument(help="A file .csv or .parquet.")], as_json: Json = False) -> None:
    """Write the log to a file: .csv or .parquet."""
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise typer.BadParameter("the file is called .csv or .parquet")
    with _application(start=False) as application:
        try:
            answer = _here_or_at_the_server(
                application, {"export": str(path.absolute())}, lambda: {"events": application.log.export(path)}
            )
        except OSError as error:
            raise typer.BadParameter(f"{path} cannot be written: {error.strerror}") from None
    if as_json:
        _print_json({"path": str(path), **answer})
    else:
        out.print(f"{answer['events']} events written to {path}", soft_wrap=True)


def _here_or_at_the_server(
    application: Application, question: Mapping[str, Any], here: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Ask the log here, or the server process of this machine while that owns it."""
    try:
        return here()
    except ConfigurationError as error:
        answer = at_the_server(application.settings.data, question) if error.code == "log_owned_elsewhere" else None
        if answer is None:
            raise
        return answer


@cli.command()
def console(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all of this machine's.")] = "127.0.0.1",
    as_json: Json = False,
) -> None:
    """Open the console in the browser."""
    load_settings()  # a wrong setting stops here, with its name
    arguments = ["--server.port", str(port), "--server.address", host, "--server.headless", "true"]
    os.chdir(ROOT)
    if as_json:
        _print_json({"console": f"http://{host}:{port}"})
        sys.stdout.flush()
    else:
        err.print(f"The console: http://{host}:{port}")
    os.execv(  # noqa: S606 - our own program
        sys.executable, [sys.executable, "-m", "streamlit", "run", "app.py", *arguments]
    )


@cli.command()
def demo(
    articles: Annotated[int, typer.Option(min=50, help="How large the sample shop is.")] = 400, as_json: Json = False
) -> None:
    """Sync every flow on a fresh sandbox, let its shop sell for a day, sync again, and check that all adds up.

    A third round meets an unchanged shop and must write nothing.
    """
    lines = []
    with tempfile.TemporaryDirectory(prefix="integration-demo-") as folder:
        settings = load_settings(
            data=Path(folder), sandbox=True, sandbox_articles=articles, database_url="",
            accountview=AccountViewAccess(), mplus=MplusAccess(),
        )  # fmt: skip
        with _application(settings) as application:
            for number in ROUNDS:
                if number == AFTER_A_DAY and application.sandbox.running:
                    application.sandbox.running.advance_day()
                for flow in sorted(FLOWS, key=lambda name: FLOWS[name].turn):
                    lines.append(_round(application, flow, number, quiet=as_json))
                    if as_json:
                        _print_json({name: lines[-1][name] for name in DEMO_FIELDS})
            if not as_json:
                _show_demo(application, lines)
    raise typer.Exit(0 if all(_adds_up(line) for line in lines) else FAILED)


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
    found = _follow(application, run_id, PREVIEWED, quiet=quiet, wait=60)
    planned = ledger.counts()["writes"]
    if found.state is RunState.READY:
        confirmed = {brake.code: brake.count for brake in found.brakes}
        application.runs.commit(run_id, Approval(found.fingerprint, "demo", confirmed=confirmed))
        found = _follow(application, run_id, ENDED, quiet=quiet, wait=60)
    counts = asdict(found.counts)
    return {
        "flow": flow, "round": number, **counts, "difference": found.counts.difference, "state": found.state,
        "preview_writes": planned - before, "writes": ledger.counts()["writes"] - planned,
    }  # fmt: skip


def _adds_up(line: Mapping[str, Any]) -> bool:
    settled = line["proven"] + line["unchanged"] + line["skipped"] + line["parked"]
    whole = line["read"] == settled and line["in_doubt"] == 0 and line["state"] == RunState.DONE
    return bool(whole and line["preview_writes"] == 0 and (line["round"] != UNCHANGED or line["writes"] == 0))


def _show_demo(application: Application, lines: list[dict[str, Any]]) -> None:
    counted = ("read", "proven", "un-\nchanged", "skipped", "parked")
    written = ("preview\nwrites", "commit\nwrites")
    table = _table("flow", "round", *counted, *written, "sum", numbers=("round", *counted, *written))
    for line in lines:
        names = ("round", "read", "proven", "unchanged", "skipped", "parked", "preview_writes", "writes")
        numbers = [line[name] for name in names]
        table.add_row(line["flow"], *(str(number) for number in numbers), "✓" if _adds_up(line) else "×")
    out.print(table)
    _show_causes(application.issues.causes())


def _show_causes(causes: list[CauseGroup]) -> None:
    table = _table("flow", "records", "waits for a person because", "what to do", numbers=("records",))
    for one in causes:
        sentences = say(one.cause, one.facts)
        table.add_row(one.flow, str(one.count), sentences.what, sentences.do)
    out.print(table)


def _show_rows(rows: list[PlanRow], total: int) -> None:
    table = _table("line", "action", "key", "title", "what changes, or why not", numbers=("line",))
    for row in rows:
        table.add_row(str(row.seq), row.action, row.key, row.title, _what(row))
    if rows:
        out.print(table)
    if total > len(rows):
        out.print(f"{len(rows)} of {total} lines; `show` has the others.")


def _what(row: PlanRow) -> str:
    if row.change is None:
        return say(row.cause, row.facts).what if row.cause else ""
    before = row.change.before.flat() if row.change.before else {}
    shown = [
        f"{field_name(path)} {value_text(before[path]) or MISSING} → {value_text(value) or MISSING}"
        if path in before
        else f"{field_name(path)} {value_text(value)}"
        for path, value in row.change.wanted.flat().items()
        if value not in (None, "", ())
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
    return logged_in() or "terminal"


def main() -> None:
    """Run a command; what stops it is told in sentences, never as a stack trace. Its files are its owner's alone."""
    os.umask(OTHERS)
    try:
        cli()
    except IntegrationError as error:
        if "--json" in sys.argv:
            _explain_json(error)
        else:
            _explain(error)
        sys.exit(_status(error))


if __name__ == "__main__":
    main()
