"""Statements that are compiled once, for queries that a run executes thousands of times.

SQLAlchemy compiles them for either database. Executing through SQLAlchemy takes ten times as long as the database
itself. The compiled text and the processors of values are therefore cached, and rows go directly to the driver.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:  # imported when it is used: the drivers of PostgreSQL take a tenth of the start of a short command
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

Process = Callable[[Any], Any]
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _CompiledStatement:
    """A statement compiled for one dialect: its text, its parameters in order, and its row type."""

    text: str
    values: tuple[tuple[str, Process | None], ...]
    fixed: Values  # literal values of the statement
    by_place: bool
    row: Callable[[Sequence[Any]], Any]

    def driver_parameters(self, values: Values) -> Any:
        """Return the parameters in the form of the driver. Raises KeyError for a missing one."""
        if self.fixed:
            values = {**self.fixed, **values}
        if self.by_place:
            return [values[name] if process is None else process(values[name]) for name, process in self.values]
        return {name: values[name] if process is None else process(values[name]) for name, process in self.values}


class PreparedStatement:
    """A statement that is compiled once. It is executed in the current transaction and raises SQLAlchemy's exceptions.

    `columns` are the columns that an INSERT fills.
    """

    def __init__(self, statement: Any, *columns: str) -> None:
        self._statement = statement
        self._columns = columns or None
        self._compiled_statement: dict[str, _CompiledStatement] = {}

    def rows(self, connection: sa.Connection, values: Values) -> list[Any]:
        """Return all rows of a query as named tuples."""
        compiled = self._compiled_for(connection)
        return _fetch_rows(compiled, connection.dialect, connection.connection, values)

    def first(self, connection: sa.Connection, values: Values) -> Any:
        """Return the first row of a query, or None."""
        return next(iter(self.rows(connection, values)), None)

    def rows_without_transaction(self, connection: sa.Connection, values: Values) -> list[Any]:
        """Return all rows of a query that is executed without a transaction."""
        dialect = connection.dialect
        return _fetch_rows(self._variant(dialect), dialect, connection.connection, values)

    def change(self, connection: sa.Connection, values: Values) -> int:
        """Execute a change and return the number of changed rows."""
        compiled = self._compiled_for(connection)
        cursor = _execute(
            connection.dialect, connection.connection, "execute", compiled.text, compiled.driver_parameters(values)
        )
        count = int(cursor.rowcount)
        cursor.close()
        return count

    def execute_many(self, connection: sa.Connection, rows: Sequence[Values]) -> None:
        """Execute the statement once for each row of values."""
        if rows:
            compiled = self._compiled_for(connection)
            parameters = [compiled.driver_parameters(row) for row in rows]
            _execute(connection.dialect, connection.connection, "executemany", compiled.text, parameters).close()

    def _compiled_for(self, connection: sa.Connection) -> _CompiledStatement:
        if not connection.in_transaction():  # the driver would not begin one, or would leave it open
            raise RuntimeError("no transaction is open")
        return self._variant(connection.dialect)

    def _variant(self, dialect: sa.Dialect) -> _CompiledStatement:
        if dialect.name not in self._compiled_statement:
            self._compiled_statement[dialect.name] = _compiled_statement(self._statement, dialect, self._columns)
        return self._compiled_statement[dialect.name]


def _fetch_rows(compiled: _CompiledStatement, dialect: sa.Dialect, line: Any, values: Values) -> list[Any]:
    cursor = _execute(dialect, line, "execute", compiled.text, compiled.driver_parameters(values))
    rows = [compiled.row(row) for row in cursor.fetchall()]
    cursor.close()
    return rows


def _execute(dialect: sa.Dialect, line: Any, how: str, text: str, parameters: Any) -> Any:
    """Execute a statement and return its cursor. Raises SQLAlchemy's exceptions, without the values."""
    errors = dialect.loaded_dbapi.Error
    cursor = line.cursor()
    try:
        getattr(cursor, how)(text, parameters)
    except errors as error:
        lost = dialect.is_disconnect(error, line, cursor)
        cursor.close()
        raised = DBAPIError.instance(text, None, error, errors, connection_invalidated=lost, dialect=dialect)
        raise raised from error
    return cursor


class PreparedInQuery:
    """A prepared query with an IN list.

    `statement_for` builds the query from the bound parameters of the list. One statement is compiled for each power of
    two of values; the last value is repeated to fill the list.
    """

    MAX_STATEMENTS = 512

    def __init__(self, statement_for: Callable[[Sequence[sa.BindParameter[Any]]], Any]) -> None:
        self._statement_for = statement_for
        self._statements: dict[int, PreparedStatement] = {}

    def rows(self, connection: sa.Connection, values: Values, wanted_values: Sequence[Any]) -> Iterator[Any]:
        """Yield the rows that match any of the values."""
        for start in range(0, len(wanted_values), self.MAX_STATEMENTS):
            batch = list(wanted_values[start : start + self.MAX_STATEMENTS])
            size = 1 << (len(batch) - 1).bit_length()
            batch += batch[-1:] * (size - len(batch))
            yield from self._variant(size).rows(
                connection, {**values, **{f"v{at}": value for at, value in enumerate(batch)}}
            )

    def _variant(self, size: int) -> PreparedStatement:
        if size not in self._statements:
            self._statements[size] = PreparedStatement(
                self._statement_for([sa.bindparam(f"v{at}") for at in range(size)])
            )
        return self._statements[size]


def _compiled_statement(statement: Any, dialect: sa.Dialect, columns: Sequence[str] | None) -> _CompiledStatement:
    compiled = statement.compile(dialect=dialect, column_keys=columns)
    by_place = compiled.positiontup is not None
    names = compiled.positiontup if by_place else list(compiled.binds)
    kinds = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
    fixed = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
    return _CompiledStatement(
        text=str(compiled),
        values=tuple((name, kinds[name].bind_processor(dialect)) for name in names),
        fixed=fixed,
        by_place=by_place,
        row=_row_of(list(statement.exported_columns), dialect),
    )


def _row_of(columns: Sequence[Any], dialect: sa.Dialect) -> Callable[[Sequence[Any]], Any]:
    shape = namedtuple("Found", [str(column.key) for column in columns], rename=True)  # type: ignore[misc] # noqa: PYI024
    processors = [
        (at, column.type.dialect_impl(dialect).result_processor(dialect, None)) for at, column in enumerate(columns)
    ]
    changed = [(at, process) for at, process in processors if process is not None]
    if not changed:
        return shape._make

    def row(raw: Sequence[Any]) -> Any:
        values = list(raw)
        for at, process in changed:
            values[at] = process(values[at])
        return shape._make(values)

    return row


def dialect_insert(dialect_name: str, table: sa.Table) -> "PostgresqlInsert | SqliteInsert":
    """Return an INSERT statement of this dialect, which has ON CONFLICT."""
    if dialect_name == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - as said at the top

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415 - as said at the top

    return sqlite.insert(table)
