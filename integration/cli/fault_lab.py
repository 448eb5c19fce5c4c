"""Terminal command that tests flows under faults."""

import secrets
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from integration.cli import output, terminal
from integration.cli.arguments import Json, known_flow, require_known
from integration.core.errors import IntegrationError
from integration.flows.registry import FLOWS
from integration.lab.program import operator_settings, running_series
from integration.lab.report import (
    FOLDER,
    HAZARDS,
    SEEDS,
    USUAL_TRIALS,
    OperatorSettings,
    Own,
    Report,
    Series,
)
from integration.settings import load_settings
from integration.words import term

commands = typer.Typer()

FAILED = 1


@commands.command()
def lab(
    flow: Annotated[str | None, typer.Option(help="Only this flow.", callback=known_flow)] = None,
    trials: Annotated[int, typer.Option(min=1, help="Number of trials.")] = USUAL_TRIALS,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the first trial; the others follow it.")] = None,
    mapping: Annotated[Own, typer.Option(help="Your own settings and mappings, or the shipped ones.")] = "own",
    database: Annotated[list[str] | None, typer.Option(help="sqlite, or the address of a PostgreSQL server.")] = None,
    hazard: Annotated[list[str] | None, typer.Option(help="Only this fault; may be given several times.")] = None,
    at_once: Annotated[int, typer.Option(min=1, max=16, help="Number of trials in parallel.")] = 2,
    as_json: Json = False,
) -> None:
    """Run the flows on sandbox systems with faults chosen by a seed, and compare with a run without faults."""
    series = Series(
        (flow,) if flow else tuple(FLOWS), trials, secrets.randbelow(SEEDS) if seed is None else seed, mapping,
        tuple(database or ["sqlite"]), require_known(hazard, HAZARDS), at_once,
    )  # fmt: skip
    settings = load_settings()
    own_settings = operator_settings(settings) if mapping == "own" else OperatorSettings()
    with running_series((settings.data / FOLDER).absolute(), series, own_settings) as read_report:
        report = _follow_series(read_report, quiet=as_json)
    if report.error:
        raise IntegrationError(report.error, **report.facts)
    if as_json:
        output.print_json(asdict(report))
    else:
        _show_report(report)
    raise typer.Exit(0 if report.state == "done" and not report.violations else FAILED)


def _follow_series(read_report: Callable[[], Report | None], *, quiet: bool) -> Report:
    """Show progress until a series of trials has ended, and return its report."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(
        *columns, console=output.err, transient=True, disable=quiet or not output.err.is_terminal
    ) as progress:
        task = progress.add_task("runs without faults", total=None)
        while (report := read_report()) is not None and report.state == "running":
            doing = f"{len(report.violations)} violations" if report.done_count else "runs without faults"
            progress.update(task, description=doing, completed=report.done_count, total=report.series.trials)
            time.sleep(terminal.POLL_SECONDS)
    if report is None:
        raise IntegrationError("lab_failed")
    return report


LAB_SHORT = {"altered": "other\nfields", "unaccounted": "not\nadding up"}
LAB_NUMBERS = ("trials", "hits", "doubled", "lost", "cents", "altered", "unaccounted", "stuck", "parked")


def _show_report(report: Report) -> None:
    """Show the results of each fault, and the commands that repeat failed trials."""
    table = output.table_of("flow", *LAB_NUMBERS, numbers=LAB_NUMBERS, short=LAB_SHORT)
    table.columns[0].header = "fault"
    for line in report.lines:
        harm = [getattr(line.harm, name) for name in LAB_NUMBERS[2:]]
        table.add_row(line.hazard, *(str(number) for number in (line.trials, line.hits, *harm)))
    output.out.print(table)
    for line in report.lines:
        if line.unable:
            output.out.print(f"{line.hazard} {term(line.unable)}")
    output.out.print(f"{report.done_count} trials from seed {report.series.seed} on, {report.seconds} s each")
    for flow in report.idle:
        output.out.print(f"{flow} has nothing to write with these settings")
    for violation in report.violations:
        output.out.print(f"{violation.flow} on {violation.database}, {', '.join(violation.hazards)}:", soft_wrap=True)
        for message in violation.messages:
            output.out.print(f"  {message}", soft_wrap=True)
        output.out.print(f"  {violation.command}", soft_wrap=True)
