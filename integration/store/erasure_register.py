"""Stores pseudonyms of erased data subjects, in the database and in a file that stays when a backup is restored."""

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from integration.store.database import Clock, ConnectionWrite, Database, Store, upsert
from integration.store.events import Event
from integration.store.files import make_private
from integration.store.outbox import append_events
from integration.store.tables import erasures

FILE = "console.erased"

T = TypeVar("T")
SoFar = tuple[object, ...]
"""State of the register at some moment: how many erasures began and ended, and when the last did."""


class ErasedSinceReadError(Exception):
    """Raised if a person was erased after data was read. The data may contain personal data and must be read again."""


def require_no_erasure_since(connection: sa.Connection, so_far: SoFar | None) -> None:
    """Raise ErasedSinceReadError if an erasure began or ended since `so_far`, in the current transaction.

    No erasure can begin or end before this transaction does. The last sweep of an erasure therefore finds everything
    that this transaction writes.
    """
    if so_far is None:
        return
    if connection.dialect.name == "postgresql":  # SQLite already holds its only write lock
        connection.execute(sa.text(f"LOCK TABLE {erasures.name} IN SHARE MODE"))
    if tuple(connection.execute(_SO_FAR).one()) != so_far:
        raise ErasedSinceReadError


_SO_FAR = sa.select(
    sa.func.count(),
    sa.func.count(erasures.c.done_at),
    sa.func.max(erasures.c.started_at),
    sa.func.max(erasures.c.done_at),
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erased customer number, stored as a pseudonym.

    `person` is the same for all numbers of a person. Until `done_at` is set, personal data may still be stored. After
    `lifted_at`, records with this number are processed again.
    """

    mark: str
    person: str
    started_at: datetime
    done_at: datetime | None = None
    lifted_at: datetime | None = None


def subject_pseudonym(instance: str, number_type: str, number: str) -> str:
    """Return the pseudonym of a number. It cannot be tested against numbers without the id of the installation."""
    return hmac.new(instance.encode(), f"erased:{number_type}:{number}".encode(), hashlib.sha256).hexdigest()


class ErasureRegister(Store):
    """Stores the pseudonyms of all erased persons. Each change is written to the database, then to the file."""

    def __init__(self, database: Database, clock: Clock, file: Path | None = None) -> None:
        super().__init__(database, clock)
        self.file = file

    def mark(self, number_type: str, number: str) -> str:
        """Return the pseudonym of a number in this installation."""
        return subject_pseudonym(self.database.instance, number_type, number)

    def list_erasures(self) -> list[Erasure]:
        """Return all erasures, the newest first."""
        rows = self.database.rows(sa.select(erasures).order_by(erasures.c.started_at.desc(), erasures.c.mark))
        return [Erasure(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's own name for it

    def excluded_numbers(self, numbers: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return those of the numbers that are excluded because their person was erased."""
        lifted = sa.select(erasures.c.mark).where(erasures.c.lifted_at.is_(None))
        marks = {row.mark for row in self.database.rows(lifted)}
        return {number for number in numbers if self.mark(*number) in marks} if marks else set()

    def state(self) -> SoFar:
        """Return the current state of the register, for a later check that nobody was erased since."""
        with self.database.read() as connection:
            return tuple(connection.execute(_SO_FAR).one())

    def retry_if_erased(self, look: Callable[[SoFar], T]) -> T:
        """Call `look`, and repeat it if a person was erased between its reads and its writes. Return its result.

        `look` must pass its argument on to each store it writes to.
        """
        while True:
            with suppress(ErasedSinceReadError):
                return look(self.state())

    def person_id(self, numbers: Sequence[tuple[str, str]]) -> str:
        """Return the id of the erased person with one of these numbers, or an empty string."""
        marks = [self.mark(*number) for number in numbers]
        return str(self.database.scalar(sa.select(erasures.c.person).where(erasures.c.mark.in_(marks))) or "")

    def begin(self, numbers: Sequence[tuple[str, str]], by: str, keep: ConnectionWrite = lambda *_: None) -> str:
        """Exclude these numbers from now on, and return the id of their person.

        `keep` stores what is needed to resume the erasure under that id, in the same transaction.
        """
        now, marks = self.clock(), [self.mark(*number) for number in numbers]
        with self.database.write() as connection:
            known_person = (
                connection.execute(sa.select(erasures.c.person).where(erasures.c.mark.in_(marks))).scalars().first()
            )
            person = known_person or os.urandom(6).hex()
            rows = [asdict(Erasure(mark, person, now)) for mark in marks]
            upsert(connection, erasures, rows)
            keep(connection, person)
            append_events(connection, now, [Event(event="customer_erasing", key=person, facts={"by": by})])
        self.write_file()
        return person

    def sweep_again(self, person: str) -> None:
        """Restart an erasure now, so that data read before it is not stored any more."""
        with self.database.write() as connection:
            connection.execute(erasures.update().where(erasures.c.person == person).values(started_at=self.clock()))

    def finish(self, person: str, by: str, drop: ConnectionWrite = lambda *_: None) -> None:
        """Mark an erasure as complete. `drop` deletes the data needed to resume it, in the same transaction."""
        now = self.clock()
        with self.database.write() as connection:
            connection.execute(erasures.update().where(erasures.c.person == person).values(done_at=now))
            drop(connection, person)
            append_events(connection, now, [Event(event="customer_erased", key=person, facts={"by": by})])
        self.write_file()

    def record_access(self, by: str) -> None:
        """Record that somebody exported the stored data of a person, without naming the person."""
        with self.database.write() as connection:
            append_events(connection, self.clock(), [Event(event="customer_access", facts={"by": by})])

    def lift(self, numbers: Sequence[tuple[str, str]], by: str) -> bool:
        """Process records with these numbers again, and return whether any were excluded."""
        now, marks = self.clock(), [self.mark(*number) for number in numbers]
        with self.database.write() as connection:
            persons = sa.select(erasures.c.person).where(erasures.c.mark.in_(marks))
            conditions = (erasures.c.person.in_(persons.scalar_subquery()), erasures.c.lifted_at.is_(None))
            lifted_count = connection.execute(erasures.update().where(*conditions).values(lifted_at=now)).rowcount
            if lifted_count:
                append_events(connection, now, [Event(event="customer_lifted", facts={"by": by})])
        self.write_file()
        return bool(lifted_count)

    def merge(self, others: Iterable[Erasure]) -> list[Erasure]:
        """Add erasures of another list, and return those that are not complete here."""
        own_erasures = {erasure.mark: erasure for erasure in self.list_erasures()}
        fresh = {erasure.mark: erasure for erasure in others if erasure.mark not in own_erasures}
        with self.database.write() as connection:
            upsert(connection, erasures, [asdict(replace(erasure, done_at=None)) for erasure in fresh.values()])
        return [
            erasure for erasure in (own_erasures | fresh).values() if erasure.mark in fresh or erasure.done_at is None
        ]

    def write_file(self) -> None:
        """Write all erasures to the file. Erasures that are only in the file are kept."""
        if self.file is None:
            return
        erasures = {erasure.mark: erasure for erasure in (*read_erasures(self.file), *self.list_erasures())}
        if erasures:
            write_file(self.file, erasures.values())


def read_erasures(path: Path) -> list[Erasure]:
    """Return the erasures in a file, or an empty list if there is none. Raises ValueError for a malformed file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    try:
        return [_erasure_from_json(json.loads(line)) for line in text.splitlines()]
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from None


def write_file(path: Path, erasures: Iterable[Erasure]) -> None:
    """Write a list of erasures atomically, one per line."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    make_private(fresh)
    lines = (
        json.dumps(asdict(erasure), default=datetime.isoformat)
        for erasure in sorted(erasures, key=lambda erasure: erasure.mark)
    )
    with fresh.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _erasure_from_json(shape: Mapping[str, str | None]) -> Erasure:
    def moment(name: str) -> datetime | None:
        value = shape[name]
        return datetime.fromisoformat(value) if value else None

    return Erasure(
        str(shape["mark"]),
        str(shape["person"]),
        _require_moment(moment("started_at")),
        moment("done_at"),
        moment("lifted_at"),
    )


def _require_moment(moment: datetime | None) -> datetime:
    if moment is None:
        raise KeyError("started_at")
    return moment
