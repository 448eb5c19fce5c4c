"""Terminal commands for the audit log: verify, list and export."""

import re
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from integration.cli import output, terminal
from integration.cli.arguments import Json, usage_error, writing
from integration.services.audit import REASONS, AuditCheckResult, AuditSearch, Head
from integration.words import sentence, term

FAILED = 1

commands = typer.Typer()
audit = typer.Typer(no_args_is_help=True, help="The audit log: verify, list, export.")
commands.add_typer(audit, name="audit")

Heads = Annotated[
    list[str] | None, typer.Option(help="A head that was sent, as NUMBER:HASH; may be given several times.")
]


@audit.command()
def verify(head: Heads = None, as_json: Json = False) -> None:
    """Verify the whole chain of the audit log, and name the first entry that is wrong.

    A head that was stored elsewhere also reveals that the whole log was rewritten.
    """
    heads = [_parse_head(head_text) for head_text in head or []]
    with terminal.command_application(start=False) as application:
        checked = application.audit.verify(heads)
    if as_json:
        output.print_json(asdict(checked))
    else:
        _show_check(checked)
    raise typer.Exit(FAILED if checked.broken else 0)


def _parse_head(argument: str) -> Head:
    matched = re.fullmatch(r"(\d{1,18}):([0-9a-fA-F]{64})", argument.strip())
    if matched is None:
        raise usage_error(f"no head: {argument}; it looks like NUMBER:HASH")
    return Head(int(matched[1]), matched[2].lower())


def _show_check(checked: AuditCheckResult) -> None:
    if checked.broken:
        why = term(REASONS[checked.broken.fault], entry=checked.broken.seq)
        output.out.print(f"Damaged: {why}. Valid up to entry {checked.head.seq}.", soft_wrap=True)
        return
    stamped = f", {checked.stamps} stamps" if checked.stamps else ""
    output.out.print(f"Intact: {checked.head.seq} entries{stamped}.", soft_wrap=True)
    output.out.print(f"Head: {checked.head.seq}:{checked.head.hash}", soft_wrap=True)


@audit.command(name="list")
def list_entries(
    actor: Annotated[str, typer.Option(help="Only actions of this person.")] = "",
    action: Annotated[str, typer.Option(help="Only this action, by its name in --json.")] = "",
    flow: Annotated[str, typer.Option(help="Only entries of this flow.")] = "",
    find: Annotated[str, typer.Option(help="Only entries that contain this text.")] = "",
    since: Annotated[datetime | None, typer.Option(help="First day.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of entries.")] = 50,
    as_json: Json = False,
) -> None:
    """List the actions of people, newest first."""
    begin = since.astimezone() if since else None
    with terminal.command_application(start=False) as application:
        entries = application.audit.entries(AuditSearch(actor, action, flow, find, begin), limit=limit)
    if as_json:
        output.print_json([asdict(entry) for entry in entries])
        return
    table = output.table_of("entry", "when", "who", "what", "on", "why", numbers=("entry",))
    for entry in entries:
        table.add_row(
            str(entry.seq),
            entry.at.isoformat(timespec="seconds"),
            entry.actor,
            sentence(f"event_{entry.action}"),
            ", ".join(entry.subjects),
            entry.reason,
        )
    output.out.print(table)


@audit.command()
def export(file: Annotated[Path, typer.Argument(help="The ZIP file to write.")], as_json: Json = False) -> None:
    """Write the whole audit log to a ZIP file, with a program that verifies it; the program only needs Python."""
    with terminal.command_application(start=False) as application:
        packed = application.audit.file(terminal.terminal_user())
    with writing(file):
        file.write_bytes(packed)
    result: dict[str, Any] = {"path": str(file), "bytes": len(packed)}
    output.print_result(result, f"Audit log written to {file}", as_json=as_json)
