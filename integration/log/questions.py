"""Questions of analysts: what is refused and why, and how an answer is told to programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import duckdb

from integration.core.errors import IntegrationError

if TYPE_CHECKING:  # half a second to import, and most commands of a terminal ask no log
    import pandas as pd

_PLACE = re.compile(r"\nLINE (?P<line>\d+): (?P<shown>[^\n]*)\n(?P<before> *)\^")

VECTORS_AT_ONCE = 8  # DuckDB hands out results in vectors of at most 2,048 rows, and of much fewer after a condition

# Functions that a question may not call; with a colon those that stand where a table does.
REFUSED = frozenset(
    {
        # a short question could make one value of any size with these, which neither limit would stop in time
        "repeat", "lpad", "rpad", "range", "generate_series", "list_resize", "array_resize", "bar", "bitstring",
        "printf", "format",
        # and these do something
        "checkpoint:", "force_checkpoint:", "truncate_duckdb_logs:", "write_log", "nextval",
    }
)  # fmt: skip


class QuestionError(IntegrationError):
    """A question to the log that cannot be answered; see `Logbook.ask` for its codes."""

    default = "question_wrong"


def require_select(cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Refuse anything but one SELECT of functions that know a limit. Raises QuestionError."""
    statements = cursor.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QuestionError("question_refused")
    (parsed,) = cursor.execute("SELECT CAST(json_serialize_sql($sql) AS VARCHAR)", {"sql": sql}).fetchone() or ("",)
    refused = next((name for name in _called(json.loads(parsed)) if name in REFUSED), "")
    if refused:
        raise QuestionError("question_function", function=refused.removesuffix(":"))


def _called(parsed: object, parent: str = "") -> Iterator[str]:
    """Yield the functions that a parsed question calls; one that is read from like a table ends in a colon."""
    if isinstance(parsed, list):
        for one in parsed:
            yield from _called(one, parent)
    elif isinstance(parsed, dict):
        if name := parsed.get("function_name"):
            yield f"{name}:" if parent == "function" else str(name)
        for place, one in parsed.items():
            yield from _called(one, place)


def wrong(sql: str, error: duckdb.Error) -> QuestionError:
    """Return what is wrong with a question in one line, with its place where that is known."""
    told = str(error)
    reason = told.partition("\n")[0].partition("Error: ")[2] or told.partition("\n")[0]
    found = _PLACE.search(told)
    if found is None:
        return QuestionError("question_wrong", reason=reason)
    line, shown = int(found["line"]), found["shown"]
    before = len(found["before"]) - len(f"LINE {line}: ")
    given = sql.splitlines()[line - 1] if line <= len(sql.splitlines()) else ""
    if shown.startswith("..."):  # a long line is shown in part
        before += given.find(shown.strip(".")) - len("...")
    return QuestionError("question_wrong_at", reason=reason, line=str(line), column=str(max(0, before) + 1))


def table_of(answer: pd.DataFrame) -> dict[str, Any]:
    """Return an answer as programs are told it: `columns`, `rows` of plain values, and `cut` when there are more."""
    plain = answer.astype(object).where(answer.notna(), None)
    rows = [[list(one) if hasattr(one, "tolist") else one for one in line] for line in plain.to_numpy().tolist()]
    return {"columns": list(answer.columns), "rows": rows, "cut": bool(answer.attrs.get("cut"))}


def first_rows(answered: duckdb.DuckDBPyConnection, rows: int) -> pd.DataFrame:
    """Return at least so many rows of an answer, or all it has: only a part without any row is its end."""
    import pandas as pd  # noqa: PLC0415 - as said at the top

    parts = [answered.fetch_df_chunk(VECTORS_AT_ONCE)]
    found = len(parts[0])
    while found < rows and len(parts[-1]):
        parts.append(answered.fetch_df_chunk(VECTORS_AT_ONCE))
        found += len(parts[-1])
    full = [part for part in parts if len(part)]
    return pd.concat(full, ignore_index=True) if len(full) > 1 else (full or parts)[0]
