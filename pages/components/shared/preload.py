"""Imports the libraries of tables and charts in the background, once the first page is drawn."""

from functools import cache
from threading import Thread


@cache
def import_for_tables() -> None:
    """Begin to import what tables and charts need, once in this process. Returns at once."""
    Thread(target=_import, name="import-for-tables", daemon=True).start()


def _import() -> None:
    from pages.components.shared import charts, frames, tables  # noqa: F401, PLC0415 - for the pages that follow
