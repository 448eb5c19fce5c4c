"""Checks users' SQL queries against the allowlist, and explains errors in them."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from integration.log import sql_allowlist
from integration.log.sql_allowlist import QueryError

LONGEST = 10_000  # characters
LONGEST_REASON = 300  # DuckDB's message may contain a whole value
UNKNOWN_POSITION = 2**63  # positions from here on mean "unknown"

_PLACE = re.compile(r"\nLINE (?P<line>\d+): (?P<shown>[^\n]*)\n(?P<before> *)\^")
_NAME = re.compile(r"\w+")


def require_allowed(cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raise QueryError unless the text is one SELECT that uses only what `sql_allowlist` lists."""
    if len(sql) > LONGEST:
        raise QueryError("query_long", most=LONGEST)
    statements = cursor.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QueryError("query_refused")
    (serialized,) = cursor.execute("SELECT CAST(json_serialize_sql($sql) AS VARCHAR)", {"sql": sql}).fetchone() or ("",)
    try:
        parsed = json.loads(serialized)
        if parsed.get("error") is not False or len(parsed["statements"]) != 1:
            raise QueryError("query_refused")
        for refused in _refused_parts(parsed["statements"][0]["node"], frozenset()):
            raise _refusal_error(sql, *refused)
    except RecursionError:
        raise QueryError("query_long", most=LONGEST) from None


Refused = tuple[str, str, int]  # category, name, and position in the user query


def _refused_parts(parsed: object, known_tables: frozenset[str], place: str = "", at: int = 0) -> Iterator[Refused]:
    """Yield the refused parts of a parsed user query. `known_tables` are the tables that the user query defines."""
    if isinstance(parsed, list):
        for sub_part in parsed:
            yield from _refused_parts(sub_part, known_tables, place, at)
    elif isinstance(parsed, dict):
        location = int(parsed.get("query_location", UNKNOWN_POSITION))
        at = at if location >= UNKNOWN_POSITION else location
        for refused_kind, refused in _refused_elements(parsed, known_tables, place):
            yield refused_kind, refused, at
        for table, definition in _with_tables(parsed):
            yield from _refused_parts(definition, known_tables, at=at)
            known_tables |= {table}
        for name, sub_part in parsed.items():
            if name not in ("cte_map", "cast_type"):
                yield from _refused_parts(sub_part, known_tables | _recursive_names(parsed, name), name, at)


def _with_tables(part: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield the tables that a part defines with WITH, in order."""
    for definition in part.get("cte_map", {}).get("map", []):
        yield str(definition["key"]).lower(), definition["value"]


def _recursive_names(part: Mapping[str, Any], place: str) -> frozenset[str]:
    """Return the table name that only the recursive part of a recursive CTE can read; empty for other parts."""
    is_repeated = part.get("type") == "RECURSIVE_CTE_NODE" and place == "right"
    return frozenset({str(part["cte_name"]).lower()} if is_repeated else ())


def _refused_elements(part: Mapping[str, Any], known_tables: frozenset[str], place: str) -> Iterator[tuple[str, str]]:
    """Yield the refused elements of one part, without its sub-parts."""
    kind, form = part.get("class"), part.get("type")
    if kind is not None and kind not in sql_allowlist.EXPRESSIONS:
        yield "part", str(kind)
    elif kind is None and isinstance(form, str) and form not in sql_allowlist.PARTS:
        yield "part", form
    if form == "SHOW_REF" and part.get("show_type") not in sql_allowlist.SHOW_TYPES:
        yield "part", str(part.get("show_type"))
    if form == "BASE_TABLE" and not _is_allowed_table(part, known_tables):
        yield "table", str(part.get("table_name"))
    if kind == "CAST" and "type_expr" not in part:  # the form of DuckDB 1.5
        yield from (
            ("type", name)
            for name in _type_names(part.get("cast_type", {"id": "?"}))
            if name.lower() not in sql_allowlist.TYPES
        )
    if "type_name" in part and str(part["type_name"]).lower() not in sql_allowlist.TYPES:
        yield "type", str(part["type_name"])
    if "function_name" in part:
        name = str(part["function_name"]).lower()
        is_table = place == "function"
        if name not in (sql_allowlist.TABLE_FUNCTIONS if is_table else sql_allowlist.FUNCTIONS):
            yield "table function" if is_table else "function", name


def _type_names(plan_part: object) -> Iterator[str]:
    """Yield the names of a type and of its element types."""
    if isinstance(plan_part, list):
        for sub_part in plan_part:
            yield from _type_names(sub_part)
    elif isinstance(plan_part, dict):
        if "id" in plan_part:
            yield str(plan_part["id"])
        for sub_part in plan_part.values():
            yield from _type_names(sub_part)


def _is_allowed_table(table: Mapping[str, Any], known_tables: frozenset[str]) -> bool:
    """Return True if a table belongs to the log or is defined in the user query. Files are never allowed."""
    name, elsewhere = str(table.get("table_name")).lower(), (table.get("schema_name"), table.get("catalog_name"))
    if elsewhere in (("", ""), (None, None)) and name in known_tables:
        return _NAME.fullmatch(name) is not None
    return name in sql_allowlist.TABLES and elsewhere in ((None, None), ("", ""), ("main", None), ("main", ""))


def _refusal_error(sql: str, refused_kind: str, name: str, at: int) -> QueryError:
    """Return the error for a refused element, with its position and allowed alternatives."""
    before = sql.encode()[:at].decode(errors="ignore")
    where = {"line": before.count("\n") + 1, "column": len(before.rpartition("\n")[2]) + 1}
    match refused_kind:
        case "function" | "table function":
            suggestions = sql_allowlist.suggested_functions(name, is_table=refused_kind == "table function")
            if not suggestions:
                return QueryError("query_function_alone", function=name, **where)
            return QueryError("query_function", function=name, instead=", ".join(suggestions), **where)
        case "type":
            return QueryError("query_type", type=name, types=", ".join(sql_allowlist.COMMON_TYPES), **where)
        case "table":
            return QueryError("query_table", table=name, tables=", ".join(sorted(sql_allowlist.TABLES)), **where)
        case _:
            return QueryError("query_refused")


def query_error(sql: str, error: Exception) -> QueryError:
    """Return the error for DuckDB's message, with the position if it is known."""
    message = str(error)
    reason = (message.partition("\n")[0].partition("Error: ")[2] or message.partition("\n")[0])[:LONGEST_REASON]
    place_match = _PLACE.search(message)
    if place_match is None:
        return QueryError("query_wrong", reason=reason)
    line, shown_text = int(place_match["line"]), place_match["shown"]
    before = len(place_match["before"]) - len(f"LINE {line}: ")
    source_line = sql.splitlines()[line - 1] if line <= len(sql.splitlines()) else ""
    if shown_text.startswith("..."):  # DuckDB shows only a part of a long line
        before += source_line.find(shown_text.strip(".")) - len("...")
    return QueryError("query_wrong_at", reason=reason, line=str(line), column=str(max(0, before) + 1))
