"""Rows of the engine's database that run a command when they are unpickled, in every column that is read."""

import base64
import json
import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

CLAIMS = ("py_pickle", None)


class Command:
    """An object that runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


def harmful(mark: Path, inside: str = "") -> list[str]:
    """Return pickles that touch a file, in all ways to name code. `inside` wraps the command in workflow arguments."""
    command = f"touch {mark}".encode()
    plain = [pickle.dumps({"args": (Command(mark), False), "kwargs": {}} if inside else Command(mark), protocol)
             for protocol in range(6)]  # fmt: skip
    by_hand = [
        b"cos\nsystem\n(V" + command + b"\ntR.",
        b"(V" + command + b"\nios\nsystem\n.",
        b"(cos\nsystem\nV" + command + b"\no.",
        b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c" + bytes([len(_code(mark))]) + _code(mark) + b"\x85R.",
        b"\x80\x04\x8c\x08datetime\x8c\x0ddatetime.date\x93.",
    ]
    return [base64.b64encode(payload).decode() for payload in (*plain, *by_hand)]


def _code(mark: Path) -> bytes:
    return f"open({str(mark)!r}, 'w')".encode()


@contextmanager
def rows(url: str) -> Iterator[tuple[sa.Connection, str]]:
    """Yield a connection to the engine's database and the schema prefix of its tables."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with engine.begin() as connection:
            yield connection, "dbos." if engine.dialect.name == "postgresql" else ""
    finally:
        engine.dispose()


def insert_row(connection: sa.Connection, table: str, **values: Any) -> None:
    names, places = ", ".join(f'"{name}"' for name in values), ", ".join(f":{name}" for name in values)
    connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)  # noqa: S608 - names of ours


def plant(url: str, mark: Path, *, status: str = "ENQUEUED") -> list[str]:
    """Insert harmful rows into every table and column that is read; return the ids of their workflows."""
    now, planted = int(time.time() * 1000), []
    with rows(url) as (connection, schema):
        for number, text in enumerate(harmful(mark, "inputs")):
            for claim in CLAIMS:
                name = f"planted-{number}-{claim}-{status}-{now}"
                planted.append(name)
                workflow(connection, schema, name, claim, status, now, inputs=text)
        first = harmful(mark)[4]
        step = f"preview-step-{status}-{now}"
        arguments = json.dumps({"namedArgs": {}, "positionalArgs": ["no-such-run", False]})
        workflow(connection, schema, step, "portable_json", status, now, inputs=arguments)
        planted.append(step)
        for function, values in enumerate(({"output": first}, {"error": first}), start=1):
            insert_row(
                connection, f"{schema}operation_outputs", workflow_uuid=step, function_id=function,
                function_name="_preview_step", serialization="py_pickle", retention_timestamp=now, **values,
            )  # fmt: skip
        of = {"workflow_uuid": step, "key": "key", "value": first, "serialization": "py_pickle"}
        insert_row(connection, f"{schema}workflow_events", **of)
        insert_row(connection, f"{schema}workflow_events_history", **of, function_id=3)
        insert_row(connection, f"{schema}streams", **of, offset=0, function_id=4)
        insert_row(
            connection, f"{schema}notifications", destination_uuid=step, topic="topic", message=first,
            created_at_epoch_ms=now, message_uuid=f"{now}", serialization="py_pickle", consumed=False,
        )  # fmt: skip
        insert_row(
            connection, f"{schema}workflow_schedules", schedule_id=f"planted-{now}", schedule_name=f"planted-{now}",
            workflow_name="_scheduled", schedule="* * * * * *", status="ACTIVE", context=first, automatic_backfill=True,
            last_fired_at="2026-01-01T00:00:00+00:00", application_name="integration",
        )  # fmt: skip
        ended = f"planted-ended-{status}-{now}"
        workflow(connection, schema, ended, "py_pickle", "SUCCESS", now, inputs=first)
        insert_row(
            connection,
            f"{schema}workflow_output",
            workflow_uuid=ended,
            output=first,
            error=first,
            retention_timestamp=now,
        )
        planted.append(ended)
    return planted


def workflow(
    connection: sa.Connection, schema: str, name: str, claim: str | None, status: str, now: int, *, inputs: str
) -> None:
    insert_row(
        connection, f"{schema}workflow_status", workflow_uuid=name, status=status, name="_preview", created_at=now,
        updated_at=now, application_version="1", executor_id="server", priority=0, queue_name="runs",
        serialization=claim, recovery_attempts=0, application_name="integration", was_forked_from=False,
        rate_limited=False, is_debounced=False,
    )  # fmt: skip
    insert_row(connection, f"{schema}workflow_input", workflow_uuid=name, inputs=inputs, retention_timestamp=now)
