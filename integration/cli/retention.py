"""Terminal command that deletes expired data."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from integration.cli import output, terminal
from integration.cli.arguments import Json
from integration.retention.service import RetentionClassStatus
from integration.words import MISSING, sentence

commands = typer.Typer()

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print what would be deleted.")]


@commands.command()
def retention(preview_only: DryRun = False, as_json: Json = False) -> None:
    """Delete data that is older than its retention period, as every night; print the rows per class."""
    with terminal.command_application(start=False) as application:
        classes = application.retention.class_statuses()
        deleted_counts = {} if preview_only else application.retention.prune()
        files = application.retention.files()
    if as_json:
        result = [{**asdict(status), "deleted": deleted_counts.get(status.name, 0)} for status in classes]
        output.print_json({"classes": result, "files": [asdict(stored_file) for stored_file in files]})
        return
    label = "to be deleted" if preview_only else "deleted"
    numbers = ("kept for", "rows", "MB", label)
    table = output.table_of("class", "kept for", "unit", "law", "rows", "MB", "oldest", label, numbers=numbers)
    for status in classes:
        table.add_row(*_row(status, status.due if preview_only else deleted_counts.get(status.name)))
    output.out.print(table)
    for file in files:
        free = "" if file.free is None else f", {megabytes(file.free)} MB of it free"
        output.out.print(f"{file.name}: {megabytes(file.size)} MB{free}", soft_wrap=True)


def _row(status: RetentionClassStatus, deleted_count: int | None) -> list[str]:
    law = sentence(f"retention_law_{status.law.name}")
    oldest = MISSING if status.oldest is None else status.oldest.date().isoformat()
    size = MISSING if status.size is None else megabytes(status.size)
    return [
        status.name,
        str(status.length),
        str(status.unit),
        law,
        _count_text(status.rows),
        size,
        oldest,
        _count_text(deleted_count),
    ]


def _count_text(rows: Any) -> str:
    return MISSING if rows is None else str(rows)


def megabytes(size: int) -> str:
    """Return a number of bytes in megabytes, as text."""
    return f"{size / 1_000_000:.1f}"
