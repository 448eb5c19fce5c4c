"""Escapes log rows for CSV files, so that spreadsheets compute nothing; see `core.untrusted_text.escape_formulas`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from integration.core.untrusted_text import HARMLESS

if TYPE_CHECKING:  # the import takes half a second, and most terminal commands do not use the log
    import pyarrow as pa


def harmless_rows(rows: pa.Table) -> pa.Table:
    """Return rows with all texts escaped. Numbers and times are unchanged."""
    import pyarrow as pa  # noqa: PLC0415 - as said above
    import pyarrow.compute as pc  # noqa: PLC0415 - likewise

    def written(column: pa.ChunkedArray) -> pa.ChunkedArray:
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            return column
        for pattern, guarded in HARMLESS:
            column = pc.replace_substring_regex(column, pattern, guarded)
        return column

    return pa.Table.from_arrays([written(column) for column in rows.columns], schema=rows.schema)
