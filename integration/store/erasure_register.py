"""Who was erased, by marks that hold nothing of them: in the database, and in a file that outlives every backup."""

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

from integration.store.database import Beside, Clock, Database, Store, upsert
from integration.store.events import Event
from integration.store.files import make_private
from integration.store.outbox import append_events
from integration.store.tables import erased

FILE = "console.erased"

T = TypeVar("T")
SoFar = tuple[object, ...]
"""Which erasures had begun and ended at some moment."""


class ErasedSinceReadError(Exception):
    """Somebody was erased since what is to be written down was read: it may say what they are called."""


def expect_none_since(connection: sa.Connection, so_far: SoFar | None) -> None:
    """Raise ErasedMeanwhileError where an erasure began or ended since `so_far`, as part of the transaction under way.

    None begins or ends before that transaction does: the last sweep of each finds what is written in it.
    """
    if so_far is None:
        return
    if connection.dialect.name == "postgresql":  # SQLite already holds the one write lock there is
        connection.execute(sa.text("LOCK TABLE erased IN SHARE MODE"))
    if tuple(connection.execute(_SO_FAR).one()) != so_far:
        raise ErasedSinceReadError


_SO_FAR = sa.select(
    sa.func.count(), sa.func.count(erased.c.done_at), sa.func.max(erased.c.begun_at), sa.func.max(erased.c.done_at)
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """One number of a person who was erased, known by its mark.

    `person` is the same for all numbers of one. Until it is `done`, something of the person may still be kept; once it
    is `lifted`, records under the number take part again.
    """

    mark: str
    person: str
    begun_at: datetime
    done_at: datetime | None = None
    lifted_at: datetime | None = None


def subject_pseudonym(instance: str, sort: str, number: str) -> str:
    """Return the mark of a number of one installation: without the id of that, nothing can be tried against it."""
    return hmac.new(instance.encode(), f"erased:{sort}:{number}".encode(), hashlib.sha256).hexdigest()


class ErasureRegister(Store):
    """Everybody who was erased. The file is written anew with each change, the database first."""

    def __init__(self, database: Database, clock: Clock, file: Path | None = None) -> None:
        super().__init__(database, clock)
        self.file = file

    def mark(self, sort: str, number: str) -> str:
        """Return the mark of a number here."""
        return subject_pseudonym(self.database.instance, sort, number)

    def every(self) -> list[Erasure]:
        """Return all of them, the newest first."""
        found = self.database.rows(sa.select(erased).order_by(erased.c.begun_at.desc(), erased.c.mark))
        return [Erasure(**row._mapping) for row in found]  # noqa: SLF001 - SQLAlchemy's own name for it

    def held(self, numbers: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return which of these numbers are held out."""
        lifted = sa.select(erased.c.mark).where(erased.c.lifted_at.is_(None))
        marks = {row.mark for row in self.database.rows(lifted)}
        return {one for one in numbers if self.mark(*one) in marks} if marks else set()

    def so_far(self) -> SoFar:
        """Return which erasures began and ended until now, for whoever writes down later what is read from now on."""
        with self.database.read() as connection:
            return tuple(connection.execute(_SO_FAR).one())

    def looking(self, look: Callable[[SoFar], T]) -> T:
        """Do what reads and writes that down, and anew where somebody was erased between the two; return its answer.

        The look hands what it is given to each store it writes to.
        """
        while True:
            with suppress(ErasedSinceReadError):
                return look(self.so_far())

    def called(self, numbers: Sequence[tuple[str, str]]) -> str:
        """Return what the person of these numbers is called who was erased before, empty where nobody was."""
        marks = [self.mark(*one) for one in numbers]
        return str(self.database.scalar(sa.select(erased.c.person).where(erased.c.mark.in_(marks))) or "")

    def begin(self, numbers: Sequence[tuple[str, str]], by: str, keep: Beside = lambda *_: None) -> str:
        """Hold these numbers out from now on, and return what their person is called.

        `keep` keeps in the same transaction, under that name, what it takes to go on.
        """
        now, marks = self.clock(), [self.mark(*one) for one in numbers]
        with self.database.write() as connection:
            known = connection.execute(sa.select(erased.c.person).where(erased.c.mark.in_(marks))).scalars().first()
            person = known or os.urandom(6).hex()
            rows = [asdict(Erasure(mark, person, now)) for mark in marks]
            upsert(connection, erased, rows)
            keep(connection, person)
            append_events(connection, now, [Event(event="customer_erasing", key=person, facts={"by": by})])
        self.write_file()
        return person

    def sweep_again(self, person: str) -> None:
        """Let an erasure begin anew from here: what was read before is not written down any more."""
        with self.database.write() as connection:
            connection.execute(erased.update().where(erased.c.person == person).values(begun_at=self.clock()))

    def finish(self, person: str, by: str, drop: Beside = lambda *_: None) -> None:
        """Note that nothing of a person is kept any more; `drop` drops in the same transaction what it took."""
        now = self.clock()
        with self.database.write() as connection:
            connection.execute(erased.update().where(erased.c.person == person).values(done_at=now))
            drop(connection, person)
            append_events(connection, now, [Event(event="customer_erased", key=person, facts={"by": by})])
        self.write_file()

    def tell_access(self, by: str) -> None:
        """Tell the log that somebody was given what is kept of a person, and not of whom."""
        with self.database.write() as connection:
            append_events(connection, self.clock(), [Event(event="customer_access", facts={"by": by})])

    def lift(self, numbers: Sequence[tuple[str, str]], by: str) -> bool:
        """Let records under these numbers take part again, and tell whether any were held out."""
        now, marks = self.clock(), [self.mark(*one) for one in numbers]
        with self.database.write() as connection:
            persons = sa.select(erased.c.person).where(erased.c.mark.in_(marks))
            here = (erased.c.person.in_(persons.scalar_subquery()), erased.c.lifted_at.is_(None))
            found = connection.execute(erased.update().where(*here).values(lifted_at=now)).rowcount
            if found:
                append_events(connection, now, [Event(event="customer_lifted", facts={"by": by})])
        self.write_file()
        return bool(found)

    def take_in(self, others: Iterable[Erasure]) -> list[Erasure]:
        """Add erasures of another list, and return those that were not finished here."""
        here = {one.mark: one for one in self.every()}
        fresh = {one.mark: one for one in others if one.mark not in here}
        with self.database.write() as connection:
            upsert(connection, erased, [asdict(replace(one, done_at=None)) for one in fresh.values()])
        return [one for one in (here | fresh).values() if one.mark in fresh or one.done_at is None]

    def write_file(self) -> None:
        """Put all of them into the file, beside those that only the file knows."""
        if self.file is None:
            return
        known = {one.mark: one for one in (*read_erasures(self.file), *self.every())}
        if known:
            write_file(self.file, known.values())


def read_erasures(path: Path) -> list[Erasure]:
    """Return the erasures in a file, none where there is none. Raises ValueError for a file that is no such list."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    try:
        return [_read(json.loads(line)) for line in text.splitlines()]
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from None


def write_file(path: Path, found: Iterable[Erasure]) -> None:
    """Write a list of erasures, one a line, whole or not at all."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    make_private(fresh)
    lines = (json.dumps(asdict(one), default=datetime.isoformat) for one in sorted(found, key=lambda one: one.mark))
    with fresh.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _read(told: Mapping[str, str | None]) -> Erasure:
    def moment(name: str) -> datetime | None:
        value = told[name]
        return datetime.fromisoformat(value) if value else None

    return Erasure(
        str(told["mark"]), str(told["person"]), _needed(moment("begun_at")), moment("done_at"), moment("lifted_at")
    )


def _needed(moment: datetime | None) -> datetime:
    if moment is None:
        raise KeyError("begun_at")
    return moment
