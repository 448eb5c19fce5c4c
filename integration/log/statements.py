"""Loads named SQL statements from a file."""

import re


def queries(text: str) -> dict[str, str]:
    """Return the statements of a file by the name in the comment above each."""
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return {name: body.strip().rstrip(";") for name, body in zip(parts[1::2], parts[2::2], strict=True)}
