"""What is known of backups: when the last one was made, and how large it is. They are made from a terminal."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from integration.shipped import COMMAND

FILE = "last_backup.json"  # beside the databases
COMMANDS = (
    f"{COMMAND} backup FILE",
    f"{COMMAND} verify FILE",
    f"{COMMAND} restore FILE",
)


@dataclass(frozen=True, slots=True)
class LastBackup:
    """A backup that was made: the name of its file, its bytes, and when."""

    name: str
    size: int
    made_at: datetime


def keep_last(data: Path, made: LastBackup) -> None:
    """Keep that a backup was made; where that cannot be kept, the backup is none the worse."""
    told = {"name": made.name, "size": made.size, "made_at": made.made_at.isoformat()}
    fresh = data / f"{FILE}.{os.getpid()}"
    with suppress(OSError):
        fresh.write_text(json.dumps(told), encoding="utf-8")
        fresh.replace(data / FILE)


class Backups:
    """The backups of one console."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def taking(self, file: str) -> None:
        """Be told that everything is about to be taken along in a file of this name; it changes nothing here."""

    def last(self) -> LastBackup | None:
        """Return the backup that was made last, or None where none is known of."""
        try:
            told = json.loads((self._data / FILE).read_text(encoding="utf-8"))
            return LastBackup(str(told["name"]), int(told["size"]), datetime.fromisoformat(told["made_at"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
