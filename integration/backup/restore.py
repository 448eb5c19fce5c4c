"""Verifies backups, and restores them into an empty data folder or an empty PostgreSQL database."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from integration.backup import archive, keys
from integration.backup.archive import DATABASE, DUMP, JOURNAL, LOG, MEMBERS, Archive, Manifest, temporary_folder
from integration.backup.create import KEY_FILE, postgres_address, sqlite_file
from integration.backup.repeated_erasure import erase_again
from integration.core.errors import ConfigurationError, IntegrationError, UnavailableError
from integration.data_folder import FILES
from integration.log.logbook import Logbook
from integration.process.child_environment import with_database
from integration.settings import Settings
from integration.store.copies import dump_fault, is_empty_database, mark_restored, restore_dump, snapshot_of
from integration.store.database import known_revisions
from integration.store.erasure_register import FILE as ERASED
from integration.store.erasure_register import Erasure, read_erasures
from integration.store.files import integrity_error, make_private, remove_leftovers
from integration.store.secrets import opens

MORE_ROOM = 100_000_000  # bytes of free space in addition to the restored files


@dataclass(frozen=True, slots=True)
class VerifiedBackup:
    """Contents of an intact backup. `key` says whether the passphrase opens the key, None without a passphrase."""

    manifest: Manifest
    events: int | None
    key: bool | None
    erased: int = 0  # persons erased after the backup was made, and erased again


def has_key(file: Path) -> bool:
    """Return True if a backup contains a key, which needs a passphrase."""
    with archive.open_backup(file) as backup:
        return bool(backup.manifest.key)


def verify_backup(file: Path, passphrase: str, beside: Path | None = None) -> VerifiedBackup:
    """Read a whole backup, check its databases, and return its contents.

    The backup is unpacked next to the file, or next to `beside`. Raises ConfigurationError `backup_broken` with the
    damaged part, `backup_too_new` or `backup_passphrase_wrong`, and OSError.
    """
    with _checked(file, passphrase, beside or file) as (_, verified, _key):
        return verified


def restore_backup(
    settings: Settings, file: Path, passphrase: str, erased: Sequence[Path] = (), *, by: str = "restore"
) -> VerifiedBackup:
    """Restore a backup into the data folder and, if configured, the PostgreSQL database of the settings.

    Persons who were erased after the backup was made are erased from it before a console can open it. They are taken
    from the list in the folder and the lists in `erased`; a malformed list raises ConfigurationError `setting_invalid`.
    Raises as `verify_backup` does, and ConfigurationError `restore_not_empty` or `backup_other_database`. After a
    failure, no console can open an incomplete restore.
    """
    remove_leftovers(settings.data)
    erasures = [erasure for path in (*erased, settings.data / ERASED) for erasure in _read_erasures(path)]
    with archive.open_backup(file) as backup:
        _check_destination(settings, backup.manifest)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _checked(file, passphrase, settings.data / "restore") as (folder, verified, key):
        if key is not None or not settings.key.get_secret_value():
            _write_key(folder / KEY_FILE, key or keys.new_key())  # a console needs a key to start
        erased_count = _put_in_place(settings, verified.manifest, folder, erasures, by)
    return replace(verified, erased=erased_count)


@contextmanager
def _checked(file: Path, passphrase: str, beside: Path) -> Iterator[tuple[Path, VerifiedBackup, bytes | None]]:
    """Unpack and check a backup, and provide the folder, the contents, and the key if there is a passphrase for it."""
    with archive.open_backup(file) as backup:
        _check_complete(backup)
        _check_version(backup)
        key = keys.unwrap_key(backup.manifest.key, passphrase) if passphrase and backup.manifest.key else None
        with _unpack(backup, beside) as folder:
            members = _check_members(backup, folder, key)
            yield folder, VerifiedBackup(backup.manifest, members, None if key is None else True), key


def _read_erasures(path: Path) -> list[Erasure]:
    try:
        return read_erasures(path)
    except ValueError:
        raise ConfigurationError("setting_invalid", setting=path.name, expected="expected_list_of_erased") from None


def _check_complete(backup: Archive) -> None:
    for part in backup.faults():
        raise archive.damaged_backup_error(backup.file, part)
    if not archive.is_checksum_valid(backup.file):
        raise archive.damaged_backup_error(backup.file, "zip")
    database_member = DUMP if backup.manifest.kind == "postgresql" else DATABASE
    if database_member not in backup.manifest.members:
        raise archive.damaged_backup_error(backup.file, database_member)


def _check_version(backup: Archive) -> None:
    manifest = backup.manifest
    if manifest.revision not in known_revisions() or not set(manifest.members) <= set(MEMBERS):
        raise ConfigurationError("backup_too_new", file=backup.file.name, program=manifest.program)


def _check_destination(settings: Settings, manifest: Manifest) -> None:
    """Raise ConfigurationError if the destination is not empty or of another kind of database."""
    url = postgres_address(settings)
    if (manifest.kind == "postgresql") is not bool(url):
        raise ConfigurationError("backup_other_database", kind=manifest.kind)
    existing = [file.name for pattern in (*FILES, "server.json") for file in settings.data.glob(pattern)]
    existing = [name for name in existing if name != ERASED]  # the register of erasures stays at every restore
    if not url and sqlite_file(settings).exists():
        existing.append(sqlite_file(settings).name)
    if existing:
        raise ConfigurationError("restore_not_empty", place=str(settings.data), found=", ".join(sorted(set(existing))))
    if url and not is_empty_database(url):
        raise ConfigurationError("restore_not_empty", place="PostgreSQL", found="alembic_version")


@contextmanager
def _unpack(backup: Archive, place: Path) -> Iterator[Path]:
    """Yield a temporary folder next to `place` with the members of a backup."""
    free, required = shutil.disk_usage(place.parent).free, backup.unpacked_bytes() + MORE_ROOM
    if free < required:
        raise UnavailableError("disk_full", free=f"{free // 1_000_000} MB", needed=f"{required // 1_000_000} MB")
    with temporary_folder(place) as folder:
        backup.unpack(folder)
        yield folder


def _check_members(backup: Archive, folder: Path, key: bytes | None) -> int | None:
    """Check the members of a backup, and return the number of events of its log."""
    manifest = backup.manifest
    if manifest.kind == "postgresql":
        if dump_fault(folder / DUMP, with_database()):
            raise archive.damaged_backup_error(backup.file, DUMP)
    else:
        if integrity_error(folder / DATABASE) or snapshot_of(folder / DATABASE).instance != manifest.instance:
            raise archive.damaged_backup_error(backup.file, DATABASE)
        if key is not None and not opens(folder / DATABASE, key):
            raise archive.damaged_backup_error(backup.file, KEY_FILE)
    if LOG not in manifest.members:
        return None
    events = _events(folder / LOG, backup)
    if events != manifest.events:
        raise archive.damaged_backup_error(backup.file, LOG)
    return events


def _events(path: Path, backup: Archive) -> int:
    logbook = Logbook(path)
    try:
        return int(logbook.answer("found", most=2**62)["events"].sum())
    except IntegrationError as error:
        if error.code in ("log_broken", "setting_invalid"):
            raise archive.damaged_backup_error(backup.file, LOG) from None
        raise
    finally:
        logbook.close()


def _write_key(path: Path, key: bytes) -> None:
    make_private(path)
    path.write_bytes(key)


def _put_in_place(settings: Settings, manifest: Manifest, folder: Path, erasures: Sequence[Erasure], by: str) -> int:
    """Move the unpacked files to their destination, the database last, since a console needs it to start.

    Returns the number of persons that were erased from it first.
    """
    url = postgres_address(settings)
    if url:
        restore_dump(url, folder / DUMP, with_database())
    address = url or f"sqlite:///{(folder / DATABASE).absolute()}"
    mark_restored(address, manifest.created_at, by)
    erased_count = erase_again(address, folder, erasures, settings.data / ERASED) if erasures else 0
    for name in (LOG, f"{LOG}.wal", JOURNAL, KEY_FILE):
        if (folder / name).exists():
            _move_file(folder / name, settings.data / name)
    if not url:
        _move_file(folder / DATABASE, sqlite_file(settings))
    return erased_count


def _move_file(path: Path, to: Path) -> None:
    """Move a file to its destination when it is durable. Raises FileExistsError if the destination exists."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = to.with_name(f"{to.name}.{os.getpid()}")
    shutil.move(path, fresh)  # copies between file systems
    try:
        fresh.chmod(0o600)
        with fresh.open("rb+") as file:
            os.fsync(file.fileno())
        os.link(fresh, to)
    finally:
        fresh.unlink()


def missing_settings(settings: Settings, manifest: Manifest) -> Sequence[str]:
    """Return the settings from the environment where the backup was made that are not set here."""
    return sorted(set(manifest.environment_settings) - settings.explicit_names())
