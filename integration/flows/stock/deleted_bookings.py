"""Bookings that somebody deleted or changed in the books by hand: whether they are out of the figures nobody can tell.

What is deleted goes back into the books' figure, and may have been typed again under another number. So a booking
or credit that is lost is one of which nobody knows whether the books have it. That ends when it is there again, and
when somebody answers for it by setting the exception aside: then the figure of the books counts as it is. A booking is
in it, and a credit takes nothing out.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from integration.core.booking_state import BookingStage, Standings
from integration.core.issues import Issue
from integration.core.records import Kind
from integration.flows.stock.contained import is_credit

GONE, CHANGED = "record_gone_in_target", "document_changed_in_target"
LOSING = (GONE, CHANGED)
# What a look names of a document that may have other goods by now: lines that came or went, and what is in them.
OF_GOODS = frozenset({str(Kind.LINE), "article", "quantity"})


def lost_bookings(found: Iterable[Issue]) -> set[str]:
    """Return the keys of the bookings and credits that a look found gone in the books, or with other goods in it."""
    return {
        one.key
        for one in found
        if one.cause == GONE or not OF_GOODS.isdisjoint(one.facts.get("fields", "").split(", "))
    }


def with_lost(found: Standings, lost: Collection[str], answered: Collection[str]) -> Standings:
    """Return where documents stand, where nobody knows of what is lost whether the books have it.

    A credit that somebody answered for is none that takes anything back, though what was booked after it is.
    """
    where = {key: BookingStage.PARKED for key in answered if is_credit(key)} | dict.fromkeys(
        lost, BookingStage.DOUBTFUL
    )
    return {key: replace(one, where=where.get(key, one.where)) for key, one in found.items()}
