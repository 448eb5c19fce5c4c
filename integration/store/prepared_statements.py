"""Statements that are made ready once, for those that a run carries out thousands of times.

SQLAlchemy writes them, for either database. Handing each of their values through it every time takes ten times as long
as the database does, so their text and what becomes of each value are kept, and rows are given to the driver.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

Process = Callable[[Any], Any]
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Made:
    """A statement for one kind of database: its text, its values in order, and what comes back."""

    text: str
    values: tuple[tuple[str, Process | None], ...]
    fixed: Values  # what the statement itself says
    by_place: bool
    row: Callable[[Sequence[Any]], Any]

    def given(self, values: Values) -> Any:
        """Return values as the driver takes them. Raises KeyError for one that is missing."""
        if self.fixed:
            values = {**self.fixed, **values}
        if self.by_place:
            return [values[name] if process is None else process(values[name]) for name, process in self.values]
        return {name: values[name] if process is None else process(values[name]) for name, process in self.values}


class PreparedStatement:
    """One statement. It is carried out as part of the transaction under way, and raises what SQLAlchemy raises.

    `columns` are those that an INSERT fills.
    """

    def __init__(self, statement: Any, *columns: str) -> None:
        self._statement = statement
        self._columns = columns or None
        self._made: dict[str, _Made] = {}

    def rows(self, connection: sa.Connection, values: Values) -> list[Any]:
        """Return what a question finds, each row with its columns by name."""
        made = self._for(connection)
        return _found(made, connection.dialect, connection.connection, values)

    def first(self, connection: sa.Connection, values: Values) -> Any:
        """Return the first row that a question finds, or None."""
        return next(iter(self.rows(connection, values)), None)

    def alone(self, engine: sa.Engine, values: Values) -> list[Any]:
        """Return what a question finds that is asked by itself, with no transaction round it."""
        line = engine.raw_connection()
        try:
            return _found(self._of(engine.dialect), engine.dialect, line, values)
        finally:
            line.close()

    def change(self, connection: sa.Connection, values: Values) -> int:
        """Carry a change out, and return how many rows it changed."""
        made = self._for(connection)
        cursor = _done(connection.dialect, connection.connection, "execute", made.text, made.given(values))
        count = int(cursor.rowcount)
        cursor.close()
        return count

    def each(self, connection: sa.Connection, rows: Sequence[Values]) -> None:
        """Carry it out once for each row."""
        if rows:
            made = self._for(connection)
            given = [made.given(row) for row in rows]
            _done(connection.dialect, connection.connection, "executemany", made.text, given).close()

    def _for(self, connection: sa.Connection) -> _Made:
        if not connection.in_transaction():  # the driver would begin none, or one that nobody ends
            raise RuntimeError("no transaction is under way")
        return self._of(connection.dialect)

    def _of(self, dialect: sa.Dialect) -> _Made:
        if dialect.name not in self._made:
            self._made[dialect.name] = _made(self._statement, dialect, self._columns)
        return self._made[dialect.name]


def _found(made: _Made, dialect: sa.Dialect, line: Any, values: Values) -> list[Any]:
    cursor = _done(dialect, line, "execute", made.text, made.given(values))
    found = [made.row(row) for row in cursor.fetchall()]
    cursor.close()
    return found


def _done(dialect: sa.Dialect, line: Any, how: str, text: str, given: Any) -> Any:
    """Return the cursor of what was carried out. Raises what SQLAlchemy raises, without the values."""
    errors = dialect.loaded_dbapi.Error
    cursor = line.cursor()
    try:
        getattr(cursor, how)(text, given)
    except errors as error:
        lost = dialect.is_disconnect(error, line, cursor)
        cursor.close()
        raised = DBAPIError.instance(text, None, error, errors, connection_invalidated=lost, dialect=dialect)
        raise raised from error
    return cursor


class PreparedInQuery:
    """A question about some of many rows: a statement of its own for each of a few numbers of values.

    `asked` makes it from the values that are looked for. What is asked for less is filled up with the last value.
    """

    MOST = 512

    def __init__(self, asked: Callable[[Sequence[sa.BindParameter[Any]]], Any]) -> None:
        self._asked = asked
        self._ready: dict[int, PreparedStatement] = {}

    def rows(self, connection: sa.Connection, values: Values, looked_for: Sequence[Any]) -> Iterator[Any]:
        """Yield what is found of any of the values."""
        for start in range(0, len(looked_for), self.MOST):
            some = list(looked_for[start : start + self.MOST])
            size = 1 << (len(some) - 1).bit_length()
            some += some[-1:] * (size - len(some))
            yield from self._of(size).rows(connection, {**values, **{f"v{at}": one for at, one in enumerate(some)}})

    def _of(self, size: int) -> PreparedStatement:
        if size not in self._ready:
            self._ready[size] = PreparedStatement(self._asked([sa.bindparam(f"v{at}") for at in range(size)]))
        return self._ready[size]


def _made(statement: Any, dialect: sa.Dialect, columns: Sequence[str] | None) -> _Made:
    compiled = statement.compile(dialect=dialect, column_keys=columns)
    by_place = compiled.positiontup is not None
    names = compiled.positiontup if by_place else list(compiled.binds)
    kinds = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
    fixed = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
    return _Made(
        text=str(compiled),
        values=tuple((name, kinds[name].bind_processor(dialect)) for name in names),
        fixed=fixed,
        by_place=by_place,
        row=_row_of(statement, dialect) if isinstance(statement, sa.Select) else tuple,
    )


def _row_of(statement: sa.Select[Any], dialect: sa.Dialect) -> Callable[[Sequence[Any]], Any]:
    columns = list(statement.selected_columns)
    shape = namedtuple("Found", [str(column.key) for column in columns], rename=True)  # type: ignore[misc] # noqa: PYI024
    made = [
        (at, column.type.dialect_impl(dialect).result_processor(dialect, None)) for at, column in enumerate(columns)
    ]
    changed = [(at, process) for at, process in made if process is not None]
    if not changed:
        return shape._make

    def row(raw: Sequence[Any]) -> Any:
        values = list(raw)
        for at, process in changed:
            values[at] = process(values[at])
        return shape._make(values)

    return row
