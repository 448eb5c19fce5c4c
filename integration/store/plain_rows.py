"""Rows of the engine are data and nothing else.

The library that keeps them reads whatever a row says it is, a pickle too, which can name code to be run. This program
writes JSON alone, so what claims to be anything else is of a stranger: none gets a class, and none is gone on with.
"""

import pickle
import sys
import time
from typing import Any

import sqlalchemy as sa

PICKLE, JSON = "py_pickle", "portable_json"  # what a row says it is
SENTENCE = "what is kept of this asks for code to be run, and is set aside"
UNFINISHED = ("PENDING", "ENQUEUED", "DELAYED")
BUSY_SECONDS = 60.0  # how long another process may be writing to the same file
READER = "_serialization.py"  # the one file of the library that reads pickles

_refusing: list[str] = []


def disable_unpickling() -> None:
    """Let no row of the engine name a class from now on, in this process: the reader of the library finds none."""
    if not _refusing:
        _refusing.append(PICKLE)
        sys.addaudithook(_refuse)


def _refuse(event: str, _facts: tuple[Any, ...]) -> None:
    if event == "pickle.find_class":
        reader = sys._getframe(1).f_code.co_filename  # noqa: SLF001 - who reads is said nowhere else
        if reader.endswith(READER) and "dbos" in reader:
            raise pickle.UnpicklingError(SENTENCE)


def set_aside(url: str) -> list[str]:
    """End every workflow under way of which something is kept that is no JSON, and return which those are.

    The run of one is none the worse, as it is taken up by a new one.
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
