"""Notes on a plan and reasons to discard it: stored with the run, and in the audit log as a digest."""

import hashlib

import pytest

from integration.core.run import LONGEST_NOTE, Mode
from integration.core.states import RunState
from integration.store.audit import AuditStore
from integration.store.database import Database
from integration.store.notes import NoteStore
from integration.store.runs import RunStore
from integration.store.sealing import sealer_of
from tests.clocks import Clock


def test_notes_of_a_plan_have_their_author_and_their_time(database: Database, clock: Clock) -> None:
    database.sealer = sealer_of(b"a key that lies outside the database")
    runs, notes = RunStore(database, clock), NoteStore(database, clock)
    run = runs.begin("products", Mode.CHANGES, "anna", 1).id
    notes.add(run, "  Looks dear. ", "anna")
    later = clock.now
    notes.add(run, "   ", "ben")
    runs.discard(run, "ben", " Wrong list ")

    note_rows = [(note.text, note.by, note.discards) for note in notes.notes_of_plan(run)]
    assert note_rows == [("Looks dear.", "anna", False), ("Wrong list", "ben", True)]
    assert notes.notes_of_plan(run)[0].at == later
    assert notes.of_runs([run, "other"]).keys() == {run}
    assert runs.get(run).state is RunState.DISCARDED
    entries = {
        entry.action: (entry.actor, entry.reason, entry.facts.get("digest"))
        for entry in AuditStore(database, clock).entries()
    }
    assert entries["plan_noted"] == ("anna", "", hashlib.sha256(b"Looks dear.").hexdigest()[:16])
    assert entries["run_discarded"] == ("ben", "", hashlib.sha256(b"Wrong list").hexdigest()[:16])


def test_a_plan_is_discarded_without_a_reason_and_a_long_one_is_cut(database: Database, clock: Clock) -> None:
    runs, notes = RunStore(database, clock), NoteStore(database, clock)
    first, second = (runs.begin(flow, Mode.CHANGES, "anna", 1).id for flow in ("products", "stock"))
    runs.discard(first, "anna")
    runs.discard(second, "anna", "x" * 3_000)

    assert notes.notes_of_plan(first) == []
    assert [len(note.text) for note in notes.notes_of_plan(second)] == [LONGEST_NOTE]
    with pytest.raises(KeyError):
        notes.add("nobody", "here", "anna")
