"""Terminal command that deletes expired data."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from integration.cli import terminal
from integration.cli.arguments import Json
from integration.retention.service import RetentionClassStatus
from integration.words import MISSING, sentence

commands = typer.Typer()

OnlyTold = Annotated[bool, typer.Option("--dry-run", help="Only print what would be deleted.")]


@commands.command()
def retention(only_told: OnlyTold = False, as_json: Json = False) -> None:
    """Delete data past its retention period, as each night, and print the number of rows per class."""
    with terminal.command_application(start=False) as application:
        classes = application.retention.kept()
        gone = {} if only_told else application.retention.prune()
        files = application.retention.files()
    if as_json:
        told = [{**asdict(one), "gone": gone.get(one.name, 0)} for one in classes]
        terminal.print_json({"classes": told, "files": [asdict(one) for one in files]})
        return
    went = "would go" if only_told else "went"
    numbers = ("kept for", "rows", "MB", went)
    table = terminal.table_of("class", "kept for", "unit", "law", "rows", "MB", "the oldest", went, numbers=numbers)
    for one in classes:
        table.add_row(*_row(one, one.due if only_told else gone.get(one.name)))
    terminal.out.print(table)
    for file in files:
        free = "" if file.free is None else f", {megabytes(file.free)} MB of it free"
        terminal.out.print(f"{file.name}: {megabytes(file.size)} MB{free}", soft_wrap=True)


def _row(one: RetentionClassStatus, gone: int | None) -> list[str]:
    law = sentence(f"retention_law_{one.law.name}")
    oldest = MISSING if one.oldest is None else one.oldest.date().isoformat()
    size = MISSING if one.size is None else megabytes(one.size)
    return [one.name, str(one.length), str(one.unit), law, _told(one.rows), size, oldest, _told(gone)]


def _told(rows: Any) -> str:
    return MISSING if rows is None else str(rows)


def megabytes(size: int) -> str:
    """Return a number of bytes in megabytes, as text."""
    return f"{size / 1_000_000:.1f}"
