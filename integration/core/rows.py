"""Which row of a value table counts: what runs look up by and what readiness weighs, in one place."""

from collections.abc import Mapping

EVERY = "*"  # the row for every code that has none of its own


def row_key(rows: Mapping[str, str], *keys: str) -> str:
    """Return the key of the row that counts: the first of these that has one, else that of every code, else nothing.

    One without a counterpart counts too, and comes to nothing: what it was meant for is not guessed with another.
    """
    found = next((key for key in (*keys, EVERY) if key in rows), "")
    return found if rows.get(found, "").strip() else ""


def row_value(rows: Mapping[str, str], *keys: str) -> str:
    """Return what the row that counts says; nothing where there is none."""
    return rows.get(row_key(rows, *keys), "").strip()
