"""Starting states of trials: a sample shop, the data of both systems, and a console that is set up.

Each trial has a copy. Products, customers and days start with a till that has no data from the books. Stock and
documents start with the result of a run of products without faults, payments with that of documents and with receipts
in the books.
"""

import shutil
import sqlite3
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from integration.lab import console_operator
from integration.lab.child import Start, apply_settings_variant, prepare
from integration.lab.console import books_connection, started, till_connection
from integration.lab.report import OperatorSettings
from integration.sandbox.faults import Switches
from integration.sandbox.server import Sandbox, running

ARTICLES = 50
ORDERS = 36
SQLITE = "sqlite"
DISK = "24m"
SET_UP_SECONDS = 120.0
LONG_PATIENCE = 60.0


class UnpreparedError(Exception):
    """A console could not be set up; the message is its output."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """Data folder and journal of both systems to start from. `database` is the URL of a database on a server."""

    folder: Path
    database: str = ""


@contextmanager
def shop_of(number: int, journal: Path, switches: Switches | None = None) -> Iterator[Sandbox]:
    """Run both systems of a sample shop within the block."""
    with running(articles=ARTICLES, orders=ORDERS, seed=number, journal=journal, switches=switches) as sandbox:
        yield sandbox


@dataclass
class LabPlace:
    """Folder and database of one trial. They are removed afterwards unless the trial went wrong."""

    folder: Path
    url: str
    disk: Path | None = None  # a separate file system, if the trial fills the disk
    filler: Path = field(init=False)

    def __post_init__(self) -> None:
        self.filler = self.data / "filler"

    @property
    def data(self) -> Path:
        """Data folder of the console."""
        return self.folder / "data"

    @property
    def journal(self) -> Path:
        """Journal of the writes that both systems have accepted."""
        return self.folder / "journal"

    @property
    def url_seen(self) -> str:
        """URL of the console's database, for access from outside the console."""
        return self.url or f"sqlite:///{self.data / 'console.sqlite'}"

    def start(self, sandbox: Sandbox, patience: float) -> Start:
        """Return the parameters of a console in this place."""
        return Start(
            self.data, self.folder / "said", self.url, books_connection(sandbox), till_connection(sandbox), patience
        )

    def fill(self) -> bool:
        """Fill the disk; return False if this place has no separate file system."""
        if self.disk is None:
            return False
        with self.filler.open("wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 65_536):
                    pass
            except OSError:
                return True
        return True

    def is_locked(self) -> bool:
        """Return True if a write to one of the console's SQLite files is in progress."""
        return not self.url and any(is_locked(self.data / name) for name in ("console.sqlite", "engine.sqlite"))

    def free_disk(self) -> None:
        """Free the disk space again."""
        self.filler.unlink(missing_ok=True)


class Fixtures:
    """Fixtures of a series, made on first use and kept until the series ends."""

    def __init__(self, folder: Path, own_settings: OperatorSettings) -> None:
        self.folder = folder
        self._operator_settings = own_settings
        self._lock = threading.RLock()
        self._fixtures: dict[tuple[object, ...], Fixture] = {}
        self._databases: list[tuple[str, str]] = []

    def fixture_with_empty_till(self, server: str) -> Fixture:
        """Return a fixture with a console that is set up, and a till without data from the books."""
        with self._lock:
            key = (server,)
            if key not in self._fixtures:
                place = self._place(f"empty-till-{len(self._fixtures)}", Fixture(Path()), server)
                _set_up(place, 0, prepare, self._operator_settings)
                place.journal.unlink(missing_ok=True)
                self._fixtures[key] = Fixture(place.folder, place.url)
            return self._fixtures[key]

    def fixture_with_variant(self, fixture: Fixture, flow: str, way: int, shop: int, server: str) -> Fixture:
        """Return a fixture of a shop in which a flow has another variant of its settings."""
        with self._lock:
            key = (server, shop, flow, way)
            if key not in self._fixtures:
                place = self._place(f"baseline-set-{len(self._fixtures)}", fixture, server)
                _set_up(place, shop, apply_settings_variant, flow, way)
                self.keep(key, place)
            return self._fixtures[key]

    def fixture_with_receipts(self, fixture: Fixture, shop: int, server: str) -> Fixture:
        """Return a fixture in which the books have received the payment of each open item."""
        with self._lock:
            key = (server, shop, "receipts")
            if key not in self._fixtures:
                place = self._place(f"baseline-receipts-{len(self._fixtures)}", fixture, server)
                with shop_of(shop, place.journal) as sandbox:
                    console_operator.book_receipts(sandbox)
                self.keep(key, place)
            return self._fixtures[key]

    def keep(self, key: tuple[object, ...], place: LabPlace) -> None:
        """Store the result of a run without faults as a fixture."""
        with self._lock:
            self._fixtures[key] = Fixture(place.folder, place.url)

    def find_fixture(self, key: tuple[object, ...]) -> Fixture | None:
        """Return the fixture stored under a key."""
        return self._fixtures.get(key)

    @contextmanager
    def place(self, name: str, fixture: Fixture, server: str, *, own_disk: bool = False) -> Iterator[LabPlace]:
        """Provide a copy of a fixture for a trial, within the block."""
        place = self._place(name, fixture, server, own_disk=own_disk)
        try:
            yield place
        finally:
            if place.disk is not None:
                _unmount(place.disk)

    def _place(self, name: str, fixture: Fixture, server: str, *, own_disk: bool = False) -> LabPlace:
        folder = self.folder / name
        (folder / "data").mkdir(parents=True)
        disk = folder / "data" if own_disk and _mount(folder / "data") else None
        for file in (fixture.folder / "data").glob("*") if fixture.folder.name else ():
            shutil.copy(file, folder / "data")
        if fixture.folder.name and (fixture.folder / "journal").exists():
            shutil.copy(fixture.folder / "journal", folder / "journal")
        return LabPlace(folder, "" if server == SQLITE else self._database(server, fixture.database), disk)

    def _database(self, server: str, template: str) -> str:
        name = f"lab_{uuid.uuid4().hex[:12]}"
        parts = server.rsplit("/", 1) if server.count("/") > 2 else [server, "postgres"]  # noqa: PLR2004 - those of ://
        copied = template.rpartition("/")[2] or "template1"
        with self._lock, psycopg.connect("/".join(parts), autocommit=True) as connection:  # one copies at a time
            make = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(copied))
            connection.execute(make)
        self._databases.append(("/".join(parts), name))
        return f"{parts[0]}/{name}"

    def drop(self, url: str) -> None:
        """Drop the database of a finished trial."""
        for at, name in [database for database in self._databases if url and database[1] == url.rpartition("/")[2]]:
            with psycopg.connect(at, autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            self._databases.remove((at, name))

    def close(self) -> None:
        """Drop all remaining databases."""
        for _, name in list(self._databases):
            self.drop(name)


def _set_up(place: LabPlace, shop: int, work: Callable[..., None], *arguments: object) -> None:
    """Run a set-up function in a separate process beside both systems. Raises UnpreparedError if it fails."""
    with shop_of(shop, place.journal) as sandbox:
        process = started(work, place.start(sandbox, LONG_PATIENCE), *arguments)
        process.join(SET_UP_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
        if process.exitcode:
            raise UnpreparedError((place.folder / "said").read_text(encoding="utf-8")[-2000:])


def is_locked(file: Path) -> bool:
    """Return True if a write to a SQLite file is in progress."""
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return True
    return False


def can_mount(folder: Path) -> bool:
    """Return True if a separate file system of limited size can be mounted here."""
    probe = folder / "probe"
    probe.mkdir(parents=True, exist_ok=True)
    able = _mount(probe)
    if able:
        _unmount(probe)
    probe.rmdir()
    return able


def unmount_disks(folder: Path) -> None:
    """Unmount all file systems that trials left mounted."""
    for data in folder.glob("*/data"):
        if data.is_mount():
            _unmount(data)


def _mount(folder: Path) -> bool:
    program = shutil.which("mount")
    if program is None:
        return False
    result = subprocess.run(  # noqa: S603 - the program of the machine, and a folder of our own
        [program, "-t", "tmpfs", "-o", f"size={DISK},mode=700", "lab", str(folder)], capture_output=True, check=False
    )
    return result.returncode == 0


def _unmount(folder: Path) -> None:
    program = shutil.which("umount")
    if program is not None:
        subprocess.run([program, "-l", str(folder)], capture_output=True, check=False)  # noqa: S603 - likewise
