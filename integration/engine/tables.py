"""Prepares the tables of the engine before it starts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
import structlog
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

from integration.core.errors import ConfigurationError
from integration.store.database import translated_errors
from integration.store.plain_rows import SENTENCE, disable_unpickling, end_unreadable_workflows

log = structlog.get_logger(__name__)

NAME = "integration"
FILE = "sqlite:///"  # prefix of the URL of a SQLite file
QUEUE = "runs"  # shared by all processes: the first one with capacity takes the work
AT_ONCE = 4  # concurrent runs of different flows in one process
# A run that a process starts for itself waits for no poll, and polls are half of what an idle process does
POLL_SECONDS = 1.0
POLL_OF_ALL_SECONDS = 2.0


def queue_of(executor: str) -> str:
    """Return the name of the queue of one process."""
    return f"{QUEUE}-{executor}"


def make_ready(url: str, executor: str) -> None:
    """Prepare the engine's database at this URL: its file, safe serialization of its rows, and its queues.

    Raises ConfigurationError `engine_file_unusable`, naming the file, if that is not a database, and UnavailableError
    as the operational database does.
    """
    try:
        with translated_errors(sqlalchemy.make_url(url)):
            _enable_wal(url)
            _migrate_without_pickle(url)
            _register_queues(url, executor)
    except ConfigurationError as error:
        code = "engine_file_unusable" if error.code == "database_file_unusable" else error.code
        raise ConfigurationError(code, **error.facts) from None


def _enable_wal(url: str) -> None:
    """Switch the engine's file to write-ahead logging, which DBOS leaves off; it triples the steps per second."""
    if url.startswith(FILE):
        file = Path(url.removeprefix(FILE))
        file.parent.mkdir(parents=True, exist_ok=True)
        first = () if file.exists() else ("auto_vacuum=INCREMENTAL",)  # for an existing file it only waits for the lock
        engine = sqlalchemy.create_engine(url)
        with engine.connect() as connection:
            for pragma in (*first, "journal_mode=WAL"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
        engine.dispose()


def _migrate_without_pickle(url: str) -> None:
    """Disable unpickling for stored rows and for new ones."""
    disable_unpickling()
    DBOS.migrate(url)
    for workflow in end_unreadable_workflows(url):
        log.warning(SENTENCE, workflow=workflow)


def _register_queues(url: str, executor: str) -> None:
    """Register the queues before a process polls them: a queue that is added later is noticed a second later."""
    with _client(url) as client:
        for name, seconds in ((QUEUE, POLL_OF_ALL_SECONDS), (queue_of(executor), POLL_SECONDS)):
            client.register_queue(
                name, worker_concurrency=AT_ONCE, polling_interval_sec=seconds, on_conflict="always_update"
            )


def hand_back(url: str, executor: str) -> None:
    """Move the unfinished workflows of a process to the shared queue, because the process may never start again."""
    with _client(url) as client:
        workflows = client.list_workflows(status="PENDING", executor_id=executor, load_input=False, load_output=False)
        if workflows:
            client.resume_workflows([workflow.workflow_id for workflow in workflows], queue_name=QUEUE)


@contextmanager
def _client(url: str) -> Iterator[DBOSClient]:
    client = DBOSClient(system_database_url=url, application_name=NAME, serializer=DBOSPortableJSONSerializer())
    try:
        yield client
    finally:
        client.destroy()
