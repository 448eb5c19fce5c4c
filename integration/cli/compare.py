"""Terminal commands that compare booked data with both systems. They write to no system."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from integration.application.application import Application
from integration.cli import output, terminal
from integration.cli.arguments import Json, usage_error, writing
from integration.core.days.report import DayReport, DayState, report_to_json
from integration.core.drift import DriftCheckResult, Edit
from integration.core.records import Value
from integration.core.timetable import WALL_CLOCK
from integration.core.vat import is_vat_code
from integration.flows.settings import BOOKS
from integration.flows.tables import VAT_RATES
from integration.services.daybooks.day_sheets import finding_text
from integration.services.daybooks.days import DayListed
from integration.services.mappings.code_lists import LAST_SECONDS
from integration.words import MISSING, say, sentence, vat_code

commands = typer.Typer()

FAILED = 1
SHEETS = (".pdf", ".xlsx")
BAD = frozenset({DayState.DIFFERENT, DayState.UNKNOWN})

From = Annotated[
    str, typer.Option("--from", help="First day, for example 2026-10-01. Default: the first of this month.")
]
Until = Annotated[str, typer.Option("--to", help="Last day. Default: today.")]
Branch = Annotated[str, typer.Option(help="Only the branch with this number.")]
Check = Annotated[bool, typer.Option("--check", help="Compare both systems now.")]
SheetFile = Annotated[Path | None, typer.Option("--sheet", help="Write the sheet of one day to a .pdf or .xlsx file.")]


@commands.command()
def days(
    first: From = "",
    last: Until = "",
    branch: Branch = "",
    check: Check = False,
    sheet: SheetFile = None,
    as_json: Json = False,
) -> None:
    """List the days of the till with their state in the books; --check compares them now, --sheet writes a sheet."""
    if sheet is not None and sheet.suffix.lower() not in SHEETS:
        raise usage_error("the name of the sheet must end in .pdf or .xlsx")
    with terminal.command_application(start=check or sheet is not None) as application:
        today = application.days.today()
        span = _day(first, today.replace(day=1)), _day(last, today)
        if span[0] > span[1]:
            raise usage_error("--from must not be after --to")
        reports = _compare_days(application, *span, branch, as_json=as_json) if check else []
        listed_days = application.days.listed(*span, branch)
        rates = application.lists.captions(BOOKS.system, "vat_rates", LAST_SECONDS) if reports else {}
        if sheet is not None:
            _write(application, listed_days, sheet)
    if as_json:
        output.print_json(
            [report_to_json(day) for day in reports] if check else [_day_json(day) for day in listed_days]
        )
    else:
        _show_days(listed_days)
        _show_findings(reports, rates)
    raise typer.Exit(FAILED if any(day.state in BAD for day in listed_days) else 0)


@commands.command()
def drift(as_json: Json = False) -> None:
    """Compare all written records of the flows that are on with the target, and list the differences."""
    with terminal.command_application() as application:
        results = application.drift.check_all()
        taxed = [
            result.flow
            for result in results
            for record in result.samples
            if any(is_vat_code(e.field) for e in record.edits)
        ]
        targets = {result.flow: application.flows[result.flow].target for result in results}
        rates = {
            flow: application.lists.captions(targets[flow], VAT_RATES, LAST_SECONDS) for flow in dict.fromkeys(taxed)
        }
    if as_json:
        output.print_json([asdict(result) for result in results])
    else:
        _show_drift(results, targets, rates)
    wrong = any(result.error or result.counts.different or result.counts.missing for result in results)
    raise typer.Exit(FAILED if wrong else 0)


def _day(argument: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(argument) if argument else otherwise
    except ValueError:
        raise usage_error("a day is written like 2026-10-17") from None


def _compare_days(application: Application, first: date, last: date, branch: str, *, as_json: bool) -> list[DayReport]:
    def on_progress(day: date) -> None:
        if not as_json:
            output.err.print(f"comparing {day.isoformat()} ...")

    return application.days.check_span(first, last, branch, on_progress)


def _write(application: Application, listed_days: Sequence[DayListed], file: Path) -> None:
    """Write the sheet of the only listed day. Raises a usage error unless exactly one compared day is listed."""
    reports = [day.report for day in listed_days if day.report is not None]
    if len(reports) != 1:
        raise usage_error("--sheet needs exactly one compared day and branch: use --from, --to, --branch and --check")
    make_sheet = application.day_sheets.pdf if file.suffix.lower() == ".pdf" else application.day_sheets.excel
    with writing(file):
        file.write_bytes(make_sheet(reports[0], "en", ZoneInfo(WALL_CLOCK)))


def _show_days(listed_days: Sequence[DayListed]) -> None:
    table = output.table_of("day", "branch", "state", "difference", "pages", numbers=("difference",))
    for day in listed_days:
        off = f"{day.difference:.2f}" if day.difference else ""
        why = f": {say(day.cause, day.facts or {}).problem}" if day.state is DayState.PARKED else ""
        state = f"{sentence(f'badge_day_{day.state}')}{why}"
        table.add_row(day.date.isoformat(), day.branch_name, state, off, ", ".join(day.pages))
    output.out.print(table)


def _show_findings(reports: Sequence[DayReport], rates: Mapping[str, str]) -> None:
    for report in reports:
        for finding in report.findings:
            line = f"{report.date.isoformat()} {report.branch_name}: {finding_text(finding, 'en', rates)}"
            output.out.print(line, soft_wrap=True)


def _day_json(day: DayListed) -> dict[str, Any]:
    fields = asdict(replace(day, report=None))
    del fields["report"]
    return {**fields, "key": day.key}


def _show_drift(
    results: Sequence[DriftCheckResult], targets: Mapping[str, str], rates: Mapping[str, Mapping[str, str]]
) -> None:
    if not results:
        output.out.print("Nothing was compared: no flow that is on has written anything.", soft_wrap=True)
        return
    names = ("compared", "equal", "edited", "different", "missing", "unknown")
    table = output.table_of("flow", "kind", *names, numbers=names)
    for result in results:
        counts = asdict(result.counts)
        table.add_row(result.flow, str(result.kind), *(str(counts[name]) for name in names))
    output.out.print(table)
    for result in results:
        for record in result.samples:
            edits = (_edit_text(edit, targets[result.flow], rates.get(result.flow, {})) for edit in record.edits)
            edit_text = ", ".join(edits) or "missing"
            output.out.print(
                f"{result.kind} {record.reference or MISSING} ({record.title}): {edit_text}", soft_wrap=True
            )
        if result.error:
            output.out.print(say(result.error, result.facts).problem, soft_wrap=True)


def _edit_text(edit: Edit, system: str, rates: Mapping[str, str]) -> str:
    """Return one changed value as text, a VAT code with its rate."""
    sides: list[Value] = [edit.agreed, edit.current]
    if is_vat_code(edit.field):
        sides = [vat_code(str(value), rates.get(str(value), ""), system) if value else value for value in sides]
    return f"{edit.path} {sides[0]} -> {sides[1]}"
