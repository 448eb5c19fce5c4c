"""What decides a plan beside records and its mapping, by its kinds, each with a mark that changes when it does."""

from collections.abc import Collection, Mapping

SETTINGS, TABLES, NAMES, RATES, LISTS, ON = "settings", "tables", "names", "rates", "lists", "on"
CORRECTIONS = "corrections"  # those of the records that a plan changes
FIELDS = "fields"  # those that the books have, as their dictionary describes them
TOLD = (RATES, LISTS, FIELDS)  # by the systems: only who is about to write asks them again

Basis = Mapping[str, str]


def changed_marks(basis: Basis, now: Basis, unasked: Collection[str] = ()) -> list[str]:
    """Return the kinds of which the mark is another one by now, or gone; of those `unasked` nobody knows it."""
    return [kind for kind, mark in basis.items() if kind not in unasked and now.get(kind) != mark]
