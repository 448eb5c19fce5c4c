"""During a call to a system the database is free for others: a call may take minutes."""

from pathlib import Path

from integration.core.records import Kind
from integration.core.run import Mode
from integration.core.states import RunState
from integration.store.cursors import Cursors
from integration.store.database import open_database
from tests.clocks import Clock
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, articles
from tests.stores import new_database

PATIENCE = 2.0  # seconds that a write of this very run may take, at work on another page


class WritingSystem(MemoryConnector):
    """A system at each call of which another writer writes to the database."""

    other: Cursors | None = None

    def _count_call(self, call: str) -> None:
        if self.other is not None:
            self.other.put("another", "call", call)  # UnavailableError where that is held
        super()._count_call(call)


def test_no_call_goes_out_while_the_database_is_held(tmp_path: Path) -> None:
    file = tmp_path / "console.sqlite"
    database = new_database(file)
    other = open_database(f"sqlite:///{file}", patience=PATIENCE)
    source = WritingSystem(articles("1001", "1002", "1003", "1004", "1005"), system="accountview", page_size=2)
    target = WritingSystem(system="mplus", page_size=2)
    harness = FlowHarness(database, source, target)
    source.other = target.other = Cursors(other, Clock())

    first_run = harness.run(Mode.COMPLETE)
    source.remove(Kind.ARTICLE, "1005")
    retire_run = harness.run(Mode.COMPLETE)
    undone = harness.commit(harness.undo(retire_run))

    assert [run.state for run in (first_run, retire_run, undone)] == [RunState.DONE] * 3
    assert (first_run.counts.proven, target.calls_made["write"]) == (5, 8)  # the group too, one made inactive, and back
    assert {"extract", "lookup", "fetch", "changed"} <= source.calls_made.keys() | target.calls_made.keys()
    other.close()
    database.close()
