"""Prevents that stored rows of the engine (DBOS) are unpickled.

DBOS deserializes a row in the format that the row names. One of these formats is pickle, which can execute code. This
program writes only JSON, so rows in another format did not come from it. They are neither loaded nor resumed.
"""

import pickle
import sys
import time
from typing import Any

import sqlalchemy as sa

PICKLE, JSON = "py_pickle", "portable_json"  # formats that a row can name
SENTENCE = "a stored workflow has data that is not JSON, and is not resumed"
UNFINISHED = ("PENDING", "ENQUEUED", "DELAYED")
BUSY_SECONDS = 60.0  # how long another process may write to the same file
READER = "_serialization.py"  # the module of DBOS that reads pickles

_installed_hooks: list[str] = []


def disable_unpickling() -> None:
    """Forbid DBOS to unpickle classes in this process, from now on."""
    if not _installed_hooks:
        _installed_hooks.append(PICKLE)
        sys.addaudithook(_refuse)


def _refuse(event: str, _facts: tuple[Any, ...]) -> None:
    if event == "pickle.find_class":
        reader = sys._getframe(1).f_code.co_filename  # noqa: SLF001 - the only way to identify the caller
        if reader.endswith(READER) and "dbos" in reader:
            raise pickle.UnpicklingError(SENTENCE)


def end_unreadable_workflows(url: str) -> list[str]:
    """End unfinished workflows with data that is not JSON, and return their ids.

    Their runs are not affected, because a new workflow continues them.
    """
    patience = {"timeout": BUSY_SECONDS} if url.startswith("sqlite") else {}
    engine = sa.create_engine(url, connect_args=patience)
    schema = "dbos" if engine.dialect.name == "postgresql" else None
    names = ("workflow_uuid", "status", "serialization", "owner_xid", "deduplication_id", "updated_at")
    of = sa.table("workflow_status", *map(sa.column, names), schema=schema)
    steps = sa.table("operation_outputs", sa.column("workflow_uuid"), sa.column("serialization"), schema=schema)
    pickled = sa.select(steps.c.workflow_uuid).where(steps.c.serialization == PICKLE)
    strange = sa.or_(of.c.serialization.is_distinct_from(JSON), of.c.workflow_uuid.in_(pickled))
    ended = {"status": "ERROR", "owner_xid": None, "deduplication_id": None, "updated_at": int(time.time() * 1000)}
    try:
        with engine.begin() as connection:
            change = of.update().where(of.c.status.in_(UNFINISHED), strange).values(ended)
            return list(connection.execute(change.returning(of.c.workflow_uuid)).scalars())
    finally:
        engine.dispose()
