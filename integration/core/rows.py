"""Selects the row of a value table that applies, for runs and for readiness checks."""

from collections.abc import Mapping

EVERY = "*"  # the row for all codes without a row of their own


def row_key(rows: Mapping[str, str], *keys: str) -> str:
    """Return the first of these keys that has a row, or else the key of the row for all codes, or else an empty text.

    If the selected row has no value, the result is empty: another row would be a guess.
    """
    first_key = next((key for key in (*keys, EVERY) if key in rows), "")
    return first_key if rows.get(first_key, "").strip() else ""


def row_value(rows: Mapping[str, str], *keys: str) -> str:
    """Return the value of the row that applies, or an empty text."""
    return rows.get(row_key(rows, *keys), "").strip()
