"""A backup is verified, and restored into an empty data folder or an empty PostgreSQL database."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from integration.backup import archive, keys
from integration.backup.archive import DATABASE, DUMP, JOURNAL, LOG, MEMBERS, Archive, Manifest, place_beside
from integration.backup.erased import erase_again
from integration.backup.making import KEY_FILE, file_of, postgres_of
from integration.core.errors import ConfigurationError, IntegrationError, UnavailableError
from integration.data_folder import FILES
from integration.log.logbook import Logbook
from integration.process.child_environment import with_database
from integration.settings import Settings
from integration.store.copies import dump_fault, has_no_tables, mark_restored, restore_dump, snapshot_of
from integration.store.database import known_revisions
from integration.store.erasure_register import FILE as ERASED
from integration.store.erasure_register import Erasure, read_erasures
from integration.store.files import integrity_error, make_private, remove_leftovers
from integration.store.secrets import opens

MORE_ROOM = 100_000_000  # bytes beyond what is restored


@dataclass(frozen=True, slots=True)
class Verified:
    """What a backup that is whole holds. `key` is whether a passphrase opens it, None where nobody gave one."""

    manifest: Manifest
    events: int | None
    key: bool | None
    erased: int = 0  # people who were erased since it was made, and are so again


def has_key(file: Path) -> bool:
    """Tell whether a backup has a key, for which a passphrase is needed."""
    with archive.open_backup(file) as found:
        return bool(found.manifest.key)


def verify_backup(file: Path, passphrase: str, beside: Path | None = None) -> Verified:
    """Return what a backup holds, once every byte of it was read and its databases were looked at.

    That is done in a folder beside the file, or `beside` another place. Raises ConfigurationError: `backup_broken` with
    the part that is not as it was written, `backup_too_new`, `backup_passphrase_wrong`; and OSError.
    """
    with archive.open_backup(file) as found:
        _expect_whole(found)
        _expect_known(found)
        key = keys.unwrapped(found.manifest.key, passphrase) if passphrase and found.manifest.key else None
        with _unpacked(found, beside or file) as folder:
            return Verified(found.manifest, _looked(found, folder, key), None if key is None else True)


def restore_backup(
    settings: Settings, file: Path, passphrase: str, erased: Sequence[Path] = (), *, by: str = "restore"
) -> Verified:
    """Bring a backup into the data folder that settings name, and their PostgreSQL database where they name one.

    Whoever was erased since the backup was made, as the list of the folder and those of `erased` tell, is erased from
    it before a console can open it; what is no such list raises ConfigurationError `setting_invalid`. Raises as
    `verify` does, and ConfigurationError `restore_not_empty` or `backup_other_database`. Either all of it is there
    afterwards, or nothing that a console would open.
    """
    remove_leftovers(settings.data)
    known = [one for path in (*erased, settings.data / ERASED) for one in _list_in(path)]
    with archive.open_backup(file) as found:
        _expect_fitting(settings, found.manifest)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with archive.open_backup(file) as found:
        _expect_whole(found)
        _expect_known(found)
        key = keys.unwrapped(found.manifest.key, passphrase) if passphrase and found.manifest.key else None
        with _unpacked(found, settings.data / "restore") as folder:
            verified = Verified(found.manifest, _looked(found, folder, key), None if key is None else True)
            if key is not None or not settings.key.get_secret_value():
                _kept(folder / KEY_FILE, key or keys.new_key())  # else a console without its key would not start
            again = _put_in_place(settings, found.manifest, folder, known, by)
    return replace(verified, erased=again)


def _list_in(path: Path) -> list[Erasure]:
    try:
        return read_erasures(path)
    except ValueError:
        raise ConfigurationError("setting_invalid", setting=path.name, expected="expected_list_of_erased") from None


def _expect_whole(found: Archive) -> None:
    for part in found.faults():
        raise archive.broken(found.file, part)
    if not archive.seal_holds(found.file):
        raise archive.broken(found.file, "zip")
    needed = DUMP if found.manifest.kind == "postgresql" else DATABASE
    if needed not in found.manifest.members:
        raise archive.broken(found.file, needed)


def _expect_known(found: Archive) -> None:
    told = found.manifest
    if told.revision not in known_revisions() or not set(told.members) <= set(MEMBERS):
        raise ConfigurationError("backup_too_new", file=found.file.name, program=told.program)


def _expect_fitting(settings: Settings, told: Manifest) -> None:
    """Raise where the place is not empty, or is none for a backup of this kind."""
    url = postgres_of(settings)
    if (told.kind == "postgresql") is not bool(url):
        raise ConfigurationError("backup_other_database", kind=told.kind)
    there = [file.name for pattern in (*FILES, "server.json") for file in settings.data.glob(pattern)]
    there = [name for name in there if name != ERASED]  # who was erased is known wherever a console is restored
    if not url and file_of(settings).exists():
        there.append(file_of(settings).name)
    if there:
        raise ConfigurationError("restore_not_empty", place=str(settings.data), found=", ".join(sorted(set(there))))
    if url and not has_no_tables(url):
        raise ConfigurationError("restore_not_empty", place="PostgreSQL", found="alembic_version")


@contextmanager
def _unpacked(found: Archive, place: Path) -> Iterator[Path]:
    """Give what a backup holds in a folder beside a place, for the block."""
    free, needed = shutil.disk_usage(place.parent).free, found.room_needed() + MORE_ROOM
    if free < needed:
        raise UnavailableError("disk_full", free=f"{free // 1_000_000} MB", needed=f"{needed // 1_000_000} MB")
    with place_beside(place) as folder:
        found.unpack(folder)
        yield folder


def _looked(found: Archive, folder: Path, key: bytes | None) -> int | None:
    """Look into the members of a backup, and return how many events its log has."""
    told = found.manifest
    if told.kind == "postgresql":
        if dump_fault(folder / DUMP, with_database()):
            raise archive.broken(found.file, DUMP)
    else:
        if integrity_error(folder / DATABASE) or snapshot_of(folder / DATABASE).instance != told.instance:
            raise archive.broken(found.file, DATABASE)
        if key is not None and not opens(folder / DATABASE, key):
            raise archive.broken(found.file, KEY_FILE)
    if LOG not in told.members:
        return None
    events = _events(folder / LOG, found)
    if events != told.events:
        raise archive.broken(found.file, LOG)
    return events


def _events(path: Path, found: Archive) -> int:
    logbook = Logbook(path)
    try:
        return int(logbook.answer("found", most=2**62)["events"].sum())
    except IntegrationError as error:
        if error.code in ("log_broken", "setting_invalid"):
            raise archive.broken(found.file, LOG) from None
        raise
    finally:
        logbook.close()


def _kept(path: Path, key: bytes) -> None:
    make_private(path)
    path.write_bytes(key)


def _put_in_place(settings: Settings, told: Manifest, folder: Path, known: Sequence[Erasure], by: str) -> int:
    """Move what was unpacked to where a console looks for it, the database last: without it there is none.

    Return how many people were erased from it first.
    """
    url = postgres_of(settings)
    if url:
        restore_dump(url, folder / DUMP, with_database())
    address = url or f"sqlite:///{(folder / DATABASE).absolute()}"
    mark_restored(address, told.made_at, by)
    again = erase_again(address, folder, known, settings.data / ERASED) if known else 0
    for name in (LOG, f"{LOG}.wal", JOURNAL, KEY_FILE):
        if (folder / name).exists():
            _moved(folder / name, settings.data / name)
    if not url:
        _moved(folder / DATABASE, file_of(settings))
    return again


def _moved(path: Path, to: Path) -> None:
    """Put a file under its name, once all of it is on the disk. Raises FileExistsError where somebody was quicker."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = to.with_name(f"{to.name}.{os.getpid()}")
    shutil.move(path, fresh)  # from one disk to another it is copied
    try:
        fresh.chmod(0o600)
        with fresh.open("rb+") as file:
            os.fsync(file.fileno())
        os.link(fresh, to)
    finally:
        fresh.unlink()


def missing_settings(settings: Settings, told: Manifest) -> Sequence[str]:
    """Return the settings that the environment gave where a backup was made, and does not give here."""
    return sorted(set(told.given) - settings.given())
