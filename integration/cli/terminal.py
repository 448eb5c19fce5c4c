"""The application of a terminal command, the progress of its run, and output that needs the application."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from integration.application.application import Application
from integration.application.bootstrap import build
from integration.cli import output
from integration.cli.exit_status import STOPPED
from integration.core.errors import ConnectorError, IntegrationError, UnavailableError
from integration.core.issues import CauseGroup
from integration.core.people import Actor, terminal_actor
from integration.core.plan_lines import PlanRow
from integration.core.records import Value
from integration.core.run import Run
from integration.core.states import RunState
from integration.core.untrusted_text import visible
from integration.process.periodic import run_periodically
from integration.services.mappings.code_lists import LAST_SECONDS
from integration.services.runs.exceptions import group_amount
from integration.settings import Settings, load_settings, operating_system_user
from integration.words import (
    MISSING,
    euros,
    field_name,
    headline,
    say,
    sentence,
    value_text,
    vat_code,
)

POLL_SECONDS = 0.1
GRACE_SECONDS = 15.0  # for start, call and end, in addition to the time that a command waits
UNMOVED_SECONDS = 30.0  # a page of work may take this long, even if a command waits less for a system


class _Watch:
    """Watchdog that ends this process if a call does not return, for example because the database hangs."""

    def __init__(self, wait: float, *, as_json: bool) -> None:
        self._seconds = wait + GRACE_SECONDS
        self._as_json = as_json
        self._end_event = threading.Event()
        self.error: IntegrationError = UnavailableError("nothing_moves", seconds=f"{self._seconds:g}")
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
            output.explain(self.error, as_json=self._as_json)
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
                watch.error = error
            raise
        finally:
            if watch is not None:
                watch.renew()
            application.close()
    finally:
        if watch is not None:
            watch.end()


def terminal_user() -> Actor:
    return terminal_actor(operating_system_user())


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
    with Progress(
        *columns, console=output.err, transient=True, disable=quiet or not output.err.is_terminal
    ) as progress:
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


def show_causes(application: Application, causes: list[CauseGroup]) -> None:
    """Show the causes that need attention, the amount at stake in euros, and the remedy of each."""
    table = output.table_of(
        "flow", "records", "amount", "needs attention because", "what to do", numbers=("records", "amount")
    )
    for group in causes:
        facts = (
            group.facts
            if group.flow not in application.flows
            else {"system": application.flows[group.flow].target, **group.facts}
        )
        stake = group_amount(group)
        table.add_row(
            group.flow,
            str(group.count),
            "" if stake is None else euros(stake.amount),
            headline(group.cause, facts),
            say(group.cause, facts).do,
        )
    output.out.print(table)


def show_rows(application: Application, run: Run, rows: list[PlanRow], total: int) -> None:
    """Show lines of a plan, and the total number of lines."""
    target = application.flows[run.flow].target
    rates = application.lists.captions(target, "vat_rates", LAST_SECONDS)
    table = output.table_of("line", "action", "key", "title", "what changes, or why not", numbers=("line",))
    for row in rows:
        table.add_row(
            str(row.seq),
            row.action,
            row.key,
            row.title,
            _change_summary(row, lambda code: vat_code(code, rates.get(code, ""), target)),
        )
    if rows:
        output.out.print(table)
    if total > len(rows):
        output.out.print(f"{len(rows)} of {total} lines; `show` has the others.")


def _change_summary(row: PlanRow, vat: Callable[[str], str]) -> str:
    def display_text(path: str, value: Value) -> str:
        is_vat = path.endswith("vat_code") and isinstance(value, str) and value
        return vat(str(value)) if is_vat else value_text(value)

    if row.change is None:
        return say(row.cause, row.facts).problem if row.cause else ""
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


def tell_of_log(application: Application) -> None:
    """Show which log was set aside last because it could not be read, while its file still exists."""
    for file in application.log.broken_files()[:1]:
        output.err.print(sentence("log_replaced", file=file), soft_wrap=True)
