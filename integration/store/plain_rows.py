"""Rows of the engine are data and nothing else.

Earlier versions kept them as pickles, which can name code to be run, and the library that keeps them reads whatever a
row says it is. So what an earlier version left is turned into JSON before the engine starts, by a reader that knows
values alone; what asks for more is set aside. What is written later can claim to be a pickle, too: none gets a class.
"""

import base64
import json
import pickle
import pickletools
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import sqlalchemy as sa

PICKLE, JSON = "py_pickle", "portable_json"  # what a row says it is
SENTENCE = "what is kept of this asks for code to be run, and is set aside"
NO_INPUT = '{"namedArgs":{},"positionalArgs":[]}'
UNFINISHED = ("PENDING", "ENQUEUED", "DELAYED")
AT_ONCE = 500
BUSY_SECONDS = 60.0  # how long another process may be writing to the same file
LONGEST = 1_000_000  # characters of one value; those of the engine have a hundred
LARGEST = 64  # bits of a number
MOST = 10_000  # values in one: a small pickle can name one list a thousand times a thousand times

# What pickles of values consist of; no memo of a chosen size, and a class is asked for at one place alone.
OPCODES = frozenset(
    {
        "PROTO", "FRAME", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1",
        "BINFLOAT", "SHORT_BINUNICODE", "BINUNICODE", "SHORT_BINBYTES", "EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE",
        "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "APPEND", "APPENDS", "SETITEM", "SETITEMS", "MEMOIZE", "BINGET",
        "STACK_GLOBAL", "REDUCE",
    }
)  # fmt: skip
MOMENTS = {("datetime", name) for name in ("datetime", "timezone", "timedelta")}


class NotPlainError(ValueError):
    """A row holds something else than values."""


class _Values(pickle.Unpickler):
    """Reads values; of all classes it knows those of moments."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in MOMENTS:
            raise NotPlainError
        return super().find_class(module, name)


def values_of(text: str) -> Any:
    """Return the values in a pickle, as JSON has them. Raises NotPlainError for anything else; nothing of it is run."""
    try:
        return _plain(_Values(BytesIO(_of_values(text))).load(), iter(range(MOST)))
    except (pickle.UnpicklingError, ValueError, TypeError, LookupError, AttributeError, EOFError, OverflowError,
            RecursionError, MemoryError):  # fmt: skip
        raise NotPlainError from None


def _of_values(text: str) -> bytes:
    """Return a pickle that asks for nothing but what values consist of."""
    raw = b"" if len(text) > LONGEST else base64.b64decode(text, validate=True)
    if any(operation.name not in OPCODES for operation, _, _ in pickletools.genops(raw)):
        raise NotPlainError
    return raw


def _plain(value: Any, left: Iterator[int]) -> Any:
    if next(left, None) is None:
        raise NotPlainError
    match value:
        case int() if value.bit_length() > LARGEST:
            raise NotPlainError
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
            return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case list() | tuple():
            return [_plain(each, left) for each in value]
        case dict() if all(isinstance(name, str) for name in value):
            return {name: _plain(each, left) for name, each in value.items()}
    raise NotPlainError


# ---- while the engine runs


READER = "_serialization.py"  # the one file of the library that reads pickles
_refusing: list[str] = []


def refuse_classes() -> None:
    """Let no row of the engine name a class from now on, in this process: the reader of the library finds none."""
    if not _refusing:
        _refusing.append(PICKLE)
        sys.addaudithook(_refuse)


def _refuse(event: str, _facts: tuple[Any, ...]) -> None:
    if event == "pickle.find_class":
        reader = sys._getframe(1).f_code.co_filename  # noqa: SLF001 - who reads is said nowhere else
        if reader.endswith(READER) and "dbos" in reader:
            raise pickle.UnpicklingError(SENTENCE)


# ---- before it starts


def make_plain(url: str) -> list[str]:
    """Turn every pickle of the engine's database into JSON, and return the workflows that were set aside.

    One that is set aside has ended with an error; its run is none the worse, as it is taken up by a new one.
    """
    patience = {"timeout": BUSY_SECONDS} if url.startswith("sqlite") else {}
    engine = sa.create_engine(url, connect_args=patience)
    schema = "dbos" if engine.dialect.name == "postgresql" else None
    try:
        with engine.begin() as connection:
            return _Rows(connection, schema).made_plain()
    finally:
        engine.dispose()


class _Rows:
    """The tables of the engine that hold values, in one transaction."""

    def __init__(self, connection: sa.Connection, schema: str | None) -> None:
        self._connection = connection
        self._schema = schema
        self._aside: dict[str, None] = {}

    def made_plain(self) -> list[str]:
        self._schedules()
        self._one_by_one("workflow_events", ("workflow_uuid", "key"), "value")
        self._one_by_one("workflow_events_history", ("workflow_uuid", "key", "function_id"), "value")
        self._one_by_one("streams", ("workflow_uuid", "key", "offset"), "value")
        self._one_by_one("notifications", ("message_uuid",), "message")
        self._steps()
        self._workflows()
        for name in self._aside:
            self._set_aside(name)
        return list(self._aside)

    def _table(self, name: str, *columns: str) -> Any:
        return sa.table(name, *(sa.column(one) for one in columns), schema=self._schema)

    def _pickled(self, table: Any, keys: Sequence[str], values: Sequence[str]) -> Iterator[sa.RowMapping]:
        """Yield the rows that are pickles, or do not say what they are and are no JSON, until there are none."""
        held = [table.c[name] for name in values]
        unclear = sa.or_(*(column.not_like("{%") for column in held))
        kind = table.c.serialization
        wanted = sa.select(*(table.c[name] for name in (*keys, *values, "serialization"))).where(
            sa.or_(kind == PICKLE, sa.and_(kind.is_(None), unclear))
        )
        while rows := self._connection.execute(wanted.limit(AT_ONCE)).mappings().all():
            yield from rows

    def _schedules(self) -> None:
        """Those that cannot be read are dropped: the engine makes them anew from the settings of the flows."""
        table = self._table("workflow_schedules", "schedule_id", "context")
        for schedule, context in self._connection.execute(sa.select(table.c.schedule_id, table.c.context)).all():
            if _is_json(context):
                continue
            this = table.c.schedule_id == schedule
            try:
                plain = json.dumps(values_of(context))
            except NotPlainError:
                self._connection.execute(table.delete().where(this))
            else:
                self._connection.execute(table.update().where(this).values(context=plain))

    def _one_by_one(self, name: str, keys: Sequence[str], value: str) -> None:
        """Messages and the like, which this program does not use: those that are no values go."""
        table = self._table(name, *keys, value, "serialization")
        for row in self._pickled(table, keys, [value]):
            this = sa.and_(*(table.c[key] == row[key] for key in keys))
            try:
                plain = _json(row[value], row["serialization"])
            except NotPlainError:
                self._connection.execute(table.delete().where(this))
            else:
                self._connection.execute(table.update().where(this).values({value: plain, "serialization": JSON}))

    def _steps(self) -> None:
        """A workflow goes on from the answers of its steps: without one of them it does not."""
        keys, values = ("workflow_uuid", "function_id"), ("output", "error")
        table = self._table("operation_outputs", *keys, *values, "serialization")
        for row in self._pickled(table, keys, values):
            this = sa.and_(*(table.c[key] == row[key] for key in keys))
            plain = self._each(row, row["workflow_uuid"])
            self._connection.execute(table.update().where(this).values(**plain, serialization=JSON))

    def _workflows(self) -> None:
        """The values of a workflow lie in three tables, and what they are is said in one."""
        columns = ("inputs", "output", "error")
        status = self._table("workflow_status", "workflow_uuid", *columns, "serialization")
        given = self._table("workflow_input", "workflow_uuid", "inputs")
        ended = self._table("workflow_output", "workflow_uuid", "output", "error")
        joined = status.outerjoin(given, given.c.workflow_uuid == status.c.workflow_uuid)
        joined = joined.outerjoin(ended, ended.c.workflow_uuid == status.c.workflow_uuid)
        held = [sa.func.coalesce(given.c.inputs, status.c.inputs), sa.func.coalesce(ended.c.output, status.c.output),
                sa.func.coalesce(ended.c.error, status.c.error)]  # fmt: skip
        kind = status.c.serialization
        unclear = sa.and_(kind.is_(None), sa.or_(*(one.not_like("{%") for one in held)))
        wanted = sa.select(
            status.c.workflow_uuid, kind, *(one.label(name) for one, name in zip(held, columns, strict=True))
        ).select_from(joined)
        wanted = wanted.where(sa.or_(kind == PICKLE, unclear)).limit(AT_ONCE)
        while rows := self._connection.execute(wanted).mappings().all():
            for row in rows:
                name = row["workflow_uuid"]
                plain = self._each(row, name)
                outcome = {column: plain[column] for column in ("output", "error")}
                self._write(status, name, dict.fromkeys(columns) | {"inputs": plain["inputs"], "serialization": JSON})
                self._write(given, name, {"inputs": plain["inputs"]})
                self._write(ended, name, outcome)

    def _each(self, row: sa.RowMapping, workflow: str) -> dict[str, str | None]:
        """Return the values of a row as JSON; where one is none, the workflow is set aside if it has not ended yet."""
        plain: dict[str, str | None] = {}
        for name in ("inputs", "output", "error"):
            if name not in row:
                continue
            try:
                plain[name] = _json(row[name], row["serialization"], given=name == "inputs")
            except NotPlainError:
                self._aside[workflow] = None
                plain[name] = {"inputs": NO_INPUT, "error": _told()}.get(name)
        return plain

    def _set_aside(self, workflow: str) -> None:
        status = self._table(
            "workflow_status", "workflow_uuid", "status", "serialization", "inputs", "owner_xid", "deduplication_id",
            "updated_at",
        )  # fmt: skip
        now = int(time.time() * 1000)
        this = sa.and_(status.c.workflow_uuid == workflow, status.c.status.in_(UNFINISHED))
        ended = status.update().where(this).values(
            status="ERROR", owner_xid=None, deduplication_id=None, updated_at=now
        )  # fmt: skip
        if self._connection.execute(ended).rowcount:
            output = self._table("workflow_output", "workflow_uuid", "output", "error", "retention_timestamp")
            self._connection.execute(output.delete().where(output.c.workflow_uuid == workflow))
            self._connection.execute(
                output.insert().values(workflow_uuid=workflow, output=None, error=_told(), retention_timestamp=now)
            )

    def _write(self, table: Any, workflow: str, values: Mapping[str, Any]) -> None:
        self._connection.execute(table.update().where(table.c.workflow_uuid == workflow).values(dict(values)))


def _json(text: str | None, kind: str | None, *, given: bool = False) -> str | None:
    """Return a value as JSON, the arguments that were `given` to a workflow in the form they have there."""
    if text is None:
        return None
    values = json.loads(text) if kind is None and _is_json(text) else values_of(text)
    if given:
        if not isinstance(values, dict) or values.keys() != {"args", "kwargs"}:
            raise NotPlainError
        values = {"namedArgs": values["kwargs"], "positionalArgs": values["args"]}
    return json.dumps(values)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _told() -> str:
    return json.dumps({"name": NotPlainError.__name__, "message": SENTENCE})
