"""Determines the booking state of documents: booked, in doubt, planned, waiting in a plan, or parked."""

from collections.abc import Collection, Iterator
from decimal import Decimal
from functools import cache
from typing import Any

import sqlalchemy as sa

from integration.core.booking_state import BookingStage, BookingState
from integration.core.issues import IssueState
from integration.core.plan import Action
from integration.core.records import Kind, Record
from integration.core.rules import as_text
from integration.core.run import PLANS_OF_ALL
from integration.core.states import RunState, Step
from integration.store.database import Database, PreparedKeyQuery, in_clause
from integration.store.links import link_of
from integration.store.plan_lines import in_doubt_question
from integration.store.prepared_statements import PreparedStatement
from integration.store.row_mapping import change_from_json, plan_row, staged_of
from integration.store.tables import issues, lines, links, runs, staged_records

# States of runs whose plan may still be written.
_OPEN = (RunState.READY, RunState.COMMITTING, RunState.INTERRUPTED, RunState.FAILED)
_FLOW: sa.BindParameter[str] = sa.bindparam("flow")
_RUN: sa.BindParameter[str] = sa.bindparam("run")
_ACTIVE = PreparedStatement(sa.select(runs.c.id, runs.c.mode).where(runs.c.active_flow == _FLOW))
_PARKED = PreparedKeyQuery(
    sa.select(issues.c.key, issues.c.title).where(issues.c.flow == _FLOW, issues.c.state == IssueState.OPEN),
    issues.c.key,
)
_STAGED = PreparedKeyQuery(sa.select(staged_records).where(staged_records.c.run == _RUN), staged_records.c.key)
_COMES_OF = PreparedKeyQuery(
    sa.select(links.c.reference, links.c.owner).where(links.c.flow == _FLOW, links.c.kind == Kind.ORDER),
    links.c.reference,
)
_StatesByKey = Iterator[
    tuple[str, BookingState | None]
]  # None: the document has no booking state; discards a former one


class BookingStateStore:
    """Determines the booking states of the documents of a flow, by key."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def states_of(self, flow: str, kinds: Collection[Kind], keys: Collection[str]) -> dict[str, BookingState]:
        """Return the booking states of these documents, by key. A document without a state is left out.

        `kinds` are the kinds that a document may become. If sources disagree, a link counts most, then a create in
        doubt, then the active run, then plans of other runs, then issues.
        """
        states: dict[str, BookingState] = {}
        if not keys:
            return states
        with self.database.read() as connection:
            active = _ACTIVE.first(connection, {"flow": flow})
            sources = [
                _parked_states(connection, flow, keys),
                _waiting_states(connection, flow, active, keys),
                *([] if active is None else [_run_states(connection, active.id, kinds, keys)]),
                _doubtful_states(connection, flow, kinds, keys),
                _linked_states(connection, flow, kinds, keys),
            ]
            for key, booking_state in (pair for pairs in sources for pair in pairs):
                states.pop(key, None)
                if booking_state is not None:
                    states[key] = booking_state
        return states

    def documents_made_from(self, flow: str, kinds: Collection[Kind], keys: Collection[str]) -> dict[str, set[str]]:
        """Return the documents that come from each of these orders and are booked or in doubt."""
        documents: dict[str, set[str]] = {}
        for row in self.database.prepared_rows_with_values(_COMES_OF, {"flow": flow}, keys):
            documents.setdefault(row.reference, set()).add(row.owner)
        order_keys = set(keys)
        for row in (
            self.database.prepared_rows(_all_doubtful_lines(frozenset(kinds)), {"flow": flow}) if order_keys else ()
        ):
            for key in order_keys.intersection(_order_keys(change_from_json(row.change).agreed)):
                documents.setdefault(key, set()).add(row.key)
        return documents

    def ending(self, flow: str, kinds: Collection[Kind], ending: str) -> set[str]:
        """Return the keys with this ending whose documents are booked or in doubt."""
        conditions = (links.c.flow == flow, links.c.kind.in_(kinds), sa.not_(links.c.retired))
        booked_keys = sa.select(links.c.key).where(*conditions, links.c.key.endswith(ending, autoescape=True))
        doubt_keys = in_doubt_question(flow).where(
            lines.c.kind.in_(kinds), lines.c.key.endswith(ending, autoescape=True)
        )
        return {row.key for query in (booked_keys, doubt_keys) for row in self.database.rows(query)}


def _order_keys(record: Record) -> tuple[str, ...]:
    orders = record.values.get("orders")
    return orders if isinstance(orders, tuple) else ()


def _parked_states(connection: sa.Connection, flow: str, keys: Collection[str]) -> _StatesByKey:
    for row in _PARKED.rows(connection, {"flow": flow}, keys):
        yield row.key, BookingState(row.key, BookingStage.PARKED, row.title)


@cache
def _planned_creates(*, takes_over: bool) -> PreparedKeyQuery:
    """Return the query for creates that waiting plans would write, without plans that the active run `takes_over`."""
    conditions = (runs.c.flow == _FLOW, in_clause(runs.c.state, _OPEN), runs.c.id != _RUN)
    new = (lines.c.step == Step.PLANNED, lines.c.action == Action.CREATE)
    taken_over = sa.and_(runs.c.state == RunState.READY, in_clause(runs.c.mode, PLANS_OF_ALL))
    others = (sa.not_(taken_over),) if takes_over else ()
    query = sa.select(lines.c.key, lines.c.title).join(runs, runs.c.id == lines.c.run)
    return PreparedKeyQuery(query.where(*conditions, *new, *others), lines.c.key)


def _waiting_states(connection: sa.Connection, flow: str, active: Any, keys: Collection[str]) -> _StatesByKey:
    """Yield creates of other plans, without the plans that the active run replaces."""
    query = _planned_creates(takes_over=active is not None and active.mode in PLANS_OF_ALL)
    for row in query.rows(connection, {"flow": flow, "run": active.id if active else ""}, keys):
        yield row.key, BookingState(row.key, BookingStage.WAITING, row.title)


@cache
def _planned_lines(kinds: frozenset[Kind]) -> PreparedKeyQuery:
    return PreparedKeyQuery(sa.select(lines).where(lines.c.run == _RUN, in_clause(lines.c.kind, kinds)), lines.c.key)


@cache
def _doubtful_lines(kinds: frozenset[Kind]) -> PreparedKeyQuery:
    return PreparedKeyQuery(in_doubt_question(_FLOW, by_keys=True).where(in_clause(lines.c.kind, kinds)), lines.c.key)


@cache
def _all_doubtful_lines(kinds: frozenset[Kind]) -> PreparedStatement:
    return PreparedStatement(in_doubt_question(_FLOW).where(in_clause(lines.c.kind, kinds)))


@cache
def _active_links(kinds: frozenset[Kind]) -> PreparedKeyQuery:
    conditions = (links.c.flow == _FLOW, in_clause(links.c.kind, kinds), sa.not_(links.c.retired))
    return PreparedKeyQuery(sa.select(links).where(*conditions), links.c.key)


def _run_states(connection: sa.Connection, run: str, kinds: Collection[Kind], keys: Collection[str]) -> _StatesByKey:
    """Yield the states of documents that the active run has staged or planned."""
    for row in _STAGED.rows(connection, {"run": run}, keys):
        staged_record = staged_of(row)
        if staged_record.record is not None and staged_record.record.values.get("cancelled") is True:
            yield staged_record.key, None
        elif staged_record.record is not None and staged_record.record.kind in kinds:
            yield (
                staged_record.key,
                BookingState(
                    staged_record.key,
                    BookingStage.PLANNED,
                    staged_record.title,
                    sold=_sold_amount(staged_record.record),
                ),
            )
        elif staged_record.issue is not None:
            yield staged_record.key, BookingState(staged_record.key, BookingStage.PARKED, staged_record.title)
        elif staged_record.skip is not None:
            yield staged_record.key, None
    for line in map(plan_row, _planned_lines(frozenset(kinds)).rows(connection, {"run": run}, keys)):
        if line.action is Action.PARK or line.step is Step.PARKED:
            yield line.key, BookingState(line.key, BookingStage.PARKED, line.title)
        elif line.action is Action.SKIP or line.step is Step.LEFT:
            yield line.key, None


def _doubtful_states(
    connection: sa.Connection, flow: str, kinds: Collection[Kind], keys: Collection[str]
) -> _StatesByKey:
    for row in _doubtful_lines(frozenset(kinds)).rows(connection, {"flow": flow}, keys):
        values = change_from_json(row.change).agreed.values if row.change else {}
        yield row.key, BookingState(row.key, BookingStage.DOUBTFUL, row.title, values=values)


def _linked_states(
    connection: sa.Connection, flow: str, kinds: Collection[Kind], keys: Collection[str]
) -> _StatesByKey:
    for link in map(link_of, _active_links(frozenset(kinds)).rows(connection, {"flow": flow}, keys)):
        agreed = link.agreed
        title = as_text(agreed.values.get("number")) if agreed else ""
        reference = as_text(agreed.values.get("reference")) if agreed else ""
        sold = _sold_amount(agreed) if agreed else None
        values = agreed.values if agreed else {}
        details = (title or link.key, reference or link.reference, sold, link.kind, values)
        yield link.key, BookingState(link.key, BookingStage.BOOKED, *details)


def _sold_amount(record: Record) -> Decimal | None:
    sold = record.values.get("sold_incl")
    return sold if isinstance(sold, Decimal) else None
