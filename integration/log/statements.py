"""Statements that are kept in a file, each under its name."""

import re


def queries(text: str) -> dict[str, str]:
    """Return the statements of a file by the names above them."""
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return {name: body.strip().rstrip(";") for name, body in zip(parts[1::2], parts[2::2], strict=True)}
