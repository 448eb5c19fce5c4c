"""Counts the lines of a plan by field, direction of prices, group, cause and kind, in the current transaction."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache

import sqlalchemy as sa

from integration.core.plan import Action, Change
from integration.core.plan_sums import price_moves
from integration.store.prepared_statements import PreparedStatement, dialect_insert
from integration.store.tables import facets

FACETS = ("field", "group", "cause")  # filters
SIGN = "|"  # around each name in the columns `fields` and `price_moves`

Facet = tuple[str, str, str]  # facet, value, and action of the line


def changed_fields(change: Change | None) -> str:
    """Return the names of the fields that a change writes, without duplicates. A create has none."""
    if change is None or change.action is Action.CREATE:
        return ""
    return _joined_names(name for _, name, _ in change.desired.fields())


def changed_prices(change: Change | None) -> str:
    """Return the directions in which a change moves prices, without duplicates."""
    return _joined_names(price_moves(change)) if change else ""


def _joined_names(names: Iterable[str]) -> str:
    distinct_names = dict.fromkeys(names)
    return f"{SIGN}{SIGN.join(distinct_names)}{SIGN}" if distinct_names else ""


def of_row(row: Mapping[str, object]) -> Iterator[Facet]:
    """Yield the facets of a plan line."""
    action = str(row["action"])
    for facet, column in (("field", "fields"), ("price", "price_moves")):
        for name in str(row[column]).split(SIGN):
            if name:
                yield facet, name, action
    for facet in ("group", "cause", "kind"):
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
    counts: dict[str, dict[str, int]] = {facet: {} for facet in (*FACETS, "price", "kind")}
    for row in connection.execute(grouped):
        if row.number > 0:
            counts[row.facet][row.value] = row.number
    return counts
