"""Makes a backup: the database, the log as of the same moment, and the other files of the data folder."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integration import VERSION
from integration.backup import keys
from integration.backup.archive import DATABASE, DUMP, JOURNAL, LOG, Manifest, Member, temporary_folder, write
from integration.backup.service import LastBackup, keep_last
from integration.core.errors import ConfigurationError, IntegrationError
from integration.data_folder import key_ring
from integration.log.client import ask_server
from integration.log.logbook import Logbook
from integration.process.child_environment import with_database
from integration.settings import Settings
from integration.store.copies import Snapshot, dump, snapshot_of
from integration.store.files import copy_file
from integration.store.keys import id_of, keys_in

KEY_FILE = "console.key"
LOG_SECONDS = 20.0  # for a starting server or a terminal command to release the log

Copier = Callable[..., int]  # see `Logbook.copy`


def make(settings: Settings, file: Path, passphrase: str, copier: Copier | None = None) -> Manifest:
    """Write a backup of a console to a new file and return its manifest. The console may be running.

    Without a passphrase the backup does not contain the key. `copier` copies the log in the process that has it open.
    Raises FileExistsError, OSError, and IntegrationError if something cannot be copied.
    """
    if passphrase:
        keys.require_long(passphrase)
    if file.exists():
        raise FileExistsError(file)
    with temporary_folder(file) as folder:
        created_at = datetime.now(UTC)
        before = keys_in(settings.data / KEY_FILE, is_required=False)
        snapshot, kind = _database(settings, folder)
        events = _log(settings.data, folder / LOG, snapshot, copier)
        journal = settings.data / JOURNAL
        if journal.exists():
            shutil.copyfile(journal, folder / JOURNAL)
        manifest = Manifest(
            program=VERSION, revision=snapshot.revision, created_at=created_at.isoformat(), kind=kind,
            instance=snapshot.instance, events=events, key=_key(settings, snapshot, before, passphrase),
            environment_settings=sorted(settings.explicit_names()), members={},
        )  # fmt: skip

        def with_members(members: Mapping[str, Member]) -> Manifest:
            return replace(manifest, members=members)

        written_manifest = write(file, folder, with_members)
    keep_last(settings.data, LastBackup(file.name, file.stat().st_size, created_at))
    return written_manifest


def postgres_address(settings: Settings) -> str:
    """Return the address of the PostgreSQL database in the settings, or an empty string for SQLite."""
    address = settings.database_url.get_secret_value()
    return address if address.startswith("postgresql://") else ""


def sqlite_file(settings: Settings) -> Path:
    """Return the file of the SQLite database in the settings."""
    return Path(settings.operational_url().removeprefix("sqlite:///"))


def _database(settings: Settings, folder: Path) -> tuple[Snapshot, str]:
    if url := postgres_address(settings):
        return dump(url, folder / DUMP, with_database()), "postgresql"
    path = sqlite_file(settings)
    if not path.exists():
        raise ConfigurationError("backup_nothing_there", folder=str(settings.data))
    copy_file(path, folder / DATABASE)
    return snapshot_of(folder / DATABASE), "sqlite"


def _key(settings: Settings, snapshot: Snapshot, before: Sequence[bytes], passphrase: str) -> dict[str, Any]:
    """Return the wrapped key that sealed the copy. The key may have been changed while the copy was made."""
    if not passphrase:
        return {}
    ring = key_ring(settings, snapshot.instance)
    candidates = [*ring.of_settings, *before, *ring.keys]
    key = next(
        (candidate for candidate in candidates if id_of(candidate) == snapshot.key), next(iter(candidates), None)
    )
    return keys.wrap_key(key, passphrase) if key else {}


def _log(data: Path, to: Path, snapshot: Snapshot, copier: Copier | None) -> int | None:
    """Copy the log in the process that has it open, and return its number of events, or None if there is no log."""
    if not (data / LOG).exists():
        return None
    until = time.monotonic() + LOG_SECONDS
    while True:
        try:
            return _copy_log(data, to, snapshot, copier)
        except IntegrationError as error:
            if error.code not in ("log_owned_elsewhere", "log_away") or time.monotonic() > until:
                raise
            time.sleep(0.5)


def _copy_log(data: Path, to: Path, snapshot: Snapshot, copier: Copier | None) -> int:
    options = {"instance": snapshot.instance, "until": snapshot.until, "waiting": snapshot.waiting}
    if copier is not None:
        return copier(to, **options)
    answer = ask_server(data, {"copy": str(to.absolute()), **options})
    if answer is not None:
        return int(answer["events"])
    logbook = Logbook(data / LOG)
    try:
        return logbook.copy(to, instance=snapshot.instance, until=snapshot.until, waiting=snapshot.waiting)
    finally:
        logbook.close()
