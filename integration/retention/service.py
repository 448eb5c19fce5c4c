"""Retention: changes the lengths of retention classes, checks them against the law, and deletes expired data."""

import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from integration.core.authorization import requires
from integration.core.errors import ConfigurationError, UnavailableError
from integration.core.people import Actor, Right
from integration.core.retention import BY_NAME, CLASSES, Country, Law, Retention, Unit
from integration.core.timetable import WALL_CLOCK
from integration.log.client import ask_server
from integration.retention.store.engine_rows import EngineRows
from integration.retention.store.rows import RetentionStore, RowStatistics
from integration.retention.store.vacuum import file_space, incremental_vacuum, vacuum
from integration.services.log.log import Log
from integration.settings import Settings
from integration.store.database import Clock, Database
from integration.store.leases import Leases
from integration.store.settings import StoredSettings

SETTING, LAST = "retention", "retention_done"  # names in the settings
LEASE, LEASE_SECONDS = "retention", 300.0  # long enough for the log, whose file may have to be compacted
AT_ONCE = 20  # portions per page of the nightly task
PAUSE_SECONDS = 0.01  # between two transactions, so that others can write
NIGHT = (3, 47)  # hour and minute, the same as for the nightly checks
ROOM, LOG, ENGINE = "room", "log", "engine"
ORDER = (*(retention_class.name for retention_class in CLASSES if retention_class.name != LOG), ROOM, LOG)


@dataclass(frozen=True, slots=True)
class RetentionClassStatus:
    """The status of one retention class: its length and law, its rows and bytes, and the number of expired rows."""

    name: str
    unit: Unit
    length: int
    law: Law
    rows: int | None
    size: int | None
    oldest: datetime | None
    due: int | None


@dataclass(frozen=True, slots=True)
class ConsoleFile:
    """A file of this console: its size and its free space in bytes. `free` is None if it is unknown."""

    name: str
    size: int
    free: int | None


class RetentionService:
    """Shows and changes retention, and deletes expired data."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        leases: Leases,
        retention_store: RetentionStore,
        stored_settings: StoredSettings,
        log: Log,
        clock: Clock,
        *,
        owner: str,
        serves: bool,
    ) -> None:
        """`serves` says whether this process has the log open."""
        self._settings = settings
        self._database = database
        self._leases = leases
        self._retention_store = retention_store
        self._stored_settings = stored_settings
        self._log = log
        self._clock = clock
        self._serves = serves
        self._owner = owner or f"{socket.gethostname()}-{os.getpid()}"

    # ---- settings --------------------------------------------------------------------------------------------------

    @requires(Right.SEE)
    def lengths_in_force(self) -> Retention:
        """Return the stored retention settings, or the defaults."""
        setting = self._stored_settings.get(SETTING) or {}
        lengths = setting.get("lengths")
        known_lengths = (
            {} if not isinstance(lengths, dict) else {n: v for n, v in lengths.items() if isinstance(v, int)}
        )
        country = setting.get("country")
        retention = Retention(
            Country(country) if country in set(Country) else Country.NL, setting.get("oss") is True, known_lengths
        )
        wrong = retention.out_of_bounds()
        return Retention(retention.country, retention.oss, {n: v for n, v in known_lengths.items() if n not in wrong})

    @requires(Right.ADMINISTER)
    def change(self, retention: Retention, by: Actor, *, knowing: bool = False) -> None:
        """Store retention settings and record the change.

        Raises ConfigurationError `setting_invalid` for a length out of bounds, and `retention_too_short` for a length
        below the legal minimum, unless `knowing` confirms it.
        """
        for name in retention.out_of_bounds():
            longest = BY_NAME[name].most if name in BY_NAME else 0
            raise ConfigurationError("setting_invalid", setting=name, expected="expected_less", lt=longest + 1)
        for name in retention.too_short() if not knowing else ():
            facts = {"years": str(retention.length(name)), "least": str(retention.law(name).least)}
            raise ConfigurationError("retention_too_short", **facts)
        self._stored_settings.put(SETTING, {**asdict(retention), "knowing": retention.too_short()}, by.ref)

    # ---- status ----------------------------------------------------------------------------------------------------

    @requires(Right.SEE)
    def class_statuses(self) -> list[RetentionClassStatus]:
        chosen, sizes, now = self.lengths_in_force(), self._retention_store.class_sizes(), self._clock()
        return [self._class_status(chosen, sizes, retention_class.name, now) for retention_class in CLASSES]

    def _class_status(
        self, chosen: Retention, sizes: Mapping[str, RowStatistics], name: str, now: datetime
    ) -> RetentionClassStatus:
        class_rows = sizes.get(name, RowStatistics(0, None, None))
        rows: int | None = class_rows.rows
        size, oldest = class_rows.size, class_rows.oldest
        if name == ENGINE and (engine := self._engine()):
            rows, oldest, size = engine.rows(), engine.oldest(), self._size("engine.sqlite")
        elif name == LOG:
            size = self._size("log.duckdb")
            rows = self._ask_log("due", now + timedelta(days=36_500))
        elif name == "idle":
            rows = None  # they are included in the runs
        return RetentionClassStatus(
            name,
            BY_NAME[name].unit,
            chosen.length(name),
            chosen.law(name),
            rows,
            size,
            oldest,
            self.count_expired_rows(name),
        )

    @requires(Right.SEE)
    def files(self) -> list[ConsoleFile]:
        """Return the database and log files of this console, the largest first."""
        folder = self._settings.data
        patterns = ("console.sqlite*", "engine.sqlite*", "log.duckdb*", "sandbox.journal")
        paths = sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})
        beside = ("-wal", "-shm", ".wal")
        free = {path.name: file_space(path).free for path in paths if path.suffix == ".sqlite"}
        files = [
            ConsoleFile(path.name, _size(path), free.get(path.name)) for path in paths if not path.name.endswith(beside)
        ]
        return sorted(files, key=lambda file: -file.size)

    @property
    @requires(Right.SEE)
    def is_on_a_server(self) -> bool:
        """True if the database is a PostgreSQL server, whose files do not shrink."""
        return not self._settings.operational_url().startswith("sqlite:///")

    @requires(Right.SEE)
    def last_pruning(self) -> datetime | None:
        """Return when all classes were last pruned, or None."""
        setting = self._stored_settings.get(LAST)
        return None if setting is None else datetime.fromisoformat(setting["at"])

    @requires(Right.SEE)
    def next_pruning(self) -> datetime:
        """Return when the nightly task runs next."""
        local_now = self._clock().astimezone(ZoneInfo(WALL_CLOCK))
        night = local_now.replace(hour=NIGHT[0], minute=NIGHT[1], second=45, microsecond=0)
        return night if night > local_now else night + timedelta(days=1)

    def count_expired_rows(self, name: str) -> int | None:
        """Return how many rows of a class have expired, or None if the log is unavailable."""
        before = self.lengths_in_force().removal_cutoff(name, self._clock())
        if name == ENGINE:
            engine = self._engine()
            return engine.count_ended_workflows(before) if engine else 0
        if name == LOG:
            return self._ask_log("due", before)
        return self._retention_store.count_expired_rows(name, before)

    # ---- deletion --------------------------------------------------------------------------------------------------

    @requires(Right.ADMINISTER)
    def prune(self, on_progress: Callable[[str, int], None] = lambda _name, _rows: None) -> dict[str, int]:
        """Delete all expired data and return the number of rows by class. `on_progress` is called after each class.

        Raises UnavailableError `retention_at_work` if another process is pruning.
        """
        counts: dict[str, int] = {}
        try:
            for name in ORDER:
                counts[name] = self._prune_class(name)
                on_progress(name, counts[name])
            self._record_pruning()
        finally:
            self._leases.release(LEASE, self._owner)
        return {name: rows for name, rows in counts.items() if name != ROOM}

    def page(self, position: str) -> str:
        """Do one page of the nightly task and return the position of the next one, or an empty string at the end.

        A page is safe to repeat. Ends at once if another process is pruning.
        """
        name = position or ORDER[0]
        if name not in ORDER:
            return ""
        try:
            more = name not in (ROOM, LOG)
            for _ in range(AT_ONCE if more else 1):
                if not self._prune_portion(name):
                    more = False
                    break
        except UnavailableError as error:
            if error.code == "retention_at_work":
                return ""
            raise
        if more:
            return name
        following = ORDER[ORDER.index(name) + 1 :]
        if not following:
            self._record_pruning()
            self._leases.release(LEASE, self._owner)
            return ""
        return following[0]

    def _prune_class(self, name: str) -> int:
        total = 0
        while count := self._prune_portion(name):
            total += count
        return total

    def _prune_portion(self, name: str) -> int:
        """Delete a portion of a class and return the number of deleted rows."""
        if not self._leases.try_take(LEASE, self._owner, LEASE_SECONDS):
            raise UnavailableError("retention_at_work")
        before = self.lengths_in_force().removal_cutoff(name, self._clock()) if name in BY_NAME else self._clock()
        time.sleep(PAUSE_SECONDS)
        match name:
            case "room":
                self._free_space()
                return 0
            case "engine":
                engine = self._engine()
                return engine.prune(before) if engine else 0
            case "log":
                return self._ask_log("prune", before) or 0
        return self._retention_store.prune(name, before)

    def _record_pruning(self) -> None:
        self._stored_settings.put(LAST, {"at": self._clock().isoformat()}, "retention")

    def _free_space(self) -> None:
        if not self.is_on_a_server:
            for url in (self._settings.operational_url(), self._settings.engine_url()):
                path = Path(url.removeprefix("sqlite:///"))
                if path.exists():
                    incremental_vacuum(path)
        else:
            vacuum(self._database.engine)

    def _engine(self) -> EngineRows | None:
        """Return the engine's rows, or None if its file does not exist, because opening it would create it."""
        url = self._settings.engine_url()
        is_missing = url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists()
        return None if is_missing else EngineRows(url)

    def _size(self, name: str) -> int | None:
        path = self._settings.data / name
        return _size(path) if path.exists() else None

    def _ask_log(self, request: str, moment: datetime) -> int | None:
        """Send a request about the log to the process that has it open. None if there is no log."""
        if not (self._settings.data / "log.duckdb").exists():
            return None
        if not self._serves:
            answer = ask_server(self._settings.data, {request: moment.isoformat()})
            if answer is not None:
                return int(answer["events"])
        return self._log.prune(moment) if request == "prune" else self._log.count_events_before(moment)


def _size(path: Path) -> int:
    beside = (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}.wal"))
    return sum(file.stat().st_size for file in beside if file.exists())
