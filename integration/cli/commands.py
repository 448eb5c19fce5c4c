"""The commands of the terminal, with the summary of each. The code of a command is imported when it is run."""

import gc
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


def _runs() -> typer.Typer:
    from integration.cli import runs

    return runs.commands


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
    "preview": (_runs, "Make a plan and show it; nothing is written to either system."),
    "commit": (_runs, "Write exactly the plan with this fingerprint, and prove it by reading back."),
    "run": (_runs, "Preview and commit in one go; a plan that trips a brake waits instead."),
    "runs": (_runs, "List what ran, newest first."),
    "show": (_runs, "Show the lines of a plan: what is created, updated, retired, skipped or parked."),
    "issues": (_runs, "List what needs attention, by cause."),
    "resume": (_runs, "Go on with an interrupted run; what was sent without an answer is looked up first."),
    "cancel": (_runs, "Stop a run: a preview is put aside, and what a commit has not sent by now can be resumed."),
    "undo": (_runs, "Make a plan that puts back what a run wrote; `commit` writes it."),
    "retry": (_runs, "Make a plan of everything that is parked for one cause, with the mapping and tables of today."),
    "check": (_runs, "Check both connections and say what is wrong with them, line by line."),
    "days": (
        _compare,
        "List how the days of the till stand in the books; --check compares them now, --sheet prints one.",
    ),
    "drift": (_compare, "Look at everything that was written, and say what the target no longer holds as agreed."),
    "sandbox": (_servers, "Run both systems in a box until interrupted; print their addresses as JSON."),
    "worker": (
        _servers,
        "Work off the queue beside the server: on this machine, or on any that reaches the same PostgreSQL.",
    ),
    "log": (_event_log, "Ask the log a question in SQL; it can only be read."),
    "export": (_event_log, "Write the log to a file: .csv or .parquet."),
    "console": (
        _servers,
        "Open the console in the browser, by itself where somebody starts it at a terminal of this machine.",
    ),
    "backup": (_backup, "Write a backup of everything the console keeps to a new file, while it runs or not."),
    "verify": (
        _backup,
        "Read every byte of a backup, look into its databases, and say what it holds; nothing is restored.",
    ),
    "restore": (
        _backup,
        "Bring a backup into an empty data folder, and an empty PostgreSQL database where one is set.",
    ),
    "doctor": (
        _backup,
        "Say what is wrong with this installation and its connections, and what to do; nothing is started.",
    ),
    "place": (
        _backup,
        "Say whether writes are held because the data moved or was copied; with the code of the place, confirm it.",
    ),
    "systems": (
        _backup,
        "Say which connected systems do not look as before, or answer whether one is the same system.",
    ),
    "retention": (
        _retention,
        "Let everything go that is no longer kept, as happens by night, and say per class what went.",
    ),
    "lab": (
        _fault_lab,
        "Run the flows on systems of their own under faults that a seed decides, and compare with a calm run.",
    ),
    "demo": (
        _demo,
        "Sync every flow on a fresh sandbox, let its shop sell for a day, sync again, and check that all adds up.",
    ),
    "settings": (
        _backup,
        "List every setting of the environment, what it should look like, and whether it is set; never a value.",
    ),
    "key": (_backup, "The key that seals credentials."),
    "customer": (_customer, "What is kept of one person, by number."),
    "people": (_people, "Who may use the console."),
    "audit": (_audit, "What somebody did: verify, list, export."),
}


def load_command(name: str) -> Any:
    """Import the module of a command, and return the command."""
    gc.disable()  # imported modules stay: collecting among them took a third of the start of a command
    try:
        load, _ = COMMANDS[name]
        return get_group(load()).commands[name]
    finally:
        gc.freeze()
        gc.enable()


class CommandGroup(TyperGroup):
    """All commands, listed by their summaries. A command is imported when it is run."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (_, summary) in COMMANDS.items():
            self.add_command(TyperCommand(name, help=summary))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the name, the imported command, and its arguments. An unknown name is wrong use."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed and load_command(str(name)), rest
