"""Terminal commands for backups, the configuration file, keys, and checks of the installation."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from integration.application.doctor import InstallationCheck, examine, examine_connections
from integration.backup.archive import Manifest
from integration.backup.create import make, postgres_address, sqlite_file
from integration.backup.restore import VerifiedBackup, has_key, missing_settings
from integration.backup.restore import restore_backup as restored_from
from integration.backup.restore import verify_backup as verified
from integration.cli import output, terminal
from integration.cli.arguments import Json, require_known, usage_error, writing
from integration.core.untrusted_text import visible
from integration.flows.registry import FLOWS
from integration.services.configuration_file import SettingDifference
from integration.services.write_holds.system_identity import SystemAnswer
from integration.settings import Settings, known_settings, load_settings
from integration.shipped import COMMAND
from integration.words import repair_command, say, term

FAILED = 1

commands = typer.Typer()
settings_commands = typer.Typer()
keys = typer.Typer(no_args_is_help=True, help="The key that encrypts stored credentials.")
commands.add_typer(settings_commands, name="settings")
commands.add_typer(keys, name="key")

BackupFile = Annotated[Path, typer.Argument(help="The backup file.")]
PASSPHRASE_PROMPT = "Passphrase of the key, empty for none"  # noqa: S105  a prompt


@commands.command()
def backup(file: BackupFile, as_json: Json = False) -> None:
    """Write a backup of all data of the console to a new file. The console may run meanwhile."""
    settings = load_settings()
    _record_backup(settings, file)
    with writing(file):
        manifest = make(settings, file, _passphrase(settings))
    if as_json:
        output.print_json({"path": str(file), "bytes": file.stat().st_size, **_manifest_json(manifest)})
        return
    _show_manifest(manifest)
    output.out.print(f"Backup written to {file}", soft_wrap=True)
    if not manifest.key:
        output.out.print("It has no key: after a restore both systems must be connected again.", soft_wrap=True)


def _record_backup(settings: Settings, file: Path) -> None:
    """Record the backup in the audit log, if there is a database."""
    if not file.exists() and (postgres_address(settings) or sqlite_file(settings).exists()):
        with terminal.command_application(start=False) as application:
            application.backups.record_download(file.name)


@commands.command()
def verify(file: BackupFile, as_json: Json = False) -> None:
    """Check every byte of a backup and list its contents. Restores nothing."""
    settings = load_settings()
    with _reading_file(file):
        _show_verified(verified(file, _passphrase(settings, of=file)), as_json=as_json)


@commands.command()
def restore(
    file: BackupFile,
    erased: Annotated[
        list[Path] | None,
        typer.Option(
            help="File console.erased of the old data folder: people erased since the backup; may be repeated."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Restore a backup into an empty data folder, and into an empty PostgreSQL database if one is set.

    People listed in console.erased of the data folder are erased again.
    """
    settings = load_settings()
    for erased_file in erased or ():
        if not erased_file.exists():
            raise usage_error(f"{erased_file} is not there", "--erased")
    with _reading_file(file):
        verified_backup = restored_from(
            settings, file, _passphrase(settings, of=file), erased or (), by=terminal.terminal_user().ref
        )
    missing = missing_settings(settings, verified_backup.manifest)
    _show_verified(verified_backup, as_json=as_json, missing=missing)
    if as_json:
        return
    output.out.print(f"Restored into {settings.data}", soft_wrap=True)
    if verified_backup.erased:
        output.out.print(f"Erased again, because they were erased after the backup: {verified_backup.erased}")
    if missing:
        output.out.print(f"Set on the machine of the backup but not here: {', '.join(missing)}", soft_wrap=True)
    if verified_backup.key is None:
        output.out.print(
            "Restored without its key: enter the credentials of both systems again in Set-up.", soft_wrap=True
        )
    notice = f"Writes are blocked until both systems are compared: run {COMMAND} drift, or open Days in the console."
    output.out.print(notice, soft_wrap=True)


@keys.callback()
def _key() -> None:
    pass


@keys.command(name="change")
def change_key(as_json: Json = False) -> None:
    """Encrypt all stored credentials with a new key and delete the old key. The console may run meanwhile.

    If the key is in a file, the command makes a new one. If it is in the settings: set CONSOLE_KEY to the new key and
    CONSOLE_PREVIOUS_KEY to the current one for every process, restart them one by one, run this command with both set,
    and remove CONSOLE_PREVIOUS_KEY.
    """
    settings = load_settings()
    with terminal.command_application(start=False) as application:
        sealed = application.keys.change(by=terminal.terminal_user())
    has_own_key = bool(settings.key.get_secret_value())
    if as_json:
        output.print_json({"sealed": sealed, "key": "settings" if has_own_key else "file"})
        return
    output.out.print(f"{sealed} stored credentials are encrypted with the new key.", soft_wrap=True)
    if has_own_key:
        output.out.print(
            "Remove CONSOLE_PREVIOUS_KEY after every process was restarted with both keys.", soft_wrap=True
        )


@settings_commands.callback(invoke_without_command=True)
def settings(context: typer.Context, as_json: Json = False) -> None:
    """List every environment variable, its form, and whether it is set. Never prints a value.

    `export` writes the settings that were made in the console to a file; `import` reads such a file.
    """
    if context.invoked_subcommand:
        return
    explicit_names = load_settings().explicit_names()
    settings_list = known_settings()
    if as_json:
        output.print_json([{**asdict(setting), "set": setting.name in explicit_names} for setting in settings_list])
        return
    table = output.table_of("setting", "set", "what it is", "default")
    for setting in settings_list:
        table.add_row(setting.name, "✓" if setting.name in explicit_names else "", setting.shape, setting.default)
    output.out.print(table)


@settings_commands.command(name="export")
def export_settings(
    file: Annotated[Path, typer.Argument(help="The file to write; - writes to standard output.")],
    corrections: Annotated[
        list[str] | None, typer.Option(help="Include the corrections of this flow; may be given several times.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write settings, mappings, value tables and names to a readable file, for Git or another installation."""
    with terminal.command_application(start=False) as application:
        text = application.configuration_file.text(require_known(corrections, tuple(FLOWS)))
    if str(file) == "-":
        sys.stdout.write(text)
        return
    with _reading_file(file):
        file.write_text(text, encoding="utf-8", newline="\n")
    output.print_result(
        {"path": str(file)}, f"Settings, mappings, value tables and names written to {file}", as_json=as_json
    )


@settings_commands.command(name="import")
def import_settings(
    file: Annotated[Path, typer.Argument(help="A file from `settings export`. It may be edited.")],
    diff: Annotated[bool, typer.Option("--diff", help="Only show what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Show the changes of a settings file, and import it completely or not at all. Other settings stay."""
    with _reading_file(file):
        content = file.read_bytes()
    with terminal.command_application(start=False) as application:
        parsed_file = application.configuration_file.of_file(content)
        if as_json:
            differences = [
                {"place": difference.place, "here": difference.current, "file": difference.file}
                for difference in parsed_file.differences
            ]
            output.print_json({"differences": differences, "kept": bool(differences) and not diff})
        else:
            _show_differences(parsed_file.differences)
        if not diff:
            application.configuration_file.keep(parsed_file, by=terminal.terminal_user(), note=file.name)
    if not as_json and parsed_file.differences and not diff:
        output.out.print(f"{len(parsed_file.differences)} changes saved.")


def _show_differences(differences: Sequence[SettingDifference]) -> None:
    """Show the changes that a settings file would make: - before the current value, + before the file's value."""
    if not differences:
        output.out.print("The file changes nothing here.")
    for difference in differences:
        output.out.print(visible(difference.place), markup=False, soft_wrap=True)
        for sign, value in (("-", difference.current), ("+", difference.file)):
            if value is not None:
                output.out.print(
                    f"  {sign} {visible(json.dumps(value, ensure_ascii=False))}", markup=False, soft_wrap=True
                )


@commands.command()
def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Skip the check of both connections.")] = False,
    as_json: Json = False,
) -> None:
    """Find problems of this installation and its connections, with their repair. Starts nothing."""
    checks = [*examine(), *([] if offline else examine_connections())]
    if as_json:
        output.print_json([_check_json(check) for check in checks])
    else:
        for check in checks:
            output.out.print(f"{'✗' if check.code else '✓'} {check.name}: {_check_text(check)}", soft_wrap=True)
    raise typer.Exit(FAILED if any(check.code for check in checks) else 0)


def _check_text(check: InstallationCheck) -> str:
    if not check.code:
        return check.description
    sentences = say(check.code, check.facts)
    command = repair_command(check.code, check.facts)
    return " ".join(part for part in (sentences.problem, sentences.do, command and f"The command: {command}") if part)


def _check_json(check: InstallationCheck) -> dict[str, Any]:
    return {**asdict(check), "ok": not check.code, **(asdict(say(check.code, check.facts)) if check.code else {})}


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
        output.print_json(asdict(status))
    elif status.is_held:
        sentences = say("installation_moved", {"code": status.code})
        output.out.print(f"{sentences.problem} {sentences.data} {sentences.do}", soft_wrap=True)
        output.out.print(term("place_means"), soft_wrap=True)
        output.out.print(f"The command: {repair_command('installation_moved', {'code': status.code})}", soft_wrap=True)
    else:
        output.out.print(f"The data was not moved. Code of this place: {status.code}", soft_wrap=True)
    raise typer.Exit(FAILED if status.is_held else 0)


@commands.command()
def systems(
    system: Annotated[
        str, typer.Argument(help="accountview or mplus. Without it, all open confirmations are listed.")
    ] = "",
    answer: Annotated[
        SystemAnswer | None, typer.Option(help="restored: the same system from a backup; another: another system.")
    ] = None,
    confirm_codes: Annotated[
        bool, typer.Option("--confirm-codes", help="The codes of the former system are valid in the new one.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List connected systems that may have been replaced, or confirm the present installation."""
    with terminal.command_application(start=False) as application:
        if system and answer is not None:
            application.system_identities.answer(system, answer, terminal.terminal_user())
        if system and confirm_codes:
            application.former_codes.confirm(system, terminal.terminal_user())
        questions, codes_questions = application.system_identities.questions(), application.former_codes.questions()
    if as_json:
        output.print_json([*map(asdict, questions), *map(asdict, codes_questions)])
    for question in [] if as_json else questions:
        sentences = say("system_in_question", {"system": question.system})
        output.out.print(f"{question.system}: {sentences.problem} {sentences.data}", soft_wrap=True)
        for option in SystemAnswer:
            meaning = term(f"system_{option}_means", system=question.system)
            command = f"{repair_command('system_in_question', {})} {question.system} --answer {option}"
            output.out.print(f"{command}: {meaning}", soft_wrap=True)
    for codes_question in [] if as_json else codes_questions:
        sentences = say("codes_of_former_system", {"system": codes_question.system})
        output.out.print(f"{codes_question.system}: {sentences.problem} {sentences.data}", soft_wrap=True)
        for flow, tables in codes_question.tables.items():
            if names := [*tables, *codes_question.settings[flow], *codes_question.rules[flow]]:
                output.out.print(f"{flow}: {', '.join(names)}", soft_wrap=True)
        command = f"{repair_command('codes_of_former_system', {})} {codes_question.system} --confirm-codes"
        output.out.print(f"Confirm these codes with: {command}", soft_wrap=True)
    if not (questions or codes_questions or as_json):
        output.out.print("Both systems are the same as before.")
    raise typer.Exit(FAILED if questions or codes_questions else 0)


@contextmanager
def _reading_file(file: Path) -> Iterator[None]:
    """Report as wrong use that a file cannot be read or written."""
    try:
        yield
    except OSError as error:
        raise usage_error(f"{error.filename or file}: {error.strerror}") from None


def _passphrase(settings: Settings, of: Path | None = None) -> str:
    """Return the passphrase from the settings or from a prompt; empty if nobody can be prompted.

    For an existing backup (`of`), prompts only if the backup has a key.
    """
    passphrase = settings.backup_passphrase.get_secret_value()
    if passphrase or not sys.stdin.isatty() or (of is not None and not has_key(of)):
        return passphrase
    twice = of is None
    return str(
        typer.prompt(PASSPHRASE_PROMPT, "", hide_input=True, show_default=False, confirmation_prompt=twice, err=True)
    )


def _show_verified(verified_backup: VerifiedBackup, *, as_json: bool, missing: Sequence[str] = ()) -> None:
    if as_json:
        result = {
            **_manifest_json(verified_backup.manifest),
            "events": verified_backup.events,
            "key_opens": verified_backup.key,
            "missing_settings": missing,
        }
        result["erased"] = verified_backup.erased
        output.print_json(result)
        return
    _show_manifest(verified_backup.manifest)
    key = {
        True: "the passphrase opens its key",
        None: "its key was not checked" if verified_backup.manifest.key else "no key",
    }
    output.out.print(
        f"Intact. {verified_backup.manifest.kind}, {verified_backup.events or 0} events, {key[verified_backup.key]}.",
        soft_wrap=True,
    )


def _manifest_json(manifest: Manifest) -> dict[str, Any]:
    """Return a manifest as JSON values, without the wrapped key."""
    return {**asdict(manifest), "key": bool(manifest.key)}


def _show_manifest(manifest: Manifest) -> None:
    table = output.table_of("part", "bytes", "sha256", numbers=("bytes",))
    for name, member in manifest.members.items():
        table.add_row(name, str(member.size), member.sha256)
    output.out.print(table)
    summary_line = f"Made {manifest.created_at} by version {manifest.program}, tables {manifest.revision}"
    output.out.print(summary_line, soft_wrap=True)
