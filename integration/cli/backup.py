"""Terminal commands for backups, the configuration file, keys, and checks of the installation."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from integration.application.doctor import Checkup, examine, examine_connections
from integration.backup.archive import Manifest
from integration.backup.making import file_of, make, postgres_of
from integration.backup.restoring import VerifiedBackup, has_key, missing_settings
from integration.backup.restoring import restore_backup as restored_from
from integration.backup.restoring import verify_backup as verified
from integration.cli import terminal
from integration.cli.arguments import Json, expect_known, writing, wrong_use
from integration.core.untrusted_text import visible
from integration.flows.registry import FLOWS
from integration.services.configuration_file import SettingDifference
from integration.services.write_holds.system_identity import SystemAnswer
from integration.settings import Settings, known_settings, load_settings
from integration.shipped import COMMAND
from integration.store.read_only import open_read_only
from integration.words import say, term

FAILED = 1

commands = typer.Typer()
arranged = typer.Typer()
keys = typer.Typer(no_args_is_help=True, help="The key that encrypts stored credentials.")
commands.add_typer(arranged, name="settings")
commands.add_typer(keys, name="key")

BackupFile = Annotated[Path, typer.Argument(help="The backup file.")]
ASKED = "Passphrase of the key, empty for none"


@commands.command()
def backup(file: BackupFile, as_json: Json = False) -> None:
    """Write a backup of all data of the console to a new file. The console may run meanwhile."""
    settings = load_settings()
    _tell_audit(settings, file)
    with writing(file):
        manifest = make(settings, file, _passphrase(settings))
    if as_json:
        terminal.print_json({"path": str(file), "bytes": file.stat().st_size, **_told(manifest)})
        return
    _show(manifest)
    terminal.out.print(f"Backup written to {file}", soft_wrap=True)
    if not manifest.key:
        terminal.out.print("It has no key: after a restore both systems have to be connected anew.", soft_wrap=True)


def _tell_audit(settings: Settings, file: Path) -> None:
    """Record the backup in the audit log, unless the database is of an earlier version."""
    if file.exists() or not (postgres_of(settings) or file_of(settings).exists()):
        return
    with open_read_only(settings.operational_url()) as seen:
        is_current = seen.is_current
    if is_current:
        with terminal.command_application(start=False) as application:
            application.backups.taking(file.name)


@commands.command()
def verify(file: BackupFile, as_json: Json = False) -> None:
    """Check every byte of a backup and list its contents. Restores nothing."""
    settings = load_settings()
    with _read(file):
        _tell(verified(file, _passphrase(settings, of=file)), as_json=as_json)


@commands.command()
def restore(
    file: BackupFile,
    erased: Annotated[
        list[Path] | None,
        typer.Option(
            help="File console.erased of the old data folder: people erased since; may be given several times."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Restore a backup into an empty data folder, and into an empty PostgreSQL database if one is set.

    People listed in console.erased of the data folder are erased again.
    """
    settings = load_settings()
    for one in erased or ():
        if not one.exists():
            raise wrong_use(f"{one} is not there", "--erased")
    with _read(file):
        found = restored_from(
            settings, file, _passphrase(settings, of=file), erased or (), by=terminal.terminal_user().ref
        )
    missing = missing_settings(settings, found.manifest)
    _tell(found, as_json=as_json, missing=missing)
    if as_json:
        return
    terminal.out.print(f"Restored into {settings.data}", soft_wrap=True)
    if found.erased:
        terminal.out.print(f"Erased again, because they were erased after the backup: {found.erased}")
    if missing:
        terminal.out.print(f"Set on the machine of the backup but not here: {', '.join(missing)}", soft_wrap=True)
    if found.key is None:
        terminal.out.print(
            "Restored without its key: enter the credentials of both systems again in Set-up.", soft_wrap=True
        )
    held = f"Writes are blocked until both systems are compared: run {COMMAND} drift, or open Days in the console."
    terminal.out.print(held, soft_wrap=True)


@keys.callback()
def _key() -> None:
    pass


@keys.command(name="change")
def change_key(as_json: Json = False) -> None:
    """Encrypt all stored credentials with a new key and delete the old key. The console may run meanwhile.

    A key in a file is made anew. For one in the settings: set CONSOLE_KEY to the new one and CONSOLE_KEY_BEFORE to the
    present one for every process, start them again one by one, give this command with both set, and drop
    CONSOLE_KEY_BEFORE.
    """
    settings = load_settings()
    with terminal.command_application(start=False) as application:
        sealed = application.keys.change(by=terminal.terminal_user())
    given = bool(settings.key.get_secret_value())
    if as_json:
        terminal.print_json({"sealed": sealed, "key": "settings" if given else "file"})
        return
    terminal.out.print(f"{sealed} stored credentials are encrypted with the new key.", soft_wrap=True)
    if given:
        terminal.out.print(
            "Remove CONSOLE_KEY_BEFORE after every process was restarted with both keys.", soft_wrap=True
        )


@arranged.callback(invoke_without_command=True)
def settings(context: typer.Context, as_json: Json = False) -> None:
    """List every environment variable, its form, and whether it is set. Never prints a value.

    `export` writes the settings that were made in the console to a file; `import` reads such a file.
    """
    if context.invoked_subcommand:
        return
    given = load_settings().explicit_names()
    known = known_settings()
    if as_json:
        terminal.print_json([{**asdict(one), "set": one.name in given} for one in known])
        return
    table = terminal.table_of("setting", "set", "what it is", "default")
    for one in known:
        table.add_row(one.name, "✓" if one.name in given else "", one.shape, one.default)
    terminal.out.print(table)


@arranged.command(name="export")
def export_settings(
    file: Annotated[Path, typer.Argument(help="The file to write; - writes to standard output.")],
    corrections: Annotated[
        list[str] | None, typer.Option(help="Include the corrections of this flow; may be given several times.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write settings, mappings, value tables and names to a readable file, for Git or another installation."""
    with terminal.command_application(start=False) as application:
        text = application.arrangement.text(expect_known(corrections, tuple(FLOWS)))
    if str(file) == "-":
        sys.stdout.write(text)
        return
    with _read(file):
        file.write_text(text, encoding="utf-8", newline="\n")
    if as_json:
        terminal.print_json({"path": str(file)})
    else:
        terminal.out.print(f"Settings, mappings, value tables and names written to {file}", soft_wrap=True)


@arranged.command(name="import")
def import_settings(
    file: Annotated[Path, typer.Argument(help="A file from `settings export`. It may be edited.")],
    diff: Annotated[bool, typer.Option("--diff", help="Only show what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Show what a settings file changes, and import it completely or not at all. Other settings stay."""
    with _read(file):
        content = file.read_bytes()
    with terminal.command_application(start=False) as application:
        read = application.arrangement.of_file(content)
        if as_json:
            told = [{"place": one.place, "here": one.here, "file": one.file} for one in read.differences]
            terminal.print_json({"differences": told, "kept": bool(told) and not diff})
        else:
            _show_differences(read.differences)
        if not diff:
            application.arrangement.keep(read, by=terminal.terminal_user(), note=file.name)
    if not as_json and read.differences and not diff:
        terminal.out.print(f"{len(read.differences)} changes kept.")


def _show_differences(found: Sequence[SettingDifference]) -> None:
    """Show the changes that a settings file would make: - before the current value, + before the file's value."""
    if not found:
        terminal.out.print("The file says what is here already.")
    for one in found:
        terminal.out.print(visible(one.place), markup=False, soft_wrap=True)
        for sign, value in (("-", one.here), ("+", one.file)):
            if value is not None:
                terminal.out.print(
                    f"  {sign} {visible(json.dumps(value, ensure_ascii=False))}", markup=False, soft_wrap=True
                )


@commands.command()
def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Skip the check of both connections.")] = False,
    as_json: Json = False,
) -> None:
    """Find problems of this installation and its connections, with their repair. Starts nothing."""
    looks = [*examine(), *([] if offline else examine_connections())]
    if as_json:
        terminal.print_json([_look_json(one) for one in looks])
    else:
        for one in looks:
            terminal.out.print(f"{'✗' if one.code else '✓'} {one.name}: {_said(one)}", soft_wrap=True)
    raise typer.Exit(FAILED if any(one.code for one in looks) else 0)


def _said(look: Checkup) -> str:
    if not look.code:
        return look.told
    sentences = say(look.code, look.facts)
    return " ".join(one for one in (sentences.what, sentences.do) if one)


def _look_json(look: Checkup) -> dict[str, Any]:
    return {**asdict(look), "ok": not look.code, **(asdict(say(look.code, look.facts)) if look.code else {})}


@commands.command()
def place(
    confirm: Annotated[
        str,
        typer.Option(
            metavar="CODE", help="Confirm that no other copy of the data runs, with the code that this command prints."
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Show whether writes are blocked because the data was moved or copied; --confirm CODE allows them again."""
    with terminal.command_application(start=False) as application:
        if confirm:
            application.installation.confirm(confirm.strip(), terminal.terminal_user())
        status = application.installation.status()
    if as_json:
        terminal.print_json(asdict(status))
    elif status.is_held:
        sentences = say("installation_moved", {"code": status.code})
        terminal.out.print(f"{sentences.what} {sentences.data} {sentences.do}", soft_wrap=True)
        terminal.out.print(term("place_means"), soft_wrap=True)
    else:
        terminal.out.print(f"The data was not moved. Code of this place: {status.code}", soft_wrap=True)
    raise typer.Exit(FAILED if status.is_held else 0)


@commands.command()
def systems(
    system: Annotated[
        str, typer.Argument(help="accountview or mplus. Without it, all open questions are listed.")
    ] = "",
    answer: Annotated[
        SystemAnswer | None, typer.Option(help="Whether the system was restored or replaced by another.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List connected systems that look different from before, or answer whether one is the same system."""
    with terminal.command_application(start=False) as application:
        if system and answer is not None:
            application.system_identities.answer(system, answer, terminal.terminal_user())
        questions = application.system_identities.questions()
    if as_json:
        terminal.print_json([asdict(question) for question in questions])
    for question in [] if as_json else questions:
        sentences = say("system_in_question", {"system": question.system})
        terminal.out.print(f"{question.system}: {sentences.what} {sentences.data}", soft_wrap=True)
        for option in SystemAnswer:
            meaning = term(f"system_{option}_means", system=question.system)
            terminal.out.print(f"--answer {option}: {meaning}", soft_wrap=True)
    if not (questions or as_json):
        terminal.out.print("Both systems look as before.")
    raise typer.Exit(FAILED if questions else 0)


@contextmanager
def _read(file: Path) -> Iterator[None]:
    """Report as wrong use that a file cannot be read or written."""
    try:
        yield
    except OSError as error:
        raise wrong_use(f"{error.filename or file}: {error.strerror}") from None


def _passphrase(settings: Settings, of: Path | None = None) -> str:
    """Return the passphrase from the settings or from a prompt; empty if nobody can be prompted.

    For an existing backup (`of`), prompts only if the backup has a key.
    """
    given = settings.backup_passphrase.get_secret_value()
    if given or not sys.stdin.isatty() or (of is not None and not has_key(of)):
        return given
    twice = of is None
    return str(typer.prompt(ASKED, "", hide_input=True, show_default=False, confirmation_prompt=twice, err=True))


def _tell(found: VerifiedBackup, *, as_json: bool, missing: Sequence[str] = ()) -> None:
    if as_json:
        told = {**_told(found.manifest), "events": found.events, "key_opens": found.key, "missing_settings": missing}
        told["erased"] = found.erased
        terminal.print_json(told)
        return
    _show(found.manifest)
    key = {True: "the passphrase opens its key", None: "its key was not looked at" if found.manifest.key else "no key"}
    terminal.out.print(f"Whole. {found.manifest.kind}, {found.events or 0} events, {key[found.key]}.", soft_wrap=True)


def _told(manifest: Manifest) -> dict[str, Any]:
    """Return a manifest as JSON values, without the wrapped key."""
    return {**asdict(manifest), "key": bool(manifest.key)}


def _show(manifest: Manifest) -> None:
    table = terminal.table_of("part", "bytes", "sha256", numbers=("bytes",))
    for name, member in manifest.members.items():
        table.add_row(name, str(member.size), member.sha256)
    terminal.out.print(table)
    made = f"Made {manifest.created_at} by version {manifest.program}, tables {manifest.revision}"
    terminal.out.print(made, soft_wrap=True)
