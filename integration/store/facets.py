"""Counts the lines of a plan by field, group and cause. All functions work in the current transaction."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache

import sqlalchemy as sa

from integration.core.plan import Action, Change
from integration.store.prepared_statements import PreparedStatement, dialect_insert
from integration.store.tables import facets

FACETS = ("field", "group", "cause")
SIGN = "|"  # around each name in the column `fields`

Facet = tuple[str, str, str]  # facet, value, and action of the line


def changed_fields(change: Change | None) -> str:
    """Return the names of the fields that a change writes, without duplicates. A create has none."""
    if change is None or change.action is Action.CREATE:
        return ""
    names = dict.fromkeys(name for _, name, _ in change.desired.fields())
    return f"{SIGN}{SIGN.join(names)}{SIGN}" if names else ""


def of_row(row: Mapping[str, object]) -> Iterator[Facet]:
    """Yield the facets of a plan line."""
    action = str(row["action"])
    for name in str(row["fields"]).split(SIGN):
        if name:
            yield "field", name, action
    for facet in ("group", "cause"):
        if row[facet]:
            yield facet, str(row[facet]), action


def count_facets(connection: sa.Connection, run: str, more: Iterable[Facet], fewer: Iterable[Facet] = ()) -> None:
    """Add lines to the counts of a run and subtract others."""
    counts = Counter(more)
    counts.subtract(fewer)
    rows = [
        {"run": run, "facet": facet, "value": value, "action": action, "lines": number}
        for (facet, value, action), number in sorted(counts.items())
        if number
    ]
    if not rows:
        return
    _count_statement(connection.dialect.name).execute_many(connection, rows)


@cache
def _count_statement(dialect_name: str) -> PreparedStatement:
    statement = dialect_insert(dialect_name, facets)
    added = {"lines": facets.c.lines + statement.excluded.lines}
    keys = [column.name for column in facets.primary_key]
    counting = statement.on_conflict_do_update(index_elements=keys, set_=added).inline()
    return PreparedStatement(counting, *(column.name for column in facets.c))


def facets_of(connection: sa.Connection, run: str, actions: Collection[Action]) -> dict[str, dict[str, int]]:
    """Return how many lines of these actions have each value, by facet, the most frequent value first."""
    number = sa.cast(sa.func.sum(facets.c.lines), sa.BigInteger).label("number")
    statement = sa.select(facets.c.facet, facets.c.value, number).where(
        facets.c.run == run, facets.c.action.in_([str(action) for action in actions])
    )
    grouped = statement.group_by(facets.c.facet, facets.c.value).order_by(number.desc(), facets.c.value)
    counts: dict[str, dict[str, int]] = {facet: {} for facet in FACETS}
    for row in connection.execute(grouped):
        if row.number > 0:
            counts[row.facet][row.value] = row.number
    return counts
