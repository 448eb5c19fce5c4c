"""Output of the terminal: tables that fit its width, progress, and errors; or JSON for programs."""

import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from integration.application.application import Application
from integration.application.bootstrap import build
from integration.cli.exit_status import STOPPED
from integration.core.connections import Finding
from integration.core.errors import ConnectorError, IntegrationError, UnavailableError
from integration.core.issues import CauseGroup
from integration.core.people import Actor, terminal_actor
from integration.core.plan_lines import PlanRow
from integration.core.records import Value
from integration.core.run import Run
from integration.core.states import RunState
from integration.core.untrusted_text import json_line, visible
from integration.process.periodic import run_periodically
from integration.services.mappings.code_lists import LAST_SECONDS
from integration.settings import Settings, load_settings, operating_system_user
from integration.shipped import COMMAND
from integration.words import (
    MISSING,
    field_name,
    has_term,
    headline,
    repair_command,
    say,
    sentence,
    value_text,
    vat_code,
)

POLL_SECONDS = 0.1
RUN_ID_SIGNS = len("261125-141154-66fcff")
WIDEST = 1_000  # characters; wider than any terminal


class _Terminal(Console):
    """Console that prints text literally: in one line, with every character visible and no markup."""

    def render_str(self, text: str, **how: Any) -> Text:
        """Return text as it is drawn, by itself or in a table."""
        return super().render_str(visible(text), **how)


out = _Terminal(markup=False, highlight=False, emoji=False)
err = _Terminal(stderr=True, markup=False, highlight=False, emoji=False)


GRACE_SECONDS = 15.0  # for start, call and end, in addition to the time that a command waits
UNMOVED_SECONDS = 30.0  # a page of work may take this long, even if a command waits less for a system


class _Watch:
    """Watchdog that ends this process if a call does not return, for example because the database hangs."""

    def __init__(self, wait: float, *, as_json: bool) -> None:
        self._seconds = wait + GRACE_SECONDS
        self._as_json = as_json
        self._end_event = threading.Event()
        self.trouble: IntegrationError = UnavailableError("nothing_moves", seconds=f"{self._seconds:g}")
        self.renew()
        every = {"every": POLL_SECONDS, "until": self._end_event}
        threading.Thread(
            target=run_periodically, args=(self._check_deadline,), kwargs=every, name="terminal-watch", daemon=True
        ).start()

    def renew(self) -> None:
        """Restart the time limit."""
        self._deadline = time.monotonic() + self._seconds

    def end(self) -> None:
        """Stop the watchdog."""
        self._end_event.set()

    def _check_deadline(self) -> None:
        if time.monotonic() <= self._deadline:
            return
        try:
            explain(self.trouble, as_json=self._as_json)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(STOPPED)  # a hanging call prevents a normal exit; finished work is on disk


_watch: _Watch | None = None


@contextmanager
def command_application(
    settings: Settings | None = None,
    *,
    start: bool = True,
    wait: float | None = None,
    as_json: bool = False,
    by: Actor | None = None,
) -> Iterator[Application]:
    """Provide the application of a command within the block, with the rights of the terminal user, and close it.

    The application is not started if `start` is false, for commands that only read. With `wait`, the command ends soon
    after that many seconds, even if the database hangs.
    """
    global _watch  # noqa: PLW0603 - one command per process
    _watch = watch = None if wait is None else _Watch(wait, as_json=as_json)
    try:
        application = build(settings or load_settings(), executor="terminal", serves=False)
        try:
            yield (application.start() if start else application).authorized_for(by or terminal_user())
        except IntegrationError as error:
            if watch is not None:
                watch.trouble = error
            raise
        finally:
            if watch is not None:
                watch.renew()
            application.close()
    finally:
        if watch is not None:
            watch.end()


def terminal_user() -> Actor:
    """Return the actor at this terminal."""
    return terminal_actor(operating_system_user())


def explain(error: IntegrationError, *, as_json: bool) -> None:
    """Print the cause of an error, its meaning for the data, and what to do."""
    sentences = say(error.code, error.facts)
    if as_json:
        print_json({"error": error.code, "facts": dict(error.facts), **asdict(sentences)})
        return
    err.print(sentences.what, style="bold")
    err.print(*(part for part in (sentences.data, sentences.do) if part), sep="\n")
    if command := repair_command(error.code, error.facts):
        err.print(f"The command: {command}", soft_wrap=True)


def table_of(*columns: str, numbers: Collection[str] = (), short: Mapping[str, str] | None = None) -> Table:
    """Return a table without borders; numbers are right-aligned and never wrapped.

    `short` has headings in several lines, by column name.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in columns:
        if name in numbers:
            table.add_column(Text((short or {}).get(name) or visible(name)), justify="right", no_wrap=True)
        else:
            fixed = RUN_ID_SIGNS if name == "run" else None  # a truncated id would identify no run
            table.add_column(name, overflow="fold", no_wrap=name in ("run", "state", "action", "flow"), min_width=fixed)
    return table


def _fits_width(table: Table) -> bool:
    """Return True if every line of a table fits the width of this terminal."""
    return out.measure(table, options=out.options.update_width(WIDEST)).maximum <= out.width


def print_json(value: object) -> None:
    """Print a value as one line of JSON."""
    sys.stdout.write(json_line(value) + "\n")


def summary(run: Run) -> dict[str, Any]:
    """Return the JSON values of a run."""
    return {
        "run": run.id, "flow": run.flow, "state": run.state, "mode": run.mode, "by": run.by,
        "started_at": run.started_at, "ended_at": run.ended_at, "fingerprint": run.mark,
        "mapping_version": run.mapping_version, "error": run.error,
        "brakes": [asdict(brake) for brake in run.brakes],
        "left_out": sorted(run.excluded), **asdict(run.counts), "difference": run.counts.difference,
    }  # fmt: skip


def follow(
    application: Application,
    run_id: str,
    until: frozenset[RunState],
    *,
    quiet: bool,
    wait: float,
    unmoved: float = UNMOVED_SECONDS,
) -> Run:
    """Show progress until the run has reached one of these states.

    Raises ConnectorError if a run waits longer than `wait` seconds for an unavailable system, and UnavailableError if
    nothing changes for that long, or for `unmoved` seconds if that is longer. The work of the run stays stored, and the
    next process continues it.
    """
    columns = (
        SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    good = moved = time.monotonic()
    last: object = None
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as progress:
        task = progress.add_task("starting", total=None)
        while True:
            run = application.runs.get(run_id)
            if _watch is not None:
                _watch.renew()
            if run.state in until:
                return run
            now, stands = time.monotonic(), (run.state, run.phase, run.progress_done, run.position, run.error)
            if stands != last:
                last, moved = stands, now
            if not run.error:
                good = now
            elif now - good > wait:
                raise ConnectorError(run.error, **run.facts)
            if now - moved > max(wait, unmoved):
                raise UnavailableError("nothing_moves", seconds=f"{max(wait, unmoved):g}")
            doing = headline(run.error, run.facts) if run.error else f"{run.flow}: {run.phase}"
            progress.update(
                task, description=visible(doing), completed=run.progress_done, total=run.progress_total or None
            )
            time.sleep(POLL_SECONDS)


PREVIEWED = frozenset({RunState.READY, RunState.DONE, RunState.FAILED, RunState.DISCARDED})
ENDED = frozenset({RunState.DONE, RunState.FAILED, RunState.INTERRUPTED, RunState.DISCARDED})
AT_REST = PREVIEWED | ENDED


def show_end(run: Run, *, as_json: bool) -> None:
    """Show the result of a run, and its error if any."""
    if as_json:
        print_json(summary(run))
    else:
        show_counts([run])
        if run.had_no_effect:
            out.print(f"Nothing written; {run.counts.parked} need attention. `issues` lists the causes.")
        if run.error:
            explain(IntegrationError(run.error, **run.facts), as_json=False)


RARE = ("accepted", "in doubt")  # shown only if not zero
NUMBERS = ("read", "proven", "accepted", "unchanged", "skipped", "parked", "in doubt", "waiting")


def show_counts(runs: list[Run]) -> None:
    """Show the record counts of runs, in a table if it fits."""
    lines = [
        (
            counted_run.counts.read,
            counted_run.counts.proven,
            counted_run.counts.accepted,
            counted_run.counts.unchanged,
            counted_run.counts.skipped,
            counted_run.counts.parked,
            counted_run.counts.in_doubt,
            counted_run.counts.planned,
        )
        for counted_run in runs
    ]
    shown_columns = [at for at, name in enumerate(NUMBERS) if name not in RARE or any(line[at] for line in lines)]
    names = [NUMBERS[at] for at in shown_columns]
    table = table_of("run", "flow", "state", *names, numbers=names)
    for run, line in zip(runs, lines, strict=True):
        table.add_row(run.id, run.flow, run.state, *(str(line[at]) for at in shown_columns))
    if _fits_width(table):
        out.print(table)
        return
    for run, line in zip(runs, lines, strict=True):
        out.print(f"{run.id}  {run.flow}  {run.state}")
        out.print("  " + " · ".join(f"{NUMBERS[at]} {line[at]}" for at in shown_columns))


def show_how_to_commit(run: Run) -> None:
    """Show the brakes of a plan, and the command that writes it."""
    command = f"{COMMAND} commit {run.id} --fingerprint {run.mark}"
    if run.excluded:
        out.print(f"Changes that somebody left out: {len(run.excluded)}.")
    for brake in run.brakes:
        explanation = say(brake.code, brake.facts).what
        out.print(f"{headline(brake.code, {})}: {explanation}")
        command += f" --confirm {brake.code}={brake.count}"
    out.print("Write this plan with:")
    out.print(command, soft_wrap=True)


def show_causes(application: Application, causes: list[CauseGroup]) -> None:
    """Show the causes that need attention, and what to do about each."""
    table = table_of("flow", "records", "needs attention because", "what to do", numbers=("records",))
    for group in causes:
        facts = (
            group.facts
            if group.flow not in application.flows
            else {"system": application.flows[group.flow].target, **group.facts}
        )
        table.add_row(group.flow, str(group.count), headline(group.cause, facts), say(group.cause, facts).do)
    out.print(table)


def show_rows(application: Application, run: Run, rows: list[PlanRow], total: int) -> None:
    """Show lines of a plan, and the total number of lines."""
    target = application.flows[run.flow].target
    rates = application.lists.captions(target, "vat_rates", LAST_SECONDS)
    table = table_of("line", "action", "key", "title", "what changes, or why not", numbers=("line",))
    for row in rows:
        table.add_row(
            str(row.seq),
            row.action,
            row.key,
            row.title,
            _change_summary(row, lambda code: vat_code(code, rates.get(code, ""), target)),
        )
    if rows:
        out.print(table)
    if total > len(rows):
        out.print(f"{len(rows)} of {total} lines; `show` has the others.")


def _change_summary(row: PlanRow, vat: Callable[[str], str]) -> str:
    def display_text(path: str, value: Value) -> str:
        is_vat = path.endswith("vat_code") and isinstance(value, str) and value
        return vat(str(value)) if is_vat else value_text(value)

    if row.change is None:
        return say(row.cause, row.facts).what if row.cause else ""
    before = row.change.before.flat() if row.change.before else {}
    phrases = [
        f"{field_name(path)} {display_text(path, before[path]) or MISSING} → {display_text(path, value) or MISSING}"
        if path in before
        else f"{field_name(path)} {display_text(path, value)}"
        for path, value in row.change.desired.flat().items()
        if value not in (None, "", ())
    ]
    limit = 4
    return " · ".join(phrases[:limit]) + (f" · +{len(phrases) - limit}" if len(phrases) > limit else "")


def row_json(row: PlanRow) -> dict[str, Any]:
    """Return the JSON values of a line of a plan."""
    change = row.change
    return {
        "line": row.seq, "action": row.action, "kind": row.kind, "key": row.key, "title": row.title,
        "records": row.weight, "state": row.step, "cause": row.cause, "facts": dict(row.facts),
        "before": dict(change.before.flat()) if change and change.before else {},
        "desired": dict(change.desired.flat()) if change else {},
    }  # fmt: skip


def show_findings(findings_by_system: Mapping[str, Sequence[Finding]]) -> None:
    """Show the findings of the check of each system."""
    table = table_of("system", "checked", "", "flow", "about")
    for system, findings in findings_by_system.items():
        for finding in findings:
            mark = {True: "✓", False: "×", None: "–"}[finding.ok]
            sentences = say(finding.cause, finding.facts) if finding.cause else None
            word = f"found_{finding.name}_{finding.about}"
            well = sentence(word) if has_term(word) else finding.about
            about = f"{sentences.what} {sentences.do}" if sentences and not finding.ok else well
            table.add_row(system, finding.name, mark, finding.facts.get("flow", ""), about)
    out.print(table)


def tell_of_log(application: Application) -> None:
    """Show which log was set aside last because it could not be read, while its file still exists."""
    for file in application.log.broken_files()[:1]:
        err.print(sentence("log_set_aside", file=file), soft_wrap=True)


def show_answer(answer: Mapping[str, Any]) -> None:
    """Show the answer of a log query: `columns` and `rows`."""
    lines = answer["rows"]
    numbers = [name for at, name in enumerate(answer["columns"]) if lines and isinstance(lines[0][at], int | float)]
    table = table_of(*answer["columns"], numbers=numbers)
    for line in lines:
        table.add_row(*("" if value is None else str(value) for value in line))
    out.print(table)
