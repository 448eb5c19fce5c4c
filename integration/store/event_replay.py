"""Recreates events for a log that lost them, from the runs, plan lines, links and audit entries in the database."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from integration.core.plan import Action
from integration.core.search_keys import display_facts
from integration.core.states import RunState, Step
from integration.store import transitions
from integration.store.audit import BEFORE_ALL, AuditEntry, entry_of
from integration.store.audited_events import ACTIONS
from integration.store.choices import choice_event
from integration.store.events import Event, matched, values_of
from integration.store.links import link_of
from integration.store.row_mapping import Row, change_from_json
from integration.store.tables import audit, excluded_lines, lines, links, outbox, phases, runs

AT_ONCE = 1_000  # lines per query

TimedEvent = tuple[datetime, Event]

ENDS = {
    RunState.DONE: "run_done",
    RunState.FAILED: "run_failed",
    RunState.INTERRUPTED: "run_interrupted",
    RunState.DISCARDED: "run_discarded",
}
RUN_EVENTS = frozenset({"run_started", "approved", "left_out", "run_discarded"})
SETTLED = frozenset({Step.PROVEN, Step.ACCEPTED, Step.IN_DOUBT, Step.LEFT})


def replay(connection: sa.Connection) -> Iterator[list[TimedEvent]]:
    """Yield the events that can be recreated and are not in the outbox, in batches, the oldest run first.

    The exact times of plan lines are not stored. Their events get the end of the phase.
    """
    for run in connection.execute(sa.select(runs).order_by(runs.c.number)).all():
        query = sa.select(outbox.c.event, outbox.c.kind, outbox.c.key).where(outbox.c.run == run.id)
        waiting = {tuple(row) for row in connection.execute(query)}
        for portion in _events_of_run(connection, run):
            yield [(at, event) for at, event in portion if (event.event, event.kind, event.key) not in waiting]
    yield from _events_of_links(connection)
    yield from _events_of_people(connection)


def _events_of_people(connection: sa.Connection) -> Iterator[list[TimedEvent]]:
    """Yield decisions of people from the audit log, without the texts that they wrote.

    An entry about many records yields events only for the records that it names.
    """
    waiting = sa.exists().where(outbox.c.event == audit.c.action, outbox.c.happened_at == audit.c.at)
    query = sa.select(audit).where(audit.c.action.in_(sorted(ACTIONS - RUN_EVENTS)), ~waiting).order_by(audit.c.seq)
    after = BEFORE_ALL
    while rows := connection.execute(query.where(audit.c.seq > after).limit(AT_ONCE)).all():
        yield [(row.at, event) for row in rows for event in _decision_events(entry_of(row.line))]
        after = rows[-1].seq


def _decision_events(entry: AuditEntry) -> Iterator[Event]:
    before, after = (dict(group) for group in (entry.before, entry.after))
    for key in entry.subjects or ("",):
        yield Event(
            event=entry.action, run=entry.run, flow=entry.flow, kind=entry.kind, key=key, code=entry.code,
            facts={**entry.facts, "by": entry.actor}, before=before or None, after=after or None,
        )  # fmt: skip


def _events_of_links(connection: sa.Connection) -> Iterator[list[TimedEvent]]:
    """Yield records that both systems agree on and that no plan contains, at the last change of their link."""
    waiting = sa.exists().where(outbox.c.event == "matched", *_same_record(outbox))
    planned = (
        sa.exists().where(lines.c.run == runs.c.id, runs.c.flow == links.c.flow, *_same_record(lines)).correlate(links)
    )
    alone = sa.select(links).where(links.c.agreed.is_not(None), ~waiting, ~planned)
    after: tuple[str, ...] = ("", "", "")
    place = sa.tuple_(links.c.flow, links.c.kind, links.c.key)
    while rows := connection.execute(alone.where(place > after).order_by(*place.clauses).limit(AT_ONCE)).all():
        yield [(row.changed_at, matched("", row.flow, link_of(row))) for row in rows]
        after = (rows[-1].flow, rows[-1].kind, rows[-1].key)


def _same_record(table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    return (table.c.kind == links.c.kind, table.c.key == links.c.key)


def _events_of_run(connection: sa.Connection, run: Row) -> Iterator[list[TimedEvent]]:
    def of_run(event: str, ms: int | None = None, **facts: str) -> Event:
        code = run.error if event in ("run_failed", "run_interrupted") else ""
        return Event(event=event, run=run.id, flow=run.flow, code=code, facts=facts, ms=ms)

    began = dict(connection.execute(sa.select(phases.c.phase, phases.c.started_at).where(phases.c.run == run.id)).all())
    ended = run.ended_at or began.get("stopped") or began.get("write") or began.get("approve") or run.started_at
    planned = began.get("approve") or ended
    yield [(run.started_at, of_run("run_started", by=run.by, mode=run.mode))]
    chosen = connection.execute(sa.select(excluded_lines).where(excluded_lines.c.run == run.id)).all()
    choices = {row.seq: row for row in chosen}
    for rows in _lines(connection, run.id):
        yield [
            (choice.excluded_at, choice_event("left_out", run, row, choice.by))
            for row in rows
            if (choice := choices.get(row.seq))
        ]
        yield [(planned, _planned_event(run, row)) for row in rows]
        yield [(row.sent_at or ended, _settled_event(run, row)) for row in rows if row.change and row.step in SETTLED]
        yield [
            (row.sent_at or ended, _parked_event(run, row)) for row in rows if row.change and row.step == Step.PARKED
        ]
    if run.unchanged:
        yield [(planned, of_run("unchanged", records=str(run.unchanged)))]
    if "approve" in began:
        yield [(planned, of_run("plan_ready", transitions.milliseconds(run.started_at, planned)))]
    if run.approval:
        yield [(began.get("write", ended), of_run("approved", by=run.approval["by"], fingerprint=run.fingerprint))]
    if (state := RunState(run.state)) in ENDS:
        facts = transitions.result(connection, run.id) if state is RunState.DONE else dict(run.facts)
        yield [(ended, of_run(ENDS[state], transitions.milliseconds(run.started_at, ended), **facts))]


def _lines(connection: sa.Connection, run: str) -> Iterator[list[Row]]:
    after = 0
    while True:
        page = sa.select(lines).where(lines.c.run == run, lines.c.seq > after).order_by(lines.c.seq).limit(AT_ONCE)
        rows = list(connection.execute(page).all())
        if not rows:
            return
        yield rows
        after = rows[-1].seq


def _planned_event(run: Row, row: Row) -> Event:
    if not row.change:
        return _parked_event(run, row) if row.action == Action.PARK else _event("skipped", run, row, code=row.cause)
    change = change_from_json(row.change)
    before, after = values_of(change.before), values_of(change.desired)
    event = _event("planned", run, row, code=row.action, before=before, after=after)
    return replace(event, facts={**display_facts(change), **event.facts})


def _parked_event(run: Row, row: Row) -> Event:
    return _event("parked", run, row, code=row.cause)


def _settled_event(run: Row, row: Row) -> Event:
    event = _event(str(row.step), run, row, code=row.action)
    return replace(event, facts={**event.facts, "reference": row.reference}) if row.reference else event


def _event(
    event: str,
    run: Row,
    row: Row,
    code: str,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> Event:
    facts = {**row.facts, "field": row.cause_field} if event == "parked" else dict(row.facts)
    sources = tuple(row.change["sources"]) if row.change and event != "parked" else ()
    return Event(
        event=event, run=run.id, flow=run.flow, kind=row.kind, key=row.key, sources=sources, title=row.title, code=code,
        facts=facts, before=before, after=after,
    )  # fmt: skip
