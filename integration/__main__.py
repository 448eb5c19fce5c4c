"""Sluis from a terminal: `sluis COMMAND`, in a checkout `python -m integration COMMAND`.

Exit status: 0 done and added up; 1 failed, or something does not add up; 2 wrong use; 3 the plan waits for approval
(nothing was written); 4 another run of the flow is at work; 5 a setting or a connection stops it.
"""

import gc

gc.disable()  # what is imported stays: looking through it again and again took a third of the start of a command

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from integration import VERSION
from integration.application.application import Application
from integration.cli import audit, backup, compare, customer, fault_lab, people, retention, servers, terminal
from integration.cli import demo as demo_rounds
from integration.cli.arguments import (
    AnyFlow,
    Complete,
    FlowName,
    Json,
    Patient,
    RunId,
    Shown,
    confirmations,
    misused,
    writing,
    wrong_use,
)
from integration.core import errors
from integration.core.causes import Responsible, cause
from integration.core.plan import Approval
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import ACTIVE, RunState
from integration.core.system_roles import assigned_systems
from integration.data_folder import OTHERS
from integration.log.client import ask_server
from integration.shipped import COMMAND
from integration.words import say

gc.enable()

FAILED, WRONG_USE, WAITS, BUSY, STOPPED = 1, 2, 3, 4, terminal.STOPPED

cli = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help=__doc__)

STATUSES = {
    errors.RunActiveError: BUSY,
    errors.PlanUnsafeError: WAITS,
    errors.PlanStaleError: WAITS,
    errors.ConfigurationError: STOPPED,
    errors.ConnectorError: STOPPED,
}


# Such a plan, or such a change of settings, waits for somebody else.
FOR_ANOTHER = frozenset({"second_person_needed", "log_in_needed", "change_log_in_needed", "file_change_waits"})
# Nothing of such a plan waits any more, for a person or otherwise.
OVER = frozenset({"plan_discarded", "plan_not_waiting", "nothing_to_commit", "plan_already_committed"})


def status_of(error: errors.IntegrationError) -> int:
    """Return the exit status of what stopped a command."""
    if error.code in OVER:
        return FAILED
    if error.code in FOR_ANOTHER:
        return WAITS
    if error.code == "nothing_to_undo" or error.code.startswith("question_"):
        return WRONG_USE
    return next((status for kind, status in STATUSES.items() if isinstance(error, kind)), FAILED)


def _found(application: Application, run_id: str) -> Run:
    try:
        return application.runs.get(run_id)
    except KeyError:
        raise wrong_use(f"there is no run {run_id}; `runs` lists them") from None


def _begun(application: Application, flow: str, *, complete: bool) -> str:
    mode = Mode.COMPLETE if complete else Mode.CHANGES
    return application.runs.preview(PreviewRequest(flow, by=terminal.terminal_user(), mode=mode))


def _end(run: Run, *, as_json: bool) -> NoReturn:
    terminal.show_end(run, as_json=as_json)
    if run.state is RunState.READY:
        raise typer.Exit(WAITS)
    if run.error and cause(run.error).who is Responsible.ADMINISTRATOR:
        raise typer.Exit(STOPPED)
    good = run.state is RunState.DONE and run.counts.difference == 0
    raise typer.Exit(0 if good else FAILED)


def _plan_of(application: Application, run: Run) -> Run:
    """Return the run that was made, or the one whose plan waits and says the same."""
    return application.runs.get(run.facts["run"]) if run.error == "plan_says_the_same" else run


def _end_with_plan(application: Application, run_id: str, *, as_json: bool, wait: float) -> NoReturn:
    """Follow a preview, show its plan and how to write it, and end as its state says."""
    run = _plan_of(application, terminal.follow(application, run_id, terminal.PREVIEWED, quiet=as_json, wait=wait))
    if not as_json:
        terminal.show_rows(application, run, application.plans.rows(run.id, limit=50), application.plans.count(run.id))
        if run.state is RunState.READY:
            terminal.show_how_to_commit(run)
    _end(run, as_json=as_json)


def _tell_version(wanted: bool) -> None:
    if wanted:
        terminal.out.print(f"sluis {VERSION}", highlight=False)
        raise typer.Exit


@cli.callback()
def _any_command(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    pass


@cli.command()
def preview(flow: FlowName, complete: Complete = False, wait: Patient = 300, as_json: Json = False) -> None:
    """Make a plan and show it; nothing is written to either system."""
    with terminal.command_application(wait=wait, as_json=as_json) as application:
        run_id = _begun(application, flow, complete=complete)
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
    confirmed = confirmations(confirm or [])
    with terminal.command_application(wait=wait, as_json=as_json) as application:
        _found(application, run_id)
        application.runs.commit(run_id, Approval(fingerprint, terminal.terminal_user().ref, confirmed=confirmed))
        _end(terminal.follow(application, run_id, terminal.ENDED, quiet=as_json, wait=wait), as_json=as_json)


@cli.command()
def run(flow: FlowName, complete: Complete = False, wait: Patient = 300, as_json: Json = False) -> None:
    """Preview and commit in one go; a plan that trips a brake waits instead."""
    with terminal.command_application(wait=wait, as_json=as_json) as application:
        run_id = _begun(application, flow, complete=complete)
        found = _plan_of(
            application, terminal.follow(application, run_id, terminal.PREVIEWED, quiet=as_json, wait=wait)
        )
        if found.state is RunState.READY and not found.brakes:
            application.runs.commit(found.id, Approval(found.mark, terminal.terminal_user().ref))
            found = terminal.follow(application, found.id, terminal.ENDED, quiet=as_json, wait=wait)
        elif found.state is RunState.READY and not as_json:
            terminal.show_how_to_commit(found)
        _end(found, as_json=as_json)


@cli.command()
def runs(
    flow: AnyFlow = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: Json = False,
) -> None:
    """List what ran, newest first."""
    with terminal.command_application(start=False) as application:
        found = application.runs.latest(flow, limit=limit)
        if as_json:
            terminal.print_json([terminal.summary(one) for one in found])
        elif found:
            terminal.show_counts(found)
        else:
            terminal.out.print(f"Nothing has run yet. Start with: {COMMAND} preview products", soft_wrap=True)


@cli.command()
def show(
    run_id: RunId,
    only: Annotated[Shown, typer.Option(help="Lines of one action.")] = "all",
    find: Annotated[str, typer.Option(help="Part of a key or a title.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many lines at most.")] = 100,
    as_json: Json = False,
) -> None:
    """Show the lines of a plan: what is created, updated, retired, skipped or parked."""
    with terminal.command_application(start=False) as application:
        found = _found(application, run_id)
        rows = application.plans.rows(run_id, only, find, limit=limit)
        if as_json:
            terminal.print_json({**terminal.summary(found), "rows": [terminal.row_json(row) for row in rows]})
            return
        terminal.show_counts([found])
        terminal.show_rows(application, found, rows, application.plans.count(run_id, only, find))
        if found.state is RunState.READY:
            terminal.show_how_to_commit(found)


@cli.command()
def issues(flow: AnyFlow = None, as_json: Json = False) -> None:
    """List what needs attention, by cause."""
    with terminal.command_application(start=False) as application:
        causes = application.issues.causes(flow)
        if as_json:
            terminal.print_json([{**asdict(one), **asdict(say(one.cause, one.facts))} for one in causes])
        elif causes:
            terminal.show_causes(application, causes)
        else:
            terminal.out.print("Nothing needs attention.")


@cli.command()
def resume(run_id: RunId, wait: Patient = 300, as_json: Json = False) -> None:
    """Go on with an interrupted run; what was sent without an answer is looked up first."""
    with terminal.command_application(wait=wait, as_json=as_json) as application:
        found = _found(application, run_id)
        if found.state not in ACTIVE and found.state is not RunState.DONE:  # those go on, or are over, by themselves
            application.runs.resume(run_id, by=terminal.terminal_user())
        _end(terminal.follow(application, run_id, terminal.ENDED, quiet=as_json, wait=wait), as_json=as_json)


@cli.command()
def cancel(run_id: RunId, wait: Patient = 300, as_json: Json = False) -> None:
    """Stop a run: a preview is put aside, and what a commit has not sent by now can be resumed."""
    with terminal.command_application(wait=wait, as_json=as_json) as application:
        if _found(application, run_id).state not in ACTIVE:
            raise wrong_use(f"run {run_id} is not at work")
        application.runs.cancel(run_id, by=terminal.terminal_user())
        stopped = terminal.follow(application, run_id, terminal.AT_REST, quiet=as_json, wait=wait, unmoved=0)
        if stopped.error not in ("cancelled", "preview_cancelled"):  # it had come to its end before
            _end(stopped, as_json=as_json)
        terminal.show_end(stopped, as_json=as_json)


@cli.command()
def undo(run_id: RunId, wait: Patient = 300, as_json: Json = False) -> None:
    """Make a plan that puts back what a run wrote; `commit` writes it."""
    with terminal.command_application(wait=wait, as_json=as_json) as application:
        _found(application, run_id)
        _end_with_plan(
            application, application.runs.undo(run_id, by=terminal.terminal_user()), as_json=as_json, wait=wait
        )


@cli.command()
def retry(
    flow: FlowName,
    cause: Annotated[str, typer.Argument(help="A cause as `issues --json` names it: payment_method_unmapped, ...")],
    wait: Patient = 300,
    as_json: Json = False,
) -> None:
    """Make a plan of everything that is parked for one cause, with the mapping and tables of today."""
    with terminal.command_application(wait=wait, as_json=as_json) as application:
        if not application.exceptions.keys(flow, cause):
            raise wrong_use(f"nothing of {flow} is parked for {cause}", "cause")
        _end_with_plan(
            application,
            application.runs.try_again(flow, cause, by=terminal.terminal_user()),
            as_json=as_json,
            wait=wait,
        )


@cli.command()
def check(as_json: Json = False) -> None:
    """Check both connections and say what is wrong with them, line by line."""
    with terminal.command_application(start=False) as application:
        application.connections.join_sandbox()
        found = {system: application.connections.check(system) for system in assigned_systems()}
        if as_json:
            terminal.print_json({system: [asdict(one) for one in findings] for system, findings in found.items()})
        else:
            terminal.show_findings(found)
    raise typer.Exit(0 if all(one.ok for findings in found.values() for one in findings) else STOPPED)


cli.add_typer(backup.arranged, name="settings")
cli.add_typer(backup.keys, name="key")
cli.add_typer(customer.cli, name="customer")
cli.add_typer(people.people, name="people")
cli.add_typer(audit.audit, name="audit")
cli.command()(compare.days)
cli.command()(compare.drift)
cli.command()(servers.sandbox)
cli.command()(servers.worker)


@cli.command(name="log")
def log_(
    sql: Annotated[str, typer.Argument(help="One SELECT; the table is called events.")],
    rows: Annotated[int, typer.Option(min=1, max=10_000, help="How many rows at most.")] = 100,
    as_json: Json = False,
) -> None:
    """Ask the log a question in SQL; it can only be read."""
    with terminal.command_application(start=False) as application:
        question = {"sql": sql, "rows": rows}
        answer = _at_the_server_or_here(application, question, lambda: application.log.answer(sql, rows=rows))
    if as_json:
        terminal.print_json(answer)
        return
    terminal.show_answer(answer)
    if answer["cut"]:
        terminal.out.print(f"The first {rows} rows; --rows shows more.")


@cli.command()
def export(path: Annotated[Path, typer.Argument(help="A file .csv or .parquet.")], as_json: Json = False) -> None:
    """Write the log to a file: .csv or .parquet."""
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise wrong_use("the file is called .csv or .parquet")
    with terminal.command_application(start=False) as application, writing(path):
        answer = _at_the_server_or_here(
            application, {"export": str(path.absolute())}, lambda: {"events": application.log.export(path)}
        )
    if as_json:
        terminal.print_json({"path": str(path), **answer})
    else:
        terminal.out.print(f"{answer['events']} events written to {path}", soft_wrap=True)


def _at_the_server_or_here(
    application: Application, question: Mapping[str, Any], here: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Ask the server of this machine while there is one that has the log, else the log itself."""
    answer = ask_server(application.log_access.data, question)
    if answer is None:
        answer = here()
    terminal.tell_of_log(application)
    return answer


cli.command()(servers.console)
cli.command()(backup.backup)
cli.command()(backup.verify)
cli.command()(backup.restore)
cli.command()(backup.doctor)
cli.command()(backup.place)
cli.command()(backup.systems)
cli.command()(retention.retention)
cli.command()(fault_lab.lab)


@cli.command()
def demo(
    articles: Annotated[int, typer.Option(min=50, help="How large the sample shop is.")] = 400, as_json: Json = False
) -> None:
    """Sync every flow on a fresh sandbox, let its shop sell for a day, sync again, and check that all adds up.

    A third round meets an unchanged shop and must write nothing.
    """
    raise typer.Exit(0 if demo_rounds.show(articles, as_json=as_json) else FAILED)


def main() -> None:
    """Run a command; what stops it is told in sentences, never as a stack trace. Its files are its owner's alone."""
    gc.freeze()
    os.umask(OTHERS)
    terminal.speak_plainly()
    sys.excepthook = terminal.show_bug
    as_json = "--json" in sys.argv
    try:
        if not as_json:
            cli()
        sys.exit(cli(standalone_mode=False) or 0)
    except TyperException as error:  # what was typed is no use of a command
        terminal.explain(misused(error), as_json=True)
        sys.exit(WRONG_USE)
    except errors.IntegrationError as error:
        terminal.explain(error, as_json=as_json)
        sys.exit(status_of(error))


if __name__ == "__main__":
    main()
