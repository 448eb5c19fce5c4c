"""Makes backups in a process of their own, and reports the last one."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from integration.core.authorization import requires
from integration.core.errors import IntegrationError
from integration.core.masking import masked_text, register_secrets
from integration.core.people import Actor, Right
from integration.process.child_environment import with_settings
from integration.shipped import portable_command
from integration.store.database import Clock

FILE = "last_backup.json"  # in the data folder
FOLDER = "backups"  # subfolder of the data folder for backups made in the console
MAX_ERROR_LENGTH = 2_000  # characters of the error output of a failed process
COMMANDS = ("backup", "verify", "restore")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LastBackup:
    """A completed backup: file name, size in bytes, and time."""

    name: str
    size: int
    created_at: datetime


def keep_last(data: Path, backup: LastBackup) -> None:
    """Store the last backup. A failure to store it is ignored, because the backup itself is complete."""
    content = {"name": backup.name, "size": backup.size, "created_at": backup.created_at.isoformat()}
    fresh = data / f"{FILE}.{os.getpid()}"
    with suppress(OSError):
        fresh.write_text(json.dumps(content), encoding="utf-8")
        fresh.replace(data / FILE)


@dataclass(frozen=True, slots=True)
class BackupResult:
    """Result of a backup: its file and whether it contains the key, or the error code and facts."""

    file: Path
    has_key: bool = False
    code: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


class Backups:
    """The backups of one console."""

    def __init__(self, data: Path, clock: Clock) -> None:
        self._data = data
        self._clock = clock
        self._backup_lock = threading.Lock()
        self._result: BackupResult | None = None

    @property
    @requires(Right.ADMINISTER)
    def commands(self) -> tuple[str, ...]:
        """The terminal commands of this machine that make, verify and restore a backup."""
        return tuple(f"{portable_command(self._data)} {name} FILE" for name in COMMANDS)

    @property
    @requires(Right.ADMINISTER)
    def is_running(self) -> bool:
        """True if this process is making a backup."""
        return self._backup_lock.locked()

    @property
    @requires(Right.ADMINISTER)
    def result(self) -> BackupResult | None:
        """The result of the last backup that this process made, or None."""
        return self._result

    @requires(Right.EXPORT_LOG)
    def start(self, file: str, passphrase: str, by: Actor) -> None:  # noqa: ARG002 - the actor in the audit log
        """Start a backup with this name in the folder `backups`. Without a passphrase it does not contain the key.

        The result is in `result`. Raises IntegrationError `backup_at_work` while another backup is being made.
        """
        register_secrets(passphrase)
        if not self._backup_lock.acquire(blocking=False):
            raise IntegrationError("backup_at_work")
        path = (self._data / FOLDER / Path(file).name).absolute()
        threading.Thread(target=self._make, args=(path, passphrase), name="backup", daemon=True).start()

    @requires(Right.ADMINISTER)
    def file_name(self) -> str:
        """Return a file name for a backup made now."""
        return f"sluis-{self._clock():%Y%m%d-%H%M%S}.zip"

    def _make(self, path: Path, passphrase: str) -> None:
        try:
            self._result = self._run_backup(path, passphrase)
        except (OSError, ValueError) as error:
            facts = {"file": str(path), "message": str(error)}
            self._result = BackupResult(path, code="backup_not_written", facts=facts)
        finally:
            self._backup_lock.release()

    def _run_backup(self, path: Path, passphrase: str) -> BackupResult:
        request = json.dumps({"file": str(path), "passphrase": passphrase}) + "\n"
        process = subprocess.run(
            [sys.executable, "-m", "integration.backup"], input=request, text=True, capture_output=True,
            env=with_settings(CONSOLE_DATA=str(self._data.absolute())), check=False,
        )  # fmt: skip
        answer = json.loads((process.stdout.splitlines() or ["{}"])[-1])
        if "key" in answer:
            return BackupResult(path, has_key=bool(answer["key"]))
        if "code" not in answer:
            log.error(
                "a backup failed", status=process.returncode, said=masked_text(process.stderr[-MAX_ERROR_LENGTH:])
            )
        return BackupResult(path, code=answer.get("code", "unexpected_error"), facts=answer.get("facts", {}))

    @requires(Right.EXPORT_LOG)
    def record_download(self, file: str) -> None:
        """Record in the audit log that a backup with this name is about to be downloaded. Changes nothing else."""

    @requires(Right.SEE)
    def last_backup(self) -> LastBackup | None:
        """Return the last backup, or None if none is known."""
        try:
            content = json.loads((self._data / FILE).read_text(encoding="utf-8"))
            return LastBackup(str(content["name"]), int(content["size"]), datetime.fromisoformat(content["created_at"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
