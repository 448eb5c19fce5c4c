"""Inputs of a plan other than its records and mapping, by kind, each with a mark that changes when the input does."""

from collections.abc import Collection, Mapping

SETTINGS, TABLES, NAMES, RATES, LISTS, ON = "settings", "tables", "names", "rates", "lists", "on"
CORRECTIONS = "corrections"  # corrections of the records that a plan changes
FIELDS = "fields"  # fields of the books, as their dictionary describes them
SYSTEM_INPUTS = (RATES, LISTS, FIELDS)  # these inputs come from the systems: they are read again only before a write

Basis = Mapping[str, str]


def changed_marks(basis: Basis, now: Basis, unasked: Collection[str] = ()) -> list[str]:
    """Return the kinds of input whose mark in `now` differs or is missing. Kinds in `unasked` are skipped."""
    return [kind for kind, mark in basis.items() if kind not in unasked and now.get(kind) != mark]
