"""Checks an installation and reports problems with their remedy. Writes and starts nothing."""

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from integration.alerts.health import BEAT_SECONDS, DRAIN_SECONDS, MIN_FREE
from integration.alerts.problem_detection import GRACE, ROUNDS_MISSED
from integration.application.application import Application
from integration.application.bootstrap import build
from integration.backup.archive import LOG
from integration.backup.create import postgres_address, sqlite_file
from integration.connectors.systems import SYSTEMS
from integration.core.clocks import now
from integration.core.connections import Finding
from integration.core.errors import IntegrationError
from integration.core.system_roles import assigned_systems
from integration.data_folder import FILES, key_ring, require_database_file
from integration.flows.registry import FLOWS
from integration.log.client import SERVER_FILE
from integration.process.permissions import OTHERS
from integration.services.opening_hours import ZONE, is_holiday
from integration.settings import ENGINE, Settings, load_settings, unknown_settings
from integration.store.database import Clock, Database, SharedClock
from integration.store.files import leftover_files
from integration.store.outbox_reader import OutboxReader
from integration.store.read_only import InspectedDatabase, file_fault, last_beat, open_read_only, sealed_in
from integration.store.runs import RunStore
from integration.store.settings import StoredSettings

MARK = (8, b"DUCK")  # offset and value of the file signature of DuckDB
SERVER = "server"  # name, before a number, of the processes that serve the console
CHECK_SECONDS = 45.0  # for the check of one connection; the timeout of an unreachable system is shorter


@dataclass(frozen=True, slots=True)
class InstallationCheck:
    """The result of one check: a description and, for a problem, the code of its cause with facts."""

    name: str
    description: str = ""
    code: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


def examine(clock: Clock = now) -> Iterator[InstallationCheck]:
    """Yield the checks of an installation, part by part. The sequence ends at the first part that blocks the others."""
    try:
        settings = load_settings()
    except IntegrationError as error:
        yield _failed_check("settings", error)
        return
    yield InstallationCheck("settings", f"{len(settings.explicit_names())} set")
    for name, nearest in unknown_settings().items():
        yield InstallationCheck("settings", code="setting_unknown", facts={"setting": name, "nearest": nearest})
    yield from _folder(settings.data)
    yield from _log(settings.data)
    yield from _engine(settings)
    if not postgres_address(settings) and not sqlite_file(settings).exists():
        try:
            require_database_file(settings)
        except IntegrationError as error:
            yield _failed_check("database", error)
            return
        yield InstallationCheck("database", "none yet: it is created at the first start")
        return
    try:
        with open_read_only(settings.operational_url()) as inspection:
            yield from _database(settings, inspection, clock)
    except IntegrationError as error:
        yield _failed_check("database", error)


def examine_connections(seconds: float = CHECK_SECONDS) -> Iterator[InstallationCheck]:
    """Yield each finding of the connection checks of both systems, for at most `seconds` per system.

    Yields nothing if there is no database yet. The built-in systems are not checked. As with every call, the check may
    renew a log-in at the books. Problems that `examine` reports are not repeated.
    """
    try:
        settings = load_settings()
        if not postgres_address(settings) and not sqlite_file(settings).exists():
            return
        with open_read_only(settings.operational_url()):
            pass  # an unusable database is reported by `examine`
        application = build(settings, executor="doctor", serves=False)
    except IntegrationError:
        return
    try:
        for system in assigned_systems():
            yield from _connection(application, system, seconds)
    finally:
        application.close()


def _connection(application: Application, system: str, seconds: float) -> Iterator[InstallationCheck]:
    name = SYSTEMS[system].caption
    if application.sandbox.is_asked_for() or application.sandbox.is_chosen():
        yield InstallationCheck(name, "the built-in one, which `check` checks")
    elif not application.connections.last_check(system).connected:
        yield InstallationCheck(name, "not connected")
    else:
        yield from _connection_findings(application, system, name, seconds)


def _connection_findings(
    application: Application, system: str, name: str, seconds: float
) -> Iterator[InstallationCheck]:
    findings: list[Finding] = []

    def check() -> None:
        with suppress(Exception):  # no findings are reported as a timeout below
            findings.extend(application.connections.check(system))

    thread = threading.Thread(target=check, daemon=True)  # so the process can end before the check does
    thread.start()
    thread.join(seconds)
    if not findings:
        yield InstallationCheck(name, code="connection_check_slow", facts={"system": name, "seconds": f"{seconds:.0f}"})
    for finding in findings:
        if finding.ok is not None:
            code = "" if finding.ok else finding.cause
            yield InstallationCheck(
                name, f"{finding.name}{finding.about and f': {finding.about}'}", code, finding.facts if code else {}
            )


def _failed_check(name: str, error: IntegrationError) -> InstallationCheck:
    return InstallationCheck(name, code=error.code, facts=error.facts)


def _size(path: Path) -> str:
    """Return the size of a file with its write-ahead log, in megabytes."""
    files = [
        file for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}.wal")) if file.exists()
    ]
    return f"{sum(file.stat().st_size for file in files) / 1_000_000:.1f} MB"


def _folder(data: Path) -> Iterator[InstallationCheck]:
    path = data.absolute()
    place = next(folder for folder in (path, *path.parents) if folder.exists())  # a server creates the missing folders
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        yield InstallationCheck("folder", code="folder_not_writable", facts={"folder": str(data)})
        return
    free = shutil.disk_usage(place).free
    summary = f"{data}, {free // 1_000_000} MB free"
    if free < MIN_FREE:
        facts = {"free": f"{free // 1_000_000} MB", "needed": f"{MIN_FREE // 1_000_000} MB"}
        yield InstallationCheck("folder", summary, "disk_full", facts)
    else:
        yield InstallationCheck("folder", summary)
    files = [file for pattern in (*FILES, SERVER_FILE) for file in data.glob(pattern) if file.is_file()]
    if is_open := sorted(file.name for file in files if os.name == "posix" and file.stat().st_mode & OTHERS):
        yield InstallationCheck(
            "files", code="files_open_to_others", facts={"folder": str(data), "found": ", ".join(is_open)}
        )
    if leftovers := [leftover.name for leftover in leftover_files(data)]:
        yield InstallationCheck(
            "files", code="files_left_behind", facts={"folder": str(data), "found": ", ".join(leftovers)}
        )


def _log(data: Path) -> Iterator[InstallationCheck]:
    path = data / LOG
    if not path.exists():
        yield InstallationCheck("log", "none yet: it is created when a server starts")
        return
    at, mark = MARK
    with path.open("rb") as file:
        is_log = file.read(at + len(mark))[at:] == mark
    aside = sum(1 for broken_file in data.glob(f"{LOG}.broken-*") if not broken_file.name.endswith(".wal"))
    summary = f"{_size(path)}{f', {aside} set aside' if aside else ''}"
    yield (
        InstallationCheck("log", summary)
        if is_log
        else InstallationCheck("log", summary, "log_broken", {"file": str(path)})
    )


def _engine(settings: Settings) -> Iterator[InstallationCheck]:
    """Yield the damage of the file with the active runs. PostgreSQL has them in its own database."""
    path = settings.data.absolute() / ENGINE
    if not postgres_address(settings) and path.exists() and (fault := file_fault(path)):
        yield InstallationCheck("engine", code="engine_file_unusable", facts={"file": str(path), "message": fault})


def _database(settings: Settings, inspection: InspectedDatabase, machine: Clock) -> Iterator[InstallationCheck]:
    size = "PostgreSQL" if postgres_address(settings) else _size(sqlite_file(settings))
    yield InstallationCheck("database", f"{size}, tables {inspection.revision}")
    yield from _key(settings, inspection)
    clock = SharedClock(inspection.database, machine)
    yield from _server(settings.data, inspection.database, OutboxReader(inspection.database, clock), clock())
    yield from _flows(StoredSettings(inspection.database, clock), RunStore(inspection.database, clock), clock())


def _key(settings: Settings, inspection: InspectedDatabase) -> Iterator[InstallationCheck]:
    sealed = sealed_in(inspection.database)
    ring = key_ring(settings, inspection.database.instance)
    if not sealed:
        yield InstallationCheck("key", "nothing is encrypted yet")
    elif not ring.keys:
        yield InstallationCheck("key", code="key_file_missing", facts={"file": str(settings.key_file.absolute())})
    elif (shut := next((name for name, secret in sealed.items() if ring.decrypt(secret) is None), None)) is not None:
        yield InstallationCheck(
            "key",
            code="secret_key_wrong",
            facts={"system": next((system for system in SYSTEMS if system in shut), shut)},
        )
    else:
        yield InstallationCheck("key", f"decrypts the credentials of {', '.join(sorted(sealed))}")


def _server(data: Path, database: Database, events: OutboxReader, at: datetime) -> Iterator[InstallationCheck]:
    waiting, oldest = events.count(), events.oldest()
    if not (data / SERVER_FILE).exists():
        yield InstallationCheck("server", f"none is running on this machine, {waiting} events wait for the log")
        return
    beaten = last_beat(database, SERVER)
    if beaten is None or (at - beaten).total_seconds() > BEAT_SECONDS:
        seconds = "?" if beaten is None else f"{(at - beaten).total_seconds():.0f}"
        yield InstallationCheck("server", code="no_heartbeat", facts={"seconds": seconds})
    else:
        yield InstallationCheck("server", f"running, {waiting} events wait for the log")
    if oldest is not None and (at - oldest).total_seconds() > DRAIN_SECONDS:
        facts = {"seconds": f"{(at - oldest).total_seconds():.0f}", "count": str(waiting)}
        yield InstallationCheck("log", code="log_behind", facts=facts)


def _flows(stored_settings: StoredSettings, runs: RunStore, at: datetime) -> Iterator[InstallationCheck]:
    for name, spec in FLOWS.items():
        try:
            settings = spec.settings(**(stored_settings.get(f"flow:{name}") or {}))
        except IntegrationError as error:
            yield InstallationCheck("flows", code=error.code, facts={"flow": name, **error.facts})
            continue
        newest = next(iter(runs.latest(name, limit=1)), None)
        if not settings.on or newest is None:
            continue
        silent = at - newest.started_at
        missed = settings.timetable.previous_start(at - GRACE, ZONE, is_holiday, ROUNDS_MISSED)
        if missed is not None and newest.started_at < missed:
            minutes = str(silent // timedelta(minutes=1))
            yield InstallationCheck("flows", code="flow_late", facts={"flow": name, "minutes": minutes})
        else:
            yield InstallationCheck("flows", f"{name} ran {silent // timedelta(minutes=1)} minutes ago")
