"""Access to the stored runs without an application, for commands that only list runs."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from integration.core.authorization import require_right
from integration.core.clocks import now
from integration.core.people import Actor, Right
from integration.data_folder import open_operational_database
from integration.settings import Settings
from integration.store.database import SharedClock
from integration.store.runs import RunStore


@contextmanager
def open_run_history(settings: Settings, reader: Actor) -> Iterator[RunStore]:
    """Provide the stored runs of a console within the block.

    Raises NotAllowedError if the reader may not see runs, and the errors of a database that cannot be opened.
    """
    require_right(reader, Right.SEE)
    with closing(open_operational_database(settings)) as database:
        yield RunStore(database, SharedClock(database, now))
