"""What a preview has read and not yet compared. Everything here is part of a transaction."""

from collections.abc import Collection, Sequence
from itertools import groupby

import sqlalchemy as sa

from integration.core.flow import Unique
from integration.core.records import Kind
from integration.core.run import Duplicates, Link, Staged
from integration.store.database import portions, upsert
from integration.store.links import link_of
from integration.store.shapes import staged_of, staged_to_row
from integration.store.tables import links, staged


def put(connection: sa.Connection, run: str, stage: int, records: Sequence[Staged]) -> None:
    """Keep records; one that is read twice is kept as it was read last."""
    rows = {one.key: staged_to_row(run, stage, one) for one in records}
    upsert(connection, staged, list(rows.values()))


def groups(connection: sa.Connection, run: str, stage: int, after: str | None, limit: int) -> list[list[Staged]]:
    """Return the records of the next parents, each parent's together, in order of parent and key."""
    here = (staged.c.run == run, staged.c.stage == stage)
    beyond = () if after is None else (staged.c.parent > after,)
    parents = sa.select(staged.c.parent).where(*here, *beyond).distinct().order_by(staged.c.parent).limit(limit)
    last = connection.execute(sa.select(sa.func.max(parents.subquery().c.parent))).scalar()
    if last is None:
        return []
    members = sa.select(staged).where(*here, *beyond, staged.c.parent <= last)
    rows = connection.execute(members.order_by(staged.c.parent, staged.c.key))
    return [list(members) for _, members in groupby(map(staged_of, rows), key=lambda one: one.parent)]


def duplicates(connection: sa.Connection, run: str, stage: int, unique: Collection[Unique]) -> Duplicates:
    """Return the values that more than one record has and none may; records that take no part do not count."""

    def shared(name: Unique) -> dict[str, tuple[str, ...]]:
        if name not in unique:
            return {}
        column = staged.c[name]
        here = (staged.c.run == run, staged.c.stage == stage, staged.c.taking_part, column != "")
        sharing = sa.func.count().over(partition_by=column).label("sharing")  # one pass, whatever the statistics say
        every = sa.select(column.label("value"), staged.c.key, sharing).where(*here).subquery()
        found = sa.select(every.c.value, every.c.key).where(every.c.sharing > 1).order_by(every.c.value, every.c.key)
        pairs = groupby(connection.execute(found).all(), key=lambda row: row[0])
        return {value: tuple(key for _, key in rows) for value, rows in pairs}

    return Duplicates(shared(Unique.NUMBER), shared(Unique.MARK))


def missing(connection: sa.Connection, run: str, stage: int, keys: Sequence[str]) -> list[str]:
    """Return those of the keys that were not read, each once and in the given order."""
    here = (staged.c.run == run, staged.c.stage == stage)
    present: set[str] = set()
    for some in portions(keys):
        present |= set(connection.execute(sa.select(staged.c.key).where(*here, staged.c.key.in_(some))).scalars())
    return [key for key in dict.fromkeys(keys) if key not in present]


def vanished(
    connection: sa.Connection, run: str, flow: str, kind: Kind, stage: int, after: str | None, limit: int
) -> list[Link]:
    """Return links in use whose key was not read, in order of their keys."""
    read = sa.exists().where(staged.c.run == run, staged.c.stage == stage, staged.c.key == links.c.key)
    here = [links.c.flow == flow, links.c.kind == kind, sa.not_(links.c.retired), sa.not_(read)]
    if after is not None:
        here.append(links.c.key > after)
    return [
        link_of(row) for row in connection.execute(sa.select(links).where(*here).order_by(links.c.key).limit(limit))
    ]


def clear(connection: sa.Connection, run: str) -> None:
    """Drop what a preview has read."""
    connection.execute(staged.delete().where(staged.c.run == run))
