"""Terminal commands for runs: preview, commit and later steps, waiting causes, and the connection check."""

from dataclasses import asdict
from typing import Annotated, NoReturn

import typer

from integration.application.application import Application
from integration.cli import output, terminal
from integration.cli.arguments import (
    AnyFlow,
    Complete,
    Json,
    Patient,
    RunId,
    Shown,
    confirmations,
    known_flow,
    usage_error,
)
from integration.cli.exit_status import FAILED, STOPPED, WAITS
from integration.core.causes import Responsible, cause
from integration.core.plan import Approval
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import ACTIVE, RunState
from integration.core.system_roles import assigned_systems
from integration.flows.registry import FLOWS
from integration.words import say

commands = typer.Typer()

FlowName = Annotated[str, typer.Argument(help=", ".join(FLOWS), callback=known_flow)]


def _find_run(application: Application, run_id: str) -> Run:
    try:
        return application.runs.get(run_id)
    except KeyError:
        raise usage_error(f"there is no run {run_id}; `runs` lists them") from None


def _start_preview(application: Application, flow: str, *, complete: bool) -> str:
    mode = Mode.COMPLETE if complete else Mode.CHANGES
    return application.runs.preview(PreviewRequest(flow, by=terminal.terminal_user(), mode=mode))


def _end(run: Run, *, as_json: bool) -> NoReturn:
    output.show_end(run, as_json=as_json)
    if run.state is RunState.READY:
        raise typer.Exit(WAITS)
    if run.error and cause(run.error).who is Responsible.ADMINISTRATOR:
        raise typer.Exit(STOPPED)
    good = run.state is RunState.DONE and run.counts.difference == 0
    raise typer.Exit(0 if good else FAILED)


def _plan_of(application: Application, run: Run) -> Run:
    """Return the run, or the waiting run with an identical plan if this run was discarded as a duplicate."""
    return application.runs.get(run.facts["run"]) if run.error == "plan_says_the_same" else run


def _end_with_plan(application: Application, run_id: str, *, as_json: bool, wait: float) -> NoReturn:
    """Follow a preview, show its plan and the command that writes it, and exit with the status of the run."""
    run = _plan_of(application, terminal.follow(application, run_id, terminal.PREVIEWED, quiet=as_json, wait=wait))
    if not as_json:
        terminal.show_rows(application, run, application.plans.rows(run.id, limit=50), application.plans.count(run.id))
        if run.state is RunState.READY:
            output.show_how_to_commit(run)
    _end(run, as_json=as_json)


@commands.command()
def preview(flow: FlowName, complete: Complete = False, wait: Patient = 300, as_json: Json = False) -> None:
    """Make a plan and show it. Writes nothing to either system."""
    with terminal.command_application(wait=wait, as_json=as_json) as application:
        run_id = _start_preview(application, flow, complete=complete)
        _end_with_plan(application, run_id, as_json=as_json, wait=wait)


@commands.command()
def commit(
    run_id: RunId,
    fingerprint: Annotated[str, typer.Option(help="The fingerprint that the preview printed.")],
    confirm: Annotated[list[str] | None, typer.Option(help="brake=number, for each brake that stops the plan.")] = None,
    wait: Patient = 300,
    as_json: Json = False,
) -> None:
    """Write exactly the plan with this fingerprint, and verify it by reading back."""
    confirmed = confirmations(confirm or [])
    with terminal.command_application(wait=wait, as_json=as_json) as application:
        _find_run(application, run_id)
        application.runs.commit(run_id, Approval(fingerprint, terminal.terminal_user().ref, confirmed=confirmed))
        _end(terminal.follow(application, run_id, terminal.ENDED, quiet=as_json, wait=wait), as_json=as_json)


@commands.command()
def run(flow: FlowName, complete: Complete = False, wait: Patient = 300, as_json: Json = False) -> None:
    """Preview and commit in one step. A plan that trips a brake waits for approval."""
    with terminal.command_application(wait=wait, as_json=as_json) as application:
        run_id = _start_preview(application, flow, complete=complete)
        planned_run = _plan_of(
            application, terminal.follow(application, run_id, terminal.PREVIEWED, quiet=as_json, wait=wait)
        )
        if planned_run.state is RunState.READY and not planned_run.brakes:
            application.runs.commit(planned_run.id, Approval(planned_run.mark, terminal.terminal_user().ref))
            planned_run = terminal.follow(application, planned_run.id, terminal.ENDED, quiet=as_json, wait=wait)
        elif planned_run.state is RunState.READY and not as_json:
            output.show_how_to_commit(planned_run)
        _end(planned_run, as_json=as_json)


@commands.command()
def show(
    run_id: RunId,
    only: Annotated[Shown, typer.Option(help="Only lines with this action.")] = "all",
    find: Annotated[str, typer.Option(help="Only lines with this text in their key or title.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of lines.")] = 100,
    as_json: Json = False,
) -> None:
    """Show the lines of a plan: what is created, updated, retired, skipped or parked."""
    with terminal.command_application(start=False) as application:
        shown_run = _find_run(application, run_id)
        rows = application.plans.rows(run_id, only, find, limit=limit)
        if as_json:
            output.print_json({**output.summary(shown_run), "rows": [output.row_json(row) for row in rows]})
            return
        output.show_counts([shown_run])
        terminal.show_rows(application, shown_run, rows, application.plans.count(run_id, only, find))
        if shown_run.state is RunState.READY:
            output.show_how_to_commit(shown_run)


@commands.command()
def issues(flow: AnyFlow = None, as_json: Json = False) -> None:
    """List parked records by cause, with the repair of each."""
    with terminal.command_application(start=False) as application:
        causes = application.issues.causes(flow)
        if as_json:
            output.print_json(
                [{**asdict(cause_group), **asdict(say(cause_group.cause, cause_group.facts))} for cause_group in causes]
            )
        elif causes:
            terminal.show_causes(application, causes)
        else:
            output.out.print("Nothing needs attention.")


@commands.command()
def resume(run_id: RunId, wait: Patient = 300, as_json: Json = False) -> None:
    """Continue an interrupted run. Writes without an answer are looked up first."""
    with terminal.command_application(wait=wait, as_json=as_json) as application:
        stopped_run = _find_run(application, run_id)
        if (
            stopped_run.state not in ACTIVE and stopped_run.state is not RunState.DONE
        ):  # no other state needs to be resumed
            application.runs.resume(run_id, by=terminal.terminal_user())
        _end(terminal.follow(application, run_id, terminal.ENDED, quiet=as_json, wait=wait), as_json=as_json)


@commands.command()
def cancel(run_id: RunId, wait: Patient = 300, as_json: Json = False) -> None:
    """Stop a run. A preview is discarded; a commit stops after the calls under way and can be resumed."""
    with terminal.command_application(wait=wait, as_json=as_json) as application:
        if _find_run(application, run_id).state not in ACTIVE:
            raise usage_error(f"run {run_id} is not active")
        application.runs.cancel(run_id, by=terminal.terminal_user())
        stopped = terminal.follow(application, run_id, terminal.AT_REST, quiet=as_json, wait=wait, unmoved=0)
        if stopped.error not in ("cancelled", "preview_cancelled"):  # the run ended before it was cancelled
            _end(stopped, as_json=as_json)
        output.show_end(stopped, as_json=as_json)


@commands.command()
def undo(run_id: RunId, wait: Patient = 300, as_json: Json = False) -> None:
    """Make a plan that restores the values before a run. `commit` writes it."""
    with terminal.command_application(wait=wait, as_json=as_json) as application:
        _find_run(application, run_id)
        _end_with_plan(
            application, application.runs.undo(run_id, by=terminal.terminal_user()), as_json=as_json, wait=wait
        )


@commands.command()
def retry(
    flow: FlowName,
    cause: Annotated[
        str, typer.Argument(help="A cause by its name in `issues --json`, for example payment_method_unmapped.")
    ],
    wait: Patient = 300,
    as_json: Json = False,
) -> None:
    """Make a plan of all records that are parked for one cause, with the current mapping and value tables."""
    with terminal.command_application(wait=wait, as_json=as_json) as application:
        if not application.exceptions.keys(flow, cause):
            raise usage_error(f"nothing of {flow} is parked for {cause}", "cause")
        _end_with_plan(
            application,
            application.runs.try_again(flow, cause, by=terminal.terminal_user()),
            as_json=as_json,
            wait=wait,
        )


@commands.command()
def check(as_json: Json = False) -> None:
    """Check both connections and list their problems."""
    with terminal.command_application(start=False) as application:
        application.connections.join_sandbox()
        findings_by_system = {system: application.connections.check(system) for system in assigned_systems()}
        if as_json:
            output.print_json(
                {system: [asdict(finding) for finding in findings] for system, findings in findings_by_system.items()}
            )
        else:
            output.show_findings(findings_by_system)
    raise typer.Exit(
        0 if all(finding.ok for findings in findings_by_system.values() for finding in findings) else STOPPED
    )
