"""The commands of the terminal, with the summary of each. The code of a command is imported when it is run."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from integration.process.garbage_collection import frozen_imports


def _runs() -> typer.Typer:
    from integration.cli import runs

    return runs.commands


def _run_list() -> typer.Typer:
    from integration.cli import run_list

    return run_list.commands


def _compare() -> typer.Typer:
    from integration.cli import compare

    return compare.commands


def _servers() -> typer.Typer:
    from integration.cli import servers

    return servers.commands


def _event_log() -> typer.Typer:
    from integration.cli import event_log

    return event_log.commands


def _backup() -> typer.Typer:
    from integration.cli import backup

    return backup.commands


def _retention() -> typer.Typer:
    from integration.cli import retention

    return retention.commands


def _fault_lab() -> typer.Typer:
    from integration.cli import fault_lab

    return fault_lab.commands


def _demo() -> typer.Typer:
    from integration.cli import demo

    return demo.commands


def _customer() -> typer.Typer:
    from integration.cli import customer

    return customer.commands


def _people() -> typer.Typer:
    from integration.cli import people

    return people.commands


def _audit() -> typer.Typer:
    from integration.cli import audit

    return audit.commands


# The module and the summary of each command, in the order of `--help`.
COMMANDS: dict[str, tuple[Callable[[], typer.Typer], str]] = {
    "preview": (_runs, "Make a plan and show it. Writes nothing to either system."),
    "commit": (_runs, "Write exactly the plan with this fingerprint, and verify it by reading back."),
    "run": (_runs, "Preview and commit in one step. A plan that trips a brake waits for approval."),
    "runs": (_run_list, "List runs, newest first."),
    "show": (_runs, "Show the lines of a plan: what is created, updated, retired, skipped or parked."),
    "issues": (_runs, "List parked records by cause, with the repair of each."),
    "resume": (_runs, "Continue an interrupted run. Writes without an answer are looked up first."),
    "cancel": (
        _runs,
        "Stop a run. A preview is discarded; a commit stops after the calls under way and can be resumed.",
    ),
    "undo": (_runs, "Make a plan that restores the values before a run. `commit` writes it."),
    "retry": (
        _runs,
        "Make a plan of all records that are parked for one cause, with the current mapping and value tables.",
    ),
    "check": (_runs, "Check both connections and list their problems."),
    "days": (
        _compare,
        "List the days of the till with their state in the books; --check compares them now, --sheet writes a sheet.",
    ),
    "drift": (
        _compare,
        "Compare all written records of the flows that are on with the target, and list the differences.",
    ),
    "sandbox": (_servers, "Run both sandbox systems until interrupted, and print their addresses as JSON."),
    "worker": (
        _servers,
        "Execute queued runs as a further process, here or on another machine with the same PostgreSQL.",
    ),
    "log": (_event_log, "Query the log with SQL. Queries cannot change it."),
    "export": (_event_log, "Write the log to a file: .csv or .parquet."),
    "console": (
        _servers,
        "Start the console, and open it in the browser if a person starts it in a terminal.",
    ),
    "backup": (_backup, "Write a backup of all data of the console to a new file. The console may run meanwhile."),
    "verify": (
        _backup,
        "Check every byte of a backup and list its contents. Restores nothing.",
    ),
    "restore": (
        _backup,
        "Restore a backup into an empty data folder, and into an empty PostgreSQL database if one is set.",
    ),
    "doctor": (
        _backup,
        "Find problems of this installation and its connections, with their repair. Starts nothing.",
    ),
    "place": (
        _backup,
        "Show whether writes are blocked because the data was moved or copied; --confirm CODE allows them again.",
    ),
    "systems": (
        _backup,
        "List connected systems that may have been replaced, or confirm the present installation.",
    ),
    "retention": (
        _retention,
        "Delete data that is older than its retention period, as every night; print the rows per class.",
    ),
    "lab": (
        _fault_lab,
        "Run the flows on sandbox systems with faults chosen by a seed, and compare with a run without faults.",
    ),
    "demo": (
        _demo,
        "Run every flow on a new sandbox, again after a day of sales, and check that all totals match.",
    ),
    "settings": (
        _backup,
        "List every environment variable, its form, and whether it is set. Never prints a value.",
    ),
    "key": (_backup, "The key that encrypts stored credentials."),
    "customer": (_customer, "Personal data of one customer."),
    "people": (_people, "People who may use the console."),
    "audit": (_audit, "The audit log: verify, list, export."),
}


def load_command(name: str) -> Any:
    """Import the module of a command, and return the command."""
    with frozen_imports():
        load, _ = COMMANDS[name]
        return get_group(load()).commands[name]


class CommandGroup(TyperGroup):
    """All commands, listed by their summaries. A command is imported when it is run."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (_, summary) in COMMANDS.items():
            self.add_command(TyperCommand(name, help=summary))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the name, the imported command, and its arguments. An unknown name is wrong use."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and load_command(str(name)), rest
